"""Shows what a handler is going to answer, while it runs: from the loop, or from a thread."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

from chatstate.bot.returns import Answers
from chatstate.engine.turns.previews import Preview, Previews
from chatstate.engine.turns.turn import RunningTurn
from chatstate.messages import MessageRef


class Showing:
    """What one attempt shows in advance. `sent` is what `turn.send` owes, before all else.

    `elsewhere` is what it owes in other conversations, of which nothing is shown. `refs` lead to
    what was sent here.
    Nothing is shown without a preview; see `prepare`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        open_preview: Callable[[], Awaitable[Preview]] | None,
    ) -> None:
        self.sent: Answers = []
        self.elsewhere: Answers = []
        self.refs: list[MessageRef] = []
        self._open_preview = open_preview
        self._preview: Preview | None = None
        self._next: Answers | None = None
        self._loop = loop

    async def prepare(self) -> None:
        """Make what is shown from now on visible, where the platform can."""
        if self._open_preview and self._preview is None:
            self._preview = await self._open_preview()

    def show(self, answer: Answers) -> None:
        """Show an answer, after what was sent."""
        if self._preview:
            self._preview.show([*self.sent, *answer])

    def show_from_thread(self, answer: Answers) -> None:
        """Show an answer soon; of several before that, the last."""
        waits, self._next = self._next is not None, answer
        if self._preview and not waits:
            self._loop.call_soon_threadsafe(self._show_next)

    def _show_next(self) -> None:
        answer, self._next = self._next, None
        if answer is not None:
            self.show(answer)


class Showings:
    """Makes what a turn shows in advance, when it is asked for; in `previews`, where it can."""

    def __init__(self, previews: Previews) -> None:
        self.previews = previews
        self._loop = asyncio.get_running_loop()

    def of(self, turn: RunningTurn) -> Showing:
        """Return what a turn shows."""
        if turn.showing is None:
            possible = self.previews.are_possible(turn)
            opened = functools.partial(self.previews.open, turn) if possible else None
            turn.showing = Showing(self._loop, opened)
        return turn.showing
