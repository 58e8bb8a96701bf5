"""Counts how often each person has used a handler, exactly and for good.

1. A turn takes its share before its handler runs. What is going on counts as taken at once, in
   whatever chat the person is, so that no two turns take the last one.
2. The count is committed with the turn, whatever becomes of it; if its process dies, the turn
   runs again and is counted then. A turn whose handler never began is not counted.
3. Nobody but this module changes the values, each time the newest, so turns never run again for
   them.
4. What a turn charges is taken at once, too, from whatever thread: in the loop, where all is
   counted. A turn that runs again charges anew.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from chatstate.bot.access import Limit, Taken, Weights, duration, limits_of, take, wait
from chatstate.clock import Clock
from chatstate.engine.states.cache import Entry, StateCache
from chatstate.errors import StateError
from chatstate.language.sentences import Sentence
from chatstate.scope import Key, Place, key
from chatstate.signature import label
from chatstate.stores.base import Change, Value

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Taken)
_EXACT = 1.0  # second: what a person was told is rounded


class Counters:
    """What the people of one bot have taken of its handlers."""

    def __init__(self, bot: str, values: StateCache, clock: Clock) -> None:
        self._values = values
        self._bot = bot
        self._clock = clock
        self._going: dict[Key, list[Taking]] = {}
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    async def ask(self, name: str, limits: Sequence[Limit], place: Place) -> Taking:
        """Return what is taken for the handler called `name`; see its `wait`."""
        counted = key(self._bot, "user", f"chatstate.limits {name}", place)
        (entry,) = self._values.peek([counted]) or await self._values.load([counted], place)
        now = self._clock.time()
        taken = _read(entry)
        seconds = wait(limits, taken, self._under_way(counted), now)
        knows = now < taken.told < now + seconds + _EXACT  # it may have been set back
        return Taking(self, counted, limits, now, entry, seconds, knows=knows)

    async def follow(self, name: str, limits: Sequence[Limit], place: Place) -> Taking:
        """Return what is taken by a turn that goes on with what was counted: what it charges."""
        taking = await self.ask(name, limits, place)
        taking = replace(taking, wait=0.0, knows=False, weights={}, follows=True)
        taking.begin_again()
        return taking

    def begin(self, taking: Taking) -> None:
        """Let it count from now on."""
        self._going.setdefault(taking.key, []).append(taking)

    def end(self, taking: Taking) -> None:
        """Forget it: it is counted now, or it is not."""
        going = self._going[taking.key]
        going.remove(taking)
        if not going:
            del self._going[taking.key]

    def charge(self, taking: Taking, weights: Weights, *, overdraw: bool) -> None:
        """Let it count for so many; see `Turn.charge`. From any thread."""
        if threading.get_ident() == self._thread:
            self._charge(taking, weights, overdraw=overdraw)
        else:
            charging = self._charge_in_loop(taking, weights, overdraw=overdraw)
            asyncio.run_coroutine_threadsafe(charging, self._loop).result()

    async def _charge_in_loop(self, taking: Taking, weights: Weights, *, overdraw: bool) -> None:
        self._charge(taking, weights, overdraw=overdraw)

    def _charge(self, taking: Taking, weights: Weights, *, overdraw: bool) -> None:
        before = taking.weights
        total = {**before, **{each: before.get(each, 0) + weights[each] for each in weights}}
        if not overdraw:
            if any(total[limit] > limit.amount for limit in total):
                raise Sentence("beyond_limit")
            going = self._under_way(taking.key, but=taking)
            seconds = wait(total, _read(self.newest(taking)), going, self.now(), total)
            if seconds:
                raise Sentence("too_often", wait=duration(seconds))
        before.update(total)

    def _under_way(self, key: Key, but: Taking | None = None) -> list[tuple[float, Weights]]:
        """Return the times and the weights of what is going on."""
        going = self._going.get(key, ())
        return [(taking.at, taking.weights) for taking in going if taking is not but]

    def newest(self, taking: Taking) -> Entry:
        """Return what is kept now of what it counts in."""
        (entry,) = self._values.peek([taking.key]) or [taking.entry]
        return entry

    def now(self) -> float:
        """Return the time."""
        return self._clock.time()


def chosen_of(limits: Sequence[Limit], of: str | None, fn: Callable[..., Any]) -> Sequence[Limit]:
    """Return those of the limits of `fn` that `turn.charge(of=)` names, all without it.

    Raises `StateError` if it has none, or none such.
    """
    chosen = limits if of is None else limits_of(of)
    if not chosen or not set(chosen) <= set(limits):
        raise StateError(
            f"turn.charge(): {label(fn)} has {'no limits' if of is None else 'no'}"
            f'{f" limit {of!r}" if of else ""} to take from; give it some: limits="100/day"'
        )
    return chosen


class Taking(msgspec.Struct, frozen=True, eq=False):
    """What a turn takes of a person's limit.

    `wait`: seconds until there is something to take, 0 if it is taken. `knows`: the person has been
    told so. `weights` are what the turn has charged; one that `follows` counts for nothing else.
    """

    counters: Counters
    key: Key
    limits: Sequence[Limit]
    at: float
    entry: Entry
    wait: float
    knows: bool
    weights: dict[Limit, int] = {}
    follows: bool = False

    def begin_again(self) -> None:
        """Forget what the turn has charged: it runs anew."""
        self.weights.clear()
        if self.follows:
            self.weights.update(dict.fromkeys(self.limits, 0))

    def redeem(self, versions: Iterator[int], *, begun: bool) -> list[Change]:
        """Return what is to be committed with the turn, which has begun or not, or was refused.

        Nothing may be awaited between this and the commit being queued.
        """
        entry = self.counters.newest(self)
        taken = _read(entry)
        if self.wait:
            taken = Taken(taken.times, self.at + self.wait)
        else:
            self.counters.end(self)
            if not begun:
                return []
            taken = take(self.limits, taken, self.at, self.counters.now(), self.weights)
        value = Value(_encoder.encode(taken).decode(), next(versions))
        return [Change(self.key, entry.version, value)]


def _read(entry: Entry) -> Taken:
    return _decoder.decode(entry.value.text) if entry.value else Taken()
