"""What a bot opens at its start and closes on its stop."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from support import texts

from chatstate import (
    BindingError,
    Interface,
    LifespanError,
)
from chatstate.engine import Engine
from chatstate.stores import open_store
from chatstate.testing import FakePlatform, TestClient


class Model:
    """Something that is opened."""

    def __init__(self, name: str = "model") -> None:
        self.name = name

    def answer(self, text: str) -> str:
        return f"{self.name}: {text}"


class Journal(list[str]):
    """What happened, in its order."""

    def opening(self, name: str, yields: Any = None, fails: str = "") -> Any:
        """Return a lifespan that says when it is opened and closed."""

        @contextlib.asynccontextmanager
        async def lifespan(bot: Interface) -> AsyncIterator[Any]:
            if fails == "opening":
                raise ConnectionError("no database")
            self.append(f"open {name} of {bot.id}")
            try:
                yield Model(name) if yields is None else yields
            finally:
                self.append(f"close {name}")
            if fails == "closing":
                raise ConnectionError("lost")

        return lifespan


def asking(lifespan: Any, **options: Any) -> Interface:
    """Make a bot that asks its model."""
    bot = Interface(id="bot", lifespan=lifespan, **options)

    @bot.on_message
    def ask(text: str, model: Model) -> str:
        return model.answer(text)

    return bot


async def test_it_is_opened_at_start_and_closed_on_stop() -> None:
    """Once, however much is said; again after a restart."""
    journal = Journal()
    async with TestClient(asking(journal.opening("a"))) as client:
        for text in ("1", "2"):
            assert await texts(client.user("alice"), text) == [f"a: {text}"]
        assert journal == ["open a of bot"]
        await client.restart()
        assert journal == ["open a of bot", "close a", "open a of bot"]
        assert await texts(client.user("alice"), "3") == ["a: 3"]
    assert journal[3:] == ["close a"]


async def test_nothing_is_received_before_it_is_open() -> None:
    """Neither from a platform nor from the inbox; nothing runs any more when it closes."""
    journal, ready = Journal(), asyncio.Event()

    @contextlib.asynccontextmanager
    async def slow(_bot: Interface) -> AsyncIterator[Model]:
        await ready.wait()
        journal.append("open")
        yield Model()
        journal.append("closed")

    class Watched(FakePlatform):
        async def run(self, host: Any) -> None:
            journal.append("receiving")
            await super().run(host)

    bot = asking(slow)
    engine = Engine(bot, [Watched()], open_store(":memory:"))
    running = asyncio.create_task(engine.run())
    await asyncio.sleep(0)
    ready.set()
    while "receiving" not in journal:
        await asyncio.sleep(0)
    engine.request_stop()
    await running
    assert journal == ["open", "receiving", "closed"]


async def test_what_waits_in_the_inbox_finds_it_open() -> None:
    """An event from before a crash is handled when the resources are there."""
    bot, entered = Interface(id="bot", lifespan=Journal().opening("a")), asyncio.Event()

    @bot.on_message
    async def ask(text: str, model: Model) -> str:
        if not entered.is_set():
            entered.set()
            await asyncio.Event().wait()
        return model.answer(text)

    async with TestClient(bot) as client:
        await client.deliver_all([client.user("alice").event("hi")])
        await entered.wait()
        await client.crash()
        await client.start()
        while not client.platform.delivered:
            await asyncio.sleep(0)
        assert client.platform.delivered[0].text == "a: hi"


async def test_included_lifespans_are_nested() -> None:
    """The bot's own is outermost, the others follow in the order they were included."""
    journal = Journal()
    bot = asking(journal.opening("a"))
    middle = Interface(id="middle", lifespan=journal.opening("b"))
    middle.include(Interface(id="inner", lifespan=journal.opening("c")))
    bot.include(middle)
    bot.include(Interface(id="last", lifespan=journal.opening("d")))
    async with TestClient(bot):
        pass
    opened = ["open a of bot", "open b of middle", "open c of inner", "open d of last"]
    assert journal == [*opened, "close d", "close c", "close b", "close a"]


async def test_one_that_fails_to_open_stops_the_start() -> None:
    """The error says whose it is and why; those that are open are closed, the store is let go."""
    journal = Journal()
    bot = asking(journal.opening("a"))
    bot.include(Interface(id="tools", lifespan=journal.opening("b", fails="opening")))
    said = r"lifespan lifespan\(\) of bot 'tools' cannot be opened: .*no database"
    with pytest.raises(LifespanError, match=said) as raised:
        async with TestClient(bot):
            pass
    assert isinstance(raised.value.__cause__, ConnectionError)
    assert journal == ["open a of bot", "close a"]


async def test_a_store_is_let_go_when_nothing_can_be_opened(tmp_path: Path) -> None:
    """The next start is not told that another one runs."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with pytest.raises(LifespanError):
        await Engine(asking(Journal().opening("a", fails="opening")), [], open_store(url)).run()
    await Engine(asking(Journal().opening("a")), [], open_store(url)).run()


async def test_one_that_fails_to_close_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The others are closed all the same, and so is the store."""
    journal = Journal()
    bot = asking(journal.opening("a"))
    bot.include(Interface(id="tools", lifespan=journal.opening("b", fails="closing")))
    async with TestClient(bot):
        pass
    assert journal[-2:] == ["close b", "close a"]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "a lifespan of bot 'bot' failed while closing" in record.message


