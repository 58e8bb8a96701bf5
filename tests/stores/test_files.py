"""The files of a store: one name, one owner, never empty; and what if they are taken away."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import query, texts

from chatstate import Interface, PerMember, StorageError
from chatstate.engine import Engine
from chatstate.stores.sqlite import SQLiteStore, connection, files
from chatstate.stores.sqlite import store as store_module
from chatstate.testing import FakePlatform, TestClient

COMMAND = [sys.executable, "-m", "chatstate", "run", "history-echo", "--store"]


async def use(path: Path) -> None:
    """Open a store and close it."""
    store = SQLiteStore(path)
    await store.open("bot")
    await store.end(clean=True)


async def refusal(path: Path) -> str:
    """Return what is said of a store that cannot be opened."""
    with pytest.raises(StorageError) as refused:
        await SQLiteStore(path).open("bot")
    return str(refused.value)


def remembering() -> Interface:
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str, seen: PerMember[list[str]]) -> str:
        seen.append(message)
        return " ".join(seen)

    return bot


async def said_later(path: Path, text: str) -> list[str]:
    """Let Alice say something to another bot on a store; return what it answers."""
    async with TestClient(remembering(), store=f"sqlite:///{path}") as client:
        event = client.user("alice").event(text, event_id=text)
        return [reply.text for reply in await client.deliver(event)]


# What can be a store


async def test_a_file_with_two_names_is_refused(tmp_path: Path) -> None:
    """Under each name it would have a log and a lock of its own; who has it open goes on."""
    path, other = tmp_path / "a.db", tmp_path / "b.db"
    async with TestClient(remembering(), store=f"sqlite:///{path}") as client:
        other.hardlink_to(path)
        assert await refusal(other) == (
            f"{other} has 2 names (hard links), and SQLite would keep a log for each: delete the "
            "others, or copy the file"
        )
        await client.advance(1)
        assert await texts(client.user("alice"), "hi") == ["hi"]
    assert "has 2 names" in await refusal(path)
    other.unlink()
    await use(path)


@pytest.mark.parametrize("left", ["-wal", "-lock", "-files/owed"])
async def test_an_empty_file_where_a_store_was_is_refused(left: str, tmp_path: Path) -> None:
    """Somebody has emptied it; it stays as it is, and so does what was left of the store."""
    path, beside = tmp_path / "a.db", tmp_path / f"a.db{left}"
    path.touch()
    beside.parent.mkdir(exist_ok=True)
    beside.write_bytes(b"what was not written back")
    assert await refusal(path) == (
        f"{path} is empty, and a store was there, of which something is left beside it: restore a "
        "backup, or delete all of it to begin anew"
    )
    assert (path.read_bytes(), beside.read_bytes()) == (b"", b"what was not written back")


async def test_a_store_that_was_emptied_is_refused(tmp_path: Path) -> None:
    """Also if it was closed as it should."""
    path = tmp_path / "a.db"
    await use(path)
    path.write_bytes(b"")
    assert f"{path} is empty, and a store was there" in await refusal(path)


async def test_an_empty_file_that_nobody_has_used_is_a_new_store(tmp_path: Path) -> None:
    """Such as one that was made for it, with a name of its own."""
    path = tmp_path / "a.db"
    path.touch()
    await use(path)
    await use(path)


async def test_a_log_without_its_database_is_no_new_store(tmp_path: Path) -> None:
    """SQLite would delete it, with all that was not written back."""
    path, log = tmp_path / "a.db", tmp_path / "a.db-wal"
    log.write_bytes(b"what was not written back")
    assert f"{path} is gone, and a store was there" in await refusal(path)
    assert not path.exists()
    assert log.read_bytes()
    log.write_bytes(b"")
    await use(path)


async def test_a_new_store_gets_its_name_when_it_is_more_than_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies before has left no file that the next one must refuse."""
    path = tmp_path / "a.db"

    def dies(made: sqlite3.Connection, name: str) -> None:
        use_wal(made, name)
        assert not path.exists()
        raise StorageError("it dies")

    use_wal = files.use_wal
    monkeypatch.setattr(files, "use_wal", dies)
    assert await refusal(path) == "it dies"
    assert [file.name for file in os.scandir(tmp_path)] == ["a.db-lock"]


