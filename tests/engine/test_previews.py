"""What a turn is going to answer, shown while it still runs; what it owes is the answer."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from support import FAILED, query, texts

from chatstate import (
    Ambiguous,
    Button,
    Delete,
    File,
    Global,
    Interface,
    Markdown,
    PerMember,
    Rejected,
    Reply,
    RetryAfter,
    State,
    Turn,
    Unreachable,
    UserError,
)
from chatstate.adapter import Action, Capabilities, Part, Post, Sent
from chatstate.testing import FakePlatform, Person, TestClient
from chatstate.testing.platform import FULL
from chatstate.text import StyledText

BROKE_OFF = "The answer broke off: something went wrong. Nothing was changed."
END = object()


class Fed:
    """A bot that streams what the test feeds it, and keeps the last of it."""

    def __init__(self, **options: Any) -> None:
        self.bot = Interface(id="fed")
        self.bot.on_message(**options)(self.work)
        self.ended = 0
        self._food = asyncio.Queue[Any]()

    async def work(self, _message: str, kept: PerMember[list[str]]) -> AsyncIterator[Any]:
        try:
            while (value := await self._next()) is not END:
                kept[:] = [str(value)]
                yield value
        finally:
            self.ended += 1

    async def _next(self) -> Any:
        value = await self._food.get()
        self._food.task_done()
        if isinstance(value, Exception):
            raise value
        return value

    async def feed(self, *values: Any) -> None:
        """Return when all of these were yielded, or raised."""
        for value in values:
            await self._food.put(value)
        await self._food.join()
        await settle()


class Narrow(FakePlatform):
    """A platform on which a message has room for five characters."""

    def render(self, post: Post) -> Sequence[Part]:
        text = post.text.text
        pieces = [text[first : first + 5] for first in range(0, len(text), 5)]
        posts = [replace(post, text=StyledText(piece), buttons=(), files=()) for piece in pieces]
        posts[-1] = replace(post, text=StyledText(pieces[-1]))
        return [part for piece in posts for part in super(Narrow, self).render(piece)]


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def begin(client: TestClient, person: Person, text: str = "hi") -> Any:
    """Say something, and return once it is in its lane; the task returns the replies."""
    (receipt,) = await client.deliver_all([person.event(text)])
    return receipt


def shown(client: TestClient, chat: str = "private-alice") -> list[str]:
    return [reply.text for reply in client.platform.shown(chat)]


def calls(client: TestClient) -> list[tuple[str, str | None, bool]]:
    """Return what was sent: its text, what it edits, whether it is a preview."""
    return [(reply.text, reply.edits, reply.preview) for reply in client.platform.delivered]


def longest_sleep(client: TestClient) -> float:
    """Return for how long the last of those who wait for the clock will wait."""
    clock = client.clock
    wakes = [when for when, _, waker in clock._sleepers if not waker.done()]
    return max(wakes, default=0.0) - clock.monotonic()


async def advance_until(client: TestClient, condition: Callable[[], object]) -> None:
    while not condition():
        await client.advance(0.25)


async def test_the_first_preview_comes_after_a_moment() -> None:
    """A turn that is done by then answers at once, in one message."""
    made = Fed()
    async with TestClient(made.bot) as client:
        quick = await begin(client, client.user("alice"))
        await made.feed("one", "two")
        await client.advance(0.29)
        await made.feed("three", END)
        await quick.settled()
        assert calls(client) == [("three", None, False)]
        slow = await begin(client, client.user("bob"))
        await made.feed("one")
        await client.advance(0.29)
        assert len(calls(client)) == 1
        await client.advance(0.02)
        await until(lambda: len(calls(client)) == 2)
        assert calls(client)[1:] == [("one", None, True)]
        await made.feed("two", END)
        await slow.settled()
        assert calls(client)[2:] == [("two", "message-2", False)]


async def test_previews_keep_the_platforms_pace_and_show_the_newest() -> None:
    """What is yielded faster is left out, but for the last."""
    made = Fed()
    platform = FakePlatform(capabilities=replace(FULL, edit_pause=2.0))
    async with TestClient(made.bot, platform=platform) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("one")
        await advance_until(client, lambda: shown(client) == ["one"])
        await until(lambda: longest_sleep(client) > 1.5)
        await made.feed("two", "three")
        await client.advance(1.7)
        assert shown(client) == ["one"]
        await client.advance(0.4)
        await until(lambda: shown(client) == ["three"])
        await made.feed("four", "five", END)
        await receipt.settled()
        assert calls(client) == [
            ("one", None, True),
            ("three", "message-1", True),
            ("five", "message-1", False),
        ]


class Drafting(FakePlatform):
    """A platform on which a preview is no message, and vanishes after half a minute."""

    def __init__(self) -> None:
        super().__init__(capabilities=replace(FULL, preview_lasts=30.0))
        self.drafts: list[str] = []

    async def perform(self, action: Action) -> Sent:
        if action.preview:
            self.drafts.append(action.part.content["text"]["text"])
            return Sent()
        return await super().perform(action)


async def test_what_vanishes_is_shown_again() -> None:
    """While nothing else is yielded; the answer is a message of its own then."""
    made = Fed()
    async with TestClient(made.bot, platform=(platform := Drafting())) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("one")
        await advance_until(client, lambda: platform.drafts == ["one"])
        await client.advance(15)
        assert platform.drafts == ["one"]
        await client.advance(10)
        await until(lambda: platform.drafts == ["one", "one"])
        await made.feed("two")
        await advance_until(client, lambda: platform.drafts == ["one", "one", "two"])
        await made.feed("three", END)
        await receipt.settled()
        assert calls(client) == [("three", None, False)]


async def test_what_does_not_change_is_not_shown_again() -> None:
    """A yield that is equal to the one before costs no call, but for the answer itself."""
    made = Fed()
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        for _ in range(4):
            await made.feed("same")
            await client.advance(2)
        await until(lambda: calls(client))
        await made.feed(END)
        await receipt.settled()
        assert calls(client) == [("same", None, True), ("same", "message-1", False)]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_what_was_yielded_is_shown_as_it_was_then(mode: str) -> None:
    """An author may yield the same list again and again, and change it in between."""
    gates = [threading.Event() for _ in range(3)]
    yielded = threading.Semaphore(0)

    def grow() -> Iterator[Any]:
        answer: list[Any] = ["a"]
        buttons = [Button("x")]
        answer.append(Reply("b", buttons))
        for gate in gates:
            yield answer
            answer[0] += "+"
            answer.append("more")
            buttons.append(Button("y"))
            yielded.release()
            while not gate.is_set():
                yield from ()
                gate.wait(0.001)

    async def grow_async() -> AsyncIterator[Any]:
        for gate, value in zip(gates, ["a", "b", "c"], strict=True):
            answer = [value]
            yield answer
            answer[0] = "changed"
            yielded.release()
            while not gate.is_set():
                await asyncio.sleep(0)

    handler: Any = grow if mode == "sync" else grow_async
    bot = Interface(id="bot")
    bot.on_message(handler)
    async with TestClient(bot) as client:
        await begin(client, client.user("alice"))
        await asyncio.to_thread(yielded.acquire)
        await advance_until(client, lambda: calls(client))
        if mode == "sync":
            await until(lambda: shown(client) == ["a", "b"])
        else:
            assert shown(client) == ["a"]
        gates[0].set()
        await asyncio.to_thread(yielded.acquire)
        second = ["a+", "b", "more"] if mode == "sync" else ["b"]
        await advance_until(client, lambda: shown(client) == second)
        for gate in gates[1:]:
            gate.set()
        last = ["a++", "b", "more", "more"] if mode == "sync" else ["c"]
        await until(lambda: shown(client) == last)


async def test_a_long_answer_is_shown_in_several_messages() -> None:
    """It grows at its end; what was shown and has not changed is left alone."""
    made = Fed()
    async with TestClient(made.bot, platform=Narrow()) as client:
        receipt = await begin(client, client.user("alice"))
        for text, parts in [("abc", 1), ("abcdefg", 2), ("abcdefghijk", 3)]:
            await made.feed(text)
            while len(shown(client)) != parts:
                await client.advance(0.25)
        await made.feed("xbcdefghijk")
        await advance_until(client, lambda: shown(client)[0] == "xbcde")
        assert [(text, edits) for text, edits, _ in calls(client)] == [
            ("abc", None),
            ("abcde", "message-1"),
            ("fg", None),
            ("fghij", "message-3"),
            ("k", None),
            ("xbcde", "message-1"),
        ]
        await made.feed("xbcdefghijkl", END)
        await receipt.settled()
        assert shown(client) == ["xbcde", "fghij", "kl"]
        assert client.platform.deleted == []


async def test_messages_that_the_answer_does_not_need_are_deleted() -> None:
    """It became shorter at the end."""
    made = Fed()
    async with TestClient(made.bot, platform=Narrow()) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("abcdefghijk")
        await advance_until(client, lambda: len(shown(client)) == 3)
        await made.feed("short", END)
        await receipt.settled()
        assert shown(client) == ["short"]
        assert client.platform.deleted == ["message-2", "message-3"]


async def test_a_stream_that_ends_with_nothing_takes_back_what_it_showed() -> None:
    """The last yield counts, also if it is empty."""
    made = Fed()
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("thinking")
        await advance_until(client, lambda: shown(client))
        await made.feed(None, END)
        await receipt.settled()
        assert shown(client) == []


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_generator_that_yields_nothing_answers_nothing(mode: str) -> None:
    """As a function that returns None does."""

    def nothing(message: str) -> Iterator[str]:
        yield from ()

    async def nothing_async(message: str) -> AsyncIterator[str]:
        for text in list[str]():
            yield text

    bot = Interface(id="bot")
    bot.on_message(nothing if mode == "sync" else nothing_async)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == []
        assert client.platform.tries == 0


@pytest.mark.parametrize("waits", [False, True])
async def test_an_answer_whose_preview_is_gone_is_sent_anew(waits: Any) -> None:
    """Somebody has deleted the messages meanwhile, maybe while the platform asked to wait."""

    class Gone(FakePlatform):
        is_gone = False

        async def perform(self, action: Action) -> Sent:
            if self.is_gone and action.verb == "edit" and not self._faults:
                raise Rejected("message to edit not found")
            return await super().perform(action)

    made, platform = Fed(), Gone()
    async with TestClient(made.bot, platform=platform) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed(["half of", "it"])
        await advance_until(client, lambda: len(shown(client)) == 2)
        await until(lambda: len(query(client, "SELECT * FROM notes")) == 2)
        await settle()
        platform.is_gone = True
        if waits:
            platform.fail_next(RetryAfter(1))
        await made.feed(END)
        await advance_until(client, lambda: len(calls(client)) == 4)
        await receipt.settled()
        assert calls(client)[2:] == [("half of", None, False), ("it", None, False)]
        assert query(client, "SELECT * FROM dead_letters") == []


async def test_an_exception_half_way_closes_what_was_shown() -> None:
    """Nothing is kept; the text stays, with a sentence below it."""
    made = Fed()
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("half of")
        await advance_until(client, lambda: shown(client))
        await made.feed(RuntimeError("broken"))
        await receipt.settled()
        assert shown(client) == ["half of", BROKE_OFF]
        assert query(client, "SELECT * FROM states") == []
        assert query(client, "SELECT error FROM dead_letters") == [("RuntimeError: broken",)]
        assert made.ended == 1


async def test_an_exception_before_anything_was_shown_is_as_any_other() -> None:
    """One sentence."""
    made = Fed()
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("half of", RuntimeError("broken"))
        await receipt.settled()
        assert calls(client) == [(FAILED, None, False)]


@pytest.mark.parametrize("shows", [True, False])
async def test_a_user_error_half_way_comes_below_what_was_shown(shows: Any) -> None:
    """Nothing is kept."""
    made = Fed()
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("half of")
        if shows:
            await advance_until(client, lambda: shown(client))
        await made.feed(UserError("the model is asleep"))
        await receipt.settled()
        assert shown(client) == ["half of"] * shows + ["the model is asleep"]
        assert query(client, "SELECT * FROM states") == []
        assert query(client, "SELECT * FROM dead_letters") == []


async def test_a_retried_event_is_answered_by_a_new_message() -> None:
    """What its first turn had shown was closed long ago."""
    made = Fed()
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("half of")
        await advance_until(client, lambda: shown(client))
        await made.feed(RuntimeError("broken"))
        await receipt.settled()
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        await advance_until(client, lambda: query(client, "SELECT * FROM inbox WHERE seq > 1"))
        await made.feed("whole", END)
        await advance_until(client, lambda: len(shown(client)) == 3)
        assert shown(client) == ["half of", BROKE_OFF, "whole"]
        assert query(client, "SELECT * FROM notes") == []


async def test_something_yielded_that_is_no_reply_fails_the_turn_and_closes_the_stream() -> None:
    """The generator's finally runs at once."""
    made = Fed()
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("fine")
        await advance_until(client, lambda: shown(client))
        await made.feed(object())
        await receipt.settled()
        assert shown(client) == ["fine", BROKE_OFF]
        assert made.ended == 1


