"""What may have been sent on Discord is looked for in the channel, by its nonce."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from adapters.discord_bots import rich_bot, running, texts
from adapters.discord_driver import discord_server
from adapters.discord_process import process, ready
from adapters.test_discord_kill import BOT
from discord.http import HTTPClient
from msgspec.structs import replace
from servers.discord_faults import SEND
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Person

from chatstate.adapter import Absent, Action, Found, Part, Sent, Unknown
from chatstate.stores.sqlite import SQLiteStore
from chatstate_discord.clock import DiscordClock
from chatstate_discord.receive.interactions import Origin
from chatstate_discord.receive.wire import snowflake_of
from chatstate_discord.send.finding import find

ME, NOW = "7", time.time()
HOUR = 3600.0


def said(
    ago: float, nonce: str | None = None, by: str = ME, *, answers: bool = False
) -> dict[str, Any]:
    """Return a message from some seconds ago, as Discord's history tells it."""
    told: dict[str, Any] = {} if nonce is None else {"nonce": nonce}
    told |= {"interaction_metadata": {"id": "1"}} if answers else {}
    return {"id": str(snowflake_of(NOW - ago) + 1), "author": {"id": by}, **told}


class History:
    """A channel of Discord's, read as discord.py does."""

    def __init__(self, messages: Sequence[Mapping[str, Any]]) -> None:
        self.messages = sorted(messages, key=lambda message: int(message["id"]), reverse=True)
        self.pages = 0

    async def logs_from(self, _channel: int, limit: int, before: int | None = None) -> Any:
        self.pages += 1
        older = [told for told in self.messages if before is None or int(told["id"]) < before]
        return older[:limit]


async def found(messages: Sequence[Mapping[str, Any]], **changes: Any) -> Found:
    action = replace(Action("key", "1", part=Part({"text": "hi"}), begun_at=NOW), **changes)
    return await find(cast("HTTPClient", History(messages)), DiscordClock(), ME, action, "ours")


OTHERS = [said(ago, by="8") for ago in range(1, 250)]


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([said(5, "ours")], Sent(said(5)["id"])),
        ([*OTHERS, said(300, "ours")], Sent(said(300)["id"])),
        ([said(9, by="8"), said(5, "another")], Absent()),
        ([*OTHERS, said(HOUR)], Absent()),
        ([], Unknown()),
        ([said(9, by="8"), said(5)], Unknown()),
        ([said(9, by="8"), said(5, answers=True)], Absent()),
        ([said(ago / 2, by="8") for ago in range(1, 1200)], Unknown()),
    ],
    ids=["newest", "older", "absent", "long-ago", "may-not-read", "no-nonce", "answer", "too-much"],
)
async def test_a_channel_tells_what_was_sent(
    messages: Sequence[Mapping[str, Any]], told: Found
) -> None:
    """It is there, or surely not, or that cannot be known; an own message without one may be it."""
    assert await found(messages) == told


def origin(ago: float, *, is_press: bool = False) -> str:
    """Return what an interaction's event carries."""
    began = str(snowflake_of(time.time() - ago))
    return Origin(began, "token", "1", is_press=is_press).note()


EPHEMERAL = Part({"text": "psst", "ephemeral": True})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"origin": origin(5)}, Absent()),
        ({"origin": origin(HOUR)}, Unknown()),
        ({"origin": origin(5), "number": 1}, Unknown()),
        ({"origin": origin(5, is_press=True)}, Unknown()),
        ({"origin": origin(5), "part": EPHEMERAL}, Unknown()),
    ],
    ids=["waiting-sign", "token-over", "second", "press", "ephemeral"],
)
async def test_what_answers_an_interaction_has_no_nonce(
    changes: Mapping[str, Any], told: Found
) -> None:
    """What replaces the waiting sign may be repeated; of the others nobody can tell."""
    for answers in (False, True):
        assert await found([said(5, answers=answers)], **changes) == told


async def test_what_answers_nothing_is_looked_for_whoever_may_see_it() -> None:
    """It has a nonce: without the origin of an interaction nothing is for one person alone."""
    assert await found([said(5)], part=EPHEMERAL) == Unknown()
    assert await found([said(5, "ours")], part=EPHEMERAL) == Sent(said(5)["id"])


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with discord_server() as started:
        started.limits.nonce = 0.0  # Discord has forgotten each at once
        yield started


@pytest.fixture
def dm(server: DiscordServer) -> Channel:
    return server.dm(server.person(2, "Alice"))


both = pytest.mark.parametrize("policy", ["repeat", "hold"])


@both
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_answer_doubles_and_loses_nothing(
    server: DiscordServer, dm: Channel, tmp_path: Path, policy: Any, when: Any
) -> None:
    """Whether the message had arrived or not."""
    path = tmp_path / "bot.db"
    async with running(server, rich_bot(), path, on_ambiguous=policy):
        lost = server.faults.drop(SEND, when=when, reset=True)
        for text in ("hi", "ho"):
            await server.say(person(dm), dm, text)
        await server.wait_for(lambda: len(texts(server.messages(dm))) >= 2)
        assert len(lost.hits) == 1
        assert texts(server.messages(dm)) == ["1: hi", "2: ho"]
    assert await SQLiteStore(path).list("dead") == []


@both
async def test_a_killed_process_doubles_nothing(
    server: DiscordServer, dm: Channel, tmp_path: Path, policy: str
) -> None:
    """Discord had its message, it had no answer; the next process finds it in the channel."""
    policies = ("--on-ambiguous", policy)
    async with process(server, tmp_path, BOT, *policies):
        await ready(server)
        stalled = server.faults.stall(SEND, when="after")
        await server.say(person(dm), dm, "hi")
        await server.wait_for(lambda: stalled.hits)
    server.faults.clear()
    async with process(server, tmp_path, BOT, *policies):
        await ready(server)
        await server.say(person(dm), dm, "ho")
        await server.wait_for(lambda: "ho 1 2" in texts(server.messages(dm)), timeout=20)
    assert texts(server.messages(dm)) == ["hi 1 1", "ho 1 2"]


def person(dm: Channel) -> Person:
    """Return who talks with the bot."""
    assert dm.recipient
    return dm.recipient
