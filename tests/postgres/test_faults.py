"""What a real server refuses for a while: nothing is acknowledged, and all goes on by itself."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import asyncpg
import pytest
from engines import delivered, tell, worker
from servers.postgres_server import PostgresServer

from chatstate import Chat, Event, Global, Interface, Message, Ref, User
from chatstate.engine import Engine
from chatstate.testing import FakePlatform

CONNECTIONS = 12
_END_OURS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'chatstate'"""
_FILL = "INSERT INTO filling SELECT md5(n::text) FROM generate_series(1, 100) AS n"
_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
Log = pytest.LogCaptureFixture


@pytest.fixture(scope="module")
def server() -> Generator[PostgresServer]:
    """Return a server with few connections, which looks for deadlocks soon."""
    made = PostgresServer(
        Path(tempfile.mkdtemp(prefix="chatstate-")),
        max_connections=str(CONNECTIONS),
        deadlock_timeout="50ms",
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder)


@pytest.fixture
async def outsider(server: PostgresServer) -> AsyncGenerator[asyncpg.Connection]:
    """Return a connection of somebody else, on a server where there is no store yet."""
    connection = await asyncpg.connect(server.url)
    await connection.execute("DROP SCHEMA IF EXISTS chatstate CASCADE")
    yield connection
    await connection.close()


def counting() -> Interface:
    """Return a bot that counts what it hears."""
    bot = Interface(id="bot")

    @bot.on_message
    async def count(message: Message, total: Global[Ref[int]]) -> str:
        total.value += 1
        return f"{message.text.split()[0]} {total.value}"

    return bot


class Fault:
    """Something in the way of a worker, which `mend` takes away."""

    def __init__(
        self, outsider: asyncpg.Connection, engine: Engine, sent: FakePlatform, log: Log
    ) -> None:
        self.outsider = outsider
        self.mend = contextlib.AsyncExitStack()
        self._engine = engine
        self._sent = sent
        self._log = log

    async def is_waited_for(self, told: str, text: str = "") -> None:
        """Deliver meanwhile: it is told, and once it is mended all is done, once."""
        events = [Event(str(n), Message(f"{n} {text}", User("u"), Chat("c"))) for n in (2, 3)]
        delivering = asyncio.ensure_future(delivered(self._engine, *events))
        async with asyncio.timeout(30):
            while told not in self._log.text:
                assert not delivering.done()
                await self.outsider.execute("SELECT pg_sleep(0.05)")
            await self.mend.aclose()
            for receipt in await delivering:
                await receipt.settled()
        assert [reply.text for reply in self._sent.delivered] == ["1 1", "2 2", "3 3"]


@contextlib.asynccontextmanager
async def at_work(url: str, outsider: asyncpg.Connection, log: Log) -> AsyncGenerator[Fault]:
    """Let a worker run, and answer; return what can be in its way."""
    sent = FakePlatform()
    async with worker(url, counting(), sent) as engine:
        await tell(engine, "1", "1", "c")
        fault = Fault(outsider, engine, sent, log)
        async with fault.mend:
            yield fault


@contextlib.asynccontextmanager
async def locking(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    """Let nobody write into the inbox."""
    await connection.execute("BEGIN; LOCK TABLE chatstate.inbox IN EXCLUSIVE MODE")
    yield
    await connection.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("statement_timeout", "has ended a statement that took too long"),
        ("lock_timeout", "has waited too long for a lock"),
    ],
)
async def test_what_takes_too_long_is_tried_again(
    server: PostgresServer, outsider: asyncpg.Connection, caplog: Log, setting: str, told: str
) -> None:
    """The role's limit ends it, as often as it takes."""
    await outsider.execute(f"ALTER ROLE postgres SET {setting} = '100ms'")
    try:
        async with at_work(server.url, outsider, caplog) as fault:
            await fault.mend.enter_async_context(locking(outsider))
            await fault.is_waited_for(told)
    finally:
        await outsider.execute(f"ALTER ROLE postgres RESET {setting}")


