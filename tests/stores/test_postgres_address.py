"""The URL of a store on PostgreSQL."""

import sys

import pytest

from chatstate.errors import LoadError
from chatstate.stores import open_store
from chatstate.stores.postgres.address import parsed


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_url_names_a_database(scheme: str) -> None:
    """With a schema of its own, and without a password where people see it."""
    store = open_store(f"{scheme}://me:secret@db.example:6000/bots")
    assert store.location == "postgresql://db.example:6000/bots"
    assert not store.is_sole
    address = parsed(f"{scheme}://me:secret@db.example:6000/bots")
    assert address.dsn.startswith("postgresql://me:secret@db.example:6000/bots?")
    assert address.schema == "chatstate"


def test_options_of_libpq_are_the_servers_or_asyncpgs() -> None:
    """Each is known; what asyncpg cannot be told is left out, `options` are settings."""
    address = parsed(
        "postgresql:///bots?host=/run/postgresql&sslmode=verify-full&sslrootcert=/ca.pem"
        "&connect_timeout=3&keepalives=1&options=-c%20statement_timeout%3D5s&user=me"
    )
    assert address.timeout == 3
    assert "sslmode=verify-full" in address.dsn
    assert "statement_timeout=5s" in address.dsn
    assert "keepalives" not in address.dsn
    assert "connect_timeout" not in address.dsn


def test_a_host_of_several_leads_to_the_primary() -> None:
    """Unless somebody says otherwise."""
    assert "target_session_attrs=read-write" in parsed("postgresql://a,b/bots").dsn
    told = parsed("postgresql://a,b/bots?target_session_attrs=any").dsn
    assert "target_session_attrs=any" in told


def test_own_options_are_the_stores() -> None:
    """They are not handed to the server."""
    address = parsed("postgresql://me:pw@pool:6432/bots?schema=b2&lease=5&pool=9&listen=db:5432")
    assert (address.schema, address.lease, address.pool) == ("b2", 5, 9)
    assert address.listen is not None
    assert address.listen.startswith("postgresql://me:pw@db:5432/bots?")
    assert "schema" not in address.dsn


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sslmod=require", "sslmod in the store's URL: PostgreSQL knows no such option"),
        ("schema=a-b", "schema='a-b' is no name of a schema"),
        ("lease=0", "lease=0 in the store's URL: use a number from 1 to 3600"),
        ("pool=x", "pool=x in the store's URL: use a number from 2"),
        ("options=fast", "options='fast' in the store's URL: use -c name=value"),
    ],
)
def test_a_wrong_option_is_refused(query: str, told: str) -> None:
    """With what is possible."""
    with pytest.raises(LoadError, match=told):
        open_store(f"postgresql://host/bots?{query}")


def test_a_missing_driver_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the store is wanted."""
    for name in [name for name in sys.modules if name.startswith("chatstate.stores.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(LoadError, match=r"needs asyncpg: .*pip.*install.*\[postgres\]"):
        open_store("postgresql://host/bots")
