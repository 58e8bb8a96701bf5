"""Workers that share one account on Discord: each receives its shards, and any of them sends."""

from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
from adapters.discord_driver import TOKEN, addresses, discord_server
from engines import worker
from servers.discord_server import DiscordServer
from servers.discord_world import Channel
from stores.schemas import Schemas

from chatstate import Interface, Message, PerChat, Ref
from chatstate.adapter import Action, Post
from chatstate.text import StyledText
from chatstate_discord import DiscordAdapter

LEASE = 1.0
FAR = 1 << 22
"""A guild on the second of two shards."""


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with discord_server() as started:
        yield started
        assert started.rest.violations == []


@pytest.fixture
def url(schemas: Schemas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a store. A worker with two shards connects both at once."""

    async def hook(*_: object, **__: object) -> None:
        pass

    monkeypatch.setattr(discord.Client, "before_identify_hook", hook)
    return f"{schemas.url_of(tmp_path)}&lease={LEASE}"


def counting() -> Interface:
    """Return a bot that counts what is said in a channel."""
    bot = Interface(id="bot")

    @bot.on_message
    async def count(message: Message, said: PerChat[Ref[int]]) -> str:
        said.value += 1
        return f"{said.value}: {message.text}"

    return bot


def adapter(server: DiscordServer) -> DiscordAdapter:
    return DiscordAdapter(token=TOKEN, **addresses(server))


async def until_shared(server: DiscordServer, sessions: int) -> None:
    """Return once both shards are connected, after so many sessions in all."""
    gateway = server.gateway

    def connected() -> list[int]:
        return sorted(session.shard[0] for session in gateway.connected if session.shard)

    await server.wait_for(lambda: len(gateway.identifies) == sessions and connected() == [0, 1])


def _mine(adapter: DiscordAdapter) -> list[int]:
    return adapter._shards.mine if adapter._shards else []


async def said(server: DiscordServer, place: Channel, *texts: str) -> None:
    """Return once the bot has said these things in a place, and nothing else."""

    def shown() -> list[str]:
        every = [message for message in server.messages(place) if message.author == server.bot]
        return [message.content for message in every if not message.deleted]

    await server.wait_for(lambda: len(shown()) >= len(texts))
    assert shown() == list(texts)


async def test_shards_are_split_and_taken_over(server: DiscordServer, url: str) -> None:
    """Who comes gets its share; what is said on the shard of one that has died is read back."""
    alice = server.person(42, "Alice")
    home = server.channel(server.guild(10, "Home"), "home")
    far = server.channel(server.guild(FAR, "Far"), "far")
    server.application.shards = 2
    first, second = adapter(server), adapter(server)
    async with worker(url, counting(), first):
        await until_shared(server, 2)
        async with worker(url, counting(), second, dies=True):
            await until_shared(server, 4)
            assert [_mine(adapter) for adapter in (first, second)] == [[0], [1]]
            for place in (home, far):
                await server.say(alice, place, f"{server.bot.mention} hi")
                await said(server, place, "1: hi")
        await server.say(alice, far, f"{server.bot.mention} still there?")
        await said(server, far, "1: hi", "2: still there?")
        await server.say(alice, home, f"{server.bot.mention} and here?")
        await said(server, home, "1: hi", "2: and here?")


async def test_a_worker_without_a_shard_sends(server: DiscordServer, url: str) -> None:
    """What it handles is answered by itself, though another receives; and it asks who is admin."""
    alice = server.person(42, "Alice")
    bob = server.person(43, "Bob")
    home = server.channel(server.guild(10, "Home", [alice, bob]), "home")  # of which she is owner
    first, second = adapter(server), adapter(server)
    async with worker(url, counting(), first), worker(url, counting(), second):
        assert [_mine(adapter) for adapter in (first, second)] == [[0], []]
        part = second.render(Post(StyledText("hello")))[0]
        await second.perform(Action("1-1-0", home.id, part=part))
        await said(server, home, "hello")
        admins = [who for who in (alice, bob) if await second.is_admin(home.id, who.id)]
        assert admins == [alice]
