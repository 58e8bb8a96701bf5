"""`bot.serve` runs where an event loop runs already; `bot.run` says so where it cannot."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from chatstate import Chat, Event, Interface, LoadError, Message, StoreLockedError, User
from chatstate.adapter import Adapter
from chatstate.cli import starting
from chatstate.testing import FakePlatform


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
    """Return a platform that is found under the name "fake"."""
    platform = FakePlatform()

    def load(wanted: Sequence[str], options: Mapping[str, object]) -> list[Adapter]:
        assert (wanted, options) == (["fake"], {})
        return [platform]

    monkeypatch.setattr(starting, "load_adapters", load)
    return platform


def said(text: str) -> Event:
    return Event(text, Message(text, User("alice"), Chat("alice")))


async def test_a_bot_is_served_beside_what_else_runs(
    platform: FakePlatform, tmp_path: Path
) -> None:
    """Until it is cancelled: what runs then is finished, its reply sent, and the store let go."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message
    async def hello(message: str) -> str:
        begun.set()
        await go_on.wait()
        return f"hello {message}"

    store = f"sqlite:///{tmp_path}/a.db"
    serving = asyncio.create_task(bot.serve("fake", store=store))
    host = await platform.connected()
    await host.deliver([said("you")])
    await begun.wait()
    with pytest.raises(StoreLockedError):
        await bot.serve("fake", store=store)
    serving.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert [delivered.text for delivered in platform.delivered] == ["hello you"]
    again = asyncio.create_task(bot.serve("fake", store=store))
    await platform.connected()
    again.cancel()
    with pytest.raises(asyncio.CancelledError):
        await again


async def test_what_cannot_be_served_is_raised() -> None:
    """It never ends the process, which is somebody else's."""
    with pytest.raises(LoadError, match="there is no adapter 'icq'"):
        await Interface(id="bot").serve("icq")


def refused(bot: Any, *adapters: str) -> str:
    """Return what is said where `bot.run` cannot run; a notebook must not see a SystemExit."""
    with pytest.raises(RuntimeError) as error:
        bot.run(*adapters)
    return str(error.value)


async def test_run_in_a_running_loop_says_what_to_write() -> None:
    """In an async function, a notebook or a web application, awaited or not."""
    bot = Interface(id="bot")
    told = refused(bot, "telegram", "discord")
    assert "bot.run() makes an event loop of its own, and there is one here already" in told
    assert "(of an async function, of Jupyter, of FastAPI)" in told
    assert "write `await bot.serve('telegram', 'discord')`" in told
    assert "`task = asyncio.create_task(bot.serve('telegram', 'discord'))`" in told
    with pytest.raises(RuntimeError, match=r"write `await bot\.serve\('console'\)`"):
        await cast("Any", bot).run()


def test_run_in_a_thread_says_what_to_write() -> None:
    """No thread but the main one is told of Ctrl-C."""
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(refused(Interface(id="bot"), "telegram")))
    thread.start()
    thread.join()
    assert "bot.run() must be called in the main thread" in told[0]
    assert "in another one write `asyncio.run(bot.serve('telegram'))`" in told[0]


def test_a_bot_is_served_in_a_thread(platform: FakePlatform, tmp_path: Path) -> None:
    """As it is told to be, where `run` cannot."""
    bot = Interface(id="bot")
    bot.on_message(lambda message: f"hello {message}")

    async def main() -> None:
        serving = asyncio.create_task(bot.serve("fake", store=f"sqlite:///{tmp_path}/a.db"))
        host = await platform.connected()
        (receipt,) = await host.deliver([said("you")])
        await receipt.settled()
        serving.cancel()

    thread = threading.Thread(target=asyncio.run, args=[main()])
    thread.start()
    thread.join()
    assert [delivered.text for delivered in platform.delivered] == ["hello you"]
