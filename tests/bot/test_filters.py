"""Several handlers of messages: the first that is registered for a message gets it."""

import asyncio
import re
from datetime import timedelta
from typing import Annotated, Any

import pytest
from msgspec.structs import replace
from support import texts

from chatstate import (
    Arg,
    Attachment,
    BindingError,
    Button,
    Chat,
    Contact,
    Interface,
    Location,
    Message,
    Poll,
    Reply,
    Resource,
    Sticker,
    User,
)
from chatstate.testing import TestClient

OF_KINDS = [
    ("photo", Attachment("1", "a.jpg", "image/jpeg")),
    ("video", Attachment("2", "a.mp4", "video/mp4")),
    ("audio", Attachment("3", "a.mp3", "audio/mpeg")),
    ("voice", Attachment("4", "a.ogg", "audio/ogg", is_voice=True)),
    ("document", Attachment("5", "a.pdf", "application/pdf")),
    ("document", Attachment("6", "file")),
]


async def test_the_first_that_fits_gets_a_message() -> None:
    """In the order of registration; one without a filter gets the rest."""
    bot = Interface(id="bot")
    bot.on_message(text="^hi")(lambda: "a greeting")
    bot.on_message(text=re.compile("HI", re.IGNORECASE))(lambda: "a shout")
    bot.on_message(lambda: "something else")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi there") == ["a greeting"]
        assert await texts(alice, "oh, Hi") == ["a shout"]
        assert await texts(alice, "bye") == ["something else"]


@pytest.mark.parametrize(("kind", "file"), OF_KINDS)
async def test_a_file_goes_to_the_handler_of_its_kind(kind: Any, file: Attachment) -> None:
    """And to no other, though that would take any text."""
    bot = Interface(id="bot")
    others: Any = [other for other in ("text", *dict(OF_KINDS)) if other != kind]
    bot.on_message(kind=others)(lambda text: f"not a {kind}: {text}")
    bot.on_message(kind=kind)(lambda text: f"{kind}: {text}")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("look", files=[file])
        assert reply.text == f"{kind}: look"
        assert await texts(alice, "look") == [f"not a {kind}: look"]


SHARED: dict[str, Any] = {
    "location": Location(1, 2),
    "contact": Contact("+49", "Bob"),
    "poll": Poll("?", ("a", "b")),
    "sticker": Sticker("1", "👍"),
}


@pytest.mark.parametrize("kind", SHARED)
async def test_what_is_shared_goes_to_the_handler_of_its_kind(kind: Any) -> None:
    """It is no text, though it has words."""
    bot = Interface(id="bot")
    bot.on_message(kind="text")(lambda: "a text")
    bot.on_message(kind=kind)(lambda text: f"{kind}: {text}")
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("words", **{kind: SHARED[kind]})
        assert reply.text == f"{kind}: words"


async def test_a_function_decides() -> None:
    """It gets the message, its sender or its chat, as it is annotated."""
    bot = Interface(id="bot")
    bot.on_message(where=lambda m: len(m.text) > 5)(lambda: "long")
    bot.on_message(where=by_alice, text="a")(lambda: "of alice, with an a")
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "a long text") == ["long"]
        assert await texts(alice, "a") == ["of alice, with an a"]
        for who, text in ((alice, "x"), (bob, "a")):
            said = await texts(who, text)
            assert said == ["I did not understand that. Send /help to see what I can do."]


def by_alice(user: User, chat: Chat, message: Message) -> bool:
    return (user.id, chat.kind, message.sender) == ("alice", "private", user)


async def test_named_groups_are_parameters() -> None:
    """Each is read by its annotation; one that found nothing is the default, or None."""
    bot = Interface(id="bot")

    @bot.on_message(text=r"wait (?P<lasts>\S+)(?: for (?P<whom>@\w+))?(?: (?P<words>.+))?")
    def wait(
        lasts: timedelta, whom: Annotated[User, Arg] | None, *, words: str = "-", text: str
    ) -> str:
        return f"{lasts} {whom and whom.name} {words} {text}"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "wait 1h") == ["1:00:00 None - wait 1h"]
        event = alice.event("wait 5m for @Bob ok")
        message = replace(event.message, mentions=(User("7", "Bob"),))
        (reply,) = await client.deliver(replace(event, message=message))
        assert reply.text == "0:05:00 Bob ok wait 5m for @Bob ok"
        told = "“long” is not a length of time. Send one like 1h30m or 2 days."
        assert await texts(alice, "wait long") == [told]


async def test_a_press_goes_where_its_words_would() -> None:
    """What its button sends is searched as if it were typed."""
    bot = Interface(id="bot")
    bot.command(name="show")(lambda: Reply("?", buttons=[Button("Tea", "order tea")]))
    bot.on_message(text="order (?P<what>.*)")(lambda what: f"a {what}")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/show")
        assert [reply.text for reply in await alice.press("Tea")] == ["a tea"]


