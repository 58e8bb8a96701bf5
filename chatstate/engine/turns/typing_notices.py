"""Shows that the bot is typing, while a turn takes its time."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping

from chatstate.adapter import Action, Adapter
from chatstate.clock import Clock
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.watch import Watch

log = logging.getLogger("chatstate.turns")

_LOOK_EVERY = 0.5
_SOON = 0.8  # of the time that a notice is shown, the next one is due


class TypingNotices:
    """Looks at the turns that wait, and tells their chats."""

    def __init__(self, *, adapters: Mapping[int, Adapter], watch: Watch, clock: Clock) -> None:
        self._adapters = adapters
        self._watch = watch
        self._clock = clock
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Task[None]] = {}
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look again and again while turns wait, in a `task`, if any platform shows notices."""
        is_shown = any(adapter.capabilities.typing for adapter in self._adapters.values())
        if is_shown and self.task is None:
            self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while True:
                await self._watch.begun.wait()
                await self._clock.sleep(_LOOK_EVERY)
                for turn in self._watch.turns:
                    self._look_at(turn)
                if not self._watch.turns:
                    self._watch.begun.clear()
        finally:
            for call in self._calls.values():
                call.cancel()

    def _look_at(self, turn: RunningTurn) -> None:
        now, place = self._clock.monotonic(), turn.place
        shown_for = self._adapters[place.account].capabilities.typing
        is_due = turn.plan and not turn.fenced and now >= turn.typing_at
        is_waited_for = not turn.message.update and (not turn.own or turn.own.shows_typing)
        if turn.more or not is_waited_for:
            return
        if shown_for and is_due and place.conversation not in self._calls:
            turn.typing_at = now + shown_for * _SOON
            self._calls[place.conversation] = call = asyncio.create_task(self._show(turn))
            call.add_done_callback(lambda _: self._calls.pop(place.conversation, None))

    async def _show(self, turn: RunningTurn) -> None:
        arrival, message = turn.arrival, turn.arrival.event.message
        key = f"typing-{next(self._numbers)}"
        action = Action(
            key, message.chat.id, message.thread, origin=arrival.event.origin, verb="typing"
        )
        try:
            await self._adapters[arrival.place.account].perform(action)
        except Exception as error:  # noqa: BLE001 - it is a courtesy, and nothing depends on it
            log.debug("typing cannot be shown: %r", error)
