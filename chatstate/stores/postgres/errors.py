"""What an error on the way to PostgreSQL means for whoever waits for the result.

1. What says no more than that the server cannot do it now is waited for; all else is told.
2. An error without an SQLSTATE tells nothing of what has happened: the connection is gone.
"""

from __future__ import annotations

import socket
import ssl

import asyncpg

from chatstate.errors import StorageError

_PASSING = {
    "40001": "has refused what ran at the same time",
    "40P01": "has ended a deadlock",
    "55000": "is recovering, as a replica does; name the primary, or wait for its promotion",
    "55P03": "has waited too long for a lock",
    "57014": "has ended a statement that took too long",
    "25P03": "has ended a transaction that took too long",
    "25006": "is read-only: a replica, or set so; name the primary, or wait for its promotion",
    "53100": "cannot grow: the disk is full; make room",
    "53200": "is out of memory",
    "53300": "has no connection left; raise max_connections, or lower pool= in the store's URL",
    "57P01": "is shutting down",
    "57P02": "has crashed and begins anew",
    "57P03": "is starting up",
}
_PASSING_CLASSES = ("08",)  # of connections
_REMEDIES = {
    "28P01": "refuses the password; correct it in the URL, or in PGPASSWORD or PGPASSFILE",
    "28000": "refuses this user; correct the URL, or pg_hba.conf on the server",
    "3D000": "has no such database; create it: createdb NAME",
    "42501": "refuses what a store needs; grant the user CREATE on the database, or make the "
    "schema and give it to them",
    "22021": "cannot keep a character of this text",
}
_UNREACHABLE = (
    OSError,  # also what takes too long
    asyncpg.InternalClientError,  # of a connection that is given up then
    asyncpg.InvalidCachedStatementError,
)
_GONE = ("closed", "released")
TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What asyncpg raises; all else is a fault of ours."""


def is_passing(error: BaseException) -> bool:
    """Tell whether the same may succeed later."""
    if isinstance(error, ssl.SSLCertVerificationError) or _is_plain(error):
        return False
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        return code in _PASSING or code[:2] in _PASSING_CLASSES or isinstance(error, _UNREACHABLE)
    if isinstance(error, asyncpg.InterfaceError):
        return any(word in str(error) for word in _GONE)
    return isinstance(error, _UNREACHABLE)


def storage_error(error: BaseException, location: str) -> StorageError:
    """Return the error that says what failed, where, and what to do."""
    code = getattr(error, "sqlstate", None) or ""
    if isinstance(error, asyncpg.PostgresError):
        remedy = _REMEDIES.get(code) or _PASSING.get(code) or "failed"
        return StorageError(f"{location} {remedy} ({' '.join(str(error).split())})")
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return StorageError(f"{location} {_PASSING['25006']}")
    if isinstance(error, socket.gaierror):
        return StorageError(f"{location}: there is no such host ({error}); correct the URL")
    if isinstance(error, ssl.SSLCertVerificationError):
        return StorageError(
            f"{location} has a certificate that is not trusted ({error.verify_message}); name the "
            "one that signs it: sslrootcert=/path/ca.crt"
        )
    if _is_plain(error):
        return StorageError(
            f"{location} offers no TLS, which the URL's sslmode asks for; switch it on there"
        )
    why = str(error) or type(error).__name__
    return StorageError(f"{location} cannot be reached; see that the server runs ({why})")


def _is_plain(error: BaseException) -> bool:
    """Tell whether a server refuses to encrypt a connection that has to be."""
    return isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error)
