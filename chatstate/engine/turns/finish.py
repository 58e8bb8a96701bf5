"""How turns end: a queued commit, and what its outcome means for the lane and the sender.

1. A turn that failed is committed too: its event ends, and nothing else of it but an apology and
   what it took of a limit.
2. Values are shown to the next turn at once, and forgotten if the commit fails.
3. Replies leave only after the commit.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt, Receipts
from chatstate.engine.lease import Lease
from chatstate.engine.outbox.addressing import Addressing, owed_there, wanted
from chatstate.engine.outbox.answers import Answer
from chatstate.engine.outbox.letters import priority_of
from chatstate.engine.outbox.outbound import Outbound, refer_to_all
from chatstate.engine.outbox.rendered import Rendered
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.commits import Commits
from chatstate.engine.states.held import Held
from chatstate.engine.turns.reports import fold, in_brief, in_full, report
from chatstate.engine.turns.sentences import apology, refusal
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues, Written
from chatstate.errors import LeaseLostError, UserError
from chatstate.language.sentences import Sentences
from chatstate.messages import Event
from chatstate.replies import AnyReply
from chatstate.scope import Key
from chatstate.stores.base import (
    APPLIED,
    Arrival,
    Change,
    DeadLetter,
    KeptReference,
    Outcome,
    Owed,
    TurnCommit,
)

log = logging.getLogger("chatstate.turns")


def ignore_failure(_event: Event, _error: BaseException) -> None:
    """Do nothing about a turn that failed: it is told in the log."""


class Ending(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a turn once its commit is over."""

    arrivals: Sequence[Arrival]
    outbound: Sequence[Outbound]


