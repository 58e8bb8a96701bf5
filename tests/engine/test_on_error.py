"""What an author says in case a turn fails: `@bot.on_error`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from engine.ends.charges import CHARGES, Mine
from support import FAILED, in_full, query, texts

from chatstate import (
    BindingError,
    CallNext,
    File,
    Interface,
    Markdown,
    Message,
    PerMember,
    Reply,
    State,
    Turn,
    User,
    UserError,
)
from chatstate.testing import TestClient


def failing(error: BaseException | None = None, **options: Any) -> Interface:
    """Return a bot that fails for whatever is said."""
    bot = Interface(id="bot", **options)
    raised = error or ValueError("bad")

    @bot.on_message
    async def fail(text: str, seen: PerMember[list[str]]) -> None:
        seen.append(text)
        raise raised

    return bot


def always(answer: Any) -> Callable[[Exception], Any]:
    """Return what gives the same answer to each error."""

    def tell(error: Exception) -> Any:
        return answer

    return tell


def into(told: list[BaseException]) -> Callable[[Exception], None]:
    """Return what notes each error."""

    def note(error: Exception) -> None:
        told.append(error)

    return note


async def asynchronous(error: Exception, turn: Turn) -> str:
    return f"{type(error).__name__} at {turn.text}"


def synchronous(error: Exception, turn: Turn) -> str:
    return f"{type(error).__name__} at {turn.text}"


async def bare(failure, what):  # type: ignore[no-untyped-def]  # a handler without annotations
    return f"{type(failure).__name__} at {what.text}"


def by_annotation(message: Message, error: Exception, who: User, turn: Turn) -> str:
    return f"{type(error).__name__} at {message.text}"


def error_alone(error: BaseException) -> str:
    return f"{type(error).__name__} at hi"


@pytest.mark.parametrize("fn", [asynchronous, synchronous, bare, by_annotation, error_alone])
async def test_an_author_answers_what_has_failed(fn: Callable[..., Any]) -> None:
    """A function of either kind gets the error and the turn; what it returns is the reply."""
    bot = failing()
    bot.on_error(fn)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["ValueError at hi"]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (None, [FAILED]),
        ([], []),
        ("", []),
        (["one", "two"], ["one", "two"]),
        (Markdown("**so** sorry"), ["so sorry"]),
    ],
)
async def test_it_may_say_anything_or_nothing(answer: Any, shown: list[str]) -> None:
    """None leaves the sentence; an empty answer is none."""
    bot = failing()
    bot.on_error(always(answer))
    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "hi") == shown


async def test_what_failed_is_a_dead_letter_all_the_same() -> None:
    """With the first error; nothing else of the turn is kept."""
    bot = failing()
    bot.on_error(asynchronous)
    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        assert query(client, "SELECT error FROM dead_letters") == [("ValueError: bad",)]
        assert query(client, "SELECT count(*) FROM states") == [(0,)]


async def test_it_may_send_replies_and_files() -> None:
    """What is sent comes before what is returned."""
    bot = failing()

    @bot.on_error
    async def tell(error: Exception, turn: Turn) -> Reply:
        await turn.send("Oh.")
        return Reply("See this:", files=[File(b"what happened", "log.txt")])

    async with TestClient(bot) as client:
        first, second = await client.user("alice").say("hi")
        assert (first.text, second.text) == ("Oh.", "See this:")
        assert [file.data for file in second.files] == [b"what happened"]


async def test_what_is_sent_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The sentence is not said beside it."""
    bot = failing()

    @bot.on_error
    async def tell(error: Exception, turn: Turn) -> None:
        await turn.send("Oh.")

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["Oh."]


async def test_what_the_handler_has_sent_is_not_kept() -> None:
    """It is part of what failed."""
    bot = Interface(id="bot")

    @bot.on_message
    async def fail(turn: Turn) -> None:
        await turn.send("half of it")
        raise ValueError("bad")

    bot.on_error(error_alone)
    async with TestClient(bot) as client:
        assert (await texts(client.user("alice"), "hi"))[-1] == "ValueError at hi"