async def test_connections_that_are_gone_come_again(
    server: PostgresServer, outsider: asyncpg.Connection, caplog: Log
) -> None:
    """Others have taken all that the server has."""
    async with at_work(server.url, outsider, caplog) as fault:
        is_left = True
        while is_left:  # one that was ended is there for a moment, and then free
            is_left = bool(await outsider.fetch(_END_OURS))
            await outsider.execute("SELECT pg_sleep(0.05)")
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                while True:
                    taken = await asyncpg.connect(server.url)
                    fault.mend.push_async_callback(taken.close)
                    is_left = True
        await fault.is_waited_for("has no connection left")


@contextlib.contextmanager
def small_disk() -> Generator[Path]:
    """Return a folder on a disk of its own, which is small."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="chatstate-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m,mode=777", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


async def test_a_full_disk_is_waited_for(
    server: PostgresServer, outsider: asyncpg.Connection, caplog: Log
) -> None:
    """Of tables that are on a disk of their own, which somebody else has filled."""
    with small_disk() as disk:
        space = disk / "space"
        space.mkdir()
        shutil.chown(space, *server.owner)
        await outsider.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        url = f"{server.url}&options=-c%20default_tablespace%3Dsmall"
        try:
            async with at_work(url, outsider, caplog) as fault:
                await outsider.execute("CREATE TABLE filling (data text) TABLESPACE small")
                fault.mend.push_async_callback(outsider.execute, "DROP TABLE filling")
                with contextlib.suppress(asyncpg.DiskFullError):
                    while True:
                        await outsider.execute(_FILL)
                await fault.is_waited_for("the disk is full", "".join(map(str, range(20_000))))
        finally:
            await outsider.execute("DROP SCHEMA chatstate CASCADE")
            await outsider.execute("DROP TABLESPACE small")


def adding() -> Interface:
    """Return a bot that adds to two values for all, in one order or the other."""
    bot = Interface(id="bot")

    @bot.on_message
    async def add(message: str, a: Global[Ref[int]], b: Global[Ref[int]]) -> str:
        for value in (a, b) if message == "ab" else (b, a):
            value.value += 1
        return "added"

    return bot


async def totals(outsider: asyncpg.Connection) -> list[tuple[str, str]]:
    rows = await outsider.fetch("SELECT name, value::text FROM chatstate.states ORDER BY name")
    return [tuple(row) for row in rows]


async def test_shared_values_may_be_taken_in_any_order(
    server: PostgresServer, outsider: asyncpg.Connection
) -> None:
    """By turns at the same time, of several workers: each of them counts, once."""
    sent = FakePlatform(), FakePlatform()
    async with contextlib.AsyncExitStack() as running:
        workers = [
            await running.enter_async_context(worker(server.url, adding(), platform))
            for platform in sent
        ]
        told = [tell(workers[n % 2], str(n), "ab" if n % 3 else "ba", f"c{n}") for n in range(60)]
        await asyncio.gather(*told)
        assert await totals(outsider) == [("a", "60"), ("b", "60")]


async def test_a_deadlock_is_tried_again(
    server: PostgresServer, outsider: asyncpg.Connection
) -> None:
    """Somebody else holds one of the values, and wants the other."""
    ended = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    async with worker(server.url, adding(), FakePlatform()) as engine:
        await tell(engine, "1", "ab", "c")
        before = await outsider.fetchval(ended)
        await outsider.execute("SET deadlock_timeout = '30s'; BEGIN")
        lock = "SELECT 1 FROM chatstate.states WHERE name = $1 FOR UPDATE"
        await outsider.execute(lock.replace("$1", "'b'"))
        telling = asyncio.ensure_future(tell(engine, "2", "ab", "c"))
        while not await outsider.fetchval(_WAITS):
            await outsider.execute("SELECT pg_sleep(0.01)")
        await outsider.execute(lock.replace("$1", "'a'"))
        await outsider.execute("COMMIT")
        await telling
        assert await totals(outsider) == [("a", "2"), ("b", "2")]
        async with asyncio.timeout(30):
            while await outsider.fetchval(ended) == before:
                await outsider.execute("SELECT pg_sleep(0.05), pg_stat_clear_snapshot()")
