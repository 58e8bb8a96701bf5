"""One attempt at a turn: load the state, run the handler, gather what it did.

An attempt that is `fenced` (its handler took too long, or was interrupted) commits nothing any
more, whatever the handler still does.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from chatstate.bot.forms import Form, Question
from chatstate.bot.handlers import Handler
from chatstate.bot.parameters import Slot
from chatstate.bot.resources import Need
from chatstate.bot.returns import Answers, Returns, replies
from chatstate.bot.turn import Turn
from chatstate.engine.context import Context
from chatstate.engine.states.cache import Entry
from chatstate.engine.states.expiry import refuse_replies
from chatstate.engine.states.updates import Application
from chatstate.engine.turns.showing import Showing
from chatstate.engine.turns.steps import Steps
from chatstate.errors import StateError, StorageError
from chatstate.files import Attachment, File
from chatstate.language.sentences import say
from chatstate.messages import Reply, User
from chatstate.scope import PERSONAL, SHARED, Key, Place, key
from chatstate.state.bound import BoundState
from chatstate.state.declaration import Ref
from chatstate.state.types import is_immutable
from chatstate.stores.base import Arrival, Change, Use, Value


class _Held(msgspec.Struct, frozen=True):
    """A value a turn holds: as loaded (`text`: None if it must be stored in any case)."""

    slot: Slot
    key: Key
    entry: Entry
    text: str | None


class Attempt(msgspec.Struct):
    """Runs `handler` once, for events that are handled together, on the values of this moment.

    `place_for_files`: the turn's folder, once it is wanted. `showing` is what it is going to
    answer, as far as it can be seen. `around` is the middleware.

    `text` is what the handler gets. `earlier` are the `notes` of an earlier attempt. `keys` are
    those of the values it holds, `expiring` those of stored ones that expire, with their seconds.
    """

    context: Context
    handler: Handler
    arrivals: list[Arrival]
    text: str
    earlier: dict[str, str] | None = None
    fenced: bool = False
    place_for_files: Path | None = None
    showing: Showing = msgspec.field(default_factory=Showing)
    around: Callable[[Attempt, Turn], Awaitable[Answers]] | None = None
    _handled: bool = False
    _steps: Steps | None = None
    keys: list[Key] = []
    expiring: dict[Key, float] = {}
    _held: list[_Held] = []
    _objects: list[Any] = []
    _before: list[str | None] = []
    _applications: list[Application] = []

    def __post_init__(self) -> None:
        bot, place = self.context.bot.id, self.arrivals[-1].place
        self.keys = [key(bot, one.state.scope, one.state.name, place) for one in self.handler.slots]

    @property
    def notes(self) -> dict[str, str] | None:
        """The results of steps, by name, also of earlier attempts; None if there are none."""
        return self._steps.notes if self._steps else self.earlier

    @property
    def arrival(self) -> Arrival:
        """The last of the events."""
        return self.arrivals[-1]

    @property
    def shared_keys(self) -> list[Key]:
        """The keys that other conversations can change."""
        return [one for one in (*self.keys, *self.applied_keys) if one.scope in SHARED]

    @property
    def applied_keys(self) -> list[Key]:
        """The keys that functions are applied to."""
        return [one.key for one in self._applications]

    async def run(self) -> Answers:
        """Load, call the handler, and return its replies; all of it within the middleware."""
        adapter = self.context.adapters[self.arrival.place.account]
        messages = tuple([one.event.message for one in self.arrivals])
        turn = Turn(messages, self.text, adapter.name, self)
        answer = await (self.around(self, turn) if self.around else self.handle(turn))
        for index, held in enumerate(self._held):
            if held.slot.by_ref and isinstance(self._objects[index], Ref):
                self._objects[index] = self._objects[index].value
        if self.handler.keeps and self._handled:
            states = [held.slot.state for held in self._held]
            self.handler.settle(turn, answer, states, self._before, self._objects)
        if self._applications:
            await self._entries(self.applied_keys)
            applied = self._applications
            self.expiring |= {a.key: a.bound.ttl for a in applied if a.bound.ttl is not None}
        return [*self.showing.sent, *answer] if self.showing.sent else answer

    async def handle(self, turn: Turn) -> Answers:
        """Load, call the handler, and return its replies."""
        if self.keys and not self._held:
            await self._load()
        if self.handler.wants_files:
            given = [one for message in turn.messages for one in message.attachments]
            turn.files = [await self.download(one) for one in given]
        answer = await self._answer(turn)
        self._handled = True
        return answer

    def forget(self) -> None:
        """Drop all that was done to state, and what was sent: the handler has failed."""
        del self.keys[len(self.handler.slots) :]
        self._held, self._objects, self._before = [], [], []
        self._applications = []
        self.showing.sent = []

    def read(self, returned: Any) -> Answers:
        """Return the replies in what a middleware returned."""
        return replies(returned, self._returns)

    async def _load(self) -> None:
        """Load the handler's own states."""
        own = self.keys[: len(self.handler.slots)]
        entries = self.context.values.peek(own) or await self._entries(own)
        if not self._held:
            for slot, one, entry in zip(self.handler.slots, own, entries, strict=True):
                self._hold(slot, one, entry)

    async def _answer(self, turn: Turn) -> Answers:
        if self.handler.keeps:
            await self.handler.prepare(turn)
        if self.handler.form:
            question = await self._fill(self.handler.form, turn)
            if question:
                sentences = self.context.bot.sentences.of(turn.user.language)
                return [Reply(say(sentences, "ask", **question._asdict()))]
        positional, named = self.handler.bind(turn, self._objects)
        if self.handler.streams or self.handler.wants_progress:
            await self.showing.prepare()
        try:
            return await self._call(positional, named)
        except StorageError as error:  # of a store of the handler's; ours shows at the commit too
            raise RuntimeError(f"the handler raised StorageError: {error}") from error

    async def _fill(self, form: Form, turn: Turn) -> Question | None:
        """Note an answer to a form; return what to ask next, None once it is complete."""
        pending = self._objects[self.handler.form_slot]
        taken = form.take(turn.message, turn.text, pending)
        if isinstance(taken, Question):
            return taken
        turn.answers = [await self.download(one.file) if one.file else one.text for one in taken]
        return None

    async def _call(self, positional: list[Any], named: dict[str, Any]) -> Answers:
        """Call the handler; return its replies, and put returned states among the objects."""
        fn = self.handler.fn
        match self.handler.mode:
            case "async":
                returned = await fn(*positional, **named)
            case "sync":
                call = functools.partial(fn, *positional, **named)
                returned = await self.context.threads.run(call)
                returned = await returned if inspect.isawaitable(returned) else returned
            case "generator":
                drain = functools.partial(self._drain, fn(*positional, **named))
                drained: Answers = await self.context.threads.run(drain)
                return drained
            case "async_generator":
                return await self._drain_async(fn(*positional, **named))
        return self._result(returned)

    def _result(self, returned: Any) -> Answers:
        return self.handler.result(returned, self._objects, self.place_for_files)

    @property
    def _returns(self) -> Returns:
        return Returns(self.place_for_files, self.handler.markdown)

    def _drain(self, stream: Generator[Any]) -> Answers:
        answer: Answers = []
        with contextlib.closing(stream):
            for yielded in stream:
                if self.fenced:
                    break
                answer = self._result(yielded)
                self.showing.show_from_thread(answer)
        return answer

    async def _drain_async(self, stream: AsyncGenerator[Any]) -> Answers:
        answer: Answers = []
        async with contextlib.aclosing(stream):
            async for yielded in stream:
                if self.fenced:
                    break
                answer = self._result(yielded)
                self.showing.show(answer)
                await asyncio.sleep(0)  # others must run, though the stream awaits nothing
        return answer

    def finish(self, answer: Answers) -> list[Change] | None:
        """Return what was changed, None if somebody changed it meanwhile; add applied replies.

        Nothing may be awaited between this and the commit being queued. Raises `StateError` for
        what cannot be kept.
        """
        changes: dict[Key, Change] = {}
        if self._applications:
            self._apply_to_own(answer)
        for held, value in zip(self._held, self._objects, strict=True):
            text = held.slot.state.encode(value)
            if text != held.text:
                if self.context.values.version(held.key) not in (held.entry.version, None):
                    return None
                new = self._written(held.slot.state, text)
                changes[held.key] = Change(held.key, held.entry.version, new)
        if self._applications:
            self._apply_to_others(answer, changes)
        return list(changes.values())

    def read_from(self) -> list[int]:
        """Return the numbers of the turns whose values were read before they were committed."""
        return [held.entry.turn for held in self._held if held.entry.turn]

    def uses(self, changes: Sequence[Change]) -> Sequence[Use]:
        """Return until when the values that it loaded and did not change are kept now."""
        if not self.expiring:
            return ()
        changed = [one.key for one in changes]
        now = self.context.clock.time()
        return [Use(one, now + ttl) for one, ttl in self.expiring.items() if one not in changed]

    # What a Turn can do

    async def state(self, wanted: Any, of: User | None) -> Any:
        """See `Turn.state`."""
        if not self._held:
            await self._load()
        bound = self.context.bot.find_state(self.handler, wanted)
        one = await self._key(bound, of)
        if one not in self.keys:
            (entry,) = await self._entries([one])
            if one not in self.keys:
                self.keys.append(one)
                self._hold(Slot(bound, is_immutable(bound.type)), one, entry)
        return self._objects[self.keys.index(one)]

    def replace(self, wanted: Any, value: Any) -> None:
        """See `Turn.replace`."""
        index = self._index(wanted)
        held = self._held[index]
        self._before[index] = held.slot.state.encode(value)
        self._objects[index] = Ref(value) if held.slot.by_ref else value

    def text_of(self, wanted: Any) -> str:
        """See `Turn.text_of`."""
        index = self._index(wanted)
        value = self._objects[index]
        held: Any = cast("Ref[Any]", value).value if isinstance(value, Ref) else value
        return self._held[index].slot.state.encode(held)

    def _index(self, wanted: Any) -> int:
        bound = self.context.bot.find_state(self.handler, wanted)
        return self.keys.index(
            key(self.context.bot.id, bound.scope, bound.name, self.arrival.place)
        )

    def apply(
        self, wanted: Any, fn: Callable[[Any], Any], reply: Callable[[Any], Any] | None
    ) -> None:
        """See `Turn.apply`."""
        bound = self.context.bot.find_state(self.handler, wanted)
        one = self._key_at(self.arrival.place, bound)
        self._applications.append(Application(bound, one, fn, reply))

    async def step(self, name: str, fn: Callable[[], Any]) -> Any:
        """See `Turn.step`."""
        if self._steps is None:
            self._steps = Steps(self.context, self.arrivals[0].seq, self.earlier)
        return await self._steps.take(name, fn, lambda: self.fenced)

    async def send(self, reply: Any) -> None:
        """See `Turn.send`."""
        new = replies(reply, self._returns)
        refuse_replies(self.arrival, new)
        self.showing.sent += new
        await self.showing.prepare()
        self.showing.show([])

    def progress(self, line: str) -> None:
        """See `Progress`; from any thread."""
        self.showing.show_from_thread([Reply(line)])

    def folder(self) -> Path:
        """See `Turn.folder`."""
        if self.place_for_files is None:
            self.place_for_files = self.context.spool.new_folder(self.arrival.seq)
        return self.place_for_files

    async def download(self, attachment: Attachment) -> File:
        """See `Turn.download`."""
        account = self.arrival.place.account
        return await self.context.spool.download(account, attachment, self.folder())

    def resource(self, wanted: Any) -> Any:
        """See `Turn.resource`."""
        if isinstance(wanted, Need):
            return self.context.resources[wanted]
        home = self.context.bot.routes.terms(self.handler).home
        return self.context.resources.find(Need("turn.resource()", "", wanted, home))

    async def may(self, command: str) -> bool:
        """See `Turn.may`."""
        handler = self.context.bot.routes.command(command)
        return handler is not None and await self.context.entrance.allows(handler, self.arrival)

    async def _key(self, bound: BoundState, of: User | None) -> Key:
        place = self.arrival.place
        if of is not None and of.id != self.arrival.event.message.sender.id:
            person = await self.context.store.person(place.account, of)
            place = place._replace(person=person)
        return self._key_at(place, bound)

    def _key_at(self, place: Place, bound: BoundState) -> Key:
        if not place.person and bound.scope in PERSONAL:
            raise StateError(
                f"{bound.scope} state {bound.name!r} is a person's, and nobody speaks here: "
                "say whose, as in turn.state(..., of=user)"
            )
        return key(self.context.bot.id, bound.scope, bound.name, place)

    async def _entries(self, keys: Sequence[Key]) -> list[Entry]:
        return await self.context.values.load(keys, self.arrival.place)

    def _hold(self, slot: Slot, one: Key, entry: Entry) -> None:
        if entry.value is None:
            value, text = slot.state.fresh()
        else:
            value, text = slot.state.read(entry.value, trusted=entry.trusted)
        if slot.state.ttl is not None and entry.value:
            self.expiring[one] = slot.state.ttl
        self._held.append(_Held(slot, one, entry, text))
        self._before.append(text)
        self._objects.append(Ref(value) if slot.by_ref else value)

    def _apply_to_own(self, answer: Answers) -> None:
        """Apply functions to values that this turn holds as objects."""
        left: list[Application] = []
        for one in self._applications:
            if one.key in self.keys:
                index = self.keys.index(one.key)
                self._objects[index] = one.to(self._objects[index], answer)
            else:
                left.append(one)
        self._applications = left

    def _apply_to_others(self, answer: Answers, changes: dict[Key, Change]) -> None:
        for one in self._applications:
            before = changes.get(one.key)
            now = self.context.values.now
            entry = Entry(before.value, trusted=True) if before else now(one.key)
            if entry.value is None:
                value, _ = one.bound.fresh()
            else:
                value, _ = one.bound.read(entry.value, trusted=entry.trusted)
            new = self._written(one.bound, one.bound.encode(one.to(value, answer)))
            expected = before.expected if before else entry.version
            changes[one.key] = Change(one.key, expected, new)

    def _written(self, bound: BoundState, text: str) -> Value:
        now = 0.0 if bound.ttl is None else self.context.clock.time()
        return bound.written(text, next(self.context.versions), now)
