"""The engine as a whole: several adapters, starts and stops."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chatstate import AdapterError, Chat, Event, Interface, Message, User
from chatstate.adapter import Host
from chatstate.engine import Engine
from chatstate.stores import open_store
from chatstate.testing import FakePlatform, TestClient
from chatstate_bots.history_echo import bot as history_echo
from chatstate_bots.score_tracker import bot as score_tracker


async def say(platform: FakePlatform, text: str, number: int) -> str:
    host = await platform.connected()
    message = Message(text, User("alice"), Chat("chat"))
    (receipt,) = await host.deliver([Event(str(number), message)])
    await receipt.settled()
    return platform.delivered[-1].text


async def run_on_two(bot: Interface, path: Path, said: list[str]) -> list[str]:
    """Say things in turn on two platforms, by people of the same ids, and return the answers."""
    platforms = [FakePlatform("one"), FakePlatform("two")]
    engine = Engine(bot, platforms, open_store(f"sqlite:///{path}"))
    running = asyncio.create_task(engine.run())
    answers = [await say(platforms[n % 2], text, n) for n, text in enumerate(said)]
    engine.request_stop()
    await running
    return answers


async def test_global_state_is_shared_by_all_platforms(tmp_path: Path) -> None:
    """score-tracker's best three come from both."""
    answers = await run_on_two(score_tracker, tmp_path / "a.db", ["5", "9", "1", "7", "7.5"])
    assert answers[-1] == "Top scores: 9, 7.5, 7"


async def test_other_state_is_never_shared_between_platforms(tmp_path: Path) -> None:
    """The same ids on two platforms are two people."""
    answers = await run_on_two(history_echo, tmp_path / "a.db", ["a", "b", "c"])
    assert answers[-1] == "Current message: c\nPrevious messages:\n1. a"


async def test_what_waits_for_another_adapter_is_left_to_it(tmp_path: Path) -> None:
    """A bot that runs on one platform only sends nothing that is owed on the other."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    first, second = FakePlatform("one"), FakePlatform("two")
    async with TestClient(history_echo, store=url, platform=first) as client:
        first.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        while not first.tries:
            await asyncio.sleep(0)
        await client.crash()
        client.platform = second
        await client.start()
        await client.user("bob").say("hello")
        assert [reply.chat for reply in second.delivered] == ["private-bob"]
        await client.crash()
        first.recover()
        client.platform = first
        await client.start()
        while not first.delivered:
            await asyncio.sleep(0)
        assert [reply.chat for reply in first.delivered] == ["private-alice"]


async def test_an_adapter_that_fails_stops_the_engine_with_its_error(tmp_path: Path) -> None:
    """A bad token on one platform is told; the store is let go of."""

    class Broken(FakePlatform):
        async def run(self, _host: Host) -> None:
            raise AdapterError("the token is wrong")

    url = f"sqlite:///{tmp_path / 'a.db'}"
    with pytest.raises(AdapterError, match="the token is wrong"):
        await Engine(history_echo, [FakePlatform(), Broken("two")], open_store(url)).run()
    await Engine(history_echo, [], open_store(url)).run()


async def test_the_cursor_is_what_the_adapter_gave_last_after_a_restart_too() -> None:
    """An adapter goes on where its events were durable."""
    async with TestClient(history_echo) as client:
        host: Any = await client.platform.connected()
        assert host.cursor is None
        await host.deliver([client.user("alice").event("hi")], "17")
        assert host.cursor == "17"
        await client.restart()
        host = await client.platform.connected()
        assert host.cursor == "17"
        await host.deliver([], "18")
        await client.crash()
        await client.start()
        host = await client.platform.connected()
        assert host.cursor == "18"


async def test_an_adapter_is_told_the_bots_commands() -> None:
    """For menus: name, description and usage."""
    bot = Interface(id="bot")

    @bot.command
    def vote(choice: int) -> None:
        """Vote for an option."""

    async with TestClient(bot) as client:
        host = await client.platform.connected()
        assert [
            (command.name, command.description, command.usage) for command in host.commands
        ] == [
            ("vote", "Vote for an option.", "/vote choice"),
            ("help", "Show this help.", "/help"),
        ]