async def test_after_a_crash_the_rerun_edits_the_same_message() -> None:
    """Its id was noted; the notes are gone with the commit."""
    made = Fed()
    async with TestClient(made.bot, platform=Narrow()) as client:
        await begin(client, client.user("alice"))
        await made.feed("before it")
        await advance_until(client, lambda: len(shown(client)) == 2)
        await until(lambda: len(query(client, "SELECT * FROM notes")) == 2)
        await client.crash()
        await client.start()
        await made.feed("again")
        await advance_until(client, lambda: "again" in shown(client))
        assert [edits for _, edits, _ in calls(client)] == [None, None, "message-1"]
        await made.feed("again and more", END)
        await advance_until(client, lambda: shown(client) == ["again", " and ", "more"])
        assert client.platform.deleted == []
        assert query(client, "SELECT * FROM notes") == []


async def test_a_crash_between_sending_and_noting_leaves_one_message_at_most() -> None:
    """The platform has it, and nobody knows its id."""
    made, platform, sent = Fed(), FakePlatform(), asyncio.Event()
    real = platform.perform

    async def perform(action: Action) -> Sent:
        await real(action)
        sent.set()
        return await asyncio.Future[Sent]()

    platform.perform = perform  # type: ignore[method-assign]  # the answer never comes
    async with TestClient(made.bot, platform=platform) as client:
        await begin(client, client.user("alice"))
        await made.feed("before")
        await client.advance(0.5)
        await sent.wait()
        await client.crash()
        platform.perform = real  # type: ignore[method-assign]  # and works again
        await client.start()
        await made.feed("again", "done", END)
        await advance_until(client, lambda: "done" in shown(client))
        assert shown(client) == ["before", "done"]


