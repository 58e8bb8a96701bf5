"""How a store is, for `chatstate doctor`."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from chatstate.stores.postgres import PostgresStore
from chatstate.stores.postgres import examining as examining_postgres
from chatstate.stores.postgres.address import parsed
from chatstate.stores.postgres.connection import Connections
from chatstate.stores.sqlite import SQLiteStore, examining


def told(path: Path) -> dict[str, str]:
    found = list(examining.findings(str(path)))
    assert all(finding.remedy for finding in found if finding.level != "ok")
    return {finding.what: f"{finding.level}: {finding.told}" for finding in found}


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Return where a store is that was used."""
    store = SQLiteStore(tmp_path / "bot.db")
    await store.open("bot")
    await store.end(clean=True)
    return tmp_path / "bot.db"


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_a_store_that_is_well(path: Path) -> None:
    """It is whole, and of this version; it is not changed."""
    before = path.read_bytes()
    assert {how.partition(":")[0] for how in told(path).values()} == {"ok"}
    assert path.read_bytes() == before


def test_one_that_is_not_there_is_made(tmp_path: Path) -> None:
    """If there is a folder for it."""
    assert told(tmp_path / "new.db")["database"].endswith("new.db is made at the first start")
    assert list(tmp_path.iterdir()) == []
    assert told(tmp_path / "no" / "new.db")["database"].startswith("failed: cannot be made: there")


def test_what_is_no_store_fails(tmp_path: Path) -> None:
    """Somebody has named another file."""
    (tmp_path / "notes.db").write_text("of value")
    assert "holds no store" in told(tmp_path / "notes.db")["database"]


def test_one_of_a_newer_version_fails(path: Path) -> None:
    """It would be refused at the start."""
    change(path, "UPDATE _sqlite_migrations SET name = 'm999_later' WHERE name = 'm001_initial'")
    assert "was written by a newer chatstate" in told(path)["schema"]


def test_one_of_an_older_version_is_told(path: Path) -> None:
    """With what it lacks: the start brings it up to date."""
    change(path, "DELETE FROM _sqlite_migrations WHERE name = 'm010_engines'")
    assert "(it lacks m010_engines): it is brought up to date when" in told(path)["schema"]


def test_one_that_is_damaged_fails(path: Path) -> None:
    """A page in the middle holds something else."""
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    assert told(path)["database"].startswith("failed: ")


def test_one_in_memory_is_a_warning() -> None:
    """Nothing of it is there at the next start."""
    (found,) = examining.findings(":memory:")
    assert (found.level, found.what) == ("warning", "database")
    assert examining.stored_states(":memory:") == ()


async def on_postgres(url: str) -> dict[str, str]:
    found = [finding async for finding in examining_postgres.findings(url)]
    assert all(finding.remedy for finding in found if finding.level != "ok")
    return {finding.what: f"{finding.level}: {finding.told}" for finding in found}


async def test_a_store_on_postgresql(schemas: Any, tmp_path: Path) -> None:
    """The server, its clock, the schema; also where there is none yet, or a newer one."""
    url = schemas.url_of(tmp_path)
    store = PostgresStore(url)
    await store.open("bot")
    await store.end(clean=True)
    found = await on_postgres(url)
    assert found.keys() == {"clock", "database", "schema"}
    assert found["clock"].startswith("ok: ")
    assert "is PostgreSQL" in found["database"] or "fsync=off" in found["database"]
    assert await examining_postgres.stored_states(url) == []
    other = url.replace("schema=", "schema=nobodys_")
    assert (await on_postgres(other))["schema"].endswith("is made at the first start")
    assert await examining_postgres.stored_states(other) == ()


async def test_a_session_that_keeps_others_from_writing_is_named(
    schemas: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how to end it."""
    monkeypatch.setattr(examining_postgres, "_PATIENCE", 0.0)
    url = schemas.url_of(tmp_path)
    store = PostgresStore(url)
    await store.open("bot")
    async with Connections(parsed(url)).single() as other:
        async with other.transaction():
            await other.execute("LOCK TABLE accounts")
            writing = asyncio.create_task(store.account("test", "1"))
            while not (found := (await on_postgres(url))["database"]).startswith("failed"):
                pass
            assert f"in session {other.get_server_pid()} (" in found
        await writing
    await store.end(clean=True)


async def test_a_postgresql_that_is_not_there_fails() -> None:
    """The URL is told without its password."""
    found = await on_postgres("postgresql://me:secret@127.0.0.1:1/none")
    assert found["database"].startswith("failed: ")
    assert "secret" not in found["database"]
