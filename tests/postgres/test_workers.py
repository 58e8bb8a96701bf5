"""Worker processes on one PostgreSQL: what happens to one of them harms nobody."""

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fleet import fleet
from proxy import proxy
from servers.postgres_server import PostgresServer
from stores.schemas import Schemas

LONG = bool(os.environ.get("CHATSTATE_LONG"))
LEASE = 2.0


@pytest.fixture
def url(schemas: Schemas, tmp_path: Path) -> str:
    """Return the URL of a store."""
    return f"{schemas.url_of(tmp_path)}&lease={LEASE}"


async def test_no_increment_is_lost(url: str, tmp_path: Path) -> None:
    """Of one person, one chat, and of all, at workers at the same time."""
    async with fleet(url, tmp_path, 4 if LONG else 2) as workers:
        workers.say(range(400 if LONG else 40), 1)
        await workers.until_done()
        await workers.check()


async def test_a_killed_worker_is_survived(url: str, tmp_path: Path) -> None:
    """What it held is others' after its lease; nothing is lost, doubled or out of order."""
    async with fleet(url, tmp_path) as workers:
        for kill in range(100 if LONG else 1):
            workers.say(range(kill * 60, kill * 60 + 60), 6)
            await workers.until_called(len(workers.said) - 50)
            victim = workers.random.choice([w for w in workers.workers if w.is_alive])
            victim.signal(signal.SIGKILL)
            await victim.ended()
            if LONG:
                await workers.start()
        await workers.until_done()
        await workers.check()


async def test_a_worker_that_stood_still_finds_itself_replaced(url: str, tmp_path: Path) -> None:
    """It does nothing more, and ends."""
    async with fleet(url, tmp_path) as workers:
        frozen, _ = workers.workers
        workers.say(range(60), 6)
        await workers.until_called(10)
        frozen.signal(signal.SIGSTOP)
        await workers.until_done()
        await workers.until_buried()
        frozen.signal(signal.SIGCONT)
        async with asyncio.timeout(30):
            assert await frozen.ended() != 0
        await workers.check()
        assert "was taken for dead" in (tmp_path / "workers.log").read_text()


async def test_two_that_poll_at_once_harm_nobody(url: str, tmp_path: Path) -> None:
    """Both take themselves for the one that does, and get all of it, and then all of it again."""
    async with fleet(url, tmp_path) as workers:
        for _ in range(2):
            workers.say_to_all(range(3000 if LONG else 90), 6)
        await workers.until(lambda: workers.is_done)
        await workers.check(in_order=True)


async def test_a_stopped_worker_hands_over_at_once(url: str, tmp_path: Path) -> None:
    """With what it held, before its lease is over."""
    async with fleet(f"{url.rpartition('&')[0]}&lease=600", tmp_path) as workers:
        workers.say(range(60), 6)
        await workers.until_called(10)
        workers.workers[0].signal(signal.SIGTERM)
        assert await workers.workers[0].ended() == 0
        await workers.until_done()
        await workers.check()


async def test_what_became_of_a_lost_commit_is_found_out(url: str, tmp_path: Path) -> None:
    """Each seventh is done, and nobody is told."""
    port = urlsplit(url).port or 0
    async with proxy(port, loses=7) as between:
        through = url.replace(f":{port}/", f":{between.port}/")
        async with fleet(through, tmp_path) as workers:
            workers.say(range(2000 if LONG else 60), 6)
            await workers.until_done()
            workers.url = url
            await workers.check()
        assert between.lost > 5


async def test_connections_are_made_again(url: str, tmp_path: Path) -> None:
    """All of them are cut, whatever was on its way."""
    port = urlsplit(url).port or 0
    async with proxy(port) as between:
        through = url.replace(f":{port}/", f":{between.port}/")
        async with fleet(through, tmp_path) as workers:
            for cut in range(200 if LONG else 3):
                workers.say(range(cut * 20, cut * 20 + 20), 6)
                await workers.until_called(workers.calls + 1)
                between.cut()
            await workers.until_done()
            workers.url = url
            await workers.check()


async def test_a_server_that_crashes_is_waited_for(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """It recovers what it has acknowledged; the workers go on by themselves."""
    folder = tmp_path_factory.mktemp("server")
    server = PostgresServer(Path(tempfile.mkdtemp(prefix="chatstate-")), synchronous_commit="on")
    server.start()
    try:
        async with fleet(f"{server.url}&lease={LEASE}", folder) as workers:
            for restart in range(20 if LONG else 1):
                workers.say(range(restart * 60, restart * 60 + 60), 6)
                await workers.until_called(len(workers.said) - 50)
                await asyncio.to_thread(server.run, "pg_ctl", "-D", server.data, "-m", "immediate",
                                        "-w", "-l", server.folder / "log", "restart")  # fmt: skip
            await workers.until_done()
            await workers.check()
    finally:
        server.stop()
        shutil.rmtree(server.folder)
