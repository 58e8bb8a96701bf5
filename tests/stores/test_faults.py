"""A store that cannot be opened, read or written: what is said of it, and that nothing is lost."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from stores.faults import full, locked, read_only

from chatstate import Interface, LoadError, PerMember, StorageError, StoreLockedError
from chatstate.messages import Chat, Event, Message, User
from chatstate.stores import open_store
from chatstate.stores.sqlite import MEMORY, SQLiteStore
from chatstate.testing import TestClient

NOBODY = 65534
Fault = Callable[[SQLiteStore], AbstractContextManager[None]]


def event(identity: str) -> Event:
    return Event(identity, Message("x" * 5000, User("ann"), Chat("room")))


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


# What cannot be opened


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The error names it and says so; the file is as it was."""
    path = tmp_path / "notes.txt"
    path.write_text("no database\n" * 100)
    assert await refusal(path) == (
        f"{path} is no SQLite database; name another file (file is not a database)"
    )
    assert path.read_text() == "no database\n" * 100


async def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """The error names it."""
    path = tmp_path / "a.db"
    path.mkdir()
    assert await refusal(path) == f"{path} cannot be opened: Is a directory"


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """It is not made: the path may be misspelt."""
    path = tmp_path / "missing" / "a.db"
    assert await refusal(path) == f"{path} cannot be opened: there is no folder {path.parent}"
    assert not path.parent.exists()


async def test_a_store_of_a_newer_chatstate_is_refused_untouched(tmp_path: Path) -> None:
    """A migration that this version does not know may have changed anything."""
    path = tmp_path / "a.db"
    await use(path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('chatstate', 'm999_later', '2030-01-01')"
        )
    assert await refusal(path) == (
        f"{path} was written by a newer chatstate (it has m999_later): "
        "update chatstate, or use another store"
    )
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)


async def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """With what to do about it."""
    path = tmp_path / "a.db"
    await use(path)
    damage(path)
    assert (await refusal(path)).startswith(
        f"{path} is damaged; stop the bot, keep a copy, and restore a backup or try "
    )


def damage(path: Path) -> None:
    """Overwrite all pages but the first."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


@pytest.fixture
def somebody() -> Generator[Path]:
    """Give a folder to an ordinary person, and be one: for root, permissions do not bind."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            if is_root:
                os.seteuid(0)
            Path(folder).chmod(0o700)


async def test_a_read_only_file_is_told(somebody: Path) -> None:
    """It cannot be opened for writing."""
    path = somebody / "a.db"
    await use(path)
    path.chmod(0o400)
    assert await refusal(path) == f"{path} cannot be opened: Permission denied"


async def test_a_read_only_folder_is_told(somebody: Path) -> None:
    """SQLite and the lock need files beside the database."""
    path = somebody / "a.db"
    os.chmod(somebody, 0o500)  # noqa: PTH101 - Path.chmod is no better here
    assert await refusal(path) == f"{path} cannot be opened: Permission denied"


@pytest.mark.parametrize("spoil", [damage, lambda path: path.write_text("no database\n" * 100)])
async def test_what_could_not_be_opened_is_let_go_of(
    spoil: Callable[[Path], object], tmp_path: Path
) -> None:
    """Once it is mended, the same process can open it."""
    path = tmp_path / "a.db"
    await use(path)
    whole = path.read_bytes()
    spoil(path)
    await refusal(path)
    path.write_bytes(whole)
    await use(path)


async def test_only_its_owner_can_read_a_store(tmp_path: Path) -> None:
    """Mode 0600, for the file and for what lies beside it."""
    path = tmp_path / "a.db"
    store = SQLiteStore(path)
    before = os.umask(0)
    try:
        await store.open("bot")
        await store.account("test", "1")
        modes = {file.name: file.stat().st_mode & 0o777 for file in os.scandir(tmp_path)}
    finally:
        os.umask(before)
        await store.end(clean=True)
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600, "a.db-lock": 0o600}


