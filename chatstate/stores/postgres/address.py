"""The URL of a store: what of it is the server's, what libpq's, and what the store's own.

1. `schema`, `lease`, `pool`, `listen` and `files` are the store's own options, and stand in the
   query beside libpq's.
2. An option of libpq means what it means there. Those that ask for what asyncpg does anyhow, or
   cannot influence, are left out.
3. What is unknown is refused: a misspelt `sslmode` would be no encryption.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from chatstate.errors import LoadError

_OWN = ("schema", "lease", "pool", "listen", "files")
# fmt: off
_KNOWN_TO_ASYNCPG = (
    "host", "port", "user", "password", "passfile", "service", "servicefile", "dbname", "database",
    "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation",
    "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "krbsrvname",
    "gsslib", "application_name",
)
_LEFT_OUT = (
    "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    "gssencmode", "channel_binding", "sslcompression", "sslsni", "fallback_application_name",
    "client_encoding", "require_auth", "load_balance_hosts",
)
# fmt: on
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SHORTEST_LEASE, _LONGEST_LEASE, _MOST_CONNECTIONS = 1.0, 3600.0, 1000


class Address(msgspec.Struct, frozen=True):
    """Where a store is.

    - `dsn` is what asyncpg is given, `listen` the same for notices, None for the same server.
    - `shown` tells people where it is, without a password.
    - `timeout`: how many seconds connecting may take; `lease` as in `Run`; `pool`: how many
      connections there may be. `files`: a folder of this machine, None for one of its own.
    """

    dsn: str
    shown: str
    schema: str = "chatstate"
    lease: float = 15.0
    pool: int = 5
    listen: str | None = None
    files: str | None = None
    timeout: float = 10.0


def parsed(url: str) -> Address:
    """Return what a URL says. Raises `LoadError` if that cannot be meant."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    own = {name: options.pop(name) for name in _OWN if name in options}
    timeout = options.pop("connect_timeout", None)
    settings = _settings(options.pop("options", ""))
    _refuse_unknown(options)
    given = {name: value for name, value in options.items() if name not in _LEFT_OUT}
    given.setdefault("target_session_attrs", "read-write")
    given.setdefault("application_name", "chatstate")
    listen = own.get("listen")
    netloc = parts.netloc.rpartition("@")
    place = parts._replace(scheme="postgresql", query=urlencode({**given, **settings}))
    return Address(
        dsn=urlunsplit(place),
        shown=_shown(parts.hostname, parts.path, netloc[2], options),
        schema=_schema(own.get("schema", "chatstate")),
        lease=_number("lease", own.get("lease", "15"), _SHORTEST_LEASE, _LONGEST_LEASE),
        pool=int(_number("pool", own.get("pool", "5"), 2, _MOST_CONNECTIONS)),
        listen=urlunsplit(place._replace(netloc=netloc[0] + netloc[1] + listen))
        if listen
        else None,
        files=own.get("files"),
        timeout=_number("connect_timeout", timeout or "10", 1, _LONGEST_LEASE),
    )


def _shown(host: str | None, path: str, netloc: str, options: dict[str, str]) -> str:
    where = netloc if host else options.get("host", "")
    return f"postgresql://{where}{path}"


def _schema(name: str) -> str:
    if not _SCHEMA.fullmatch(name):
        raise LoadError(f"schema={name!r} is no name of a schema: use a-z, 0-9 and _")
    return name


def _number(option: str, text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise LoadError(
            f"{option}={text} in the store's URL: use a number from {least:g} to {most:g}"
        )
    return number


def _settings(options: str) -> dict[str, str]:
    """Return what libpq's `options` (`-c name=value`) set on the server."""
    found = dict(re.findall(r"(?:-c\s*|--)([\w.]+)=(\S+)", options))
    if options.strip() and not found:
        raise LoadError(f"options={options!r} in the store's URL: use -c name=value")
    return found


def _refuse_unknown(options: dict[str, str]) -> None:
    unknown = sorted(options.keys() - {*_KNOWN_TO_ASYNCPG, *_LEFT_OUT})
    if unknown:
        raise LoadError(
            f"{', '.join(unknown)} in the store's URL: PostgreSQL knows no such option, nor does "
            f"chatstate, whose own are {', '.join(_OWN)}"
        )
