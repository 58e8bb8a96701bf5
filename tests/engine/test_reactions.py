"""Reactions of the bot's: owed in the outbox as replies are, and written where there are none."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from support import query

from chatstate import Button, Interface, MessageRef, React, Rejected, Reply
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL


def bot_that(*answers: Any) -> Interface:
    """Return a bot that answers so, one after the other."""
    bot, left = Interface(id="bot"), list(answers)

    @bot.on_message
    def work(_message: str) -> Any:
        return left.pop(0)

    return bot


async def reacted(client: TestClient, text: str = "hi") -> tuple[dict[str, str], list[str]]:
    """Say something as message "said"; return the reactions there are then, and the answers."""
    event = client.user("alice").event(text)
    event = replace(event, message=replace(event.message, id="said"))
    replies = await client.deliver(event)
    return client.platform.reactions, [reply.text for reply in replies]


async def test_the_message_that_is_handled_is_reacted_to() -> None:
    """Unless another one is named, by itself or by its id."""
    answers = (React("👍"), React("🔥", to=MessageRef("a")), React("🎉", to="b"))
    async with TestClient(bot_that(*answers)) as client:
        for _ in answers:
            assert (await reacted(client))[1] == []
        assert client.platform.reactions == {"said": "👍", "a": "🔥", "b": "🎉"}


@pytest.mark.parametrize("nothing", [None, ""])
async def test_a_reaction_is_replaced_and_taken_away(nothing: str | None) -> None:
    """A message has one of the bot's."""
    async with TestClient(bot_that([React("👀"), "done"], React("👍"), React(nothing))) as client:
        assert await reacted(client) == ({"said": "👀"}, ["done"])
        assert await reacted(client) == ({"said": "👍"}, [])
        assert await reacted(client) == ({}, [])


async def test_a_press_reacts_to_what_was_pressed() -> None:
    """And is answered by that: nobody is left waiting."""
    platform = FakePlatform(capabilities=replace(FULL, finish=True))
    answers = (Reply("?", [Button("Yes")]), React("👍"))
    async with TestClient(bot_that(*answers), platform=platform) as client:
        alice = client.user("alice")
        (shown,) = await alice.say("hi")
        await alice.press("Yes")
        assert platform.reactions == {shown.id: "👍"}
        assert len(platform.finished) == 1


async def test_what_has_no_message_is_answered() -> None:
    """A command of a platform's menu, say."""
    async with TestClient(bot_that(React("👍"), React(None))) as client:
        for answer in (["👍"], []):
            event = client.user("alice").event("hi")
            event = replace(event, message=replace(event.message, id=None))
            assert [reply.text for reply in await client.deliver(event)] == answer
        assert client.platform.reactions == {}


@pytest.mark.parametrize("lacking", [("reactions",), ("reactions", "reply_to")])
async def test_without_reactions_an_emoji_is_an_answer(lacking: tuple[str, ...]) -> None:
    """To the message that it was for; that one is taken away is no answer."""
    bot = bot_that(React("👍", to="a"), React(None))
    async with TestClient(bot, platform=FakePlatform.without(*lacking)) as client:
        (reply,) = await client.user("alice").say("hi")
        assert (reply.text, reply.reply_to) == ("👍", None if "reply_to" in lacking else "a")
        assert await client.user("alice").say("hi") == []


async def test_reactions_need_no_visible_answers() -> None:
    """A platform may have the one and not the other."""
    bot = bot_that(React("👍", to="a"))
    async with TestClient(bot, platform=FakePlatform.without("reply_to")) as client:
        assert await reacted(client) == ({"a": "👍"}, [])


@pytest.mark.parametrize("emoji", ["❤", "❤\ufe0f", "👍"])
async def test_where_there_are_only_some_others_are_answers(emoji: str) -> None:
    """What asks for the picture of an emoji makes it no other one."""
    capabilities = replace(FULL, reaction_emoji=frozenset("❤"))
    platform = FakePlatform(capabilities=capabilities)
    async with TestClient(bot_that(React(emoji), React(None)), platform=platform) as client:
        known = {"said": emoji} if emoji[0] == "❤" else {}
        assert await reacted(client) == (known, [] if known else [emoji])
        assert await reacted(client) == ({}, [])


async def test_it_is_sent_in_its_place_after_a_crash() -> None:
    """It is owed in the outbox, in the order of the answer."""
    async with TestClient(bot_that([React("👍"), "one", React("🔥")])) as client:
        client.platform.stall()
        (receipt,) = await client.deliver_all([client.user("alice").event("hi")])
        while not client.platform.tries:
            await client.advance(0.1)
        assert client.platform.reactions == {}
        await client.crash()
        await client.start()
        client.platform.recover()
        while list(client.platform.reactions.values()) != ["🔥"]:
            await client.advance(0.1)
        assert [shown.text for shown in client.platform.shown("private-alice")] == ["one"]
        assert receipt.status == "stored"


async def test_a_lost_answer_to_it_is_no_doubt() -> None:
    """Whatever the policy: to set a reaction twice is to set it once."""
    async with TestClient(bot_that([React("👍"), "one"]), on_ambiguous="hold") as client:
        client.platform.lose_next()
        (receipt,) = await client.deliver_all([client.user("alice").event("hi")])
        settled = asyncio.ensure_future(receipt.settled())
        while not settled.done():
            await client.advance(1)
        assert list(client.platform.reactions.values()) == ["👍"]
        assert [shown.text for shown in client.platform.shown("private-alice")] == ["one"]
        await client.restart()
        assert query(client, "SELECT error FROM dead_letters") == []


async def test_one_that_is_refused_is_a_dead_letter() -> None:
    """As every reply is; what follows it is sent."""
    async with TestClient(bot_that([React("👍"), "one"])) as client:
        client.platform.fail_next(Rejected("not here"))
        assert await reacted(client) == ({}, ["one"])
        await client.restart()
        assert query(client, "SELECT error FROM dead_letters") == [("refused: not here",)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((7,), "React.emoji must be a str, not int"),
        (("thumbs up",), "one emoji, without spaces"),
        (("x" * 101,), "one emoji"),
        (("\ud800",), "half a surrogate pair"),
        (("👍", 7), "React.to must be a MessageRef or a message's id, not int"),
    ],
)
def test_what_is_no_reaction_is_refused(arguments: tuple[Any, ...], error: str) -> None:
    """Where it is made."""
    with pytest.raises((TypeError, ValueError), match=error):
        React(*arguments)


async def test_what_stands_beside_a_reaction_is_shown_in_advance() -> None:
    """A reaction is no message, and so in no message's way."""
    bot, done = Interface(id="bot"), asyncio.Event()

    @bot.on_message(timeout=86_400.0)  # the clock moves faster than the disk
    async def work(_message: str) -> AsyncIterator[Any]:
        yield [React("👀"), "one"]
        await done.wait()
        yield [React("👍"), "one two"]

    async with TestClient(bot) as client:
        (receipt,) = await client.deliver_all([client.user("alice").event("hi")])
        while not client.platform.delivered:
            await client.advance(0.1)
        done.set()
        await receipt.settled()
        told = [(reply.text, reply.edits) for reply in client.platform.delivered]
        assert told == [("one", None), ("one two", "message-1")]
        assert list(client.platform.reactions.values()) == ["👍"]