async def test_a_second_process_is_told_which_one_has_the_store(tmp_path: Path) -> None:
    """By the bot's name and the process's number; the first one is not disturbed."""
    path = tmp_path / "a.db"
    store = SQLiteStore(path)
    await store.open("bot")
    with pytest.raises(StoreLockedError) as refused:
        await SQLiteStore(path).open("bot")
    ran = run(path)
    await store.account("test", "1")
    await store.end(clean=True)
    told = f"{path} is in use by bot 'bot', process {os.getpid()} on "
    assert str(refused.value).startswith(told)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"chatstate: {told}")
    assert ran.stderr.count("\n") == 1
    assert run(path).returncode == 0


def run(path: Path) -> "subprocess.CompletedProcess[str]":
    """Run a shipped bot on a store, with nothing to read."""
    return subprocess.run(
        [sys.executable, "-m", "chatstate", "run", "history-echo", "--store", f"sqlite:///{path}"],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )


def newer(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE _sqlite_migrations SET name = 'm999_later' WHERE id = 1")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_text("no database\n" * 100), "is no SQLite database"),
        (damage, "is damaged; stop the bot"),
        (newer, "was written by a newer chatstate"),
        (lambda path: path.rename(path.with_suffix(".x")) and path.mkdir(), "Is a directory"),
    ],
)
async def test_the_command_line_says_in_one_line_what_is_wrong_with_a_store(
    spoil: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    """No traceback, and a status that is not 0."""
    path = tmp_path / "a.db"
    await use(path)
    spoil(path)
    ran = run(path)
    assert ran.returncode in (1, 2)
    assert ran.stdout == ""
    assert ran.stderr.startswith(f"chatstate: {path} ")
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///a.db", "a.db"),
        ("sqlite:///folder/a.db", "folder/a.db"),
        ("sqlite:////var/a.db", "/var/a.db"),
        ("sqlite:///a b%20ü.db", "a b%20ü.db"),
        (MEMORY, MEMORY),
        ("sqlite:///:memory:", MEMORY),
    ],
)
def test_a_url_names_a_file(
    url: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative ones are below the current folder."""
    monkeypatch.chdir(tmp_path)
    store = open_store(url)
    assert isinstance(store, SQLiteStore)
    assert store.path == (MEMORY if path == MEMORY else str(tmp_path / path))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "'' is no store URL"),
        ("a.db", "'a.db' is no store URL"),
        ("/var/a.db", "'/var/a.db' is no store URL"),
        ("sqlite:a.db", "'sqlite:a.db' is no store URL"),
        ("sqlite://", "'sqlite://' names no file"),
        ("sqlite:///", "'sqlite:///' names no file"),
        ("sqlite://a.db", "'sqlite://a.db' names no file"),
        ("redis://host/0", "no store is known for 'redis'"),
        ("mysql://host/db", "no store is known for 'mysql'"),
    ],
)
def test_a_url_that_names_no_store_is_refused(url: str, said: str) -> None:
    """The error says why, and which forms there are."""
    with pytest.raises(LoadError) as refused:
        open_store(url)
    forms = (
        "sqlite:///relative.db, sqlite:////absolute/path.db, postgresql://USER@HOST/NAME "
        "or :memory:"
    )
    assert str(refused.value) == f"{said}; use {forms}"


# What fails while it is in use


FAULTS = [
    pytest.param(locked, "is locked by another program", id="locked"),
    pytest.param(full, "cannot grow: the disk is full; make room", id="full"),
    pytest.param(read_only, "is read-only; make it writable", id="read-only"),
]


class Told(logging.Handler):
    """Waits until the store's log tells something."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def emit(self, record: logging.LogRecord) -> None:
        if not self._first.done():
            self._first.set_result(record.getMessage())

    @classmethod
    @contextlib.contextmanager
    def listening(cls) -> Iterator["asyncio.Future[str]"]:
        log, told = logging.getLogger("chatstate.store"), cls()
        log.addHandler(told)
        try:
            yield told._first
        finally:
            log.removeHandler(told)


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_lock_that_is_held_at_start_is_waited_for(is_new: bool, tmp_path: Path) -> None:
    """As one that is held later on; told, and no run is noted that began while it was held."""
    store = SQLiteStore(tmp_path / "a.db")
    if not is_new:
        await store.open("bot")
        await store.end(clean=True)
    with Told.listening() as told:
        with locked(store):
            opening = asyncio.ensure_future(store.open("bot"))
            assert await told == f"{store.path} is locked by another program ({LOCKED}); {AGAIN}"
            assert not opening.done()
        await opening
    await store.account("test", "1")
    await store.end(clean=True)
    with contextlib.closing(sqlite3.connect(store.path)) as reader:
        assert reader.execute("SELECT count(*) FROM runs WHERE ended_at IS NULL").fetchone() == (0,)


LOCKED, AGAIN = "database is locked", "trying again"


@pytest.mark.parametrize(("fault", "said"), FAULTS)
async def test_a_failing_store_acknowledges_nothing_and_heals_by_itself(
    fault: Fault, said: str, tmp_path: Path
) -> None:
    """It says what and where; when the fault is over, what waited is there, once, in order."""
    path = tmp_path / "a.db"
    store = SQLiteStore(path)
    await store.open("bot")
    account = await store.account("test", "1")
    with Told.listening() as told:
        with fault(store):
            calls = [
                asyncio.ensure_future(store.ingest(account.id, [event(str(n))], {"": f"c{n}"}))
                for n in range(5)
            ]
            text = await told
            assert not any(call.done() for call in calls)
            with contextlib.closing(sqlite3.connect(path)) as reader:
                assert reader.execute("SELECT count(*) FROM inbox").fetchone() == (0,)
                assert reader.execute("SELECT cursor FROM cursors").fetchone() is None
        results = [ingested for call in calls for ingested in await call]
    assert text.startswith(f"{path} {said}")
    assert text.endswith("; trying again")
    assert [ingested.status for ingested in results] == ["stored"] * 5
    arrivals = [ingested.arrival for ingested in results if ingested.arrival]
    claimed = await store.events(arrivals[0].place.conversation, 0, 10)
    assert list(claimed) == arrivals
    assert (await store.account("test", "1")).cursors == {"": "c4"}
    await store.end(clean=True)


@pytest.mark.parametrize(("fault", "said"), FAULTS)
async def test_a_bot_goes_on_when_its_store_has_healed(
    fault: Fault, said: str, tmp_path: Path
) -> None:
    """What was said before, during and after the fault is in the state once, and answered once."""
    bot, gate, entered = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message
    async def work(message: str, seen: PerMember[list[str]]) -> str:
        if message == "before":
            entered.set()
            await gate.wait()
        seen.append(message + " " * 30_000)
        return " ".join(word.strip() for word in seen)

    async with TestClient(bot, store=f"sqlite:///{tmp_path / 'a.db'}") as client:
        people = [client.user(name) for name in ("ann", "ben", "cat")]
        await people[0].say("first")
        before = asyncio.ensure_future(people[0].say("before"))
        await entered.wait()
        await client._store.flush()  # it may have been entered before its event was durable
        with Told.listening() as told, fault(cast("SQLiteStore", client._store)):
            gate.set()  # a turn commits while the store fails
            during = [asyncio.ensure_future(person.say("during")) for person in people]
            assert said in await told
            assert not before.done()
            assert not any(saying.done() for saying in during)
            assert len(client.platform.delivered) == 1
        await asyncio.gather(before, *during)
        texts = [[reply.text for reply in await person.say("after")] for person in people]
        assert texts == [["first before during after"], ["during after"], ["during after"]]
        await client.restart()
        assert [reply.text for reply in await people[0].say("x")] == ["first before during after x"]
        assert len(client.platform.delivered) == 9


async def test_a_disk_that_refuses_writes_loses_nothing(tmp_path: Path) -> None:
    """A real limit of the file's size, in a process of its own: told, waited for, healed."""
    script = tmp_path / "script.py"
    script.write_text(DISK)
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(script), str(tmp_path / "a.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    told, *results = ran.stdout.splitlines()
    assert told.startswith(f"{tmp_path / 'a.db'} cannot ")
    assert results == ["waits", "stored " * 50, "50 in the inbox"]


DISK = """
import asyncio, logging, resource, sys
from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.sqlite import SQLiteStore

class Told(logging.Handler):
    def emit(self, record):
        print(record.getMessage())
        told.set()

async def main():
    global told
    told = asyncio.Event()
    logging.getLogger("chatstate.store").addHandler(Told())
    logging.getLogger("chatstate.store").propagate = False
    store = SQLiteStore(sys.argv[1])
    await store.open("bot")
    account = await store.account("test", "1")
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, most))
    events = [Event(str(n), Message("x" * 20_000, User("a"), Chat("c"))) for n in range(50)]
    call = asyncio.ensure_future(store.ingest(account.id, events))
    await told.wait()
    print("done" if call.done() else "waits")
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    results = await call
    print(*(ingested.status for ingested in results), "")
    waiting = await store.events(results[0].arrival.place.conversation, 0, 100)
    print(len(waiting), "in the inbox")
    await store.end(clean=True)

asyncio.run(main())
"""


async def test_the_writer_never_blocks_the_event_loop(tmp_path: Path) -> None:
    """A lock held by another program is waited for outside SQLite."""
    store = SQLiteStore(tmp_path / "a.db")
    await store.open("bot")
    assert store._writer.execute("PRAGMA busy_timeout").fetchone() == (0,)
    await store.end(clean=True)


@pytest.mark.parametrize(("fault", "said"), FAULTS)
async def test_a_store_that_fails_does_not_keep_a_bot_from_stopping(
    fault: Fault, said: str, tmp_path: Path
) -> None:
    """Closing gives up and says why; what was not acknowledged is not there."""
    path = tmp_path / "a.db"
    store = SQLiteStore(path)
    await store.open("bot")
    account = await store.account("test", "1")
    with fault(store):
        call = asyncio.ensure_future(store.ingest(account.id, [event("1")]))
        await asyncio.sleep(0)
        with pytest.raises(StorageError, match=said):
            await store.end(clean=True)
        with pytest.raises(StorageError, match=said):
            await call
    again = SQLiteStore(path)
    await again.open("bot")
    with contextlib.closing(sqlite3.connect(path)) as reader:
        ended = reader.execute("SELECT ended_at IS NOT NULL FROM runs ORDER BY id").fetchall()
    assert ended == [(0,), (0,)]
    (ingested,) = await again.ingest(account.id, [event("1")])
    assert ingested.status == "stored"
    await again.end(clean=True)


async def test_a_store_that_is_damaged_while_in_use_says_so_to_everybody(tmp_path: Path) -> None:
    """What waits and what comes later fails with the same error; nothing is acknowledged."""
    path = tmp_path / "a.db"
    store = SQLiteStore(path)
    await store.open("bot")
    account = await store.account("test", "1")
    for n in range(50):
        await store.ingest(account.id, [event(str(n))])
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store._writer.execute("PRAGMA cache_size = 0")
    damage(path)
    calls = [store.ingest(account.id, [event(f"later {n}")]) for n in range(3)]
    results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    for error in results:
        assert isinstance(error, StorageError)
        assert str(error).startswith(f"{path} is damaged; ")
    with pytest.raises(StorageError, match="is damaged"):
        await store.person(account.id, User("ben"))
    with pytest.raises(StorageError, match="is damaged"):
        await store.end(clean=True)


async def test_a_store_that_cannot_be_read_is_not_written_any_more(tmp_path: Path) -> None:
    """So a turn that met it is not committed, whatever its author's code made of the error."""
    path = tmp_path / "a.db"
    store = SQLiteStore(path)
    await store.open("bot")
    account = await store.account("test", "1")
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path)
    with pytest.raises(StorageError, match="is damaged"):
        await store.notes(1)
    with pytest.raises(StorageError, match="is damaged"):
        await store.ingest(account.id, [event("1")])
    with pytest.raises(StorageError, match="is damaged"):
        await store.end(clean=True)


async def test_a_run_ends_once_another_program_lets_it(tmp_path: Path) -> None:
    """Who stops a bot while its file is written to is told of no error."""
    store = SQLiteStore(tmp_path / "a.db")
    await store.open("bot")
    with locked(store):
        ending = asyncio.ensure_future(store.end(clean=True))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not ending.done()
    await ending


async def test_a_run_does_not_wait_for_ever_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told what is in the way; the next run takes it for one that crashed."""
    store = SQLiteStore(tmp_path / "a.db")
    await store.open("bot")
    monkeypatch.setattr("chatstate.stores.sqlite.patience.growing_pauses", lambda: iter((0.0, 0.5)))
    with locked(store), pytest.raises(StorageError, match="is locked by another program"):
        await store.end(clean=True)