@pytest.mark.parametrize("shows", ["stream", "send"])
async def test_none_leaves_the_sentence_whatever_the_handler_would_show(shows: str) -> None:
    """Though nothing of it was seen yet."""
    bot = Interface(id="bot")

    async def stream(turn: Turn) -> AsyncIterator[str]:
        yield "Once upon"
        raise ValueError("bad")

    async def send(turn: Turn) -> None:
        await turn.send("Once upon")
        raise ValueError("bad")

    bot.on_message(stream if shows == "stream" else send)
    bot.on_error(always(None))
    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "hi") == [FAILED]


async def test_what_a_stream_has_shown_stays_above_the_answer() -> None:
    """As it does above the sentence."""
    bot = Interface(id="bot")

    gate = asyncio.Event()

    @bot.on_message
    async def stream(turn: Turn) -> AsyncIterator[str]:
        yield "Once upon"
        await gate.wait()
        raise ValueError("bad")

    bot.on_error(error_alone)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (receipt,) = await client.deliver_all([alice.event("hi")])
        while not client.platform.delivered:
            await client.clock.advance(0.1)
        gate.set()
        await receipt.settled()
        shown = [message.text for message in client.platform.shown("private-alice")]
        assert shown == ["Once upon", "ValueError at hi"]


@pytest.mark.parametrize("raised", [RuntimeError("mine"), KeyboardInterrupt()])
@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_its_own_failure_is_logged(
    raised: BaseException, sync: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """By its name; the person gets the sentence, and the dead letter tells of the first error."""
    bot = failing()

    def oops(error: Exception) -> None:
        raise raised

    async def async_oops(error: Exception) -> None:
        oops(error)

    bot.on_error(oops if sync else async_oops)
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == [FAILED]
        assert await texts(alice, "again") == [FAILED]
        assert query(client, "SELECT DISTINCT error FROM dead_letters") == [("ValueError: bad",)]
    logged = [in_full(record) for record in caplog.records]
    name = "oops" if sync else "async_oops"
    assert logged[0].startswith("fail() in test_on_error.py:")
    assert logged[1].startswith(f"{name}() in test_on_error.py:")
    assert f'raised {type(raised).__name__}, answering "hi" of alice' in logged[1]


@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_whatever_it_raises_ends_one_turn(sync: bool) -> None:
    """The sentence, the dead letter of the first error, and on."""
    mine, bot = Mine(), Interface(id="bot")

    @bot.on_message
    async def fail(text: str) -> str:
        if text == "bad":
            raise ValueError("bad")
        return text

    def oops(error: Exception) -> None:
        mine.touch()

    async def async_oops(error: Exception) -> None:
        mine.touch()

    bot.on_error(oops if sync else async_oops)
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        for name, charge in CHARGES.items():
            mine.charge = charge
            assert await texts(alice, "bad") == [FAILED], name
            assert mine.charge is None
            assert await texts(alice, "good") == ["good"], f"after {name}"
        errors = query(client, "SELECT error FROM dead_letters")
        assert errors == [("ValueError: bad",)] * len(CHARGES)


async def test_what_is_no_reply_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """As a failure of its own."""
    bot = failing()

    @bot.on_error
    async def oops(error: Exception) -> Any:
        return 5

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "hi") == [FAILED]
    logged = in_full(caplog.records[1])
    assert "oops() in test_on_error.py:" in logged
    assert "returned int (5)" in logged


async def test_it_is_not_told_of_what_is_for_the_person() -> None:
    """A `UserError` is no failure of the bot's."""
    bot, told = failing(UserError("too late")), list[BaseException]()
    bot.on_error(into(told))
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["too late"]
    assert told == []


@pytest.mark.parametrize("wrong", ["return", "state"])
async def test_it_is_told_of_what_the_framework_refuses(wrong: str) -> None:
    """What is no reply, or cannot be kept, fails a turn too."""
    bot = Interface(id="bot")

    @bot.on_message
    def fail(text: str, seen: PerMember[list[float]]) -> Any:
        seen.append(float("nan") if wrong == "state" else 1.0)
        return 5 if wrong == "return" else None

    bot.on_error(error_alone)
    kind = {"return": "ReplyError", "state": "StateError"}[wrong]
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == [f"{kind} at hi"]


USES: dict[str, Callable[[Turn], Any]] = {
    "state": lambda turn: turn.state(list[str]),
    "replace": lambda turn: turn.replace(list[str], []),
    "apply": lambda turn: turn.apply(list[str], lambda value: value),
    "step": lambda turn: turn.step("pay", lambda: 1),
}


