"""A bot whose turns go through many of the engine's awaits, and are cancelled at one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from engine.ends.charges import Total

from chatstate import CallNext, File, Interface, Ref, Reply, State, Turn, User

used_by_all = State(0, scope="global", name="used", type=int)
of_people = State([], scope="user", name="friends", type=list[str])


class Moments:
    """Notes the moments of a turn in `passed`; its task is cancelled after `wanted` of them."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.wanted = 0
        self._task: asyncio.Task[Any] | None = None
        self.bot = Interface(id="bot")
        self.bot.middleware(self.around)
        self.bot.on_message(self.work)

    def note(self, moment: str) -> None:
        """Let the task be cancelled as soon as it waits, if this is the moment."""
        if len(self.passed) == self.wanted and self._task:
            asyncio.get_running_loop().call_soon(self._task.cancel)
        self.passed.append(moment)

    async def around(self, call_next: CallNext) -> Any:
        """Keep the task of a turn."""
        self._task = asyncio.current_task()
        self.note("before the handler")
        answer = await call_next()
        self.note("after the handler")
        return answer

    async def work(
        self,
        turn: Turn,
        total: Total,
        used: Annotated[Ref[int], used_by_all],  # noqa: ARG002 - that it is held matters
        friends: Annotated[list[str], of_people],  # noqa: ARG002 - that it is held matters
    ) -> Reply:
        """Use what a turn can."""
        (turn.folder / "a").write_text("a")
        self.note("in the handler")
        await turn.state(list[str], of=User(f"friend {self.wanted}"))
        for number in range(2):
            await turn.step(f"step {number}", self.call)
            self.note("after a step")
        turn.apply(used_by_all, self.one_more)
        total.value += 1
        return Reply(str(total.value), files=[File(self.pieces(), "a.bin")])

    async def call(self) -> int:
        """Be a step."""
        self.note("in a step")
        return 1

    async def pieces(self) -> AsyncIterator[bytes]:
        """Be a stream."""
        for piece in (b"a", b"b"):
            self.note("in a stream")
            yield piece
        self.note("at the end of a stream")

    def one_more(self, value: int) -> int:
        """Be applied."""
        self.note("in a function that is applied")
        return value + 1