async def test_it_is_closed_when_the_engine_fails() -> None:
    """Whatever made it stop."""
    journal = Journal()

    class Broken(FakePlatform):
        async def run(self, _host: Any) -> None:
            raise OSError("the network is gone")

    engine = Engine(asking(journal.opening("a")), [Broken()], open_store(":memory:"))
    with pytest.raises(OSError, match="the network is gone"):
        await engine.run()
    assert journal == ["open a of bot", "close a"]


async def test_one_that_fails_while_the_bot_runs_stops_it() -> None:
    """A background task of its task group, say: the bot does not go on without."""
    failing = asyncio.Event()

    @contextlib.asynccontextmanager
    async def in_the_background(_bot: Interface) -> AsyncIterator[Model]:
        async def fail() -> None:
            await failing.wait()
            raise ConnectionError("lost")

        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            yield Model()

    client = TestClient(asking(in_the_background))
    with pytest.raises(LifespanError, match="a lifespan of bot 'bot' failed"):
        async with client:
            assert await texts(client.user("alice"), "hi") == ["model: hi"]
            failing.set()
            while True:
                await client.user("alice").say("again")


async def test_a_stop_while_it_opens_gives_up_opening() -> None:
    """Ctrl-C need not wait for a model that takes minutes to load."""
    opening = asyncio.Event()

    @contextlib.asynccontextmanager
    async def endless(_bot: Interface) -> AsyncIterator[None]:
        opening.set()
        await asyncio.Event().wait()
        yield

    engine = Engine(Interface(id="bot", lifespan=endless), [FakePlatform()], open_store(":memory:"))
    running = asyncio.create_task(engine.run())
    await opening.wait()
    engine.request_stop()
    await running


async def test_one_that_is_cancelled_from_within_stops_the_start() -> None:
    """Whatever it awaits was cancelled by somebody else: the start says so."""

    @contextlib.asynccontextmanager
    async def cancelled(_bot: Interface) -> AsyncIterator[None]:
        raise asyncio.CancelledError
        yield

    with pytest.raises(LifespanError, match="of bot 'bot' failed while opening: CancelledError"):
        async with TestClient(Interface(id="bot", lifespan=cancelled)):
            pass


async def test_a_start_that_is_cancelled_leaves_nothing_open() -> None:
    """Though the lifespan is only half open."""
    journal, opening = Journal(), asyncio.Event()

    @contextlib.asynccontextmanager
    async def endless(_bot: Interface) -> AsyncIterator[None]:
        opening.set()
        try:
            await asyncio.Event().wait()
            yield
        finally:
            journal.append("closed")

    engine = Engine(Interface(id="bot", lifespan=endless), [], open_store(":memory:"))
    starting = asyncio.create_task(engine.start())
    await opening.wait()
    starting.cancel()
    await asyncio.wait([starting])
    assert (starting.cancelled(), journal) == (True, ["closed"])


async def test_a_second_stop_gives_up_closing(caplog: pytest.LogCaptureFixture) -> None:
    """As it gives up what runs."""
    closing = asyncio.Event()

    @contextlib.asynccontextmanager
    async def endless(_bot: Interface) -> AsyncIterator[None]:
        yield
        closing.set()
        await asyncio.Event().wait()

    engine = Engine(Interface(id="bot", lifespan=endless), [FakePlatform()], open_store(":memory:"))
    running = asyncio.create_task(engine.run())
    await asyncio.sleep(0)
    engine.request_stop()
    await closing.wait()
    engine.request_stop()
    await running
    assert "did not close in time" in caplog.text


# What is no lifespan


def test_a_bare_generator_is_an_error_at_once() -> None:
    """The most common slip; the error says what to put on it."""

    async def lifespan(_bot: Interface) -> AsyncIterator[None]:
        yield

    def sync(_bot: Interface) -> Iterator[None]:
        yield

    wrong: list[Any] = [lifespan, sync]
    for generator in wrong:
        with pytest.raises(BindingError, match=r"put @contextlib\.asynccontextmanager on it"):
            Interface(id="bot", lifespan=generator)
    with pytest.raises(BindingError, match="lifespan=7 is no function"):
        Interface(id="bot", lifespan=7)  # type: ignore[arg-type]  # the slip


@contextlib.contextmanager
def _sync(_bot: Interface) -> Iterator[None]:
    yield


async def _coroutine(_bot: Interface) -> None: ...


@pytest.mark.parametrize("lifespan", [_sync, _coroutine, lambda _bot: None])
async def test_what_returns_no_context_manager_stops_the_start(lifespan: Any) -> None:
    """The error says what to put on it."""
    with pytest.raises(LifespanError, match="is no async context manager; put @"):
        async with TestClient(Interface(id="bot", lifespan=lifespan)):
            pass


async def test_a_class_may_be_a_lifespan() -> None:
    """Whatever is called with the bot and returns an async context manager."""

    class Opened(AbstractAsyncContextManager[Model]):
        def __init__(self, bot: Interface) -> None:
            self.bot = bot

        async def __aenter__(self) -> Model:
            return Model(self.bot.id)

        async def __aexit__(self, *_raised: object) -> None:
            pass

    async with TestClient(asking(Opened)) as client:
        assert await texts(client.user("alice"), "hi") == ["bot: hi"]
