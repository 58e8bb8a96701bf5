"""Lanes: each event of a conversation is handled, in whatever order lanes are told of them."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.turn import RunningTurn
from chatstate.messages import Chat, Event, Message, User
from chatstate.scope import Place
from chatstate.stores.base import Arrival

PLACE = Place(1, 1, 7, 1, 1)


def arrival(seq: int) -> Arrival:
    return Arrival(seq, PLACE, Event(str(seq), Message("hi", User("ann"), Chat("room"))))


class Desk:
    """A store with events that wait, and the work that is done with them."""

    def __init__(self, *numbers: int) -> None:
        self.waiting = [arrival(seq) for seq in numbers]
        self.handled: list[int] = []
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()
        self.errors: list[Exception] = []
        self.lanes = Lanes(cast("Any", self), self.errors.append)
        self.lanes.start(self, HandlerThreads(), lambda _: ())

    async def events(self, _: int, after: int, limit: int) -> Sequence[Arrival]:
        return [waits for waits in self.waiting if waits.seq > after][:limit]

    async def run(self, turn: RunningTurn) -> None:
        self.entered.set()
        await self.gate.wait()
        self.handled.append(turn.arrival.seq)
        self.waiting = [waits for waits in self.waiting if waits.seq != turn.arrival.seq]

    def waits(self, turn: RunningTurn) -> None: ...

    async def over(self) -> None:
        self.gate.set()
        await self.lanes.activity.over()


async def test_an_event_that_is_added_too_late_is_found_in_the_inbox() -> None:
    """One with a higher number was added first, and runs already."""
    desk = Desk(1, 2)
    desk.lanes.add(arrival(2))
    await desk.entered.wait()
    desk.lanes.add(arrival(1))
    await desk.over()
    assert (desk.handled, desk.errors) == ([2, 1], [])


async def test_what_was_read_meanwhile_is_not_handled_again() -> None:
    """It was being stored when the inbox was read, and is added after that."""
    desk = Desk(1, 2, 3)
    desk.lanes.expect()
    desk.lanes.resume(PLACE.conversation)
    await desk.entered.wait()
    for seq in (1, 2, 3):
        desk.lanes.add(arrival(seq))
    desk.lanes.came()
    await desk.over()
    assert (desk.handled, desk.errors) == ([1, 2, 3], [])


async def test_own_events_keep_others_from_being_added_early() -> None:
    """As long as any are being stored."""
    desk = Desk()
    with desk.lanes.expecting(), desk.lanes.expecting():
        assert desk.lanes.expects_own == 2
    assert desk.lanes.expects_own == 0
