"""Calls by a platform's own names: owed as replies are, and never made twice by accident."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from support import FAILED, parts_of, query

from chatstate import (
    File,
    Global,
    Interface,
    Markdown,
    Message,
    MessageRef,
    Native,
    PerUser,
    Ref,
    Rejected,
    Reply,
    RetryAfter,
    StateError,
    Turn,
    Unreachable,
    User,
)
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL

POLL: dict[str, Any] = {"question": "Tea?", "options": ["Yes", "No"]}


def answering(answer: Any, **options: Any) -> Interface:
    bot = Interface(id="bot", **options)

    @bot.on_message
    async def work(_message: str) -> Any:
        return answer() if callable(answer) else answer

    return bot


async def letters(client: TestClient) -> list[str]:
    await parts_of(client).sender._store.flush()
    return [row[0] for row in query(client, "SELECT error FROM dead_letters")]


async def settled(client: TestClient, text: str) -> None:
    told = asyncio.create_task(client.user("alice").say(text))
    while not (await asyncio.wait([told], timeout=0.01))[0]:
        await client.advance(1)


async def test_a_call_stands_in_line_with_replies() -> None:
    """It is made in its place among replies, in the chat and the thread of its turn."""
    bot = answering(lambda: ["before", Native("sendPoll", on="test", **POLL), "after"])
    async with TestClient(bot) as client:
        await client.user("alice", chat="room", thread="topic").say("hi")
        (called,) = client.platform.called
        assert (called.method, called.arguments) == ("sendPoll", POLL)
        assert (called.chat, called.thread) == ("room", "topic")
        keys = [client.platform.delivered[0].key, called.key, client.platform.delivered[1].key]
        assert [key.rpartition("-")[2] for key in keys] == ["0", "1", "2"]


async def test_a_call_may_be_sent() -> None:
    """`turn.send` takes one."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(turn: Turn) -> str:
        await turn.send(Native("sendDice", on="test"))
        return "rolled"

    async with TestClient(bot) as client:
        assert [reply.text for reply in await client.user("alice").say("hi")] == ["rolled"]
        assert [called.method for called in client.platform.called] == ["sendDice"]


OTHERWISE = [
    ("Tea?", ["Tea?"]),
    (Markdown("**Tea?**"), ["Tea?"]),
    (Native("POST /polls", on="line", otherwise=["Tea?", Reply("Vote!")]), ["Tea?", "Vote!"]),
    ([Native("call", on="test"), "Tea?"], ["Tea?"]),
]


@pytest.mark.parametrize(("otherwise", "shown"), OTHERWISE, ids=range(len(OTHERWISE)))
async def test_another_platform_gets_what_is_said_otherwise(
    otherwise: Any, shown: list[str]
) -> None:
    """On a platform that it is not for, `otherwise` is answered, whatever that is."""
    bot = answering(Native("sendPoll", otherwise=otherwise, **POLL))
    async with TestClient(bot) as client:
        assert [reply.text for reply in await client.user("alice").say("hi")] == shown
        nested = isinstance(otherwise, list)
        assert [called.method for called in client.platform.called] == ["call"] * nested


async def test_a_platform_that_takes_no_calls_gets_what_is_said_otherwise() -> None:
    """A platform of its name that lacks the capability is another one, too."""
    bot = answering(Native("sendPoll", on="test", otherwise="Tea?", **POLL))
    async with TestClient(bot, platform=FakePlatform.without("native")) as client:
        assert [reply.text for reply in await client.user("alice").say("hi")] == ["Tea?"]


async def test_another_platform_without_otherwise_is_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where nothing is said instead, one line of the log tells what was not sent."""
    bot = answering(Native("sendPoll", **POLL))
    with caplog.at_level(logging.INFO, "chatstate.sender"):
        async with TestClient(bot) as client:
            assert await client.user("alice").say("hi") == []
    (told,) = [record.getMessage() for record in caplog.records if "Native" in record.message]
    assert told == (
        "Native('sendPoll', on='telegram') is not for test, and has nothing as otherwise=: "
        "nothing is sent"
    )


async def test_what_is_no_reply_fails_as_otherwise_too() -> None:
    """`otherwise` is judged on every platform, so that a test on one tells of the other."""
    bot = answering(lambda: Native("sendPoll", on="test", otherwise=7, **POLL))
    async with TestClient(bot, raise_errors=False) as client:
        assert [reply.text for reply in await client.user("alice").say("hi")] == [FAILED]
        assert client.platform.called == []
        assert "gave Native('sendPoll') as otherwise int" in (await letters(client))[0]


async def test_an_applied_reply_may_be_a_call() -> None:
    """What `turn.apply` replies is chosen for the platform, too."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(turn: Turn, _count: Global[Ref[int]]) -> None:
        turn.apply(
            int,
            lambda count: count + 1,
            reply=lambda count: [Native("x", otherwise=str(count)), Native("y", on="test")],
        )

    async with TestClient(bot) as client:
        assert [reply.text for reply in await client.user("alice").say("hi")] == ["1"]
        assert [called.method for called in client.platform.called] == ["y"]


