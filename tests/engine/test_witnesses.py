"""Witnesses, end to end: who looks on while turns run is told what they read (`Host.witness`)."""

from typing import Annotated

from support import parts_of, texts

from chatstate import Interface, PerMember, Ref, State, Turn
from chatstate.inspection import Read, Seen
from chatstate.testing import TestClient

EVERYBODY = State(0, scope="global", name="everybody")


def counting() -> Interface:
    """Return a bot that counts, and that reaches a value which its handler does not declare."""
    bot = Interface(id="bot")

    @bot.command
    def total(everybody: Annotated[Ref[int], EVERYBODY]) -> str:
        return str(everybody.value)

    @bot.on_message
    async def count(message: str, mine: PerMember[Ref[int]], turn: Turn) -> str:
        mine.value += 1
        if message == "all":
            everybody = await turn.state(EVERYBODY)
            everybody.value += 1
        if message == "fail":
            raise RuntimeError(message)
        return str(mine.value)

    return bot


async def test_a_turn_is_told_of_with_what_it_read_as_it_was_then() -> None:
    """Also what it reached, and also if it failed; and no longer than somebody looks on."""
    told: list[Seen] = []
    async with TestClient(counting(), raise_errors=False) as client:
        host = await client.platform.connected()
        alice, lanes = client.user("alice"), parts_of(client).lanes
        work = lanes._work
        await alice.say("a")
        with host.witness(told.append):
            await alice.say("all")
            assert client.newest
            reads = [Read("member", "mine", "1"), Read("global", "everybody", "0")]
            assert told == [Seen(client.newest.id, reads, told[0].seconds)]
            assert told[0].seconds > 0
            with host.witness(lambda *_: None):
                await alice.say("fail")
            assert told[1].reads == [Read("member", "mine", "2")]
        assert await texts(alice, "b") == ["3"]
        assert len(told) == 2
        assert lanes._work is work