# For whom it is


async def test_a_restored_store_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Whatever mode it has, and what lies beside it."""
    path, folder = tmp_path / "a.db", tmp_path / "a.db-files"
    await use(path)
    path.chmod(0o644)
    folder.mkdir(mode=0o755)
    (tmp_path / "a.db-shm").touch(mode=0o666)
    store = SQLiteStore(path)
    await store.open("bot")
    await store.account("test", "1")
    modes = {file.name: file.stat().st_mode & 0o777 for file in os.scandir(tmp_path)}
    await store.end(clean=True)
    assert modes == {
        **dict.fromkeys(("a.db", "a.db-wal", "a.db-shm", "a.db-lock"), 0o600),
        "a.db-files": 0o700,
    }


async def test_what_is_no_database_keeps_its_mode(tmp_path: Path) -> None:
    """Somebody has named a wrong file."""
    path = tmp_path / "notes.txt"
    path.write_text("no database\n" * 100)
    path.chmod(0o644)
    assert "is no SQLite database" in await refusal(path)
    assert path.stat().st_mode & 0o777 == 0o644


async def test_a_mode_that_cannot_be_changed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The file may be somebody else's; the bot runs."""

    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError

    path = tmp_path / "a.db"
    await use(path)
    path.chmod(0o640)
    monkeypatch.setattr(Path, "chmod", refuse)
    await use(path)
    told = f"{path} is not for its owner alone (mode 640), and cannot be made so"
    assert told in caplog.messages


# What is taken away