@pytest.mark.parametrize("on", ["test", "telegram"])
async def test_an_applied_call_has_no_files(on: str) -> None:
    """Within a commit no file can be copied: neither that of a call nor one said otherwise."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(turn: Turn, _count: Global[Ref[int]]) -> None:
        file = File(b"data", "a.txt")
        given = {"document": file} if on == "test" else {"otherwise": file}
        turn.apply(int, lambda count: count + 1, reply=lambda _: Native("x", on=on, **given))

    async with TestClient(bot, raise_errors=False) as client:
        assert [reply.text for reply in await client.user("alice").say("hi")] == [FAILED]


async def test_a_file_of_a_call_goes_through_the_spool() -> None:
    """It is copied before the commit, sent as it was then, and removed when it is sent."""
    files = [File(b"one", "1.txt"), File(b"two", "2.txt")]
    media = [{"type": "photo", "media": file} for file in files]
    bot = answering(lambda: Native("sendMediaGroup", on="test", media=media, cover=files[0]))
    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        (called,) = client.platform.called
        assert [file.data for file in called.files] == [b"one", b"two", b"one"]
        assert called.arguments == {"media": [{"type": "photo", "media": None}] * 2, "cover": None}
        owed = Path(client.store_url.removeprefix("sqlite:///") + "-files") / "owed"
        assert list(owed.iterdir()) == []


async def test_a_file_elsewhere_is_an_argument() -> None:
    """At an address it is that; by an id it is the adapter's to say it, if there are ids at all."""
    files = {"photo": File(url="https://a.example/a.png"), "cover": File(id="photo:1")}
    bot = answering(lambda: Native("sendPhoto", on="test", **files))
    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        (called,) = client.platform.called
        assert called.arguments == {"photo": "https://a.example/a.png", "cover": None}
        assert [file.id for file in called.files] == ["photo:1"]
    lacking = FakePlatform.without("file_ids")
    async with TestClient(bot, platform=lacking, raise_errors=False) as client:
        await client.user("alice").say("hi")
        assert "File(id='photo:1') is none of test" in (await letters(client))[0]


async def test_a_file_that_is_too_large_for_a_call_fails_its_turn() -> None:
    """A call without its file would not be what its author made; nothing is committed."""
    platform = FakePlatform(capabilities=replace(FULL, file_bytes=2))
    bot = answering(lambda: Native("sendVoice", on="test", voice=File(b"data", "voice.ogg")))
    async with TestClient(bot, platform=platform, raise_errors=False) as client:
        assert [reply.text for reply in await client.user("alice").say("hi")] == [FAILED]
        assert "file 'voice.ogg' has 4 bytes, and test takes 2 bytes" in (await letters(client))[0]


async def test_a_call_in_doubt_is_held() -> None:
    """A call that may have been made is not made again, though replies are repeated."""
    bot = answering(lambda: [Native("sendGift", on="test"), "thanks"])
    async with TestClient(bot) as client:
        client.platform.lose_next()
        await settled(client, "hi")
        assert [called.method for called in client.platform.called] == ["sendGift"]
        assert [reply.text for reply in client.platform.delivered] == ["thanks"]
        assert await letters(client) == ["held: it may have been sent (the answer was lost)"]


async def test_a_call_that_may_be_repeated_is() -> None:
    """Where the adapter says that it does no harm, a call in doubt is made again."""
    bot = answering(lambda: [Native("setTitle", on="test"), "done"])
    async with TestClient(bot, on_ambiguous="hold") as client:
        client.platform.lose_next()
        await settled(client, "hi")
        assert [called.method for called in client.platform.called] == ["setTitle"] * 2
        assert await letters(client) == []


@pytest.mark.parametrize("error", [Unreachable("down"), RetryAfter(3)])
async def test_a_call_that_was_surely_not_made_is_made_again(error: Exception) -> None:
    """An outage and a rate limit delay a call, and lose none."""
    bot = answering(lambda: Native("sendGift", on="test"))
    async with TestClient(bot) as client:
        client.platform.fail_next(error, times=3)
        await settled(client, "hi")
        assert [called.method for called in client.platform.called] == ["sendGift"]
        assert await letters(client) == []


