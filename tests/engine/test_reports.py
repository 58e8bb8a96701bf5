"""What an operator is told of a turn that went wrong."""

import asyncio
import functools
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import FAILED, in_full, query, texts

from chatstate import CallNext, Global, Interface, Message, PerUser, Ref, State, Turn
from chatstate.signature import where
from chatstate.testing import TestClient

HERE = Path(__file__).name


def told(log: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of turns, each in one line."""
    return [in_full(r) for r in log.records if r.name == "chatstate.turns"]


def line_of(fn: Any) -> int:
    return int(fn.__code__.co_firstlineno)


class Odd:
    def __repr__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "int (5)"),
        (2.5, "float (2.5)"),
        (True, "bool (True)"),
        ({"a": 1}, "dict ({'a': 1})"),
        (Odd(), "Odd (?)"),
        (range(3), "range (range(0, 3))"),
    ],
)
async def test_what_is_no_reply_is_told_in_one_line(
    value: Any, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The function, where it stands, what it returned, to what and to whom, and the remedy."""
    bot = Interface(id="bot")

    @bot.command
    def number() -> Any:
        return value

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "/number") == [FAILED]
        ((letter,),) = query(client, "SELECT error FROM dead_letters")
    line = f'number() in {HERE}:{line_of(number)} returned {shown}, answering "/number" of alice'
    assert told(caplog) == [f"{line}: return str(...)"]
    assert letter == f"ReplyError: {line}: return str(...)"
    assert not caplog.records[-1].exc_info


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ((1, 2), "return list(...) for several replies, or say outputs="),
        ({1}, "return list(...) for several replies, or say outputs="),
        (b"x", "return File(...)"),
    ],
)
async def test_the_remedy_fits_what_was_returned(
    value: Any, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not everything is mended by `str`."""
    async with TestClient(Interface(lambda _: value, id="bot"), raise_errors=False) as client:
        await texts(client.user("alice"), "hi")
    assert told(caplog)[0].endswith(f": {remedy}")


async def test_a_forgotten_await_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """What was returned is something to await."""
    waits: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with TestClient(Interface(lambda _: [waits], id="bot"), raise_errors=False) as client:
        await texts(client.user("alice"), "hi")
    assert told(caplog)[0].endswith(": await it first")


async def plain(text: str) -> str:
    raise ValueError("bad")


def sync(text: str) -> str:
    raise ValueError("bad")


async def stream(text: str) -> AsyncIterator[str]:
    yield "one"
    raise ValueError("bad")


def sync_stream(text: str) -> Iterator[str]:
    yield "one"
    raise ValueError("bad")


class Callable:
    async def __call__(self, text: str) -> str:
        return await plain(text)

    async def method(self, text: str) -> str:
        return await plain(text)


@functools.wraps(plain)
async def wrapped(text: str) -> str:
    return await plain(text)


@pytest.mark.parametrize(
    ("fn", "name"),
    [
        (plain, "plain"),
        (sync, "sync"),
        (stream, "stream"),
        (sync_stream, "sync_stream"),
        (Callable().method, "method"),
        (Callable(), "Callable"),
        (functools.partial(plain), "partial"),
        (wrapped, "plain"),
    ],
)
async def test_what_a_handler_raises_is_told_with_its_own_frames(
    fn: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever kind of function it is; the framework's frames tell its author nothing."""
    bot = Interface(id="bot")
    bot.on_message(fn)
    async with TestClient(bot, raise_errors=False) as client:
        await client.user("42", id="42").say("hello")
    (line,) = told(caplog)
    assert line.startswith(f"{name}() in {HERE}:")
    assert line.endswith('raised ValueError, answering "hello" of 42')
    error = caplog.records[-1].exc_info
    assert error
    frames = traceback.extract_tb(error[2])
    assert {Path(frame.filename).name for frame in frames} == {HERE}


async def test_what_led_to_an_error_is_folded_too(caplog: pytest.LogCaptureFixture) -> None:
    """Causes, and what was raised in a group."""
    bot = Interface(id="bot")

    async def deep() -> None:
        raise KeyError("deep")

    @bot.on_message
    async def fail(turn: Turn) -> None:
        try:
            await turn.step("deep", deep)
        except KeyError as error:
            raise ExceptionGroup("several", [ValueError("bad"), error]) from error

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
        ((detail,),) = query(client, "SELECT detail FROM dead_letters")
    assert "chatstate/engine" not in detail
    assert "in deep" in detail
    assert "KeyError: 'deep'" in detail
    assert detail.startswith("fail() in ")


async def test_a_fault_of_the_frameworks_keeps_its_frames(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who mends it must see where it is."""
    bot = Interface(lambda text: text, id="bot")

    async with TestClient(bot, raise_errors=False) as client:
        monkeypatch.setattr("chatstate.engine.turns.values.TurnValues.written", None)
        await client.user("alice").say("hi")
    error = caplog.records[-1].exc_info
    assert error
    assert "turns.py" in {Path(f.filename).name for f in traceback.extract_tb(error[2])}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("message", '"hi" of Alice (7)'),
        ("edit", 'the edit "hi" of Alice (7)'),
        ("join", 'the join "hi" of Alice (7)'),
    ],
)
async def test_what_was_said_is_told_by_its_kind(
    kind: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And who said it by name and id."""
    bot = Interface(plain, id="bot")
    bot.on_edit(plain)
    bot.on_join(plain)
    async with TestClient(bot, raise_errors=False) as client:
        await client.user("Alice", id="7").say("hi", kind=kind)
    assert told(caplog)[0].endswith(f"raised ValueError, answering {said}")


async def test_what_was_said_is_told_in_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    """Its beginning is enough to find it."""
    async with TestClient(Interface(plain, id="bot"), raise_errors=False) as client:
        await client.user("alice").say("a\nb" + "x" * 1000)
    assert told(caplog)[0].endswith(f'answering "a␊b{"x" * 57}…" of alice')


async def test_a_state_that_cannot_be_kept_names_the_handler(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And the path within the value."""
    bot = Interface(id="bot")

    @bot.on_message
    def spoil(text: str, mood: PerUser[Ref[float]]) -> None:
        mood.value = float("nan")

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
    line = f"spoil() in {HERE}:{line_of(spoil)} failed, answering \"hi\" of alice: state 'mood': at"
    assert told(caplog)[0].startswith(line)
    assert not caplog.records[-1].exc_info


async def test_what_is_sent_and_no_reply_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """With the author's line that has sent it."""
    bot = Interface(id="bot")

    @bot.on_message
    async def give(turn: Turn) -> None:
        await turn.send(7)

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
    assert told(caplog)[0].startswith(f"give() in {HERE}:{line_of(give)} sent int (7), answering")
    error = caplog.records[-1].exc_info
    assert error
    assert [frame.line for frame in traceback.extract_tb(error[2])] == ["await turn.send(7)"]


async def test_a_middleware_is_told_by_its_own_name(caplog: pytest.LogCaptureFixture) -> None:
    """The handler has returned nothing wrong."""
    bot = Interface(lambda text: text, id="bot")

    @bot.middleware
    async def around(message: Message, call_next: CallNext) -> Any:
        await call_next()
        return 7

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
    assert told(caplog)[0].startswith(f"around() in {HERE}:{line_of(around)} returned int (7)")


async def test_what_expires_is_told_by_its_own_function(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody has said anything then."""

    def gone(value: list[str]) -> None:
        raise ValueError("bad")

    bot = Interface(id="bot")
    kept = State(type=list[str], name="kept", ttl=10, on_expire=gone, scope="global")

    @bot.on_message
    async def keep(text: str, turn: Turn) -> None:
        (await turn.state(kept)).append(text)

    bot.states.bind(kept, "kept", list[str])
    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
        await client.advance(20)
    assert told(caplog) == [
        f'gone() in {HERE}:{line_of(gone)} raised ValueError, answering the expiry "kept"'
    ]


async def test_what_takes_too_long_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Its author can give it more."""
    bot, begun = Interface(id="bot"), asyncio.Event()

    @bot.on_message(timeout=5)
    async def slow(text: str) -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    async with TestClient(bot) as client:
        saying = asyncio.create_task(client.user("alice").say("hi"))
        await begun.wait()
        await client.advance(10)
        await saying
        ((detail,),) = query(client, "SELECT detail FROM dead_letters")
    line = f'slow() in {HERE}:{line_of(slow)} took more than 5 s, answering "hi" of alice'
    assert told(caplog) == [line]
    assert detail == line


async def test_what_crashes_the_process_is_told_by_its_handler(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When it is given up."""
    bot, begun = Interface(id="bot"), asyncio.Event()

    @bot.on_message
    async def poison(text: str) -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    async with TestClient(bot) as client:
        await client.deliver_all([client.user("alice").event("hi")])
        for _ in range(4):
            await begun.wait()
            begun.clear()
            await client.crash()
            await client.start()
        while not query(client, "SELECT 1 FROM dead_letters"):
            await asyncio.sleep(0)
    assert told(caplog)[-1].startswith(
        f'poison() in {HERE}:{line_of(poison)} is given up, answering "hi" of alice: the process'
    )


async def test_a_guard_that_fails_is_told_with_the_handler(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its own frame says which guard it is."""

    def nobody(message: Message) -> bool:
        raise ValueError("bad")

    bot = Interface(id="bot")

    @bot.command(allow=nobody)
    def secret() -> str:
        return "secret"

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("/secret")
    assert told(caplog)[0].startswith(f"secret() in {HERE}:{line_of(secret)} raised ValueError")
    assert "in nobody" in caplog.text


async def test_the_error_carries_the_report(caplog: pytest.LogCaptureFixture) -> None:
    """As a note, for whoever else is given it: `on_error`, a test, a service that collects them."""
    bot, errors = Interface(plain, id="bot"), list[BaseException]()

    @bot.on_error
    def keep(error: Exception) -> None:
        errors.append(error)

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
    assert errors[0].__notes__ == told(caplog)


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError(name)


async def test_an_error_that_cannot_be_shown_fails_its_turn_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """To report it may not fail itself."""
    error = UnspeakableError()
    bot = Interface(id="bot")

    @bot.on_message
    async def fail(text: str, count: Global[list[str]]) -> str:
        if text == "bad":
            raise error
        return text

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        with caplog.at_level(logging.CRITICAL):
            assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "good") == ["good"]


@pytest.mark.parametrize("fn", [len, print])
def test_what_has_no_code_of_its_own_has_no_line(fn: Any) -> None:
    """Its name is what there is."""
    assert where(fn) == f"{fn.__name__}()"