async def test_what_no_filter_lets_pass_is_told_in_private_alone() -> None:
    """In a group it is for others."""
    bot = Interface(id="bot")
    bot.on_message(text="hi")(lambda: "hi")
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "x") == [
            "I did not understand that. Send /help to see what I can do."
        ]
        assert await texts(client.user("alice", chat="room"), "x") == []


async def test_each_handler_has_its_own_terms() -> None:
    """What is taken of the limits of one is not taken of another's."""
    bot = Interface(id="bot")

    @bot.on_message(text="a", limits="1/minute")
    def first() -> str:
        return "a"

    @bot.on_message(limits="1/minute")
    def second() -> str:
        return "b"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        said = [await texts(alice, text) for text in ("a", "b", "a")]
        assert [text[:9] for (text,) in said] == ["a", "b", "That was "]


async def test_messages_of_one_handler_are_merged() -> None:
    """What goes to another stands between them."""
    bot = Interface(id="bot")
    bot.on_message(text="^(?P<letter>a)", overlap="merge")(
        lambda letter, text: f"{letter}: {text!r}"
    )
    bot.on_message(lambda text: text)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        events = [alice.event(text) for text in ("a1", "a2", "b", "a3")]
        receipts = await client.deliver_all(events)
        for receipt in receipts:
            await receipt.settled()
        assert [reply.text for reply in client.platform.delivered] == [
            "a: 'a1\\na2'",
            "b",
            "a: 'a3'",
        ]


async def test_a_function_that_fails_fails_the_turn_of_its_message() -> None:
    """And nothing else: what waits or comes meanwhile is not harmed."""
    bot = Interface(id="bot")
    bot.on_message(where=lambda m: 1 / len(m.text.strip("0")) > 0, overlap="interrupt")(
        lambda text: text
    )
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        said = [await texts(alice, text) for text in ("0", "1")]
        assert said == [["Sorry, something went wrong. Nothing was changed."], ["1"]]


async def test_a_function_that_fails_for_what_waits_harms_nobody() -> None:
    """Whoever speaks meanwhile may be about to interrupt, and is asked about at once."""
    gate = asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message(where=lambda m: 1 / len(m.text.strip("0")) > 0, overlap="interrupt")
    async def hear(text: str) -> str:
        await gate.wait()
        return text

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        receipts = [*await client.deliver_all([alice.event("1")])]
        receipts += await client.deliver_all([alice.event("0")])
        gate.set()
        for receipt in receipts:
            await receipt.settled()
        said = [reply.text for reply in client.platform.delivered]
        assert said == ["1", "Sorry, something went wrong. Nothing was changed."]


async def test_a_bot_that_is_included_has_its_filters() -> None:
    """They come after those of the bot that includes it."""
    inner, outer = Interface(id="inner"), Interface(id="outer")
    inner.on_message(text="a")(lambda: "inner a")
    inner.on_message(lambda: "inner rest")
    outer.on_message(text="ab")(lambda: "outer ab")
    outer.include(inner)
    async with TestClient(outer) as client:
        alice = client.user("alice")
        said = [(await texts(alice, text))[0] for text in ("ab", "a", "b")]
        assert said == ["outer ab", "inner a", "inner rest"]


def test_a_handler_that_would_get_nothing_is_an_error() -> None:
    """Whether it is registered or included."""
    inner, outer = Interface(id="inner"), Interface(id="outer")
    inner.on_message(text="a")(hears)
    outer.on_message(hears)
    with pytest.raises(BindingError, match=r"gets each message already, so hears\(\) in .* would"):
        outer.on_message(text="a")(hears)
    with pytest.raises(BindingError, match="answer messages, and the first gets each"):
        outer.include(inner)


def hears(text: str) -> str:
    return text


async def asked(message: Message) -> bool:
    return True


def opened(wanted: Resource[dict[str, int]]) -> bool:
    return bool(wanted)


@pytest.mark.parametrize(
    ("filters", "why"),
    [
        ({"text": "("}, r"is no regular expression: "),
        ({"text": 7}, "text=7: use a regular expression"),
        ({"text": "(?P<size>a)"}, r"has a group 'size', and hears\(\) no parameter of that name"),
        ({"kind": "picture"}, "use one of text, photo, video, audio, voice, document"),
        ({"kind": []}, "use one of text"),
        ({"where": asked}, "use a plain function of the message"),
        ({"where": True}, "use a plain function of the message"),
        ({"where": opened}, "cannot have resources"),
        ({"text": "a", "inputs": 1}, "there is no option 'inputs'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_filter_that_cannot_be_is_an_error(filters: dict[str, Any], why: str) -> None:
    """It is told where it is written."""
    bot = Interface(id="bot")
    with pytest.raises((BindingError, TypeError), match=why):
        bot.on_message(**filters)(hears)