@pytest.mark.parametrize("outcome", ["silent", "fails", "answers"])
async def test_a_rerun_that_shows_nothing_takes_over_the_message_all_the_same(outcome: str) -> None:
    """A message of a turn that ran before a crash never stays as it was."""
    bot, runs, gate = Interface(id="bot"), list[int](), asyncio.Event()

    @bot.on_message
    async def work(turn: Turn) -> Any:
        runs.append(1)
        if len(runs) == 1:
            await turn.send("working on it")
            await gate.wait()
        if outcome == "fails":
            raise RuntimeError
        return "done" if outcome == "answers" else None

    async with TestClient(bot) as client:
        await begin(client, client.user("alice"))
        await advance_until(client, lambda: shown(client))
        await until(lambda: query(client, "SELECT * FROM notes"))
        await client.crash()
        await client.start()
        await until(lambda: len(runs) == 2)
        expected = {"silent": [], "fails": [BROKE_OFF], "answers": ["done"]}[outcome]
        await advance_until(client, lambda: shown(client) == expected)


async def test_a_wait_that_the_platform_asks_for_is_kept() -> None:
    """The newest is shown after it."""
    made = Fed()
    async with TestClient(made.bot) as client:
        client.platform.fail_next(RetryAfter(30))
        receipt = await begin(client, client.user("alice"))
        await made.feed("one")
        await client.advance(0.4)
        await until(lambda: client.platform.tries)
        await settle()
        await made.feed("two")
        await client.advance(29)
        assert client.platform.tries == 1
        await advance_until(client, lambda: shown(client) == ["two"])
        await made.feed("three", END)
        await receipt.settled()
        assert shown(client) == ["three"]


