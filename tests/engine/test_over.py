"""A `Turn` that somebody kept beyond its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from support import FAILED, query, texts

from chatstate import File, Interface, PerMember, Progress, Turn
from chatstate.testing import TestClient

Use = Callable[[Turn], Any]
USES: dict[str, Use] = {
    "send": lambda turn: turn.send("ding"),
    "step": lambda turn: turn.step("pay", lambda: 1),
    "state": lambda turn: turn.state(list[str]),
    "apply": lambda turn: turn.apply(list[str], lambda value: value),
    "replace": lambda turn: turn.replace(list[str], []),
    "progress": lambda turn: turn.progress(0.5),
    "folder": lambda turn: turn.folder,
}


@pytest.mark.parametrize("what", USES)
async def test_a_turn_can_do_nothing_after_its_end(what: str) -> None:
    """Whoever kept it is told, with the handler and what was called; nothing is sent or kept."""
    bot, kept = Interface(id="bot"), []

    @bot.on_message
    async def keep(turn: Turn, seen: PerMember[list[str]]) -> str:
        kept.append(turn)
        return f"{len(seen)}"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["0"]
        with pytest.raises(RuntimeError, match=rf"turn\.{what}\(\) was called after .*keep\(\)"):
            result = USES[what](kept[0])
            await result
        assert await texts(alice, "again") == ["0"]
        assert len(client.platform.delivered) == 2


@pytest.mark.parametrize("what", USES)
async def test_a_turn_that_was_given_up_can_do_nothing_either(what: str) -> None:
    """Though its handler goes on: it is told, and not cancelled once more."""
    bot, went_on, told = Interface(id="bot"), asyncio.Event(), list[BaseException]()

    @bot.on_message(timeout=30)
    async def work(turn: Turn, seen: PerMember[list[str]]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        try:
            result = USES[what](turn)
            await result
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at below
            told.append(error)
        went_on.set()

    async with TestClient(bot, raise_errors=False) as client:
        said = asyncio.create_task(texts(client.user("alice"), "hi"))
        while not client.platform.delivered:
            await client.advance(10)
        assert await said == [FAILED]
        await went_on.wait()
        (error,) = told
        assert isinstance(error, RuntimeError)
        assert f"turn.{what}() was called after" in str(error)


async def test_a_task_that_a_handler_leaves_behind_is_told() -> None:
    """In its own traceback, instead of sending nothing without a word."""
    bot, tasks, over = Interface(id="bot"), list[asyncio.Task[None]](), asyncio.Event()

    async def later(turn: Turn) -> None:
        await over.wait()
        await turn.send("ding")

    @bot.on_message
    async def ring(turn: Turn) -> str:
        tasks.append(asyncio.create_task(later(turn)))
        return "soon"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["soon"]
        over.set()
        with pytest.raises(RuntimeError, match=r"turn\.send\(\) was called after .* ring\(\)"):
            await tasks[0]


async def test_a_task_of_a_lifespan_is_told_and_goes_on() -> None:
    """It is not cancelled by a turn that it was handed and used too late."""
    turns, told = asyncio.Queue[Turn](), asyncio.Queue[str]()

    async def collect() -> None:
        while True:
            turn = await turns.get()
            try:
                await turn.step("pay", lambda: 1)
            except RuntimeError as error:
                await told.put(str(error))

    @contextlib.asynccontextmanager
    async def lifespan(_bot: Interface) -> AsyncIterator[None]:
        collecting = asyncio.create_task(collect())
        yield
        collecting.cancel()

    bot = Interface(id="bot", lifespan=lifespan)
    kept: list[Turn] = []

    @bot.on_message
    async def keep(turn: Turn) -> None:
        kept.append(turn)

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        for _ in range(2):
            await turns.put(kept[0])
            assert "turn.step() was called after" in await told.get()


@pytest.mark.parametrize("what", ["send", "apply"])
async def test_what_comes_too_late_for_the_answer_is_refused(what: str) -> None:
    """A file is read once the handler has returned: what is sent then would be lost."""
    bot = Interface(id="bot")

    @bot.on_message
    async def send(turn: Turn, seen: PerMember[list[str]]) -> File:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            result = USES[what](turn)
            if result:
                await result

        return File(pieces(), "a.bin")

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "hi") == [FAILED]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert error.startswith(f"RuntimeError: turn.{what}() was called after")


async def test_progress_that_was_kept_is_over_too() -> None:
    """It is its turn's."""
    bot, kept = Interface(id="bot"), list[Progress]()

    @bot.on_message
    def keep(progress: Progress) -> str:
        kept.append(progress)
        return "done"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["done"]
        with pytest.raises(RuntimeError, match=r"turn\.progress\(\) was called after"):
            kept[0](0.5)
