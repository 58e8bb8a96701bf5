"""How turns end: a queued commit, and what its outcome means for the lane and the sender.

1. A turn that failed is committed too: its event ends, and nothing else of it but an apology and
   what it took of a quota.
2. Values are shown to the next turn at once, and forgotten if the commit fails.
3. Replies leave only after the commit.
"""

from __future__ import annotations

import logging

from chatstate.engine.context import Context
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.engine.outbox.outbound import Outbound
from chatstate.engine.outbox.rendering import Answer
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.states.commits import Committer
from chatstate.engine.turns.turn import Running
from chatstate.stores.base import Change, DeadLetter, Outcome, TurnCommit

log = logging.getLogger("chatstate.turns")


class Endings:
    """Ends the turns of one bot. `lanes` is set once they exist."""

    lanes: Lanes

    def __init__(
        self,
        context: Context,
        committer: Committer,
        sender: Sender,
        receipts: dict[int, EventReceipt],
    ) -> None:
        self._context = context
        self._committer = committer
        self._sender = sender
        self._receipts = receipts

    def fail(self, running: Running, error: str, detail: str) -> None:
        """End a turn that failed: it becomes a dead letter, and the person is told."""
        dead = DeadLetter("event", error, detail)
        try:
            self.queue(running, running.apology(self._context.bot.sentences), dead=dead)
        except Exception:  # what `render` raises: the event must end all the same
            log.exception("the adapter cannot even show that")
            self.queue(running, [], dead=dead)

    def queue(
        self,
        running: Running,
        answer: Answer,
        changes: list[Change] | None = None,
        dead: DeadLetter | None = None,
    ) -> None:
        """Queue the commit of a turn: what it answers, and what it changed.

        One that is fenced has ended already.
        """
        if running.fenced:
            return
        arrival = running.arrivals[-1]
        previews = running.preview.ids if running.preview else ()
        rendered = self._context.renderer.render(
            arrival, answer, running.stored, previews, running.arrivals[:-1]
        )
        outbound = rendered.outbound
        if running.stored:
            owed = [file.key for one in outbound for file in one.action.part.files]
            running.stored = [one for one in running.stored if one.key not in owed]
        ticket, running.ticket = running.ticket, None
        if ticket:
            counted = ticket.redeem(self._context.versions, begun=running.attempt is not None)
            changes = [*(changes or ()), *counted]
        used = running.attempt.uses(changes or ()) if running.attempt else ()
        commit = TurnCommit(
            arrival.seq,
            arrival.place,
            next(self._context.versions),
            changes or (),
            self._sender.owed(outbound) if outbound else (),
            dead,
            [one.seq for one in running.arrivals[:-1]] if len(running.arrivals) > 1 else (),
            running.noted,
            running.attempt.read_from() if running.attempt and not dead else (),
            rendered.buttons,
            used,
        )
        if used:
            self._context.values.use(used)
        if changes:
            self._context.values.queue(changes, arrival.seq)
        self._committer.submit(
            commit, lambda outcome: self._finish(running, commit, outbound, outcome)
        )

    def _finish(
        self, running: Running, commit: TurnCommit, outbound: list[Outbound], outcome: Outcome
    ) -> None:
        if outcome == "applied":
            self._context.values.applied(commit.changes)
        else:
            self._context.values.failed(commit.changes)
            self._context.values.read_again([use.key for use in commit.used])
            for one in outbound:
                self._context.spool.discard(one.action.part.files)
            if outcome == "conflict":
                self.lanes.read_again(commit.place.conversation)
                return
            outbound = []
        receipts = [self._receipts.pop(one.seq, None) for one in running.arrivals]
        for receipt in receipts:
            if receipt:
                receipt.owes(len(outbound))
        for reply in outbound:
            reply.receipts = receipts
            self._sender.add(reply)
