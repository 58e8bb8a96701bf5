"""What somebody may be told of an engine's work: traces, figures, health.

1. An engine that nobody observes has none of this: what is observed is wrapped, at the places where
   the engine meets its store, its adapters, and the turns that it runs.
2. An observer is told of what is over, in the engine's own loop. It must not raise, nor wait.
3. It is told which turn something belongs to, by its number: that outlives the process.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec

from chatstate.adapter import Action, Adapter, Sent
from chatstate.bot.effects import Effects
from chatstate.bot.outgoing import Verdict
from chatstate.engine.turns.turn import RunningTurn
from chatstate.messages import Event
from chatstate.stores.base import NO_VERSIONS, Early, Ingested, Outcome, Run, Store, TurnCommit

if TYPE_CHECKING:
    from chatstate.engine.inbox.lanes import Work


class Took(msgspec.Struct, frozen=True, gc=False):
    """When something began (seconds since 1970), and how many seconds it took."""

    began_at: float
    seconds: float


class Observer(Protocol):
    """Is told of what an engine does. See the module's rules."""

    def began(self, bot: str, run: Run) -> None:
        """Note that the engine has begun a run of a bot."""
        ...

    def delivered(self, ingested: Sequence[Ingested], took: Took) -> None:
        """Note that what was delivered is stored, or was found to be known or too much.

        It may not be durable yet.
        """
        ...

    def turn(self, turn: RunningTurn) -> AbstractContextManager[object]:
        """Return what the running of a turn is to be in, also when it runs again."""
        ...

    def step(self, turn: RunningTurn, name: str) -> AbstractContextManager[object]:
        """Return what a step of a turn is to be in."""
        ...

    def committing(self, turns: Sequence[TurnCommit]) -> None:
        """Note that a batch of turns is given to the store."""
        ...

    def committed(
        self, turns: Sequence[TurnCommit], outcomes: Sequence[Outcome], took: Took
    ) -> None:
        """Note that it was committed, with these outcomes."""
        ...

    def performed(
        self, adapter: Adapter, action: Action, error: BaseException | None, took: Took
    ) -> None:
        """Note that a call was made on a platform; `error` is what it raised."""
        ...

    def guarded(self, verdict: Verdict) -> None:
        """Note that a guard of what leaves has changed or stopped something, or has failed."""
        ...


class _Timer:
    """Tells how long something took."""

    def __init__(self) -> None:
        self._at = time.time()
        self._began = time.perf_counter()

    def took(self) -> Took:
        return Took(self._at, time.perf_counter() - self._began)


class _ObservedStore:
    """A store, of which an observer is told. What is not here is the store's."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self._store = store
        self._observer = observer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def ingest(
        self,
        account: int,
        events: Sequence[Event],
        cursors: Mapping[str, str] | None = None,
        *,
        share: bool = False,
        early: Early | None = None,
    ) -> Sequence[Ingested]:
        timer = _Timer()
        told: list[Sequence[Ingested]] = []

        def tell(ingested: Sequence[Ingested]) -> None:
            if not told:  # before any turn of theirs begins
                told.append(ingested)
                self._observer.delivered(ingested, timer.took())

        def tell_early(ingested: Sequence[Ingested]) -> None:
            tell(ingested)
            if early:
                early(ingested)

        noted = cursors or {}
        asked = tell_early if early else None
        ingested = await self._store.ingest(account, events, noted, share=share, early=asked)
        tell(ingested)
        return ingested

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        timer = _Timer()
        self._observer.committing(turns)
        outcomes = await self._store.commit(turns)
        self._observer.committed(turns, outcomes, timer.took())
        return outcomes

    async def open(self, bot: str, versions: Mapping[str, int] = NO_VERSIONS) -> Run:
        run = await self._store.open(bot, versions)
        self._observer.began(bot, run)
        return run


class _ObservedAdapter:
    """An adapter, of which an observer is told. What is not here is the adapter's."""

    def __init__(self, adapter: Adapter, observer: Observer) -> None:
        self._adapter = adapter
        self._observer = observer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def perform(self, action: Action) -> Sent:
        timer = _Timer()
        raised: BaseException | None = None
        try:
            return await self._adapter.perform(action)
        except BaseException as error:
            raised = error
            raise
        finally:
            self._observer.performed(self._adapter, action, raised, timer.took())


class _ObservedWork:
    """What is done with each event, of which an observer is told."""

    def __init__(self, work: Work, observer: Observer) -> None:
        self._work = work
        self._observer = observer
        self.waits = work.waits

    async def run(self, turn: RunningTurn) -> None:
        with self._observer.turn(turn):
            await self._work.run(turn)


class _ObservedEffects:
    """What a turn can do, of which an observer is told. What is not here is the turn's."""

    def __init__(self, effects: Effects, turn: RunningTurn, observer: Observer) -> None:
        self._effects = effects
        self._turn = turn
        self._observer = observer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._effects, name)

    async def step(self, name: str, fn: Callable[[], Any]) -> Any:
        with self._observer.step(self._turn, name):
            return await self._effects.step(name, fn)


def observed_store(store: Store, observer: Observer) -> Store:
    """Return a store as it is, of which `observer` is told."""
    return cast("Store", _ObservedStore(store, observer))


def observed_adapter(adapter: Adapter, observer: Observer) -> Adapter:
    """Return an adapter as it is, of which `observer` is told."""
    return cast("Adapter", _ObservedAdapter(adapter, observer))


def observed_work(work: Work, observer: Observer) -> Work:
    """Return what is done with events as it is, of which `observer` is told."""
    return _ObservedWork(work, observer)


def observed_effects(effects: Effects, turn: RunningTurn, observer: Observer) -> Effects:
    """Return what a turn can do as it is, of which `observer` is told."""
    return cast("Effects", _ObservedEffects(effects, turn, observer))


class Observers:
    """Several, each of which is told of all."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def began(self, bot: str, run: Run) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.began(bot, run)

    def delivered(self, ingested: Sequence[Ingested], took: Took) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.delivered(ingested, took)

    @contextlib.contextmanager
    def turn(self, turn: RunningTurn) -> Generator[None]:
        """See `Observer`."""
        with contextlib.ExitStack() as stack:
            for observer in self._observers:
                stack.enter_context(observer.turn(turn))
            yield

    @contextlib.contextmanager
    def step(self, turn: RunningTurn, name: str) -> Generator[None]:
        """See `Observer`."""
        with contextlib.ExitStack() as stack:
            for observer in self._observers:
                stack.enter_context(observer.step(turn, name))
            yield

    def committing(self, turns: Sequence[TurnCommit]) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.committing(turns)

    def committed(
        self, turns: Sequence[TurnCommit], outcomes: Sequence[Outcome], took: Took
    ) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.committed(turns, outcomes, took)

    def performed(
        self, adapter: Adapter, action: Action, error: BaseException | None, took: Took
    ) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.performed(adapter, action, error, took)

    def guarded(self, verdict: Verdict) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.guarded(verdict)