async def test_a_wait_of_the_account_holds_all_that_is_sent_from_it() -> None:
    """Whether a preview was told, or has to obey."""
    made = Fed()
    made.bot.command(name="echo")(lambda: "echo")
    async with TestClient(made.bot) as client:
        client.platform.fail_next(RetryAfter(30, account=True))
        receipt = await begin(client, client.user("alice"))
        await made.feed("one")
        await client.advance(0.4)
        await until(lambda: client.platform.tries)
        await settle()
        other = asyncio.create_task(texts(client.user("bob"), "/echo"))
        await settle()
        await client.advance(28)
        assert client.platform.tries == 1
        await client.advance(5)
        assert await other == ["echo"]
        await made.feed("two", END)
        await receipt.settled()
        assert shown(client) == ["two"]


@pytest.mark.parametrize(
    "error",
    [Rejected("no"), Unreachable("down"), Ambiguous("lost"), RuntimeError("bug"), OSError()],
)
async def test_a_preview_that_fails_costs_the_answer_nothing(error: Exception) -> None:
    """Previews are given up, and the answer comes as it would without them."""
    made = Fed()
    async with TestClient(made.bot) as client:
        client.platform.fail_next(error)
        receipt = await begin(client, client.user("alice"))
        await made.feed("one")
        await client.advance(0.4)
        await until(lambda: client.platform.tries)
        await made.feed("two")
        await client.advance(10)
        assert client.platform.tries == 1
        await made.feed("three", END)
        await receipt.settled()
        assert calls(client) == [("three", None, False)]


