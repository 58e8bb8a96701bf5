"""The turns of what a bot was given to send: they say it, in the lane of its conversation."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec

from chatstate.bot.handlers import Handler
from chatstate.bot.interface import Interface
from chatstate.bot.route import Route
from chatstate.bot.turn import Turn
from chatstate.engine.outbox.letters import Letter, read
from chatstate.engine.outbox.outbound import nth_of
from chatstate.engine.turns.effects import TurnEffects
from chatstate.engine.turns.own_events import OwnEvent
from chatstate.engine.turns.plan import Plan, Plans
from chatstate.messages import MessageRef
from chatstate.replies import Delete
from chatstate.state.bound import States
from chatstate.stores.base import Arrival, Outbox


def sending(bot: Interface, plans: Plans, store: Outbox) -> OwnEvent:
    """Return what sets the turns of what a bot was given to send apart."""
    plan = plans.of(Route("bot.send", Handler(_handler(store), States()), (bot,)))

    def find(_: Arrival) -> tuple[Plan, str]:
        return plan, ""

    return OwnEvent(find=find, check=lambda _arrival, _answer: None)


def _handler(store: Outbox) -> Any:
    async def say(turn: Turn) -> list[Any]:
        letter = msgspec.convert(turn.message.raw, Letter)
        said = read(letter.said, [await _path(store, key) for key in letter.files])
        effects = cast("TurnEffects", turn.effects)
        if letter.user:  # whose chat could not be had in time
            await effects.send(said, letter.user, known_as=letter.ref)
            return []
        if letter.takes_back:
            return [Delete(ref) async for ref in _sent_under(store, letter.takes_back)]
        effects.refer(said, letter.ref, is_whole=letter.is_whole)
        return said

    return say


async def _sent_under(store: Outbox, ref: str) -> AsyncIterator[MessageRef]:
    """Yield what leads to each message that was sent, or is owed, under a reference to all."""
    for number in itertools.count():
        nth = nth_of(ref, number)
        if await store.reference(nth) is None:
            return
        yield MessageRef("", sent=nth)


async def _path(store: Outbox, key: str) -> str:
    path = await store.fetch(key)
    if path is None:
        raise FileNotFoundError(f"a file that was to be sent is gone from the store ({key})")
    return str(path)