class Finish:
    """Ends the turns of one bot."""

    def __init__(
        self,
        *,
        lanes: Lanes,
        receipts: Receipts,
        cache: StateCache,
        values: TurnValues,
        commits: Commits,
        renderer: Renderer,
        spool: Spool,
        sender: Sender,
        addressing: Addressing,
        sentences: Sentences,
        versions: Iterator[int],
        lease: Lease | None,
        on_failure: Callable[[Event, BaseException], None],
        is_sole: bool,
    ) -> None:
        self._lanes = lanes
        self._receipts = receipts
        self._cache = cache
        self._values = values
        self._commits = commits
        self._renderer = renderer
        self._spool = spool
        self._sender = sender
        self._addressing = addressing
        self._sentences = sentences
        self._versions = versions
        self._lease = lease
        self._on_failure = on_failure
        self._is_sole = is_sole
        self._over = self.committed  # made once: the collector looks at what waits for a commit

    def fail(self, turn: RunningTurn, error: BaseException) -> DeadLetter | None:
        """End a turn with an error for the person; of any other return the dead letter."""
        try:
            if isinstance(error, UserError) and turn.message.chat.id:
                self.queue(turn, refusal(turn, self._sentences, error))
                return None
            if self._lease and self._lease.is_unsure and isinstance(error, LeaseLostError):
                return None  # the turn is others', who tell of it
        except BaseException as unspeakable:  # noqa: BLE001 - its text may be anything
            error = unspeakable
        return self.tell(turn, error)

    def tell(
        self, turn: RunningTurn, error: BaseException, fn: Callable[..., Any] | None = None
    ) -> DeadLetter:
        """Tell the operator of a turn that failed, and return its event as a dead letter.

        `fn` is what has failed, if not the handler.
        """
        fold(error)
        told = report(turn, error, fn)
        log.error("%s", told, exc_info=error if error.__traceback__ else None)
        dead = DeadLetter("event", in_brief(told, error), in_full(told, error))
        with contextlib.suppress(Exception):  # it may let nobody add to it
            error.add_note(told.revealed)  # for whoever else is told of it: `on_error`, a test
        return dead

    def notify(self, turn: RunningTurn, error: BaseException) -> None:
        """Tell whoever started the engine of a turn whose failure its author does not answer."""
        if not turn.fenced:
            for arrival in turn.arrivals:
                self._on_failure(arrival.event, error)

    def give_up(
        self, turn: RunningTurn, dead: DeadLetter, answer: Sequence[AnyReply] | None = None
    ) -> None:
        """End a turn that becomes a dead letter; the person gets an `answer`, or a sentence."""
        try:
            said = apology(turn, self._sentences) if answer is None else answer
            self.queue(turn, said, dead=dead)
        except Exception:  # what `render` raises: the event must end all the same
            log.exception("the adapter cannot even show that")
            self.queue(turn, [], dead=dead)

    def queue(
        self,
        turn: RunningTurn,
        answer: Answer,
        written: Sequence[Written] | None = None,
        dead: DeadLetter | None = None,
    ) -> None:
        """Queue the commit of a turn: what it answers, and what it changed, None if it has failed.

        One that is fenced has ended already.
        """
        if turn.fenced:
            return
        commit, outbound = self.commit(turn, answer, written, dead)
        self._commits.submit(commit, self._over, Ending(turn.arrivals, outbound))

    def commit(
        self,
        turn: RunningTurn,
        answer: Answer,
        written: Sequence[Written] | None,
        dead: DeadLetter | None = None,
    ) -> tuple[TurnCommit, list[Outbound]]:
        """Return the commit of a turn, whose values are shown from now on, and what it owes."""
        arrivals = turn.arrivals
        arrival = arrivals[-1]
        changes = [change for change, _ in written] if written else []
        is_simple = turn.is_simple()
        if is_simple:
            rendered = self._renderer.render(arrivals, answer)
        else:
            rendered = self._render(turn, answer, changes)
        outbound = rendered.outbound
        commit = TurnCommit(
            arrival.seq,
            arrival.place,
            next(self._versions),
            changes,
            self._sender.owed(outbound) if outbound else (),
            dead,
            [earlier.seq for earlier in arrivals[:-1]] if len(arrivals) > 1 else (),
            False,
            _read_from(turn.held) if turn.held and not dead else (),
            rendered.buttons,
        )
        if not is_simple:
            commit = self._with_all_else(turn, commit, outbound, has_written=written is not None)
        for change, ready in written or ():
            self._cache.queue(change, arrival.seq, ready)
        return commit, outbound

    def _with_all_else(
        self,
        turn: RunningTurn,
        commit: TurnCommit,
        outbound: Sequence[Outbound],
        *,
        has_written: bool,
    ) -> TurnCommit:
        """Return the commit of a turn with what few turns have: limits, uses, places, timers."""
        taken = self._taken(turn) if turn.taking else []
        changes = [*commit.changes, *taken]
        used = self._values.uses(turn, changes)
        timers = list(turn.timers) if turn.timers and has_written else []
        owed: Sequence[Owed] = commit.owed
        references: Sequence[KeptReference] = ()
        if turn.addressed:
            owed = self._owed_there(turn.arrival, owed, outbound)
            references = self._addressing.kept(outbound)
        if turn.timer:
            timers.insert(0, turn.timer)
        self._cache.use(used)
        for change in taken:
            self._cache.queue(change, commit.seq)
        return replace(
            commit,
            changes=changes,
            owed=owed,
            noted=turn.has_notes,
            used=used,
            references=references,
            timers=timers,
        )

    def _render(self, turn: RunningTurn, answer: Answer, changes: Sequence[Change]) -> Rendered:
        previews = turn.preview.ids if turn.preview else ()
        arrivals, addressed = turn.arrivals, turn.addressed
        if addressed:
            texts = [change.value.text for change in changes]
            texts += [change.timer.text for change in turn.timers or () if change.timer]
            addressed = wanted(addressed, [*texts, *(turn.notes or {}).values()])
        rendered = self._renderer.render(
            arrivals, answer, turn.stored, previews, turn.ahead, addressed
        )
        for address in addressed.values() if addressed else ():
            if address.is_whole:
                refer_to_all(rendered.outbound, address.ref)
        if turn.stored:
            owed = [file.key for reply in rendered.outbound for file in reply.action.part.files]
            turn.stored = [file for file in turn.stored if file.key not in owed]
        return rendered

    def _owed_there(
        self, arrival: Arrival, rows: Sequence[Owed], replies: Sequence[Outbound]
    ) -> list[Owed]:
        own, priority = arrival.place.conversation, priority_of(arrival.event)
        return [
            owed_there(row, reply, priority, is_ours=self._is_sole or reply.conversation == own)
            for row, reply in zip(rows, replies, strict=True)
        ]

    def _taken(self, turn: RunningTurn) -> list[Change]:
        """Return what a turn took of a limit: once, and not if its handler never began."""
        if turn.taken is None and turn.taking:
            turn.taken = turn.taking.redeem(self._versions, begun=turn.has_begun)
        return turn.taken or []

    def committed(self, ending: Ending, commit: TurnCommit, outcome: Outcome) -> None:
        """Go on after a commit: with its replies, or with the turn again."""
        arrivals, outbound = ending.arrivals, ending.outbound
        if outcome in APPLIED:
            self._cache.applied(commit.changes)
        else:
            self.undo(commit, outbound)
            if outcome == "conflict":
                self._lanes.read_again(commit.place.conversation)
                return
            outbound = ()
        own = commit.place.conversation
        if outbound and (outcome == "behind" or outbound[-1].conversation != own):
            self._send_apart(arrivals, outbound, own)
            if outcome == "behind":
                self._sender.resume(own)
            return
        receipts = self._receipts.committed(arrivals, len(outbound))
        if outbound:
            self._sender.add(outbound, receipts)

    def _send_apart(
        self, arrivals: Sequence[Arrival], outbound: Sequence[Outbound], own: int
    ) -> None:
        """Send what is owed in several conversations, which may be other runs': these are told.

        What is sent by others is found to be settled by asking.
        """
        receipts: Sequence[EventReceipt] = ()
        if self._is_sole or outbound[-1].conversation == own:
            receipts = self._receipts.committed(arrivals, len(outbound))
        else:
            self._receipts.go_on_elsewhere(arrivals)
        for where, replies in itertools.groupby(outbound, lambda reply: reply.conversation):
            if self._is_sole or where == own:
                self._sender.add(list(replies), receipts)

    def undo(self, commit: TurnCommit, outbound: Sequence[Outbound] = ()) -> None:
        """Forget what a commit was to change, and the files that it was to owe."""
        self._cache.failed(commit.changes)
        self._cache.read_again([use.key for use in commit.used])
        for reply in outbound:
            self._spool.discard(reply.action.part.files)


def _read_from(held: Mapping[Key, Held]) -> Sequence[int]:
    """Return the numbers of the turns whose values were read before they were committed."""
    numbers: Sequence[int] = ()
    for value in held.values():
        if value.entry.turn:
            numbers = (*numbers, value.entry.turn)
    return numbers
