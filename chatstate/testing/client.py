"""`TestClient`: hold a conversation with a bot in a test.

1. Engine and SQLite file are the real ones; platform and clock are the test's.
2. What a person does returns when the turn is committed, and its replies are sent, held or dead.
3. The clock stands still unless the test moves it, also that of what people say.
4. What stops the engine is raised in the test; so is what a handler raises, unless a test wants to
   see what the person gets then. pytest shows the handler's frames, and none of ours.
5. No two clients give the same id to an event: they may use one store in turn.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from chatstate.adapter import PostForm, Receipt
from chatstate.bot.interface import Interface
from chatstate.engine import Engine
from chatstate.messages import Chat, Event, User
from chatstate.testing.clock import FakeClock
from chatstate.testing.delivered import Delivered
from chatstate.testing.life import Life
from chatstate.testing.person import Person
from chatstate.testing.platform import FakePlatform
from chatstate.testing.stored import EVERYTHING, stored_values


class TestClient(Life):
    """Runs `bot` for a test: the real engine, a real SQLite file, a fake platform and clock.

    `async with TestClient(bot) as client: replies = await client.user("alice").say("hi")`

    - `bot` may be a function that makes it, called at each start: as a process loads its bot anew.
    - `store` is a store URL; by default a new file, removed at the end. `store_options` are
      those of the store's class, `engine_options` those of the engine.
    - `platform` can refuse, stall and lose answers; see `FakePlatform`.
    - Time stands still but for `advance`. A `clock` that is given may be the bot's own, too.
    - `raise_errors`: whether what a handler raises is raised by `say`, `press` and `advance`. Else
      the test sees what the person does. So it does in any case of a `UserError`, of an error that
      the bot's `on_error` answers, and of a turn that takes too long.

    `verdicts` are what guards of what leaves (`@bot.egress`) have changed, stopped or failed at,
    as `chatstate.testing.Verdict` tells it, in their order.

    Raises whatever made the engine stop.
    """

    __test__ = False  # pytest: this is no test class
    _stepwise = 60.0  # seconds before a timer fires that are gone through one by one

    def __init__(
        self,
        bot: Interface | Callable[[], Interface],
        *,
        store: str | None = None,
        platform: FakePlatform | None = None,
        clock: FakeClock | None = None,
        raise_errors: bool = True,
        store_options: Mapping[str, Any] | None = None,
        **engine_options: Any,
    ) -> None:
        super().__init__(bot, store, platform, clock, dict(store_options or {}), engine_options)
        self._raise_errors = raise_errors
        self._prefix = f"event-{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)
        self.reacted: dict[tuple[str, str], str] = {}  # by person and message; see `Person.react`
        self.newest: Event | None = None
        self._known: set[str] = set()

    def user(
        self,
        name: str,
        *,
        chat: str | None = None,
        thread: str | None = None,
        id: str | None = None,
        language: str | None = None,
        is_bot: bool = False,
    ) -> Person:
        """Return a person: in a private chat, or in the group `chat` (and its `thread`).

        `language` is a BCP 47 tag, as in `User`. With `is_bot` it is somebody's bot.
        """
        identity = id or name
        where = Chat(f"private-{identity}") if chat is None else Chat(chat, "group", chat)
        return Person(self, User(identity, name, language, is_bot), where, thread)

    def new_event_id(self) -> str:
        """Return an id that no event had, of this client or of another one."""
        return f"{self._prefix}-{next(self._numbers)}"

    async def happens(
        self,
        update: str,
        raw: dict[str, Any] | None = None,
        *,
        chat: str | None = None,
        raise_errors: bool | None = None,
    ) -> list[Delivered]:
        """Let a platform tell of what it names nobody for, in the group `chat` or in none.

        `update` is its own name for that, "telegram:poll"; returns and raises as `deliver` does.
        """
        __tracebackhide__ = True
        where = Chat("") if chat is None else Chat(chat, "group", chat)
        nobody = Person(self, User(""), where)
        return await nobody.does(update, raw, raise_errors=raise_errors)

    async def deliver(self, event: Event, *, raise_errors: bool | None = None) -> list[Delivered]:
        """Deliver an event as the platform would, and return the replies it got now.

        What was shown while they were being written is in `platform.delivered` alone. Raises what
        its handler raised, unless `raise_errors` is False, here or for the whole client; and
        `RuntimeError` if its id is new to this client but not to the store: no handler ran, and
        that was hardly meant. (If it was, `deliver_all` tells so in its receipt.)
        """
        __tracebackhide__ = True
        seen = len(self.platform.delivered)
        is_new = event.id not in self._known
        (receipt,) = await self.deliver_all([event])
        if is_new and receipt.status == "duplicate":
            raise RuntimeError(
                f"event {event.id!r} is in this store already, so no handler ran: give it an "
                "`event_id` of its own, or none"
            )
        await self._or_failure(receipt.settled())
        self._raise_for(event, raise_errors=raise_errors)
        new = self.platform.delivered[seen:]
        return [reply for reply in new if reply.event == event.id and not reply.preview]

    async def deliver_all(self, events: Sequence[Event]) -> Sequence[Receipt]:
        """Deliver events in one call, as a platform may, and return when they are durable.

        What becomes of them raises nothing.
        """
        self._require_open()
        host = await self._or_failure(self.platform.connected())
        receipts = await self._or_failure(host.deliver(events))
        self._known.update(event.id for event in events)
        self.newest = events[-1] if events else None
        return receipts

    async def ask(
        self, event: Event, *, raise_errors: bool | None = None
    ) -> list[Delivered] | None:
        """Ask for what is answered at once, as an adapter does, and return what it would perform.

        None if something newer takes its place. Raises as `deliver` does.
        """
        __tracebackhide__ = True
        self._require_open()
        host = await self._or_failure(self.platform.connected())
        actions = await self._or_failure(host.ask(event))
        self._raise_for(event, raise_errors=raise_errors)
        if actions is None:
            return None
        seen = len(self.platform.delivered)
        for action in actions:
            await self.platform.perform(action)
        return self.platform.delivered[seen:]

    async def complete(self, event: Event, *, raise_errors: bool | None = None) -> list[str] | None:
        """Ask what may be typed, as an adapter does. Raises as `deliver` does."""
        __tracebackhide__ = True
        self._require_open()
        host = await self._or_failure(self.platform.connected())
        offered = await self._or_failure(host.complete(event))
        self._raise_for(event, raise_errors=raise_errors)
        return None if offered is None else list(offered)

    async def form(self, event: Event) -> PostForm | None:
        """Return the form that an event begins, if that can be asked at once."""
        self._require_open()
        host = await self._or_failure(self.platform.connected())
        asked = host.form(event)
        return await self._or_failure(asked) if asked else None

    def _raise_for(self, event: Event, *, raise_errors: bool | None) -> None:
        """Raise what the handler of an event raised, if that is wanted."""
        __tracebackhide__ = True
        error = self._errors.pop(event.id, None)
        if error and (self._raise_errors if raise_errors is None else raise_errors):
            _raise(error)

    async def advance(self, seconds: float) -> None:
        """Move the clock; timers fire, each at its time, states expire, and what that does is done.

        So is what others have answered in a dialogue (`turn.ask(..., of=)`): by 0 seconds, too.

        Unless something keeps it for more than five seconds: a turn that waits, a stalled platform.
        Of the time before a timer only the last minute is gone through second by second, and what
        else comes due before is done then: so a year passes in seconds. Raises what a timer's
        handler or an `on_expire` raised, as `deliver` does.
        """
        engine = self._require_open()
        end = self.clock.monotonic() + seconds
        while (pause := await self._until_next_timer(engine, end)) is not None:
            await self.clock.jump(max(pause - self._stepwise, 0))
            await self.clock.advance(min(pause, self._stepwise))
            await engine.settle(5.0)
        await self._pass(end - self.clock.monotonic())
        await engine.settle(5.0)
        unasked = [event for event in self._errors if event not in self._known]
        errors = [self._errors.pop(event) for event in unasked]
        if errors and self._raise_errors:
            _raise(errors[0])

    async def _pass(self, seconds: float) -> None:
        """Let time pass in which no timer fires."""
        await self.clock.advance(seconds)

    async def _until_next_timer(self, engine: Engine, end: float) -> float | None:
        """Return the seconds until the next timer fires, None if none does before `end`."""
        at = await self._or_failure(engine.next_timer())
        pause = None if at is None else at - self.clock.time()
        left = end - self.clock.monotonic()
        return pause if pause is not None and 0 < pause <= left else None

    async def values(self) -> dict[str, str]:
        """Return all that is stored: its JSON, by the state's name and whose it is.

        Such as "history of alice", "topic in room/thread", "history of alice in room", "scores".
        """
        return stored_values(await self._store.list("states", EVERYTHING))

    async def simulate(
        self,
        *,
        seed: int = 0,
        people: int = 3,
        steps: int = 100,
        invariants: Sequence[Callable[..., Any]] = (),
        reset: Callable[[], object] = lambda: None,
        shared: bool = False,
    ) -> None:
        """Let people talk to the bot while it is in trouble, and raise what is wrong with it.

        So many `people` do so many things, some at the very same moment, while it is killed and
        restarted, deliveries are repeated and late, calls refused, answers lost and the clock
        moved, all by `seed`, in memory and at once. What it answers and stores must be what it does
        without trouble, one thing after the other. Each of `invariants` is called in
        the end, with the `client` or all values as `states`; it raises or returns False if it does
        not hold. `reset` is called before each run, to empty what is outside of the bot; `shared`:
        people are told of each other by that. The client's own bot is stopped meanwhile.

        Raises `SimulationError`, with the shortest transcript that shows what is wrong.
        """
        from chatstate.testing.simulation import simulate

        is_open = self._engine is not None
        if is_open:
            await self._stop()
        run = functools.partial(simulate, self._given, seed=seed, people=people, steps=steps)
        try:
            await asyncio.to_thread(run, invariants=invariants, reset=reset, shared=shared)
        finally:
            if is_open:
                await self._start()


def _raise(error: BaseException) -> NoReturn:
    """Raise what a handler raised; what would end the test in another way is told by a cause."""
    __tracebackhide__ = True
    if isinstance(error, Exception):
        raise error
    raise RuntimeError(f"a handler raised {type(error).__name__}") from error