@pytest.mark.parametrize("what", USES)
async def test_state_cannot_be_changed_any_more(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, instead of losing the change."""
    bot = failing()

    @bot.on_error
    async def change(error: Exception, turn: Turn) -> str:
        await USES[what](turn)
        return "changed"

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "hi") == [FAILED]
    assert f"RuntimeError: turn.{what}() was called in on_error, and a turn" in caplog.text


async def test_one_that_takes_too_long_is_given_up() -> None:
    """It has the handler's time."""
    bot, begun = Interface(id="bot"), asyncio.Event()

    @bot.on_message(timeout=5)
    async def fail(text: str) -> None:
        raise ValueError("bad")

    @bot.on_error
    async def hang(error: Exception) -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    async with TestClient(bot) as client:
        saying = asyncio.create_task(texts(client.user("alice"), "hi"))
        await begun.wait()
        await client.advance(10)
        assert await saying == [FAILED]


async def test_a_bot_that_is_included_has_its_own() -> None:
    """One that has none is answered for by the bot around it."""
    inner, other, outer = failing(), Interface(id="other"), Interface(id="outer")
    inner.on_error(always("inner"))

    @other.command
    def fail() -> None:
        raise ValueError("bad")

    outer.include(inner)
    outer.include(other)
    outer.on_error(always("outer"))
    async with TestClient(outer) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["inner"]
        assert await texts(alice, "/fail") == ["outer"]


async def test_a_middleware_that_answers_has_mended_it() -> None:
    """It stands within."""
    bot, told = failing(), list[BaseException]()
    bot.on_error(into(told))

    @bot.middleware
    async def mend(call_next: CallNext) -> Any:
        try:
            return await call_next()
        except ValueError:
            return "mended"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["mended"]
    assert told == []


async def test_it_gets_resources() -> None:
    """Such as what collects errors."""

    class Collector(list[str]):
        pass

    @contextlib.asynccontextmanager
    async def lifespan(_bot: Interface) -> AsyncIterator[Collector]:
        yield collector

    collector = Collector()
    bot = failing(lifespan=lifespan)

    @bot.on_error
    def collect(error: Exception, turn: Turn, to: Collector) -> None:
        to.append(str(error))

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
    assert collector == ["bad"]


async def test_what_expired_has_nobody_to_answer(caplog: pytest.LogCaptureFixture) -> None:
    """It is told of a value that belongs to no conversation, and may not reply to that."""

    def gone(value: list[str]) -> None:
        raise ValueError("bad")

    bot, told = Interface(id="bot"), list[str]()

    @bot.on_message
    async def keep(text: str, turn: Turn) -> None:
        (await turn.state(kept)).append(text)

    @bot.on_error
    async def tell(error: Exception, turn: Turn) -> str:
        told.append(turn.message.kind)
        return "to whom?"

    kept = State(type=list[str], name="kept", ttl=10, on_expire=gone, scope="global")
    bot.states.bind(kept, "kept", list[str])
    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
        await client.advance(20)
        assert client.platform.delivered == []
    assert told == ["expiry"]
    assert "belongs to no conversation: return None" in caplog.text


def generator(error: Exception) -> Any:
    yield "no"


def three(one_error, turn, more):  # type: ignore[no-untyped-def]  # a handler without annotations
    return None


def of_a_kind(error: Exception, what: list[str]) -> None:
    pass


@pytest.mark.parametrize(
    ("fn", "said"),
    [
        (generator, r"on_error: generator\(\) in .* is a generator; it must return a reply"),
        (three, r"on_error: three\(\) in .* gets the error and the turn; annotate the others"),
        (
            of_a_kind,
            r"parameter 'what' of of_a_kind\(\) cannot be list\[str\]; possible: .*Exception",
        ),
    ],
)
def test_what_cannot_be_bound_is_refused(fn: Callable[..., Any], said: str) -> None:
    """Where it is registered."""
    with pytest.raises(BindingError, match=said):
        Interface(id="bot").on_error(fn)


def test_a_second_is_refused() -> None:
    """Both are named."""
    bot = Interface(id="bot")
    bot.on_error(asynchronous)
    with pytest.raises(BindingError, match=r"synchronous\(\) cannot stand beside asynchronous\(\)"):
        bot.on_error(synchronous)
