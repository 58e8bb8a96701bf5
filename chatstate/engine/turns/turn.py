"""`RunningTurn`: one event on its way to its commit, as the engine sees it.

1. What of it belongs to one attempt begins anew with `begin_again`; an `Effects` of an earlier
   attempt can do nothing any more.
2. Nothing but its events is made before a stage or the handler wants it.
3. The time of its handler counts while it is `timed`, and is watched while it waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from chatstate.adapter import StoredFile
from chatstate.bot.engines import Where
from chatstate.bot.memos import Memo
from chatstate.bot.resources import Resources
from chatstate.bot.returns import Answers, Returns
from chatstate.bot.turn import Turn
from chatstate.engine.states.held import Held
from chatstate.engine.states.updates import Update
from chatstate.files import Attachment, File
from chatstate.messages import Message
from chatstate.replies import AnyReply, Reply
from chatstate.scope import SHARED, Key, Place
from chatstate.stores.base import Arrival, Change, TimerChange

if TYPE_CHECKING:
    from chatstate.engine.outbox.addressing import Addressed
    from chatstate.engine.outbox.rendered import Ahead
    from chatstate.engine.outbox.spool import Spool
    from chatstate.engine.states.cache import Entry
    from chatstate.engine.turns.dialogue import Chance, Dialogue
    from chatstate.engine.turns.limits import Taking
    from chatstate.engine.turns.own_events import OwnEvent
    from chatstate.engine.turns.places import Sharer
    from chatstate.engine.turns.plan import Plan
    from chatstate.engine.turns.previews import Preview
    from chatstate.engine.turns.showing import Showing
    from chatstate.engine.turns.steps import Steps


class Timekeeper(Protocol):
    """Whoever watches how long the handlers of turns take that wait; see `watch`."""

    def begins(self, turn: RunningTurn) -> None: ...
    def ends(self, turn: RunningTurn) -> None: ...
    def remove(self, turn: RunningTurn) -> None: ...


class RunningTurn(msgspec.Struct, eq=False, gc=False):
    """A turn: its events, its plan, what it holds, and how it ends.

    - `arrivals` are handled together; it began in `task`; `text` is what the handler gets of them.
    - `is_quick`: it is answered at once, and nothing of it is stored.
    - `own`: it is an event of the framework's own. `has_begun`: its handler was about to be called.
      `has_failed`: what is still asked of its author is what to say of that. `is_answered`: what
      it answers is being made ready.
    - `allowed`: the seconds its author's code may take now, 0 if that does not count; `deadline`:
      when they are over, if it is watched by a `watch`; `sharers`: with whom it shares the place
      that it has among the handlers that run at once, as it does while it `wants_place`.
    - `typing_at`: when to show that the bot is typing. `more`: it waits for what its person still
      writes, and this is set if anything comes.
    - `release` gives back the locks it holds, `leave` its place among the turns of its handler,
      `taking` is what it takes of a limit, `taken` the change which says so once it has.
    - `preview` is where the answer is shown in advance, `stored` the spooled files of its answer
      that nothing owed has yet, `ahead` those of its replies that were rendered in a thread,
      `addressed` where those of them go that do not simply answer.
    - Of one attempt: `held` are the values by key, `slots` those of the handler; `updates` are to
      be applied at the commit, `timers` to be changed with it; `folder` is its own, where `fetched`
      files lie; `late` are those updates that are applied within the commit, from which on nobody
      ends it any more.
    - `timer`: the end of the timer that it is the turn of, or that this is set anew.
    - `expiring`: the values it uses that expire, with their seconds.
    - `is_put_off`: it is to begin anew later, and waits for that.
    - `instead`: what is answered where no handler is asked.
    - `links` are the rows that tell whose `user` values it uses, by these people; see `Links`.
    - `dialogue` is what it goes on with, or begins; `asks_in` the task in which it may ask now.
      `left_open` is a dialogue of the person's that it does not answer. `chance` is its time and
      its luck.
    """

    arrivals: list[Arrival]
    task: asyncio.Task[None] | None = None
    plan: Plan | None = None
    own: OwnEvent | None = None
    is_quick: bool = False
    text: str = ""
    has_begun: bool = False
    fenced: bool = False
    is_over: bool = False
    is_answered: bool = False
    is_put_off: bool = False
    has_failed: bool = False
    allowed: float = 0.0
    deadline: float = 0.0
    watch: Timekeeper | None = None
    wants_place: bool = False
    sharers: Sequence[Sharer] = ()
    typing_at: float = 0.0
    more: asyncio.Event | None = None
    release: Callable[[], None] | None = None
    leave: Callable[[], None] | None = None
    taking: Taking | None = None
    taken: list[Change] | None = None
    preview: Preview | None = None
    stored: Sequence[StoredFile] = ()
    ahead: Ahead | None = None
    addressed: dict[int, Addressed] | None = None
    timer: TimerChange | None = None
    timers: list[TimerChange] | None = None
    notes: dict[str, str] | None = None
    expiring: dict[Key, float] | None = None
    attempt: int = 0
    held: dict[Key, Held] | None = None
    slots: Sequence[Held] = ()
    arguments: Sequence[Any] = ()
    files: Sequence[File] = ()
    fetched: dict[Attachment, File] | None = None
    answers: Sequence[Any] = ()
    updates: list[Update] | None = None
    late: Sequence[Update] = ()
    folder: Path | None = None
    showing: Showing | None = None
    steps: Steps | None = None
    said_instead: Message | None = None
    instead: Sequence[AnyReply] = ()
    dialogue: Dialogue | None = None
    left_open: Memo | None = None
    asks_in: asyncio.Task[Any] | None = None
    links: dict[int, tuple[Key, Entry]] | None = None
    chance: Chance | None = None
    _turn: Turn | None = None

    @classmethod
    def of(cls, arrival: Arrival, task: asyncio.Task[None]) -> RunningTurn:
        """Return the turn of an event that begins in `task`.

        To copy what nothing has happened to yet is a third of the work of filling in each default.
        """
        turn = _new_turn()
        turn.arrivals, turn.task = [arrival], task
        return turn

    def is_simple(self) -> bool:
        """Tell whether its end is its answer and its values, as of most."""
        return not (
            self.stored
            or self.preview
            or self.ahead
            or self.addressed
            or self.taking
            or self.expiring
            or self.timer
            or self.timers
            or self.notes
        )

    @property
    def arrival(self) -> Arrival:
        """The last of its events."""
        return self.arrivals[-1]

    @property
    def where(self) -> Where:
        """Which turn it is, by the store's numbers."""
        last = self.arrivals[-1]
        return Where(last.place.account, last.place.conversation, last.seq)

    @property
    def place(self) -> Place:
        """Where it happens, and who speaks."""
        return self.arrivals[-1].place

    @property
    def message(self) -> Message:
        """The last of what is handled."""
        return self.said_instead or self.arrivals[-1].event.message

    @property
    def messages(self) -> tuple[Message, ...]:
        """All that is handled together."""
        if self.said_instead:
            return (self.said_instead,)
        return tuple([arrival.event.message for arrival in self.arrivals])

    @property
    def resources(self) -> Resources:
        """What the bot's lifespans have opened."""
        if self.plan is None:
            raise RuntimeError("a turn without a plan has no resources")
        return self.plan.resources

    @property
    def returns(self) -> Returns:
        """How what an author returns, or sends, is read."""
        if self.plan is None:
            raise RuntimeError("a turn without a plan is nobody's yet")
        return self.plan.handler.returns(self.folder)

    @property
    def turn(self) -> Turn:
        """The turn as its author sees it."""
        if self._turn is None:
            if self.plan is None:
                raise RuntimeError("a turn without a plan is nobody's yet")
            self._turn = self.plan.make_turn(self)
        return self._turn

    @property
    def is_showing(self) -> bool:
        """Whether its answer is shown while it is being written."""
        return self.own is None and bool(self.preview or (self.plan and self.plan.shows))

    def is_at(self, account: int, chat: str, thread: str | None) -> bool:
        """Tell whether it happens there, by the platform's own ids."""
        message = self.arrival.event.message
        here = self.place.account, message.chat.id, message.thread
        return here == (account, chat, thread)

    @property
    def has_notes(self) -> bool:
        """Whether it may have left notes."""
        return self.preview is not None or self.notes is not None

    @property
    def shared_keys(self) -> list[Key]:
        """The keys it uses that other conversations can change."""
        keys = [*(self.held or ()), *(update.key for update in self.updates or ())]
        return [key for key in keys if key.scope in SHARED]

    def begin_again(self) -> None:
        """Forget what an attempt has done, but for what must not be done twice."""
        self.attempt += 1
        self.is_answered = False
        self.forget()
        self._turn = None
        if self.taking:
            self.taking.begin_again()
        self.steps = self.folder = self.showing = self.ahead = None
        self.fetched = None
        self.files = self.answers = self.stored = ()
        if self.dialogue:
            self.dialogue = self.dialogue.again()

    def forget(self) -> None:
        """Drop all that was done to state, and what was sent: the handler has failed."""
        self.held = self.updates = self.addressed = self.timers = None
        self.slots = ()
        if self.showing:
            self.showing.sent, self.showing.elsewhere = [], []

    def here(self, answer: Answers) -> Answers:
        """Return what of an answer is said in its own conversation."""
        if not self.addressed:
            return answer
        gone = {
            number
            for number, address in self.addressed.items()
            if address.arrival.place.conversation != self.place.conversation
        }
        return [reply for reply in answer if id(reply) not in gone]

    @contextlib.contextmanager
    def timed(self, seconds: float) -> Generator[None]:
        """Within this context, what runs may take so many seconds."""
        self.begin_time(seconds)
        try:
            yield
        finally:
            self.end_time()

    def begin_time(self, seconds: float, *, in_place: bool = False) -> None:
        """From now on what runs may take so many seconds, in a handler's place or not."""
        self.allowed = seconds
        self.wants_place = in_place
        if self.watch:
            self.watch.begins(self)

    def end_time(self) -> None:
        """Let no time count from now on."""
        self.allowed = 0.0
        if self.watch:
            self.watch.ends(self)

    @contextlib.contextmanager
    def untimed(self) -> Generator[None]:
        """Within this context no time counts: it waits for what is nobody's fault here."""
        allowed, self.allowed = self.allowed, 0.0
        if self.watch:
            self.watch.ends(self)
        try:
            yield
        finally:
            self.allowed = allowed
            if self.watch and allowed:
                self.watch.begins(self)

    def end(self) -> None:
        """Note that it is over: what its author may have kept of it can do nothing, and no more.

        It lets go of its task, which goes on with other turns, and of what refers back to it.
        """
        self.is_over = True
        if self.watch:
            self.watch.remove(self)
        if self.dialogue:
            self.dialogue.close()
        self.task = self._turn = None

    async def drop_files(self, spool: Spool) -> None:
        """Let go of spooled files that nothing owed has, and of its own folder."""
        spool.discard(self.stored)
        if self.folder:
            await spool.end_turn(self.folder)

    def let_go(self) -> None:
        """Give back its locks and its place."""
        for give_back in (self.release, self.leave):
            if give_back:
                give_back()

    def shown_before(self) -> Sequence[Reply]:
        """Return what a preview shows of it."""
        return self.preview.shown if self.preview else ()


_new_turn: Callable[[], RunningTurn] = getattr(RunningTurn([]), "__copy__")  # noqa: B009 - its stubs lack it