async def test_a_call_that_is_refused_is_a_dead_letter() -> None:
    """What the platform refuses leaves the line."""
    bot = answering(lambda: [Native("sendGift", on="test"), "thanks"])
    async with TestClient(bot) as client:
        client.platform.fail_next(Rejected("no stars"))
        assert [reply.text for reply in await client.user("alice").say("hi")] == ["thanks"]
        assert await letters(client) == ["refused: no stars"]


async def test_a_call_that_waited_for_a_crash_is_made_once(tmp_path: Path) -> None:
    """What was not begun when the process died is made after it; what was is held."""
    bot = answering(lambda: [Native("sendGift", on="test", n=n) for n in range(3)])
    store, platform = f"sqlite:///{tmp_path / 'bot.db'}", FakePlatform()
    async with TestClient(bot, store=store, platform=platform) as client:
        platform.stall()
        told = asyncio.create_task(client.user("alice").say("hi"))
        while not platform.tries:
            await asyncio.sleep(0)
        await client.crash()
        told.cancel()
        platform.recover()
        await client.start()
        while len(platform.called) < 2:
            await client.advance(1)
        assert [called.arguments["n"] for called in platform.called] == [1, 2]
        assert await letters(client) == ["held: it may have been sent before a crash"]


GIVEN: list[tuple[dict[str, Any], str]] = [
    ({"photo": b"data"}, "sendPhoto: photo is bytes, which cannot be sent; give File(...)"),
    ({"media": [{"media": b"data"}]}, "media[0].media is bytes"),
    ({"until": {1, 2}}, "until is set, which cannot be sent; give what JSON knows, or a File"),
    ({"price": float("nan")}, "price is nan, which JSON does not know"),
    ({"text": "\ud800"}, "text is no text"),
    ({"message_id": MessageRef("")}, "message_id is a message without an id"),
    ({"labels": {1: "a"}}, "a key of sendPhoto: labels must be a str, not int"),
]


@pytest.mark.parametrize(("given", "told"), GIVEN, ids=range(len(GIVEN)))
def test_what_cannot_be_sent_is_an_error_when_it_is_made(given: dict[str, Any], told: str) -> None:
    """What cannot be kept until it is sent is told with the way to it, where it is written."""
    with pytest.raises((TypeError, ValueError), match=re.escape(told)):
        Native("sendPhoto", **given)


REFUSED = ["getUpdates", "setWebhook", "deleteWebhook", "logOut", "close", "GETUPDATES"]


@pytest.mark.parametrize("method", REFUSED)
def test_what_the_adapter_does_itself_is_refused_when_it_is_made(method: str) -> None:
    """A method that would end the bot's polling or its session is an error at once."""
    with pytest.raises(ValueError, match=re.escape(f"Native({method!r}): ")):
        Native(method)


@pytest.mark.parametrize("method", ["", "send_poll", "getMe/../getUpdates", "sendPoll?x=1"])
def test_what_is_no_method_is_refused_when_it_is_made(method: str) -> None:
    """A name that no method has is an error that shows one."""
    with pytest.raises(ValueError, match="one is like 'sendPoll'"):
        Native(method)


def test_a_call_keeps_what_it_was_given() -> None:
    """Neither is it changed by who changes a list later, nor does it change what it was given."""
    options = ["Yes", "No"]
    native = Native("sendPoll", options=options)
    options.append("Maybe")
    assert native.arguments == {"options": ["Yes", "No"]}
    assert native == Native("sendPoll", options=["Yes", "No"])


def test_an_object_of_the_platforms_library_is_read() -> None:
    """What has a `to_dict` is what that returns."""

    class Markup:
        def to_dict(self) -> dict[str, Any]:
            return {"force_reply": True}

    native = Native("sendMessage", text="Name?", reply_markup=Markup())
    assert native.arguments == {"text": "Name?", "reply_markup": {"force_reply": True}}


