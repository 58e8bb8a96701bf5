"""Forms that a platform can ask at once: which of them an event begins."""

from __future__ import annotations

from collections.abc import Awaitable

from chatstate.adapter import PostForm
from chatstate.bot.interface import Interface
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.messages import Event
from chatstate.stores.base import Arrival, Store

_UNSTORED = 0  # the number of an event that is in no inbox


class Modals:
    """Finds the forms of one bot that can be asked at once."""

    def __init__(self, bot: Interface, *, dispatch: Dispatch, store: Store) -> None:
        self._title = bot.title
        self._dispatch = dispatch
        self._store = store
        self._are_possible = any(route.handler.form for route in bot.routes)

    def form(self, account: int, event: Event, most: int) -> Awaitable[PostForm | None] | None:
        """Return the form that an event begins, of so many questions at most: see `Host.form`."""
        message = event.message
        begins = message.kind in ("message", "press") and message.selected is None
        if not (self._are_possible and begins) or message.answers is not None:
            return None
        return self._form(account, event, most)

    async def _form(self, account: int, event: Event, most: int) -> PostForm | None:
        place = await self._store.place(account, event.message.chat, event.message.thread)
        plan, meant = await self._dispatch.plan_of(Arrival(_UNSTORED, place, event))
        form = plan and plan.handler.form
        if not form or len(form.fields) > most:
            return None
        return form.at_once(self._title, meant.event.message)
