"""What an author can do with a turn besides returning something; see `Turn`.

1. It belongs to one attempt at a turn. Once that is over, or given up, whoever kept it gets a
   `RuntimeError`. What would come too late for the answer is refused as soon as that is made.
2. Nothing of it takes effect before the turn's commit, but for notes of steps and previews.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from chatstate.adapter import Adapter
from chatstate.bot.questions import Question
from chatstate.bot.resources import Need, Resources
from chatstate.bot.returns import Answers, replies, told_of
from chatstate.bot.routes import Routes
from chatstate.bot.schedules import Schedule
from chatstate.bot.timers import Timer
from chatstate.clock import Clock
from chatstate.engine.outbox.addressing import Addressing
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.states.held import Held
from chatstate.engine.states.updates import Update
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.admission import Admission
from chatstate.engine.turns.asker import Asker
from chatstate.engine.turns.downloads import download, folder_of
from chatstate.engine.turns.limits import chosen_of
from chatstate.engine.turns.linking import Linking
from chatstate.engine.turns.plan import Plan, Plans
from chatstate.engine.turns.saying import refer, say
from chatstate.engine.turns.showing import Showings
from chatstate.engine.turns.standing import not_stored, refuse_what_cannot_be
from chatstate.engine.turns.steps import Steps
from chatstate.engine.turns.timing import TurnTimers
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues
from chatstate.engine.turns.watch import Watch
from chatstate.errors import ReplyError, StateError
from chatstate.files import Attachment, File
from chatstate.messages import Message, MessageRef, Target, User
from chatstate.replies import Reply
from chatstate.scope import Key
from chatstate.stores.accounts import OWN
from chatstate.stores.base import Entry, Request, Store
from chatstate.stores.gathering import exported, identities_of
from chatstate.stores.links import Identity


class TurnEffects:
    """What one attempt at a turn can do."""

    def __init__(
        self,
        turn: RunningTurn,
        *,
        platform: str,
        adapters: Mapping[int, Adapter],
        clock: Clock,
        store: Store,
        values: TurnValues,
        threads: HandlerThreads,
        spool: Spool,
        showings: Showings,
        admission: Admission,
        addressing: Addressing,
        asker: Asker,
        resources: Resources,
        routes: Routes,
        plans: Plans,
        watch: Watch,
        timers: TurnTimers,
        linking: Linking,
    ) -> None:
        self._turn = turn
        self._attempt = turn.attempt
        self.platform = platform
        self._adapters = adapters
        self.clock = clock
        self._store = store
        self._values = values
        self._threads = threads
        self._spool = spool
        self._showings = showings
        self._admission = admission
        self._addressing = addressing
        self._asker = asker
        self._random: random.Random | None = None
        self._resources = resources
        self._routes = routes
        self._plans = plans
        self._watch = watch
        self._timers = timers
        self._linking = linking

    @property
    def messages(self) -> tuple[Message, ...]:
        """See `Turn.messages`."""
        return self._turn.messages

    @property
    def text(self) -> str:
        """See `Turn.text`."""
        return self._turn.text

    @property
    def files(self) -> Sequence[File]:
        """See `Turn.files`."""
        return self._turn.files

    @property
    def answers(self) -> Sequence[Any]:
        """See `Turn.answers`."""
        return self._turn.answers

    @property
    def client(self) -> Any:
        """See `Turn.client`."""
        client = self._adapters[self._live("client").place.account].client
        if client is None:
            raise StateError(
                f"turn.client: {self.platform} has no client of its own, or no connection now; "
                "look at turn.platform before"
            )
        return client

    @property
    def answer(self) -> Message | None:
        """See `Turn.answer`."""
        return self._turn.dialogue.answer if self._turn.dialogue else None

    @property
    def now(self) -> datetime:
        """See `Turn.now`."""
        return datetime.fromtimestamp(self._asker.chance(self._turn).now, UTC)

    @property
    def random(self) -> random.Random:
        """See `Turn.random`."""
        if self._random is None:
            self._random = random.Random(self._asker.chance(self._turn).seed)  # noqa: S311 - no secret
        return self._random

    @property
    def sent(self) -> Answers:
        """What `send` owes so far."""
        return self._turn.showing.sent if self._turn.showing else []

    @property
    def held(self) -> Mapping[Key, Held]:
        """The values this attempt holds, by key."""
        return self._turn.held or {}

    def say_instead(self, text: str, attachments: Sequence[Attachment]) -> None:
        """Handle another text, with other attachments, in place of what was said."""
        turn = self._live("say_instead")
        turn.text = text
        turn.said_instead = replace(turn.message, text=text, attachments=tuple(attachments))

    async def hold(self, wanted: Any, of: User | None) -> Held:
        """Return a value as this attempt holds it; see `Turn.state`."""
        turn, plan = self._live("state"), self._plan
        if turn.held is None and not self._values.take(turn, plan):
            await self._values.load(turn, plan)
        state = plan.route.find_state(wanted)
        if self.platform == OWN and (of is not None or state.scope != "global"):
            raise StateError(
                f"turn.state: a schedule is nobody's, in no chat, so {state.scope} state "
                f"{state.name!r} is not there: use global state"
            )
        place = turn.place
        if of is not None and of.id != turn.message.sender.id:
            person = await self._store.person(place.account, of)
            place = await self._values.place_of(turn, person)
        held = await self._values.hold(turn, state, self._values.key(state, place))
        self._live("state")
        return held

    def replace(self, wanted: Any, value: Any) -> None:
        """See `Turn.replace`."""
        turn = self._live("replace")
        state = self._plan.route.find_state(wanted)
        held = self.held.get(self._values.key(state, turn.place))
        if held is None:
            raise StateError(
                f"turn.replace: this turn does not hold {state.scope} state {state.name!r}; make "
                "it a parameter of the handler, or `await turn.state(...)` first"
            )
        held.replace(value)

    def apply(
        self, wanted: Any, fn: Callable[[Any], Any], reply: Callable[[Any], Any] | None
    ) -> None:
        """See `Turn.apply`."""
        turn = self._live("apply")
        state = self._plan.route.find_state(wanted)
        update = Update(state, self._values.key(state, turn.place), fn, reply)
        if turn.updates is None:
            turn.updates = []
        turn.updates.append(update)

    def charge(self, n: int, of: str | None, *, overdraw: bool) -> None:
        """See `Turn.charge`."""
        turn, plan = self._live("charge"), self._plan
        chosen = chosen_of(plan.limits, of, plan.fn)
        if turn.taking:
            weights = dict.fromkeys(chosen, n)
            turn.taking.counters.charge(turn.taking, weights, overdraw=overdraw)

    async def step(self, name: str, fn: Callable[[], Any]) -> Any:
        """See `Turn.step`."""
        turn = self._live("step")
        if turn.steps is None:
            turn.steps = Steps(turn, self._store, self._threads)
        return await turn.steps.take(name, fn)

    async def ask(self, question: Question) -> Any:
        """See `Turn.ask`."""
        return await self._asker.ask(self._live("ask"), question, self.download)

    def later(self, when: Any, what: Any, key: str | None, data: Mapping[str, Any]) -> None:
        """See `Turn.later`."""
        self._timers.later(self._live("later"), when, what, key, data)

    def every(self, schedule: Schedule, handler: Any, key: str, data: Mapping[str, Any]) -> None:
        """See `Turn.every`."""
        self._timers.every(self._live("every"), schedule, handler, key, data)

    def cancel(self, key: str) -> None:
        """See `Turn.cancel`."""
        self._timers.cancel(self._live("cancel"), key)

    async def timers(self) -> Sequence[Timer]:
        """See `Turn.timers`."""
        return await self._timers.listed(self._live("timers"))

    async def send(
        self, reply: Any, to: Target | None, account: str | None = None, known_as: str = ""
    ) -> MessageRef:
        """See `Turn.send`. `known_as` is a reference that is kept in any case."""
        turn = self._live("send")
        try:
            new = replies(reply, turn.returns)
        except ReplyError as error:
            raise told_of(error, how="sent")  # noqa: B904 - it suppresses what it replaces
        if turn.is_quick and to is not None:
            raise not_stored(turn, "send")
        arrival = turn.arrival
        if to is None and account is not None:
            raise TypeError(f"turn.send(account={account!r}) says from whom, and not to=: whom to")
        place_of = self._addressing.place_of
        there = arrival if to is None else await place_of(arrival, to, account)
        if turn.own and there is arrival:
            turn.own.check(arrival, new)
        return await say(self._live("send"), self._showings, new, there, known_as)

    async def forget(self) -> None:
        """See `Effects.forget`."""
        turn = self._live("forget")
        for person in await self._identities(turn):
            request = Request(verb="forget", number=person.number, turn=turn.arrival.seq)
            await self._store.ask(request)

    async def export(self) -> bytes:
        """See `Effects.export`."""
        turn = self._live("export")
        people = await self._identities(turn)
        adapter = self._adapters[turn.place.account]
        elsewhere = await adapter.export(turn.message.sender.id)
        return await exported(self._store, people, elsewhere)

    async def _identities(self, turn: RunningTurn) -> Sequence[Entry]:
        person = await self._store.show("people", turn.place.person)
        if person is None:
            raise StateError("nobody has asked, so nothing is kept of them")
        return await identities_of(self._store, [person])

    def ended_wait(self) -> bool:
        """See `Effects.ended_wait`."""
        return self._watch.has_ended_wait(self._turn.arrivals[0].seq)

    def identity(self) -> Identity:
        """See `Effects.identity`."""
        turn = self._live("identity")
        place, message = turn.place, turn.message
        at = f"{self.platform}:{self._adapters[place.account].account}"
        user = replace(message.sender, linked="")
        return Identity(place.person, place.account, at, user, message.chat.id)

    async def is_linked_with(self, other: Identity) -> bool:
        """See `Effects.is_linked_with`."""
        turn = self._live("state")
        return await self._linking.are_linked(turn, turn.place.person, other.person)

    async def link(self, other: Identity) -> None:
        """See `Effects.link`."""
        await self._linking.link(self._live("state"), self.identity(), other)

    async def unlink(self) -> Sequence[Identity]:
        """See `Effects.unlink`."""
        turn = self._live("state")
        return await self._linking.unlink(turn, turn.place.person)

    def refer(self, answer: Answers, ref: str, *, is_whole: bool = False) -> None:
        """Let a reference lead to the first message of what the handler returns, or to all."""
        refer(self._live("send"), answer, ref, is_whole=is_whole)

    def progress(self, line: str) -> None:
        """See `Progress`; from any thread."""
        self._showings.of(self._live("progress")).show_from_thread([Reply(line)])

    def folder(self) -> Path:
        """See `Turn.folder`."""
        return folder_of(self._live("folder"), self._spool)

    async def download(self, attachment: Attachment) -> File:
        """See `Turn.download`."""
        return await download(self._live("download"), self._spool, attachment, self.folder)

    def resource(self, wanted: Any) -> Any:
        """See `Turn.resource`."""
        if isinstance(wanted, Need):
            return self._resources[wanted]
        return self._resources.find(Need("turn.resource()", "", wanted, self._plan.route.home))

    async def may(self, command: str) -> bool:
        """See `Turn.may`."""
        route = self._routes.command(command)
        if route is None:
            return False
        return await self._admission.allows(self._plans.of(route), self._turn.arrival)

    @property
    def _plan(self) -> Plan:
        if self._turn.plan is None:
            raise RuntimeError("a turn without a plan is nobody's")
        return self._turn.plan

    def _live(self, what: str) -> RunningTurn:
        """Return the turn. Raises if it, or this attempt at it, can do that no more, or not."""
        refuse_what_cannot_be(self._turn, self._attempt, self._plan.fn, what)
        return self._turn