def deleted(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.replace(path)


@pytest.mark.parametrize("fate", [deleted, replaced])
@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-lock"])
async def test_a_bot_stops_when_a_file_of_its_store_is_taken_away(
    ending: str, fate: Callable[[Path], None], tmp_path: Path
) -> None:
    """Within seconds, with a line that names it; nothing is acknowledged from then on."""
    path = tmp_path / "a.db"
    client = TestClient(remembering(), store=f"sqlite:///{path}")
    with pytest.raises(StorageError) as stopped:
        async with client:
            alice = client.user("alice")
            assert await texts(alice, "before") == ["before"]
            fate(path.with_name(f"a.db{ending}"))
            await client.advance(1)
            await alice.say("after")
    assert str(stopped.value) == (
        f"{path}{ending} was {fate.__name__} while the bot ran on it, so the bot stops, as nothing "
        "that it stores now might be kept: see that the right file is there, and start it again"
    )
    assert [reply.text for reply in client.platform.delivered] == ["before"]


@pytest.mark.parametrize("fate", [deleted, replaced])
@pytest.mark.parametrize("ending", ["-wal", "-shm", "-lock"])
async def test_a_store_that_has_lost_its_log_loses_nothing_else(
    ending: str, fate: Callable[[Path], None], tmp_path: Path
) -> None:
    """What was in the log is written back when the bot stops."""
    path = tmp_path / "a.db"
    with pytest.raises(StorageError):
        async with TestClient(remembering(), store=f"sqlite:///{path}") as client:
            await client.user("alice").say("before")
            fate(path.with_name(f"a.db{ending}"))
            await client.advance(1)
            await client.restart()
    assert await said_later(path, "after") == ["before after"]


async def test_a_backup_that_is_put_in_place_is_what_the_bot_goes_on_with(tmp_path: Path) -> None:
    """The log of the database that was there does not get into it."""
    path, backup = tmp_path / "a.db", tmp_path / "backup.db"
    with pytest.raises(StorageError, match=r"a\.db was replaced"):
        async with TestClient(remembering(), store=f"sqlite:///{path}") as client:
            alice = client.user("alice")
            await alice.say("first")
            query(client, f"VACUUM INTO '{backup}'")
            for number in range(20):
                await alice.say(f"{number}" * 1000)
            backup.replace(path)
            await client.advance(1)
            await client.restart()
    assert await said_later(path, "second") == ["first second"]
    with contextlib.closing(sqlite3.connect(path)) as reader:
        assert reader.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert (tmp_path / "a.db-wal-of-the-replaced").stat().st_size


async def test_a_deleted_store_is_not_begun_anew_by_who_starts_the_bot_again(
    tmp_path: Path,
) -> None:
    """As long as its log is there: somebody may have moved the database by mistake."""
    path, moved = tmp_path / "a.db", tmp_path / "moved.db"
    with pytest.raises(StorageError, match=r"a\.db was deleted"):
        async with TestClient(remembering(), store=f"sqlite:///{path}") as client:
            await client.user("alice").say("first")
            path.rename(moved)
            await client.advance(1)
            await client.restart()
    assert f"{path} is gone, and a store was there" in await refusal(path)
    moved.rename(path)
    assert await said_later(path, "second") == ["first second"]


async def test_a_disk_that_does_not_tell_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is surely gone is gone."""

    def refuse(_name: Path) -> tuple[int, int]:
        raise OSError(5, "Input/output error")

    async with TestClient(remembering(), store=f"sqlite:///{tmp_path / 'a.db'}") as client:
        with monkeypatch.context() as patch:
            patch.setattr(files, "_identity", refuse)
            await client.advance(1)
        assert await texts(client.user("alice"), "hi") == ["hi"]


async def test_the_command_line_says_in_one_line_that_a_store_was_deleted(tmp_path: Path) -> None:
    """And ends with a status that is not 0."""
    path = tmp_path / "a.db"
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        f"sqlite:///{path}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"hi\n")
    await process.stdin.drain()
    assert await process.stdout.readline()
    path.unlink()
    _, told = await process.communicate()
    assert process.returncode == 1
    assert told.decode().startswith(f"chatstate: {path} was deleted while the bot ran on it")
    assert told.count(b"\n") == 1


# What passes while it is opened


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let another program hold the write lock."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def until_told(caplog: pytest.LogCaptureFixture, said: str) -> None:
    while said not in caplog.text:
        await asyncio.sleep(0.01)


async def test_nobody_else_begins_while_a_lock_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The store is held already."""
    path = tmp_path / "a.db"
    await use(path)
    store = SQLiteStore(path)
    with locked(path):
        opening = asyncio.create_task(store.open("bot"))
        await until_told(caplog, f"{path} is locked by another program")
        assert "is in use by" in await refusal(path)
    await opening
    await store.end(clean=True)


async def test_a_full_disk_at_the_start_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As it is later on."""
    is_full = True

    def begin(*arguments: object) -> object:
        if is_full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return begin_run(*arguments)  # type: ignore[arg-type]  # handed through

    begin_run = connection.begin_run
    monkeypatch.setattr(store_module, "begin_run", begin)
    store = SQLiteStore(tmp_path / "a.db")
    opening = asyncio.create_task(store.open("bot"))
    await until_told(caplog, "cannot grow: the disk is full; make room")
    is_full = False
    assert (await opening).id
    await store.end(clean=True)


async def test_a_bot_that_waits_for_its_store_can_be_stopped(tmp_path: Path) -> None:
    """And leaves no lock behind."""
    path = tmp_path / "a.db"
    await use(path)
    engine = Engine(remembering(), [FakePlatform()], SQLiteStore(path))
    with locked(path):
        running = asyncio.create_task(engine.run())
        while not engine._opening:
            await asyncio.sleep(0)
        engine.request_stop()
        await running
    await use(path)


async def test_a_process_that_waits_for_its_store_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """At once, and as it should."""
    path = tmp_path / "a.db"
    await use(path)
    with locked(path):
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            f"sqlite:///{path}",
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr
        assert b"is locked by another program" in await process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0
