"""A bot that is broken in ten ways: health tells each of them in words, and when it is mended.

What an operator is told who asks from outside, where the process cannot answer, is in
`cli/test_doctor.py`.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import pytest
from engine.workers import Worker, office
from servers.telegram_server import TelegramServer
from stores.faults import full, locked

from chatstate import Interface, Ref, State
from chatstate.adapter import Host
from chatstate.clock import Clock
from chatstate.engine import Engine
from chatstate.inspection import Request
from chatstate.stores.sqlite import SQLiteStore
from chatstate.telemetry.health import Health, Verdict
from chatstate.testing import FakeClock, FakePlatform, TestClient
from chatstate_telegram import TelegramAdapter

WELL = Verdict("ready", [])
bot = Interface(id="bot")


@bot.on_message
async def answer(text: str) -> str:
    if text == "hang":
        await asyncio.Event().wait()
    return text


def health_of(client: TestClient) -> Health:
    engine = client._require_open()
    return Health(engine, engine.inspection, client.clock)


def of_worker(worker: Worker) -> Health:
    return Health(worker.engine, worker.store, worker.engine._clock)


async def is_told(health: Health, words: str, standing: str = "degraded") -> None:
    """Wait until health tells something, and nothing else."""
    while words not in "".join((verdict := await health.judge()).reasons):
        await asyncio.sleep(0.01)
    assert (verdict.status, len(verdict.reasons)) == (standing, 1)


async def is_well(health: Health) -> None:
    """Wait until health has nothing to tell."""
    while (await health.judge()) != WELL:
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def on_telegram(
    path: Path, server: TelegramServer, clock: Clock | None = None, **options: Any
) -> AsyncGenerator[tuple[Engine, Health]]:
    """Run the bot on Telegram's test server."""
    options = {"token": server.token, "api": server.base_url, "poll_seconds": 0, **options}
    engine = Engine(bot, [TelegramAdapter(**options)], SQLiteStore(path), grace=0.1, clock=clock)
    await engine.start()
    try:
        yield engine, Health(engine, engine.inspection, engine._clock)
    finally:
        engine.request_stop()
        await engine.stop()


async def test_a_token_that_is_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the process ends, which is not waited for here; with a new one all is well."""
    monkeypatch.setattr("chatstate_telegram.receive.trouble._REFUSALS", float("inf"))
    async with TelegramServer() as server:
        async with on_telegram(tmp_path / "a.db", server) as (_, health):
            await is_well(health)
            server.fail("*", 401, "Unauthorized", times=float("inf"))
            await is_told(health, "refuses the bot's token (401 Unauthorized): put the one that")
        server.recover()
        async with on_telegram(tmp_path / "a.db", server) as (_, health):
            await is_well(health)


@pytest.mark.parametrize(
    ("fault", "words"),
    [(full, "the disk is full; make room"), (locked, "is locked by another program")],
)
async def test_a_store_that_takes_no_write(
    fault: Callable[[SQLiteStore], AbstractContextManager[None]],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk, and a database that another program has locked: by name."""
    monkeypatch.setattr("chatstate.telemetry.health._STORE_TAKES", 0.2)
    async with TestClient(bot) as client:
        health, store = health_of(client), client._store
        assert isinstance(store, SQLiteStore)
        assert await health.judge() == WELL
        with fault(store):
            begun = [client.user(name).event("hi" * 5000) for name in "ab"]
            delivering = asyncio.create_task(client.deliver_all(begun))
            await is_told(health, words, "failing")
        await delivering
        await is_well(health)


async def test_a_handler_that_loops() -> None:
    """It is named, with its file and how long it has; and its end is told, until that is mended."""
    async with TestClient(bot, raise_errors=False) as client:
        health = health_of(client)
        await client.deliver_all([client.user("ann").event("hang")])
        await client.advance(61)
        waits, runs = (await health.judge()).reasons
        assert waits.startswith("an event waits for 61 s; chatstate state list --shelf running")
        assert runs.startswith("answer() in test_ten_ways.py:")
        assert runs.endswith("runs for 61 s, of at most 300 s")
        await client.advance(240)
        await is_told(health, "; chatstate dead list tells why")
        await client.advance(3600)
        assert await health.judge() == WELL