async def test_nothing_is_shown_before_what_is_older() -> None:
    """Replies of earlier turns are in the way until they are sent."""
    made = Fed()
    made.bot.command(name="echo")(lambda: "older")
    async with TestClient(made.bot) as client:
        alice = client.user("alice")
        client.platform.fail_next(RetryAfter(10))
        await client.deliver_all([alice.event("/echo")])
        await until(lambda: client.platform.tries)
        receipt = await begin(client, alice)
        await made.feed("one")
        await client.advance(9)
        assert client.platform.tries == 1
        await advance_until(client, lambda: len(shown(client)) == 2)
        assert calls(client) == [("older", None, False), ("one", None, True)]
        await made.feed(END)
        await receipt.settled()


async def test_nothing_is_shown_before_what_is_about_to_be_owed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lane goes on while the commit of the turn before is on its way to a slow disk."""
    made, gate = Fed(), asyncio.Event()
    made.bot.command(name="echo")(lambda: "older")
    async with TestClient(made.bot) as client:
        real = client._store.commit

        async def slowly(turns: Any) -> Any:
            await gate.wait()
            return await real(turns)

        monkeypatch.setattr(client._store, "commit", slowly)
        alice = client.user("alice")
        receipts = await client.deliver_all([alice.event("/echo"), alice.event("stream")])
        await made.feed("one")
        await client.advance(5)
        assert calls(client) == []
        gate.set()
        await advance_until(client, lambda: len(shown(client)) == 2)
        assert shown(client) == ["older", "one"]
        await made.feed(END)
        await asyncio.gather(*(receipt.settled() for receipt in receipts))


async def test_an_interrupted_stream_says_so_below_what_it_showed() -> None:
    """Nothing of it is kept; the next message is answered."""
    made = Fed(overlap="interrupt")
    async with TestClient(made.bot) as client:
        alice = client.user("alice")
        receipt = await begin(client, alice, "first")
        await made.feed("half of")
        await advance_until(client, lambda: shown(client))
        second = await begin(client, alice, "second")
        await receipt.settled()
        await until(lambda: made.ended == 1)
        await made.feed("whole", END)
        await second.settled()
        assert shown(client) == ["half of", "(interrupted)", "whole"]
        assert query(client, "SELECT value FROM states") == [('["whole"]',)]


async def test_a_message_that_is_being_made_while_its_turn_is_fenced_is_deleted() -> None:
    """Its answer is owed already, without it."""
    made = Fed(overlap="interrupt")
    async with TestClient(made.bot) as client:
        alice = client.user("alice")
        client.platform.stall()
        await begin(client, alice, "first")
        await made.feed("half of")
        await client.advance(0.5)
        await until(lambda: client.platform.tries)
        second = await begin(client, alice, "second")
        await made.feed("whole", END)
        client.platform.recover()
        await second.settled()
        await until(lambda: client.platform.deleted)
        await advance_until(client, lambda: shown(client) == ["whole"])
        assert query(client, "SELECT * FROM notes") == []


async def test_a_stream_that_takes_too_long_is_ended() -> None:
    """What it showed is closed, its generator too; nothing is kept."""
    made = Fed(timeout=60)
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("half of")
        await advance_until(client, lambda: shown(client))
        await client.advance(62)
        await receipt.settled()
        assert shown(client) == ["half of", BROKE_OFF]
        await until(lambda: made.ended == 1)
        assert query(client, "SELECT * FROM states") == []


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_stream_without_end_or_pause_stops_nobody(mode: str) -> None:
    """Others are answered meanwhile; after its time it is closed."""
    ended = threading.Event()

    def endless(message: str) -> Iterator[str]:
        try:
            for number in itertools.count():
                yield str(number)
        finally:
            ended.set()

    async def endless_async(message: str) -> AsyncIterator[str]:
        try:
            for number in itertools.count():
                yield str(number)
        finally:
            ended.set()

    bot = Interface(id="bot")
    bot.command(timeout=5, name="count")(endless if mode == "sync" else endless_async)

    @bot.on_message
    async def echo(message: str) -> str:
        return message

    async with TestClient(bot) as client:
        receipt = await begin(client, client.user("alice"), "/count 1")
        for _ in range(3):
            assert await texts(client.user("bob"), "hi") == ["hi"]
            await client.advance(1)
        await until(lambda: shown(client))
        await client.advance(5)
        await receipt.settled()
        await until(ended.is_set)
        assert shown(client)[1:] == [BROKE_OFF]


async def test_a_stream_that_ignores_its_end_is_left_alone() -> None:
    """It may swallow its cancellation: nothing it yields is shown, and it is closed."""
    bot, entered, go, ended = Interface(id="bot"), asyncio.Event(), asyncio.Event(), list[int]()

    @bot.on_message(timeout=5)
    async def stubborn(message: str) -> AsyncIterator[str]:
        try:
            yield "one"
            while not go.is_set():
                entered.set()
                try:
                    await go.wait()
                except asyncio.CancelledError:
                    continue
            for number in itertools.count():
                yield f"late {number}"
        finally:
            ended.append(1)

    async with TestClient(bot) as client:
        receipt = await begin(client, client.user("alice"))
        await entered.wait()
        await advance_until(client, lambda: shown(client))
        await client.advance(7)
        await receipt.settled()
        go.set()
        await until(lambda: ended)
        await client.advance(5)
        assert shown(client) == ["one", BROKE_OFF]


async def test_a_stream_that_runs_again_goes_on_in_the_same_message() -> None:
    """A conflict on a shared value: the second attempt is shown as the first was."""
    bot, gate, attempts = Interface(id="bot"), asyncio.Event(), list[int]()

    @bot.on_message
    async def work(message: str, shared: Global[list[str]]) -> AsyncIterator[str]:
        if message == "fast":
            shared.append(message)
            yield "fast"
            return
        attempts.append(len(shared))
        yield f"attempt {len(attempts)}"
        while not gate.is_set():
            await asyncio.sleep(0)
        gate.clear()
        shared.append(message)
        yield " ".join(shared)

    async with TestClient(bot) as client:
        slow = await begin(client, client.user("alice"), "slow")
        await advance_until(client, lambda: shown(client) == ["attempt 1"])
        assert await texts(client.user("bob"), "fast") == ["fast"]
        gate.set()
        await advance_until(client, lambda: shown(client) == ["attempt 2"])
        gate.set()
        await slow.settled()
        assert attempts == [0, 1]
        assert shown(client) == ["fast slow"]
        assert [edits for text, edits, _ in calls(client) if text != "fast"] == [
            None,
            "message-1",
            "message-1",
        ]


async def test_buttons_and_files_come_with_the_answer_alone() -> None:
    """A preview has the text, and what is below files waits for them."""
    made = Fed()
    async with TestClient(made.bot) as client:
        alice = client.user("alice")
        receipt = await begin(client, alice)
        answer = [
            Reply("choose", buttons=[Button("Yes")]),
            Reply("report", files=[File(b"abc", "a.txt")]),
            "below",
        ]
        await made.feed(answer)
        await advance_until(client, lambda: len(shown(client)) == 2)
        await until(lambda: longest_sleep(client) > 0)
        await client.advance(5)
        assert shown(client) == ["choose", "report"]
        assert [reply.labels for reply in client.platform.delivered] == [[], []]
        await made.feed(END)
        await receipt.settled()
        assert [
            (reply.text, reply.labels, len(reply.files))
            for reply in client.platform.shown(alice.chat.id)
        ] == [("choose", ["Yes"], 0), ("report", [], 1), ("below", [], 0)]
        order = [reply.id for reply in client.platform.shown(alice.chat.id)]
        assert order == sorted(order, key=lambda name: int(name.split("-")[1]))


@pytest.mark.parametrize(
    "hidden",
    [Reply("secret", ephemeral=True), Reply("changed", edit="message-1"), Delete("message-1")],
    ids=["ephemeral", "edit", "delete"],
)
async def test_what_cannot_be_shown_in_advance_waits_for_the_answer(hidden: Any) -> None:
    """And so does what comes after it."""
    made = Fed()
    async with TestClient(made.bot) as client:
        await client.user("bob").say("/help")
        receipt = await begin(client, client.user("alice"))
        await made.feed(["first", hidden, "last"])
        await advance_until(client, lambda: shown(client))
        await client.advance(5)
        assert shown(client) == ["first"]
        await made.feed(END)
        await receipt.settled()
        last = client.platform.delivered[-1]
        assert (last.text, last.edits) == ("last", None)
        if isinstance(hidden, Reply) and hidden.ephemeral:
            (secret,) = (reply for reply in client.platform.delivered if reply.ephemeral)
            assert (secret.text, secret.edits) == ("secret", None)


async def test_what_one_person_alone_may_see_never_becomes_a_message_for_all() -> None:
    """An answer that turns out ephemeral does not edit what was shown to everybody."""
    made = Fed()
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("thinking")
        await advance_until(client, lambda: shown(client))
        await made.feed([Reply("secret", ephemeral=True)], END)
        await receipt.settled()
        (secret,) = client.platform.shown("private-alice")
        assert (secret.text, secret.ephemeral, secret.edits) == ("secret", True, None)
        assert client.platform.deleted == ["message-1"]


@pytest.mark.parametrize("lacking", [(), ("suggestions",)])
async def test_suggestions_come_in_a_new_message(lacking: tuple[str, ...]) -> None:
    """What was shown before goes; where they are buttons it becomes their message."""
    made = Fed()
    async with TestClient(made.bot, platform=FakePlatform.without(*lacking)) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("thinking")
        await advance_until(client, lambda: shown(client))
        await made.feed(Reply("done", suggestions=["Yes"]), END)
        await receipt.settled()
        (reply,) = client.platform.shown("private-alice")
        assert (reply.text, reply.edits) == ("done", "message-1" if lacking else None)
        offered = [*reply.labels, *(suggestion.label for suggestion in reply.suggestions)]
        assert offered == ["Yes"]


async def test_a_platform_without_edits_gets_the_answer_alone() -> None:
    """Once."""
    made = Fed()
    async with TestClient(made.bot, platform=FakePlatform.without("edit")) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("one", "two")
        await client.advance(10)
        assert client.platform.tries == 0
        await made.feed("three", END)
        await receipt.settled()
        assert calls(client) == [("three", None, False)]


async def test_a_platform_that_names_no_message_gets_the_answer_as_its_own() -> None:
    """As a terminal that draws previews in place: sends of one key, then the answer."""

    class Nameless(FakePlatform):
        async def perform(self, action: Action) -> Sent:
            await super().perform(action)
            return Sent()

    made, platform = Fed(), Nameless()
    async with TestClient(made.bot, platform=platform) as client:
        receipt = await begin(client, client.user("alice"))
        for text in ("one", "two"):
            await made.feed(text)
            while text not in shown(client):
                await client.advance(0.25)
        await made.feed("three", END)
        await receipt.settled()
        assert calls(client) == [("one", None, True), ("two", None, True), ("three", None, False)]
        keys = [reply.key for reply in platform.delivered]
        assert keys[0] == keys[1] != keys[2]


async def test_a_platform_that_knows_keys_shows_every_preview() -> None:
    """Edits of one key are no repeats."""
    made = Fed()
    async with TestClient(made.bot, platform=FakePlatform(idempotent_for=300)) as client:
        receipt = await begin(client, client.user("alice"))
        for text in ("one", "two", "three"):
            await made.feed(text)
            while shown(client) != [text]:
                await client.advance(0.25)
        await made.feed(END)
        await receipt.settled()
        assert shown(client) == ["three"]


async def test_the_answer_waits_for_the_preview_in_flight() -> None:
    """So that an older text never comes after it; and that wait is not the handler's time."""
    made = Fed(timeout=60)
    async with TestClient(made.bot) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed("one")
        await advance_until(client, lambda: shown(client))
        client.platform.stall()
        await made.feed("two")
        await advance_until(client, lambda: client.platform.tries == 2)
        await made.feed("three", END)
        await client.advance(100)
        assert client.platform.tries == 2
        client.platform.recover()
        await receipt.settled()
        assert [text for text, _, _ in calls(client)] == ["one", "two", "three"]


