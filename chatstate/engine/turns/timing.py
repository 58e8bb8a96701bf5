"""What turns do with timers: they set, cancel and list them, and are begun by those that fire.

1. What a turn does to timers goes with its commit. Commits that are on their way count as done.
2. The turn of a timer's event first looks whether the timer is still what it was when it fired:
   set again, moved or cancelled meanwhile, nothing happens. If it becomes so later, its commit is
   a conflict, and it looks again.
3. However such a turn ends, the timer ends with it; one that fires again and again is set anew in
   the same commit. So there is one event of it at a time, and what was missed comes once.
4. Where a chat has blocked the bot, schedules go on without being handled, until it speaks again.
5. A dead letter of a timer that is retried is no timer's any more: it just runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from chatstate.bot.handlers import Handler
from chatstate.bot.interface import Interface
from chatstate.bot.returns import replies, told_of
from chatstate.bot.route import Route
from chatstate.bot.schedules import Schedule
from chatstate.bot.timers import Timer, Told, When, due_at, listed, read, told, written
from chatstate.bot.turn import Turn
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.outbox import letters
from chatstate.engine.states.commits import Commits
from chatstate.engine.turns.own_events import OwnEvent
from chatstate.engine.turns.plan import Plan, Plans
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import OtherVersionError, ReplyError, StateError
from chatstate.signature import where
from chatstate.state.bound import States
from chatstate.stores.base import Arrival, Fired, Store, StoredTimer, TimerChange
from chatstate.stores.events import timer_id

log = logging.getLogger("chatstate.turns")

_encode = msgspec.json.Encoder().encode


class TurnTimers:
    """The timers of one bot, as turns see them."""

    def __init__(
        self,
        bot: Interface,
        *,
        accounts: Accounts,
        store: Store,
        commits: Commits,
        plans: Plans,
        clock: Clock,
        versions: Iterator[int],
    ) -> None:
        self._routes = bot.routes.timers
        self._accounts = accounts
        self._store = store
        self._commits = commits
        self._plans = plans
        self._clock = clock
        self._versions = versions
        self._saying = plans.of(Route("turn.later", Handler(_say, States()), (bot,)))

    # Setting

    def later(
        self, turn: RunningTurn, when: When, what: Any, key: str | None, data: Mapping[str, Any]
    ) -> None:
        """See `Turn.later`."""
        at = due_at(when, self._clock.time())
        if callable(what):
            self._set(turn, key, at, *self._handled(what, data))
        elif data:
            raise TypeError(f"turn.later: a reply takes no {next(iter(data))}=")
        else:
            self._set(turn, key, at, "", Told(said=_said(what)))

    def every(
        self,
        turn: RunningTurn,
        schedule: Schedule,
        handler: Callable[..., Any],
        key: str,
        data: Mapping[str, Any],
    ) -> None:
        """See `Turn.every`."""
        name, said = self._handled(handler, data)
        slot = schedule.next(self._clock.time())
        said = msgspec.structs.replace(said, schedule=schedule)
        self._set(turn, key, slot.at, name, said, slot.name)

    def cancel(self, turn: RunningTurn, key: str) -> None:
        """See `Turn.cancel`."""
        _change(turn, TimerChange(turn.place.person, _checked(key)))

    def _handled(self, fn: Any, data: Mapping[str, Any]) -> tuple[str, Told]:
        """Return the name of a handler, and what it is to be given."""
        for name, route in self._routes.items():
            if route.handler.author_fn is fn and route.schedule is None:
                return name, Told(written(fn, route.handler.data, data))
        raise StateError(
            f"{where(fn)} is no handler of timers, so a stored timer could not find it: register "
            "it with @bot.on_timer"
        )

    def _set(
        self, turn: RunningTurn, key: str | None, at: float, name: str, said: Told, slot: str = ""
    ) -> None:
        place, generation = turn.place, next(self._versions)
        known_as = f"timer {generation}" if key is None else _checked(key)
        text = _encode(said).decode()
        language = turn.arrival.event.message.sender.language
        whose = (place.conversation, place.person, known_as)
        timer = StoredTimer(*whose, generation, at, name, text, slot, language)
        _change(turn, TimerChange(place.person, known_as, timer))

    # Listing

    async def listed(self, turn: RunningTurn) -> list[Timer]:
        """See `Turn.timers`."""
        timers = await self._timers(turn.arrival)
        own = [turn.timer] if turn.timer else []
        _apply(timers, [*own, *(turn.timers or ())])
        found = sorted(timers.values(), key=lambda timer: (timer.due_at, timer.generation))
        return [listed(timer.key, timer.due_at, timer.handler, timer.text) for timer in found]

    async def _timers(self, arrival: Arrival) -> dict[str, StoredTimer]:
        """Return the timers of a person by key, once all that is on its way is committed."""
        conversation, person = arrival.place.conversation, arrival.place.person
        queued = self._commits.timers(conversation)  # looked at first: it may be stored meanwhile
        stored = await self._store.timers(conversation, person)
        timers = {timer.key: timer for timer in stored}
        _apply(timers, [change for change in queued if change.person == person])
        return timers

    # Firing

    def own_event(self) -> OwnEvent:
        """Return what sets the turns of timers apart."""
        return OwnEvent(find=lambda _: None, check=_refuse_replies, begin=self._begin)

    async def _begin(self, turn: RunningTurn) -> tuple[Plan, str] | None:
        """Return what handles a timer that has fired; None if nothing is to be done.

        Raises `OtherVersionError` if the bot has no such handler any more, or not yet.
        """
        arrival = turn.arrival
        message = arrival.event.message
        fired = msgspec.convert(message.raw, Fired)
        if arrival.event.id == timer_id(fired.generation):
            timers = await self._timers(arrival)
            there = timers.get(message.text)
            if there is None or there.generation != fired.generation:
                return None
            turn.timer = TimerChange(there.person, there.key, expected=there.generation)
            if not self._is_wanted(turn, there, fired):
                return None
        if not fired.handler:
            return self._saying, message.text
        route = self._routes.get(fired.handler)
        if route is None:
            raise OtherVersionError(
                f"timer {message.text!r} is for {fired.handler}(), and the bot has no such handler "
                "of timers any more: give it back (@bot.on_timer), and retry this dead letter"
            )
        return self._plans.of(route), message.text

    def _is_wanted(self, turn: RunningTurn, timer: StoredTimer, fired: Fired) -> bool:
        """Set a timer anew that fires again and again; tell whether this slot is to happen."""
        schedule, now = read(timer.text).schedule, self._clock.time()
        if schedule is None:
            return True
        if timer.handler not in self._routes and turn.place.account == self._accounts.own:
            self._end_schedule(timer)
            return False
        time = schedule.time_of(timer.slot)
        is_early = time > max(now, timer.due_at)  # its zone has other rules now
        at, slot = (time, timer.slot) if is_early else schedule.next(now, timer.slot)
        again = msgspec.structs.replace(
            timer, generation=next(self._versions), due_at=at, slot=slot, fired=0
        )
        turn.timer = TimerChange(timer.person, timer.key, again, expected=timer.generation)
        return not (is_early or fired.is_blocked or schedule.is_missed(timer.slot, now))

    def _end_schedule(self, timer: StoredTimer) -> None:
        """Tell of a schedule that is gone. Raises `OtherVersionError` where others may have it."""
        if not self._store.is_sole:
            raise OtherVersionError(
                f"the bot has no schedule {timer.handler!r} any more, or not yet: it ends, "
                "unless another worker has it"
            )
        log.warning("the bot has no schedule %r any more: it has ended", timer.handler)


def _change(turn: RunningTurn, change: TimerChange) -> None:
    if turn.timers is None:
        turn.timers = []
    turn.timers.append(change)


def _apply(timers: dict[str, StoredTimer], changes: Sequence[TimerChange]) -> None:
    """Do to timers what changes do; one that expects another is done already, or never will be."""
    for change in changes:
        there = timers.get(change.key)
        if change.expected and (there is None or there.generation != change.expected):
            continue
        timers.pop(change.key, None)
        if change.timer:
            timers[change.key] = change.timer


def _checked(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise TypeError(f"key={key!r}: a timer's key is a text")
    return key


def _said(what: Any) -> list[Any]:
    """Return a reply as it is stored. Raises `ReplyError` for one that cannot wait."""
    try:
        said, files = letters.written(replies(what))
    except ReplyError as error:
        raise told_of(error, how="said later")  # noqa: B904 - it suppresses what it replaces
    if files or not said:
        why = "has files" if files else "says nothing"
        raise ReplyError(f"turn.later: a reply that waits {why}: use an @bot.on_timer handler")
    return said


async def _say(turn: Turn) -> list[Any]:
    return letters.read(told(turn.message).said, ())


def _refuse_replies(arrival: Arrival, answer: Sequence[object]) -> None:
    """Raise `ReplyError` if `answer` has replies, and the timer is of no chat."""
    if answer and not arrival.event.message.chat.id:
        raise ReplyError(
            "a schedule is of no chat, so what it returns has nowhere to go: say where, as in "
            "await turn.send(reply, to=chat), and return None"
        )