async def test_a_message_that_is_poison() -> None:
    """Until its handler is mended and it is done again, or until it is dropped."""
    poison, frail = {"a", "b"}, Interface(id="bot")

    @frail.on_message
    def take(text: str) -> None:
        if text in poison:
            raise ValueError(text)

    async with TestClient(frail, raise_errors=False) as client:
        health = health_of(client)
        for text, verb in (("a", "retry"), ("b", "drop")):
            await client.user("ann").say(text)
            await is_told(health, "an event failed 0 s ago; chatstate dead list tells why")
            poison.discard("a")
            (dead,) = await client._store.list("dead")
            await client._store.ask(Request(verb=verb, number=dead.number))  # type: ignore[arg-type]  # of the two
            while await client._store.list("dead"):
                await client.advance(1)
            assert await health.judge() == WELL


async def test_a_message_that_kills_the_process() -> None:
    """The next process tells that one is gone."""
    async with TestClient(bot) as client:
        await client.crash()
        await client.start()
        health = health_of(client)
        await is_told(health, "a process was found gone 0 s ago; it was killed, froze, or")
        await client.advance(3600)
        assert await health.judge() == WELL


async def test_a_lane_that_is_stuck() -> None:
    """A reply that does not leave holds up what comes behind it."""
    async with TestClient(bot) as client:
        health = health_of(client)
        client.platform.stall()
        await client.deliver_all([client.user("ann").event("hi")])
        while not client.platform.tries:
            await asyncio.sleep(0)
        await client.advance(61)
        await is_told(health, "a reply is owed for 61 s; chatstate state list --shelf outbox")
        client.platform.recover()
        await is_well(health)


class Reached(FakePlatform):
    """A platform that tells what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.host: asyncio.Future[Host] = asyncio.get_running_loop().create_future()

    async def run(self, host: Host) -> None:
        self.host.set_result(host)
        await super().run(host)


@pytest.mark.parametrize(("seconds", "words"), [(-3600, "ahead of"), (3600, "behind")])
async def test_a_clock_that_is_off(seconds: float, words: str) -> None:
    """By what the platform says, until it is set."""
    platform = Reached()
    async with TestClient(bot, platform=platform) as client:
        health, host = health_of(client), await platform.host
        host.time_there(client.clock.time() + 30)
        assert await health.judge() == WELL
        host.time_there(client.clock.time() + seconds)
        await is_told(health, f"test:bot: this machine's clock is 3600 s {words} that of test; let")
        host.time_there(client.clock.time())
        assert await health.judge() == WELL


async def test_telegram_tells_what_time_it_is(tmp_path: Path) -> None:
    """With the answer to each poll."""
    clock = FakeClock()
    await clock.advance(3600)
    async with (
        TelegramServer() as server,
        on_telegram(tmp_path / "a.db", server, clock=clock) as (_, health),
    ):
        await is_told(health, "that of telegram; let the machine set its clock by the network")


async def test_a_webhook_that_nobody_reaches(tmp_path: Path) -> None:
    """Why Telegram could not post, and where it should lead; until it can."""

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with TelegramServer() as server:
        listening = await asyncio.start_server(take, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        listening.close()
        url = f"http://127.0.0.1:{port}/hook"
        options: dict[str, Any] = {"webhook": url, "listen": None, "look_seconds": 0.02}
        async with on_telegram(tmp_path / "a.db", server, **options) as (_, health):
            await is_well(health)
            ann = server.person(1001, "Ann")
            server.say(ann, server.private_chat(ann), "hi")
            await is_told(health, f"let {url} lead to the bot")
            async with await asyncio.start_server(take, "127.0.0.1", port):
                await is_well(health)


async def test_a_worker_that_is_frozen() -> None:
    """Whoever takes its work over tells that it is gone; alone, it fails when it is asked."""
    async with office(bot) as workers:
        frozen, other = workers.workers
        frozen.freeze()
        await workers.outlive()
        await is_told(of_worker(other), "a process was found gone")
        await workers.clock.advance(3600)
        assert await of_worker(other).judge() == WELL


async def test_an_old_deploy_beside_a_new_one() -> None:
    """Both tell of it, until it is ended."""

    def version(number: int) -> Interface:
        made = Interface(id="bot")
        migrations = dict.fromkeys(range(1, number), int)
        state = State(0, name="count", scope="user", version=number, migrations=migrations)

        @made.on_message
        async def count(seen: Annotated[Ref[int], state]) -> None: ...

        return made

    async with office(version(1), 1) as workers:
        (old,) = workers.workers
        new = await workers.start(version(2))
        words = "is of another deploy: it has version 1 of state 'count', and not 2; end it"
        for worker in (old, new):
            await is_told(of_worker(worker), words)
        await workers.stop(old)
        await workers.clock.advance(2)
        assert await of_worker(new).judge() == WELL
