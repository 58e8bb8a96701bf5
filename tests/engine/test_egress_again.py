"""When guards of what leaves are asked, and what becomes of what they stop, or fail at."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support import FAILED, in_full, parts_of, query, texts

from chatstate import (
    BindingError,
    Button,
    EgressError,
    Interface,
    Native,
    Outgoing,
    PerMember,
    Reply,
    Resource,
    State,
    Turn,
    Unreachable,
)
from chatstate.adapter import Part, Post
from chatstate.engine.egress.spans import restyled
from chatstate.inspection import Request
from chatstate.markup import parse
from chatstate.messages import Chat
from chatstate.replies.texts import check_styled
from chatstate.telemetry.metrics import Metrics
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL
from chatstate.text import Span, StyledText

APPLIED = State([], name="applied", type=list[str])

SECRET = "hunter22"  # noqa: S105 - nobody's
Guard = Callable[[Outgoing], Any]


def anything(out: Outgoing) -> Outgoing:
    return out


def no_secret(out: Outgoing) -> Outgoing | None:
    return None if SECRET in out.words else out


def raising(out: Outgoing) -> Outgoing:
    if SECRET in out.words:
        raise ValueError(out.words)
    return out


def masked(out: Outgoing) -> Outgoing:
    return out.map(lambda text: text.replace(SECRET, "*" * len(SECRET)))


def removed(out: Outgoing) -> Outgoing:
    return out.map(lambda text: text.replace(SECRET, ""))


class Desk:
    """A bot that says what it is told, with a guard that may be another at the next start."""

    def __init__(self, guard: Guard | None, **options: Any) -> None:
        self.guard = guard
        self.asked: list[Outgoing] = []
        self.answers: dict[str, Any] = {}
        self.options = options

    def make(self) -> Interface:
        bot = Interface(id="desk")

        @bot.on_message
        def say(text: str, said: PerMember[list[str]]) -> Any:
            said.append(text)
            return self.answers.get(text, text)

        @bot.command
        def apply(turn: Turn, _applied: Annotated[list[str], APPLIED]) -> None:
            turn.apply(APPLIED, lambda said: [*said, "x"], reply=lambda _: SECRET)

        if self.guard:
            guard = self.guard

            @bot.egress(**self.options)
            def ask(out: Outgoing) -> Any:
                self.asked.append(out)
                return guard(out)

        return bot


class Pages(FakePlatform):
    """A platform whose messages have room for so many characters."""

    room = 10

    def render(self, post: Post) -> Sequence[Part]:
        text = post.text
        ends = range(0, len(text.text), self.room)
        posts = [replace(post, text=text.cut(at, at + self.room)) for at in ends]
        return [part for post in posts for part in super(Pages, self).render(post)]


def letters(client: TestClient) -> list[str]:
    return [row[0] for row in query(client, "SELECT error FROM dead_letters ORDER BY id")]


@contextlib.asynccontextmanager
async def stored(desk: Desk, text: str, platform: FakePlatform) -> AsyncIterator[TestClient]:
    """Be where something has been answered, and the process died before it was sent."""
    async with TestClient(desk.make, platform=platform, raise_errors=False) as client:
        platform.stall()
        await client.deliver_all([client.user("alice").event(text)])
        while not platform.tries:
            await asyncio.sleep(0)
        await client.crash()
        platform.recover()
        yield client


async def sent(client: TestClient) -> list[str]:
    """Start again, and return what has arrived once nothing is owed."""
    await client.start()
    engine = client._engine
    assert engine
    await engine.idle()
    await parts_of(client).sender._store.flush()
    return [message.text for message in client.platform.shown("private-alice")]


# Again


async def test_what_leaves_at_once_is_asked_for_once() -> None:
    """Though it takes several messages: that was the whole."""
    desk = Desk(anything)
    async with TestClient(desk.make, platform=Pages()) as client:
        desk.asked.clear()
        assert await texts(client.user("alice"), "0123456789abc") == ["0123456789", "abc"]
    assert [out.text for out in desk.asked] == ["0123456789abc"]


async def test_a_further_try_is_asked_for_again() -> None:
    """What has become forbidden meanwhile stays."""
    desk = Desk(anything)
    async with TestClient(desk.make) as client:
        client.platform.fail_next(Unreachable("no network"))
        said = asyncio.create_task(client.user("alice").say(SECRET))
        while not client.platform.tries:
            await asyncio.sleep(0)
        desk.guard = no_secret
        desk.asked.clear()
        while not said.done():
            await client.advance(1)
        assert client.platform.delivered or desk.asked
    assert [out.text for out in desk.asked] == [SECRET]


async def test_what_was_stored_is_stopped_by_a_stricter_guard() -> None:
    """It is a dead letter that names the guard, and may be sent once that lets it."""
    desk = Desk(anything)
    async with stored(desk, SECRET, FakePlatform()) as client:
        desk.guard = no_secret
        assert await sent(client) == []
        (letter,) = letters(client)
        assert "refused: the egress guard ask() in " in letter
        assert letter.endswith("stopped a message")
        desk.guard = anything
        await client.restart()
        await client._store.ask(Request(verb="retry", number=1))
        while not client.platform.delivered:
            await client.advance(1)
        assert client.platform.delivered[0].text == SECRET


async def test_what_was_stored_is_changed_by_a_stricter_guard() -> None:
    """The whole of it, and each message of it that is still to leave."""
    desk = Desk(anything)
    async with stored(desk, f"my word {SECRET}!", Pages()) as client:
        desk.guard = masked
        assert await sent(client) == ["my word **", "******!"]
    assert {out.text for out in desk.asked[-1:]} == {f"my word {SECRET}!"}


async def test_what_was_stored_and_does_not_come_out_alike_stays() -> None:
    """Of fewer messages some may have left already."""
    desk = Desk(anything)
    async with stored(desk, f"my {SECRET}!", Pages()) as client:
        desk.guard = removed
        assert await sent(client) == []
        assert len(letters(client)) == 2


async def test_a_button_that_would_give_back_what_is_changed_stays() -> None:
    """What a press sends is signed within it."""
    desk = Desk(anything)
    desk.answers["buttons"] = Reply("x", [Button("y", value=SECRET)])
    async with stored(desk, "buttons", FakePlatform()) as client:
        desk.guard = masked
        assert await sent(client) == []
        assert len(letters(client)) == 1


async def test_a_call_that_was_stored_is_changed() -> None:
    """Its arguments are those its author gave."""
    desk = Desk(anything)
    desk.answers["call"] = Native("setName", on="test", name=SECRET)
    async with stored(desk, "call", FakePlatform()) as client:
        desk.guard = masked
        await sent(client)
        assert [called.arguments for called in client.platform.called] == [{"name": "********"}]


@pytest.mark.parametrize(
    ("guard", "arrives"), [(anything, [SECRET]), (no_secret, []), (masked, [])]
)
async def test_what_was_stored_before_there_was_a_guard_is_asked_for(
    guard: Guard, arrives: list[str]
) -> None:
    """As it is written for the platform: it cannot be changed."""
    desk = Desk(None)
    async with stored(desk, SECRET, FakePlatform()) as client:
        desk.guard = guard
        assert await sent(client) == arrives
        assert [out.kind for out in desk.asked if SECRET in out.words] == ["stored"]
        assert len(letters(client)) == (0 if arrives else 1)


async def test_an_edit_that_is_stopped_is_not_sent_anew() -> None:
    """As one is that the platform refuses."""
    desk = Desk(anything)
    desk.answers["edit"] = Reply(SECRET, edit="message-1")
    async with stored(desk, "edit", FakePlatform()) as client:
        desk.guard = lambda out: None if out.kind == "edit" else out
        assert await sent(client) == []
        assert len(letters(client)) == 1


async def test_what_is_written_for_a_platform_is_read_without_its_escapes() -> None:
    """A backslash within a word hides it from nobody."""
    desk = Desk(None)
    desk.answers["escaped"] = f"{SECRET[:4]}\\{SECRET[4:]}"
    async with stored(desk, "escaped", FakePlatform()) as client:
        desk.guard = no_secret
        assert await sent(client) == []


async def test_what_is_made_within_the_commit_is_asked_for_before_it_leaves() -> None:
    """What `turn.apply` answers: the value is kept, and the words are a dead letter."""
    desk = Desk(no_secret)
    async with TestClient(desk.make) as client:
        assert await client.user("alice").say("/apply") == []
        await parts_of(client).sender._store.flush()
        assert len(letters(client)) == 1


async def test_a_bot_without_guards_has_nothing_of_it() -> None:
    """Neither its turns nor its platform are wrapped, and nothing more is stored."""
    async with TestClient(Desk(None).make) as client:
        parts = parts_of(client)
        assert parts.turns._guarded is None
        assert list(parts.sender._attempts._adapters.values())[-1] is client.platform
        assert await client.platform.connected() is client._engine._connections.hosts[0]  # type: ignore[union-attr]  # it is open
        (part,) = client.platform.render(Post(StyledText("x")))
        assert b"post" not in msgspec.json.encode(part)


# What is stopped


@pytest.mark.parametrize(
    ("guard", "said", "told"),
    [
        (no_secret, "Sorry, I cannot say that. Nothing was changed.", "stopped a message"),
        (raising, FAILED, "raised ValueError, so a message did not leave"),
    ],
)
async def test_nothing_of_a_turn_is_kept_whose_answer_is_stopped(
    caplog: pytest.LogCaptureFixture, guard: Guard, said: str, told: str
) -> None:
    """Its event is a dead letter, and no words of the answer are in the store or the log.

    Where a guard has raised something is in the log, and not what that says.
    """
    desk = Desk(guard)
    desk.answers["tell"] = SECRET
    with caplog.at_level(logging.DEBUG):
        async with TestClient(desk.make, raise_errors=False) as client:
            alice = client.user("alice")
            assert await texts(alice, "tell") == [said]
            assert await client.values() == {}
            (letter,) = letters(client)
            assert letter.startswith("EgressError: the egress guard ask() in test_egress_again.py:")
            assert told in letter
            assert SECRET not in repr(query(client, "SELECT * FROM dead_letters"))
    assert SECRET not in "".join(in_full(record) for record in caplog.records)
    assert SECRET not in caplog.text
    assert ("in raising" in caplog.text) == (guard is raising)


async def test_it_is_raised_in_a_test() -> None:
    """As what a handler raises is."""
    desk = Desk(no_secret)
    async with TestClient(desk.make) as client:
        with pytest.raises(EgressError, match="stopped a message") as raised:
            await client.user("alice").say(SECRET)
        assert raised.value.is_stopped


async def test_an_author_may_answer_something_else() -> None:
    """`on_error` is told, and what it says is guarded, too."""
    desk = Desk(no_secret)

    def make() -> Interface:
        bot = desk.make()

        @bot.on_error
        def instead(error: Exception) -> str | None:
            return "Not here." if isinstance(error, EgressError) else None

        return bot

    async with TestClient(make) as client:
        assert await texts(client.user("alice"), SECRET) == ["Not here."]


async def test_state_is_what_the_handler_made_of_it() -> None:
    """A guard changes what leaves, and nothing else."""
    desk = Desk(masked)
    async with TestClient(desk.make) as client:
        assert await texts(client.user("alice"), SECRET) == ["********"]
        assert await client.values() == {"said of alice": f'["{SECRET}"]'}


async def test_what_is_given_to_send_is_refused_at_once() -> None:
    """Nothing of it is stored."""
    desk = Desk(no_secret)
    async with TestClient(desk.make) as client:
        with pytest.raises(EgressError):
            await client.bot.send(Chat("private-alice"), SECRET)
        with pytest.raises(EgressError):
            await client.bot.broadcast(SECRET, to="all", key="news")
        assert query(client, "SELECT * FROM broadcasts") == []


# Closed


@pytest.mark.parametrize(
    ("returns", "how"),
    [
        (lambda _: True, "returned bool, and not what may leave"),
        (lambda out: out.text, "returned str"),
        (lambda out: replace(out, pieces=()), "returned other pieces"),
        (lambda out: replace(out, pieces=(replace(out.pieces[0], text=1),)), "whose text is none"),
        (lambda _: 1 / 0, "raised ZeroDivisionError, so a message did not leave"),
        (lambda _: sys.exit(), "raised SystemExit"),
        (lambda _: exec("raise asyncio.CancelledError"), "raised CancelledError"),  # noqa: S102 - raised by what is no function
    ],
)
async def test_what_is_no_verdict_stops(returns: Guard, how: str) -> None:
    """Also the sentence that would say so."""
    desk = Desk(anything)
    async with TestClient(desk.make, raise_errors=False) as client:
        desk.guard = returns
        await client.restart()
        assert await client.user("alice").say("hi") == []
        assert how in letters(client)[0]
        assert {verdict.outcome for verdict in client.verdicts} == {"failed"}


async def test_a_guard_that_takes_too_long_stops() -> None:
    """It gets its seconds, and no more."""
    bot = Interface(lambda text: text, id="bot")

    @bot.egress(timeout=0.01)
    async def slow(out: Outgoing) -> Outgoing:
        if out.kind != "menu":
            await asyncio.get_running_loop().create_future()
        return out

    async with TestClient(bot, raise_errors=False) as client:
        assert await client.user("alice").say("hi") == []
        assert "took more than 0.01 s" in letters(client)[0]


async def test_what_cannot_be_so_stops() -> None:
    """A label of 200 characters, say; what is told of it holds none of them."""
    desk = Desk(lambda out: out.map(lambda text: text * 30 if text == "label" else text))
    desk.answers["buttons"] = Reply("x", [Button("label")])
    async with TestClient(desk.make, raise_errors=False) as client:
        assert len(await client.user("alice").say("buttons")) == 1
        assert "cannot be sent (ValueError)" in letters(client)[0]
        assert "labellabel" not in letters(client)[0]


# Around


@pytest.mark.parametrize("wants", [False, True])
async def test_nothing_is_shown_in_advance_unless_all_guards_say_so(*, wants: bool) -> None:
    """Then each preview is asked for, with all that it would show."""
    bot, gate, shown = Interface(id="stream"), asyncio.Semaphore(0), asyncio.Semaphore(0)

    @bot.on_message
    async def stream() -> AsyncIterator[str]:
        for text in ("one hunter", f"one {SECRET}", f"one {SECRET} two"):
            yield text
            shown.release()
            await gate.acquire()

    bot.egress(previews=wants)(masked)
    bot.egress(previews=True)(anything)
    platform = FakePlatform(capabilities=replace(FULL, preview="delta"))
    async with TestClient(bot, platform=platform) as client:
        said = asyncio.create_task(client.user("alice").say("go"))
        for count in (1, 2, 3):
            await shown.acquire()
            await client.advance(2)
            while wants and len(platform.delivered) < count:
                await client.advance(1)
            gate.release()
        await said
    previews = [sent.text for sent in platform.delivered if sent.preview]
    assert previews == (["one hunter", "one ********", "one ******** two"] if wants else [])
    assert platform.shown("private-alice")[0].text == "one ******** two"


async def test_the_file_with_a_long_text_is_changed_too() -> None:
    """A guard sees a text before it is cut, and before it becomes a file."""
    bot = Interface(lambda _: f"{SECRET} " * 30, id="long", max_messages=1)
    bot.egress(masked)
    platform = Pages(capabilities=replace(FULL, text_limit=100))
    platform.room = 100
    async with TestClient(bot, platform=platform) as client:
        _, *_, note = await client.user("alice").say("go")
        assert note.files[0].data.decode() == "******** " * 30


async def test_guards_are_asked_in_their_order_and_guard_the_whole_bot() -> None:
    """Each gets what those before it have left, and may have resources."""

    class Model:
        word = "b"

    @contextlib.asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[Model]:
        yield Model()

    inner, outer = (
        Interface(id="inner"),
        Interface(lambda text: text, id="outer", lifespan=lifespan),
    )

    @inner.egress
    def third(out: Outgoing, model: Resource[Model]) -> Outgoing:
        return out.map(lambda text: text.replace(model.word, "c"))

    outer.include(inner)

    @outer.egress
    async def first(out):  # type: ignore[no-untyped-def]  # as authors write
        return out.map(lambda text: text.replace("a", "b"))

    with pytest.raises(BindingError, match="included"):
        inner.egress(anything)
    async with TestClient(outer) as client:
        assert await texts(client.user("alice"), "a") == ["c"]


async def test_a_guard_whose_resource_nobody_opens_is_told_at_the_start() -> None:
    """Before anything would leave."""
    bot = Interface(lambda text: text, id="bot")

    @bot.egress
    def ask(out: Outgoing, model: Resource[asyncio.Event]) -> Outgoing | None:
        return out if model.is_set() else None

    with pytest.raises(BindingError, match="no lifespan has opened a Event"):
        async with TestClient(bot):
            pass


@pytest.mark.parametrize(
    ("guard", "why"),
    [
        (lambda: None, "gets nothing to look at"),
        ("no function", "is no function"),
    ],
)
def test_what_cannot_guard_is_refused(guard: Any, why: str) -> None:
    """Where it is registered."""
    with pytest.raises(BindingError, match=why):
        Interface(id="bot").egress(guard)


def test_seconds_are_above_none() -> None:
    """A guard without time could only stop."""
    with pytest.raises(BindingError, match="seconds above 0"):
        Interface(id="bot").egress(timeout=0)


async def test_a_form_that_is_changed_is_asked_one_by_one() -> None:
    """Its answers come by its labels."""
    bot = Interface(lambda number, name: f"{number} {name}", ["number", "text"], ["text"], id="f")
    bot.egress(lambda out: out.map(lambda text: text.replace("Number", "N.")))
    async with TestClient(bot, platform=FakePlatform(modals=5)) as client:
        alice = client.user("alice")
        (asked,) = (await alice.say("/start"))[-1:]
        assert alice.form is None
        assert asked.text.startswith("N.?")


async def test_figures_count_what_guards_did() -> None:
    """By outcome; of no chat and no person."""
    metrics = Metrics()
    desk = Desk(lambda out: None if out.text == "no" else masked(out))
    async with TestClient(desk.make, raise_errors=False, observer=metrics) as client:
        for text in ("no", SECRET, "yes"):
            await client.user("alice").say(text)
        counted = metrics.text(*(await client._store.figures(), [], 0.0)).decode()
    assert 'chatstate_egress_total{outcome="stopped"} 1.0' in counted
    assert 'chatstate_egress_total{outcome="changed"} 1.0' in counted


# What is said of a changed text

BOLD = parse("a **bold word** and [a link](https://x.example)")


@pytest.mark.parametrize(
    ("old", "text", "spans"),
    [
        (BOLD, "a bold **** and a link", [("bold", "bold ****"), ("link", "a link")]),
        (BOLD, "a bold and a link", [("bold", "bold "), ("link", "a link")]),
        (BOLD, "an x and a link", [("bold", "x"), ("link", "a link")]),
        (BOLD, "", []),
        (StyledText("hi Bob", (Span("mention", 3, 6, "user 1"),)), "hi B**", []),
        (StyledText("hi Bob", (Span("mention", 3, 6, "user 1"),)), "ho Bob", [("mention", "Bob")]),
        (StyledText("x" * 9_000, (Span("bold", 0, 9_000),)), "y" * 9_000, []),
    ],
)
def test_spans_go_with_their_words(
    old: StyledText, text: str, spans: list[tuple[str, str]]
) -> None:
    """What is in the place of some has their style; a name that is changed names nobody.

    Where a long text has become another, nothing is styled.
    """
    new = restyled(old, text, [span.value for span in old.spans])
    assert new.text == text
    assert [(span.kind, text[span.start : span.end]) for span in new.spans] == spans


@given(
    st.text("ab *_`>|-\n[](.)", max_size=60),
    st.text("ab*\n", max_size=4),
    st.text("abc \n", max_size=6),
)
def test_a_changed_text_keeps_the_rules_of_styled_text(source: str, word: str, new: str) -> None:
    """Whatever is in the place of whatever."""
    old = parse(source)
    text = old.text.replace(word, new)
    changed = restyled(old, text, [span.value for span in old.spans])
    assert changed.text == text
    check_styled("the text", changed)
    for span in changed.spans:
        if span.kind in ("pre", "quote"):
            assert text[: span.start].endswith("\n") or not span.start
            assert text[span.end :].startswith("\n") or span.end == len(text)
