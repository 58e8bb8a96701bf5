"""What an owner of the bot sees beside the chat: its state, what waits, and what a turn has done.

1. It is all that the store has, names and words too: so it is told to owners alone.
2. Nothing is changed by looking. What failed is tried again if that is asked for, by the bot's run.
3. What a turn read is what it held; what it changed is what was another value after it than before.
   That is looked at while the inspector is open, for what its owner says on the page; it costs
   nobody else anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from chatstate.adapter import Host, Receipt
from chatstate.inspection import Entry, Filter, Request, Seen, Shelf
from chatstate_web.receive.cookies import Person

SHELVES: tuple[Shelf, ...] = ("running", "inbox", "outbox", "dead", "timers")
_MOST = 100
_STATES = 300
_TURNS = 200
_OPEN_SECONDS = 5.0
"""For how long after it was asked for the inspector is taken to be open."""


class Wanted(msgspec.Struct, frozen=True):
    """What an owner asks for: that a dead letter is tried again, or forgotten."""

    verb: Literal["retry", "drop"]
    number: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class Change(msgspec.Struct, frozen=True):
    """A value that is another one now; None where there was none, or is none any more."""

    scope: str
    name: str
    before: Any
    after: Any


class Before(msgspec.Struct, frozen=True):
    """A value that a turn has read, as it was then; None where there was none."""

    scope: str
    name: str
    value: Any


class TurnTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a turn: what it read and changed, and in how many seconds it came how far.

    `stored`: until its event was durable. `ran`: how long its handler, and what is around that,
    took. `settled`: until it was committed and its replies sent.
    """

    stored: float
    settled: float | None = None
    ran: float | None = None
    reads: Sequence[Before] = ()
    changes: Sequence[Change] = ()


Values = Mapping[tuple[object, ...], Entry]


class _Watch:
    """What is found out of the turn of one event, besides what is looked up."""

    def __init__(self, event: str, before: Values) -> None:
        self.before = before
        self.ran: float | None = None
        self.reads: Sequence[Before] = ()
        self.stored = 0.0
        self._event = event
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def see(self, turn: Seen) -> None:
        if turn.event == self._event:
            self.ran = turn.seconds
            self.reads = [Before(it.scope, it.name, _json(it.value)) for it in turn.reads]


class Inspector:
    """Looks for the owners of one bot."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._view = host.inspect(reveal=True)
        self._turns: dict[str, TurnTold] = {}
        self._watching: set[asyncio.Task[None]] = set()
        self._opened_at: dict[str, float] = {}

    def close(self) -> None:
        """Look no more."""
        for task in self._watching:
            task.cancel()

    async def look(self, person: Person) -> dict[str, Any]:
        """Return all there is to be seen, for somebody who has it open."""
        self._opened_at[person.id] = time.monotonic()
        states = await self._states(person)
        shelves: dict[str, Any] = {
            shelf: [_told(entry) for entry in await self._view.list(shelf, Filter(limit=_MOST))]
            for shelf in SHELVES
        }
        mine = [_told(entry) for entry in states.values() if _is_of(entry, person)]
        others = [_told(entry) for entry in states.values() if not _is_of(entry, person)]
        return {
            "mine": mine,
            "others": others,
            **shelves,
            "figures": await self._view.figures(),
            "workers": await self._view.workers(),
            "turns": self._turns,
        }

    async def ask(self, wanted: Wanted) -> None:
        """Have the bot's run do what is wanted."""
        await self._view.ask(Request(verb=wanted.verb, number=wanted.number))

    async def watched(
        self, person: Person, key: str, deliver: Callable[[], Awaitable[Sequence[Receipt]]]
    ) -> None:
        """Deliver something; watch what becomes of it if its sender has the inspector open."""
        opened_at = self._opened_at.get(person.id)
        if opened_at is None or time.monotonic() - opened_at > _OPEN_SECONDS:
            await deliver()
            return
        watch = _Watch(f"{person.id} {key}", await self._states(person))
        with contextlib.ExitStack() as looking:
            looking.enter_context(self._host.witness(watch.see))
            (receipt,) = await deliver()
            watch.stored = watch.seconds
            self._note(key, TurnTold(watch.stored))
            task = asyncio.create_task(
                self._until_settled(person, key, receipt, watch, looking.pop_all())
            )
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _until_settled(
        self,
        person: Person,
        key: str,
        receipt: Receipt,
        watch: _Watch,
        looking: contextlib.ExitStack,
    ) -> None:
        with looking:
            await receipt.settled()
            settled = watch.seconds
            changes = _changes(watch.before, await self._states(person))
            told = TurnTold(watch.stored, settled, watch.ran, watch.reads, changes)
            self._note(key, told)

    def _note(self, key: str, told: TurnTold) -> None:
        self._turns[key] = told
        if len(self._turns) > _TURNS:
            del self._turns[next(iter(self._turns))]

    async def _states(self, person: Person) -> Values:
        """Return a person's values, and as many of the others' as are shown."""
        mine = Filter(platform="web", chat=person.id)
        users = Filter(platform="web", person=person.id)
        found = [
            entry
            for chosen in (mine, users, Filter(limit=_STATES))
            for entry in await self._view.list("states", chosen)
        ]
        return {tuple(entry.key or (entry.number,)): entry for entry in found}


def _is_of(entry: Entry, person: Person) -> bool:
    return entry.platform == "web" and person.id in (entry.person, entry.chat)


def _told(entry: Entry) -> dict[str, Any]:
    """Return an entry as it is shown: without what is empty, its body as what it says."""
    told = {name: value for name, value in msgspec.structs.asdict(entry).items() if value}
    told.pop("key", None)
    if entry.key:
        told |= {"scope": entry.key.scope, "name": entry.key.name}
    told["body"] = _json(entry.body)
    return told


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _changes(before: Values, after: Values) -> list[Change]:
    """Return which values are others than before, in the order of their names."""
    keys = sorted({*before, *after}, key=str)
    changed = [key for key in keys if _body(before.get(key)) != _body(after.get(key))]
    return [_change(before.get(key), after.get(key)) for key in changed]


def _change(before: Entry | None, after: Entry | None) -> Change:
    entry = after or before
    key = entry.key if entry else None
    scope, name = (key.scope, key.name) if key else ("", "")
    return Change(scope, name, _body(before), _body(after))


def _body(entry: Entry | None) -> Any:
    return _json(entry.body) if entry else None
