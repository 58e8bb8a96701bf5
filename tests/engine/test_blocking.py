"""What blocks the event loop is named."""

import asyncio
import functools
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import texts

from chatstate import Interface, State, Turn
from chatstate.engine import blocking
from chatstate.engine.blocking import Blocking
from chatstate.testing import TestClient

HERE = Path(__file__).name
DEADLINE = 20.0


class Told(logging.Handler):
    """Sets an event once something is logged, from whatever thread."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.news = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.news.set()

    def block(self) -> bool:
        """Block the caller until something is logged; tell whether it was."""
        return self.news.wait(DEADLINE)


@pytest.fixture
def told() -> Any:
    handler = Told()
    logger = logging.getLogger("chatstate.engine")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


async def test_a_handler_that_blocks_the_loop_is_named(told: Told) -> None:
    """With its file and line, what it is at, and what to do; while it still blocks."""
    bot = Interface(id="bot")

    @bot.on_message
    async def slow(text: str) -> str:
        return f"told: {told.block()}"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["told: True"]
    first, at = (fn.__code__.co_firstlineno for fn in (slow, Told.block))
    (line,) = told.lines
    assert line.startswith(
        f"slow() in {HERE}:{first} has blocked the event loop for more than a second, at "
        f"{HERE}:{at + 2}: return self.news.wait(DEADLINE); nobody else is answered"
    )
    assert "Make it a plain `def`" in line


class Looked:
    """Lets another thread look at this one, which runs a loop."""

    def __init__(self, patience: float = 0.01, handlers: Sequence[Any] = ()) -> None:
        self.blocking = Blocking(handlers, patience)

    def now(self) -> None:
        """Block the loop, and return once the other thread has looked."""
        looking = threading.Thread(target=self.blocking.look)
        looking.start()
        looking.join()


async def test_each_is_named_once(told: Told) -> None:
    """However often it blocks; another is another."""
    looked = Looked()

    async def first() -> None:
        looked.now()

    async def second() -> None:
        looked.now()

    for block in (first, first, second, first):
        await asyncio.create_task(block())
    assert [line.partition("()")[0] for line in told.lines] == ["first", "second"]


async def test_who_lets_others_run_is_not_named(told: Told) -> None:
    """Though it is always at work."""
    looked, over = Looked(DEADLINE), threading.Event()

    def look() -> None:
        for _ in range(20):
            looked.blocking.look()
        over.set()

    async def busy() -> None:
        while not over.is_set():
            await asyncio.sleep(0)

    looking = threading.Thread(target=look)
    looking.start()
    await asyncio.create_task(busy())
    looking.join()
    assert told.lines == []


async def test_a_loop_that_waits_is_not_disturbed(told: Told) -> None:
    """It is asked nothing: the bot is idle."""
    blocking, asked = Looked().blocking, list[str]()

    def ask() -> bool:
        asked.append("a question")
        return False

    blocking._answers = ask  # type: ignore[method-assign]  # it counts

    def look() -> None:
        while blocking._at_work()[0] is not None:
            pass  # the loop still does what has begun this thread
        blocking.look()

    await asyncio.to_thread(look)
    assert asked == []
    assert told.lines == []


def deep(looked: Looked) -> str:
    looked.now()
    return "blocked"


def around(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    async def within(turn: Turn) -> Any:
        return await fn(turn)

    return within


async def block_at(where: str) -> None:
    """Run a bot whose code blocks in some place."""
    bot = Interface(id="bot")
    counts = State([], name="counts", type=list[Any], scope="chat")
    bot.states.bind(counts, "counts", list[Any])

    async def step() -> None:
        deep(looked)

    async def handler(turn: Turn) -> str:
        if where in ("handler", "decorated"):
            deep(looked)
        if where == "step":
            await turn.step("block", step)
        if where == "task":
            await asyncio.create_task(step())
        if where == "apply":
            turn.apply(counts, lambda value: [*value, deep(looked)])
        return "done"

    async def stream(turn: Turn) -> AsyncIterator[str]:
        deep(looked)
        yield "done"

    fn = stream if where == "stream" else handler
    bot.on_message(around(fn) if where == "decorated" else fn)
    looked = Looked(handlers=[fn])

    @bot.middleware
    async def wrap(call_next: Any) -> Any:
        if where == "middleware":
            deep(looked)
        return await call_next()

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["done"]


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("handler", "handler"),
        ("decorated", "handler"),
        ("stream", "stream"),
        ("step", "handler"),
        ("task", "step"),
        ("apply", "<lambda>"),
        ("middleware", "wrap"),
    ],
)
async def test_code_of_authors_is_named_wherever_it_runs(where: str, name: str, told: Told) -> None:
    """By the function that the framework, or the loop, has called."""
    await block_at(where)
    assert [line.partition(" has blocked")[0].split(":")[0] for line in told.lines] == [
        f"{name}() in {HERE}"
    ]


async def test_a_sync_handler_blocks_nobody(told: Told) -> None:
    """It runs in a thread."""
    looked = Looked()
    bot = Interface(id="bot")

    @bot.on_message
    def slow(text: str) -> str:
        looked.blocking.look()
        return text

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["hi"]
    assert told.lines == []


async def test_nobody_looks_after_the_end() -> None:
    """The thread ends with the bot."""
    before = set(threading.enumerate())
    async with TestClient(Interface(lambda text: text, id="bot")) as client:
        await client.user("alice").say("hi")
        (looking,) = [t for t in set(threading.enumerate()) - before if "blocking" in t.name]
    await asyncio.to_thread(looking.join)


STANDS_STILL = """
import asyncio, gc, threading
from chatstate.engine import blocking
from chatstate.engine.blocking import Blocking

class Cycle:
    def __init__(self):
        self.itself = self
        self.local = threading.local()

def look(blocking, depth=30):
    if depth:
        return look(blocking, depth - 1)
    for _ in range(5):
        Cycle()
    blocking.look()

async def main():
    blocking = Blocking()
    gc.set_threshold(50, 1, 1)
    for _ in range(100):
        await asyncio.to_thread(look, blocking)

asyncio.run(main())
print(gc.isenabled())
"""


def test_looking_never_makes_the_process_stand_still() -> None:
    """Whatever garbage there is: collecting it while Python lists the frames would."""
    command = [sys.executable, "-c", STANDS_STILL]
    looked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert looked.stdout == "True\n"


class BetweenLines:
    """A frame as Python shows one that has just been entered, or is between two lines."""

    f_code = texts.__code__
    f_lineno = None


def test_a_frame_without_a_line_is_told_by_where_its_function_begins() -> None:
    """Python has none for it; the thread that looks must not end of that."""
    frames: Any = [BetweenLines()]
    told = blocking._account(texts.__code__, frames)
    assert f":{texts.__code__.co_firstlineno}: async def texts(" in told