def hearing() -> Interface:
    """Return a bot that makes a call, and tells what came of each."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str) -> Native:
        return Native("createLink", on="test", title=message)

    @bot.on_sent
    async def told(message: Message, user: User, count: PerUser[Ref[int]]) -> str:
        count.value += 1
        raw = message.raw or {}
        title = raw["arguments"]["title"]
        return f"{count.value} {user.name}: {message.text} {title} {raw['result']} {message.id}"

    return bot


async def test_what_a_call_returned_comes_to_its_conversation() -> None:
    """It is a turn of the conversation, for whom the call answered, before what comes later."""
    async with TestClient(hearing()) as client:
        client.platform.results["createLink"] = "https://link"
        alice = client.user("alice", chat="room", thread="t")
        await alice.say("Tea")
        await client.user("bob", chat="room", thread="t").say("Cake")
        told = [(reply.text, reply.chat, reply.thread) for reply in client.platform.delivered]
        assert told[:1] == [("1 alice: createLink Tea https://link call-1", "room", "t")]
        await alice.say("More")
        assert client.platform.delivered[1].text == "1 bob: createLink Cake https://link call-2"


async def test_what_came_of_a_call_survives_a_crash(tmp_path: Path) -> None:
    """What was returned is handled once, by the next process if need be."""
    store = f"sqlite:///{tmp_path / 'bot.db'}"
    async with TestClient(hearing(), store=store) as client:
        platform = client.platform
        platform.stall()
        told = asyncio.create_task(client.user("alice").say("Tea"))
        while not platform.tries:
            await asyncio.sleep(0)
        platform.recover()
        while not platform.called:
            await asyncio.sleep(0)
        await parts_of(client).sender._store.flush()
        await client.crash()
        told.cancel()
        await client.start()
        await client.user("alice").say("Cake")
        assert [called.arguments["title"] for called in platform.called] == ["Tea", "Cake"]
        told_of = [reply.text.split()[3] for reply in platform.delivered]
        assert told_of[:1] == ["Tea"]
        assert told_of.count("Tea") == 1


async def test_a_call_that_is_given_up_comes_to_nobody() -> None:
    """What is refused, or held, has returned nothing."""
    async with TestClient(hearing()) as client:
        client.platform.fail_next(Rejected("no"))
        await client.user("alice").say("Tea")
        assert client.platform.delivered == []


async def test_neither_middleware_nor_guards_stand_before_what_was_sent() -> None:
    """Nobody has said anything, so nobody is let in or kept out."""
    bot = Interface(id="bot", allow=lambda message: message.sender.name == "alice")
    seen: list[str] = []

    @bot.middleware
    async def look(message: Message, call_next: Any) -> Any:
        seen.append(message.kind)
        return await call_next()

    bot.include(hearing())
    async with TestClient(bot) as client:
        await client.user("alice").say("Tea")
        await client.user("alice").say("Cake")
        assert seen == ["message", "message"]
        assert len(client.platform.delivered) >= 1


async def test_a_platform_without_a_client_says_so() -> None:
    """`turn.client` is an error where there is none, that says what to look at."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(turn: Turn) -> str:
        return str(turn.client)

    async with TestClient(bot) as client:
        with pytest.raises(StateError, match="test has no client of its own, or no connection"):
            await client.user("alice").say("hi")


async def test_a_reply_adds_what_its_platform_alone_knows() -> None:
    """It goes with every call that sends the reply on that platform, and with no other."""
    native: dict[str, Any] = {"test": {"effect": "fire"}, "telegram": {"protect": True}}
    bot = answering(lambda: [Reply("hi", native=native), Reply("ho", native={"telegram": {}})])
    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        assert [reply.native for reply in client.platform.delivered] == [{"effect": "fire"}, {}]


async def test_a_stream_adds_it_from_the_beginning() -> None:
    """What is sent in advance is sent by the same calls, so that it is protected, say, at once."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(turn: Turn) -> AsyncIterator[Reply]:
        for text in ("a", "a b"):
            yield Reply(text, native={"test": {"effect": "fire"}})
            await turn.clock.sleep(2)

    async with TestClient(bot) as client:
        await settled(client, "hi")
        first = client.platform.delivered[0]
        assert (first.preview, first.native) == (True, {"effect": "fire"})


ADDED: list[tuple[Any, str]] = [
    ("protect", "Reply.native maps platforms"),
    ({"telegram": True}, "Reply.native.telegram must be a mapping, not bool"),
    ({"telegram": {"pin": MessageRef("", sent="1-0")}}, "names a message that has no id yet"),
    ({"telegram": {"photo": File(b"x", "x.png")}}, "files of a Reply are its files="),
    ({"telegram": {"photo": b"x"}}, "Reply.native.telegram.photo is bytes"),
]


@pytest.mark.parametrize(("native", "told"), ADDED, ids=range(len(ADDED)))
def test_what_cannot_be_added_is_an_error_when_it_is_made(native: Any, told: str) -> None:
    """What a reply adds is of each platform by its name, and what JSON knows."""
    with pytest.raises(TypeError, match=re.escape(told)):
        Reply("hi", native=native)
