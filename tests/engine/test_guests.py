"""Guests, end to end: people of whom nothing is stored (`Host.guest`)."""

from typing import Annotated

import msgspec
from support import query, texts

from chatstate import Global, Interface, PerChat, PerMember, PerThread, PerUser, State
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL

Short = Annotated[list[str], State(list[str], ttl=10, name="short")]


def diary() -> Interface:
    """Return a bot that keeps what is said, in each scope."""
    bot = Interface(id="bot")

    @bot.on_message
    def say(
        message: str,
        mine: PerMember[list[str]],
        user: PerUser[list[str]],
        chat: PerChat[list[str]],
        thread: PerThread[list[str]],
        everybody: Global[list[str]],
        short: Short,
    ) -> str:
        for said in (mine, user, chat, thread, everybody, short):
            said.append(message)
        assert mine == user == chat == thread
        return f"{''.join(mine)}|{''.join(everybody)}|{''.join(short)}"

    return bot


def hosting() -> TestClient:
    """Return a client on a platform that has guests."""
    capabilities = msgspec.structs.replace(FULL, guests=True)
    return TestClient(diary(), platform=FakePlatform(capabilities=capabilities))


def stored(client: TestClient) -> list[str]:
    """Return the names of the values in the store."""
    return [name for (name,) in query(client, "SELECT name FROM states")]


async def test_what_is_a_guests_is_never_stored_and_goes_with_them() -> None:
    """It is there while they are; what is everybody's is as ever."""
    async with hosting() as client:
        host = await client.platform.connected()
        guest = client.user("guest")
        async with host.guest("guest"):
            assert await texts(guest, "a") == ["a|a|a"]
            assert await texts(guest, "b") == ["ab|ab|ab"]
            assert stored(client) == ["everybody"]
        assert await texts(client.user("alice"), "c") == ["c|abc|c"]
        assert await texts(guest, "d") == ["d|abcd|d"]  # an event of theirs that came later
        assert len(stored(client)) == 6


async def test_what_expires_of_a_guests_is_forgotten() -> None:
    """As it is of everybody."""
    async with hosting() as client:
        host = await client.platform.connected()
        guest = client.user("guest")
        async with host.guest("guest"):
            assert await texts(guest, "a") == ["a|a|a"]
            await client.clock.advance(11)
            assert await texts(guest, "b") == ["ab|ab|b"]


async def test_two_guests_are_apart() -> None:
    """Nothing of one reaches the other, also of who has left."""
    async with hosting() as client:
        host = await client.platform.connected()
        async with host.guest("g1"), host.guest("g2"):
            assert await texts(client.user("g1"), "a") == ["a|a|a"]
            assert await texts(client.user("g2"), "b") == ["b|ab|b"]
        async with host.guest("g3"):
            assert await texts(client.user("g3"), "c") == ["c|abc|c"]