async def test_a_stop_does_not_wait_for_a_preview() -> None:
    """Of a platform that does not answer; the turn runs again at the next start."""
    made = Fed()
    async with TestClient(made.bot, grace=0.01) as client:
        await begin(client, client.user("alice"))
        await made.feed("one")
        client.platform.stall()
        await client.advance(0.5)
        await until(lambda: client.platform.tries)
        async with asyncio.timeout(0.9):
            await client._stop()
        assert made.ended == 1
        client.platform.recover()
        await client._start()
        await made.feed("two", END)
        await advance_until(client, lambda: shown(client) == ["two"])


async def test_what_is_kept_is_what_the_last_yield_said() -> None:
    """Yielded states replace each other as the replies do."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    async def work(message: str, history: list[str]) -> AsyncIterator[Any]:
        yield "thinking", [*history, "?"]
        entered.set()
        await gate.wait()
        yield " ".join([*history, message]), [*history, message]

    bot = Interface(work, ["text", State([])], ["text", "state"], id="bot")
    async with TestClient(bot) as client:
        receipt = await begin(client, client.user("alice"), "a")
        await entered.wait()
        await advance_until(client, lambda: shown(client) == ["thinking"])
        gate.set()
        await receipt.settled()
        assert await texts(client.user("alice"), "b") == ["a b"]


async def test_what_a_slow_handler_sends_is_shown_at_once() -> None:
    """turn.send in the middle; the rest of the answer comes below it."""
    bot, gate = Interface(id="bot"), asyncio.Event()

    @bot.on_message
    async def work(message: str, turn: Turn) -> str:
        await turn.send("working on it")
        await turn.send(Markdown("still working") if message == "markup" else "still working")
        await gate.wait()
        return "done"

    async with TestClient(bot) as client:
        receipt = await begin(client, client.user("alice"))
        await advance_until(client, lambda: shown(client) == ["working on it", "still working"])
        gate.set()
        await receipt.settled()
        assert shown(client) == ["working on it", "still working", "done"]
        assert [edits for _, edits, _ in calls(client)] == [
            None,
            None,
            "message-1",
            "message-2",
            None,
        ]


async def test_a_preview_shows_what_the_platform_can() -> None:
    """It is rendered as any reply: without what the platform lacks."""
    made = Fed()
    platform = FakePlatform(capabilities=Capabilities(edit=True))
    async with TestClient(made.bot, platform=platform) as client:
        receipt = await begin(client, client.user("alice"))
        await made.feed(Reply("text", reply_to="1", silent=True))
        await advance_until(client, lambda: shown(client))
        (preview,) = platform.delivered
        assert (preview.text, preview.reply_to, preview.silent) == ("text", None, False)
        await made.feed(END)
        await receipt.settled()


async def test_two_streams_at_once_do_not_meet() -> None:
    """Each in its own conversation, though they share the bot."""
    fed = {name: asyncio.Queue[Any]() for name in ("alice", "bob")}
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str) -> AsyncIterator[str]:
        while (text := await fed[message].get()) != "end":
            yield text

    async with TestClient(bot) as client:
        receipts = [await begin(client, client.user(name), name) for name in fed]
        for text in ("one", "two"):
            for name, food in fed.items():
                await food.put(f"{text} for {name}")
            for name in fed:
                while shown(client, f"private-{name}") != [f"{text} for {name}"]:
                    await client.advance(0.25)
        for food in fed.values():
            await food.put("end")
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert [shown(client, f"private-{name}") for name in fed] == [
            ["two for alice"],
            ["two for bob"],
        ]
