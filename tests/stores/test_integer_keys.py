"""A file from before values were keyed by integers: it is rewritten once, whole or not at all."""

import contextlib
import logging
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlite_utils import Database

from chatstate import StorageError
from chatstate.scope import Key
from chatstate.stores.sqlite import SQLiteStore, integer_keys
from chatstate.stores.sqlite.schema import migrations

VALUES = 3000
FILL = """
INSERT INTO accounts (id, bot, platform, platform_id) VALUES (1, 'bot', 'test', 'me');
CREATE TEMP TABLE n AS
    WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {values})
    SELECT n FROM s;
INSERT INTO chats (id, account, platform_id, kind, title) SELECT n, 1, 'c' || n, 'group', '' FROM n;
INSERT INTO people (id, account, platform_id, name) SELECT n, 1, 'p' || n, '' FROM n;
INSERT INTO conversations (id, chat, thread) SELECT n, n, '' FROM n;
INSERT INTO states
    SELECT 'bot', 'member', 'a', n, n, '"' || n || hex(zeroblob(200)) || '"', n, 1, n,
        NULL, NULL, NULL FROM n;
INSERT INTO states SELECT 'bot', 'user', 'a', 0, n, '"ü"', {values} + n, 2, n, n, 1, n FROM n;
INSERT INTO states VALUES ('other', 'global', 'b', 0, 0, '[]', 1, 1, 0, NULL, NULL, NULL);
DELETE FROM states WHERE scope = 'member' AND place % 7 = 0;
"""
SCRIPT = """
import os, signal, sqlite3, sys
from sqlite_utils import Database
from chatstate.stores.sqlite.schema import migrate

path, last = sys.argv[1], int(sys.argv[2])
steps = 0

def step():
    global steps
    steps += 1
    if steps == last:
        os.kill(os.getpid(), signal.SIGKILL)

connection = sqlite3.connect(path, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA cache_size = 10")  # the log has much of it before it is committed
connection.set_progress_handler(step, 200)
migrate(Database(connection), path)
connection.set_progress_handler(None, 0)
print(steps)
"""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def rows(path: Path, statement: str) -> list[Any]:
    with opened(path) as connection:
        return connection.execute(statement).fetchall()


def sessions(path: Path) -> list[Any]:
    """Return all that the view shows, with the names of its columns."""
    with opened(path) as connection:
        cursor = connection.execute("SELECT * FROM sessions ORDER BY bot, scope, chat, person")
        return [[column[0] for column in cursor.description], *cursor]


def is_old(path: Path) -> bool:
    return rows(path, "SELECT type FROM sqlite_master WHERE name = 'states'") == [("table",)]


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Return a file as the version before has left it."""
    path = tmp_path / "a.db"
    with opened(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrations.apply(Database(connection), stop_before="m002_integer_keys")
        connection.executescript(FILL.format(values=VALUES))
    assert is_old(path)
    return path


async def test_all_values_are_there_afterwards(before: Path) -> None:
    """Each under its key; whoever reads `sessions` or `states` finds what was there."""
    shown, states = sessions(before), rows(before, "SELECT * FROM states ORDER BY version, bot")
    store = SQLiteStore(before)
    await store.open("bot")
    keys = [Key("bot", "member", "a", 8, 8), Key("bot", "member", "a", 7, 7)]
    mine, nobodys = await store.load(keys)
    await store.end(clean=True)
    assert mine
    assert mine.version == 8
    assert nobodys is None
    assert not is_old(before)
    assert sessions(before) == shown
    assert rows(before, "SELECT * FROM states ORDER BY version, bot") == states
    assert rows(before, "PRAGMA integrity_check") == [("ok",)]


async def test_a_process_killed_meanwhile_leaves_the_file_as_it_was(before: Path) -> None:
    """Wherever that happens; the next one rewrites it, and nothing is missing."""
    shown = sessions(before)

    def rewrite(path: Path, last: int) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, str(path), str(last)],
            capture_output=True,
            text=True,
            check=False,
        )

    copy = before.with_name("copy.db")
    shutil.copy(before, copy)
    steps = int(rewrite(copy, 0).stdout)
    for tenth in range(1, 10):
        shutil.copy(before, copy)
        assert rewrite(copy, steps * tenth // 10).returncode == -9
        assert is_old(copy)
        assert sessions(copy) == shown
        store = SQLiteStore(copy)
        await store.open("bot")
        await store.end(clean=True)
        assert not is_old(copy)
        assert sessions(copy) == shown


async def test_a_disk_without_room_is_told_of_before_anything_is_done(
    before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how much it takes, and what to do."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2_500_000))
    with pytest.raises(StorageError) as refused:
        await SQLiteStore(before).open("bot")
    assert str(refused.value) == (
        f"{before} has to be rewritten once for this version of chatstate, which takes 6 MB of "
        "free disk, and there are 2 MB: make room, or use the version before; the file is as it was"
    )
    assert is_old(before)
    monkeypatch.undo()
    store = SQLiteStore(before)
    await store.open("bot")
    await store.end(clean=True)
    assert not is_old(before)


@pytest.mark.parametrize(("many", "lines"), [(1000, 7), (10_000, 0)])
async def test_who_waits_for_many_values_is_told_how_far_it_is(
    many: int,
    lines: int,
    before: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the start, now and then, and at the end; nothing is said of few."""
    monkeypatch.setattr(integer_keys, "_MANY", many)
    monkeypatch.setattr(integer_keys, "_TOLD_EVERY", 1000)
    store = SQLiteStore(before)
    with caplog.at_level(logging.WARNING):
        await store.open("bot")
    await store.end(clean=True)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == lines
    if told:
        assert told[0].endswith("is being rewritten once for this version: 0 of 5573 values")
        assert told[-1].endswith("is rewritten: 5573 values")
