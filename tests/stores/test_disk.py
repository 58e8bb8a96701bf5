"""Where commits run, and how the write-ahead log is kept short."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest

from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.sqlite import SQLiteStore, disk, group_commit
from chatstate.stores.sqlite.disk import Disk, Placement
from chatstate.stores.sqlite.thread import WaitingThread

QUICK, SLOW = 0.0009, 0.0011
PAGE = 4096


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_small_commits_run_in_the_loop_once_twenty_were_quick() -> None:
    """Not before."""
    placement = Placement()
    for _ in range(20):
        assert not placement.in_loop
        placement.took(QUICK)
    assert placement.in_loop


def test_a_slow_commit_sends_them_to_the_thread_for_a_minute() -> None:
    """However quick those in the thread are; then the loop has them again."""
    clock = Clock()
    placement = Placement(clock)
    for seconds in [QUICK] * 20 + [SLOW] + [QUICK] * 100:
        placement.took(seconds)
    clock.now += 59.9
    assert not placement.in_loop
    clock.now += 0.2
    assert placement.in_loop


def test_a_disk_that_stays_slow_is_never_waited_for_in_the_loop() -> None:
    """A minute after the last slow commit there must be twenty quick ones too."""
    clock = Clock()
    placement = Placement(clock)
    for seconds in [QUICK] * 20 + [SLOW] + [QUICK] * 19:
        placement.took(seconds)
    clock.now += 61
    assert not placement.in_loop
    placement.took(QUICK)
    assert placement.in_loop


class Watched(sqlite3.Connection):
    """A connection that knows which commits ran in the loop's thread."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # handed through
        self.home = threading.current_thread()
        self.in_loop: list[bool] = []

    def commit(self) -> None:
        super().commit()
        self.in_loop.append(threading.current_thread() is self.home)


@contextlib.contextmanager
def watched(path: Path) -> Iterator[tuple[Watched, Disk]]:
    """Open a database that has a table `t`."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, factory=Watched
    )
    with contextlib.closing(connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body)")
        place = Disk(connection, str(path))
        yield connection, place
        place.close()


async def write(connection: sqlite3.Connection, where: Disk, weight: int, size: int = 1) -> None:
    """Replace the first row, in a transaction of so many turns."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT OR REPLACE INTO t VALUES (1, randomblob(?))", (size,))
    await where.commit(weight)


async def test_only_small_commits_run_in_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of a hundred in a row one goes to the thread, where the log may be written back."""
    monkeypatch.setattr(disk, "_QUICK_SECONDS", float("inf"))
    with watched(tmp_path / "a.db") as (connection, place):
        for weight in [8] * 20 + [9, 128] + [1] * 200:
            await write(connection, place, weight)
        small = [True] * 99 + [False]
        assert connection.in_loop == [False] * 22 + small + small


async def test_a_disk_that_is_slow_is_waited_for_in_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All commits run there."""
    monkeypatch.setattr(disk, "_QUICK_SECONDS", 0.0)
    with watched(tmp_path / "a.db") as (connection, place):
        for _ in range(50):
            await write(connection, place, 1)
        assert not any(connection.in_loop)


@pytest.mark.parametrize("weight", [1, 100])
async def test_the_log_is_used_again_from_its_start(
    weight: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is written to without a pause has a log of some length, and no more."""
    monkeypatch.setattr(disk, "_LONG_PAGES", 50)
    monkeypatch.setattr(disk, "_QUICK_SECONDS", float("inf"))
    log = tmp_path / "a.db-wal"
    with watched(tmp_path / "a.db") as (connection, place):
        for _ in range(100):
            await write(connection, place, weight)
        usual = log.stat().st_size
        for _ in range(300):
            await write(connection, place, weight)
        assert 50 * PAGE < log.stat().st_size < usual + 150 * PAGE


async def until(true: Callable[[], bool]) -> None:
    """Wait for it; the suite's time limit is the end of waiting."""
    while not true():
        await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def store_with_a_log(path: Path, size: int) -> AsyncGenerator[SQLiteStore]:
    """Yield a store that has just written so many bytes."""
    store = SQLiteStore(path)
    await store.open("bot")
    account = await store.account("test", "1")
    event = Event("1", Message("x" * size, User("ann"), Chat("room")))
    await store.ingest(account.id, [event])
    yield store
    await store.end(clean=True)


async def test_in_a_quiet_moment_a_long_log_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is empty then, and what it held is in the database."""
    monkeypatch.setattr(group_commit, "_QUIET_SECONDS", 0.0)
    path, log = tmp_path / "a.db", tmp_path / "a.db-wal"
    async with store_with_a_log(path, 2_000_000):
        await until(lambda: log.stat().st_size == 0)
        assert path.stat().st_size > 2_000_000


async def test_a_short_log_is_left_alone(tmp_path: Path) -> None:
    """To cut it after each message would cost more than it saves."""
    log = tmp_path / "a.db-wal"
    async with store_with_a_log(tmp_path / "a.db", 100_000) as store:
        size = log.stat().st_size
        await store._commits._disk.cut_log()
        assert log.stat().st_size == size > 100_000


async def test_a_log_that_another_program_reads_stays_until_it_has_done(tmp_path: Path) -> None:
    """Nothing is said of it, and nobody waits."""
    path, log = tmp_path / "a.db", tmp_path / "a.db-wal"
    async with store_with_a_log(path, 2_000_000) as store:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM inbox").fetchone()
            await store._commits._disk.cut_log()
            assert log.stat().st_size > 2_000_000
        await store._commits._disk.cut_log()
        assert log.stat().st_size == 0


async def test_what_is_written_while_the_log_is_cut_waits_for_that(tmp_path: Path) -> None:
    """And is written then, though nothing else asks for it."""
    async with store_with_a_log(tmp_path / "a.db", 2_000_000) as store:
        store._commits._written = False
        store._commits._look_for_quiet()
        await asyncio.sleep(0)
        assert await store.person(1, User("ben")) == 2


async def test_the_thread_hands_over_results_and_errors() -> None:
    """In the order of the calls."""
    thread = WaitingThread("test")
    good, bad = thread.run(threading.current_thread), thread.run(lambda: 1 / 0)
    assert (await good).name == "test"
    with pytest.raises(ZeroDivisionError):
        await bad
    thread.stop()
    assert "test" not in {thread.name for thread in threading.enumerate()}
