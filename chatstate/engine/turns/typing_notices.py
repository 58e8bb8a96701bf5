"""Shows that the bot is typing, while a turn takes its time."""

from __future__ import annotations

import asyncio
import itertools
import logging

from chatstate.adapter import Action
from chatstate.engine.context import Context
from chatstate.engine.turns.turn import Running
from chatstate.engine.turns.turns import Turns

log = logging.getLogger("chatstate.turns")

_LOOK_EVERY = 0.5
_SOON = 0.8  # of the time that a notice is shown, the next one is due


class Typing:
    """Looks at the turns that run, and tells their chats."""

    def __init__(self, context: Context, turns: Turns) -> None:
        self._context = context
        self._turns = turns
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Task[None]] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether any platform shows it."""
        return any(adapter.capabilities.typing for adapter in self._context.adapters.values())

    async def run(self) -> None:
        """Look again and again while turns run, until cancelled."""
        try:
            while True:
                await self._turns.begun.wait()
                await self._context.clock.sleep(_LOOK_EVERY)
                for running in self._turns.running:
                    self._look_at(running)
                if not self._turns.running:
                    self._turns.begun.clear()
        finally:
            for call in self._calls.values():
                call.cancel()

    def _look_at(self, running: Running) -> None:
        now = self._context.clock.time()
        place = running.arrivals[-1].place
        shown_for = self._context.adapters[place.account].capabilities.typing
        is_due = shown_for and running.handler and not running.fenced and now >= running.typing_at
        if is_due and place.conversation not in self._calls:
            running.typing_at = now + shown_for * _SOON
            self._calls[place.conversation] = call = asyncio.create_task(self._show(running))
            call.add_done_callback(lambda _: self._calls.pop(place.conversation, None))

    async def _show(self, running: Running) -> None:
        arrival = running.arrivals[-1]
        message = arrival.event.message
        key = f"typing-{next(self._numbers)}"
        action = Action(
            key, message.chat.id, message.thread, origin=arrival.event.origin, verb="typing"
        )
        try:
            await self._context.adapters[arrival.place.account].perform(action)
        except Exception as error:  # noqa: BLE001 - it is a courtesy, and nothing depends on it
            log.debug("typing cannot be shown: %r", error)
