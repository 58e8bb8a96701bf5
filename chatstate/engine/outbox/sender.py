"""Sends replies owed, in order per conversation.

1. The head of each line is sent; the next one only after it is sent, held or dead. How one is sent
   stands in `attempts`.
2. What the platform asks to wait for, waits: this conversation, or the account if it says so.
3. What surely did not reach the platform is sent again, with growing pauses. It is never lost.
4. What may have reached it, or was begun by an earlier process, is in doubt: see `doubts`. It is
   sent again, a few times (`on_ambiguous="repeat"`), or leaves the line as a dead letter that says
   so ("hold"). To edit or to delete twice is harmless, so these are simply repeated.
5. A row that cannot be read is a dead letter: it stops neither its line nor the bot.
6. What is in the outbox and not in memory (from before, or owed by others) leaves in the order of
   its rows, with what is in memory between.
7. A row is durably begun before it is sent. With "repeat" that is its commit, because the two
   cases after a crash are treated alike; with "hold" it is a commit of its own, and so it is
   always for a call by the platform's own name: that is not made again.
8. What somebody waits for with a deadline goes before all in memory but what is on its way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from chatstate.adapter import Adapter
from chatstate.clock import Clock
from chatstate.engine.activity import Activity
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.engine.lease import Lease
from chatstate.engine.outbox.attempts import Attempts
from chatstate.engine.outbox.delivery import too_late
from chatstate.engine.outbox.outbound import (
    Outbound,
    OwedCall,
    holds_once,
    sent_event,
    taken_out,
)
from chatstate.engine.outbox.owed_lines import Line, hurry
from chatstate.engine.outbox.references import References
from chatstate.engine.outbox.rows import Rows
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.outbox.suspects import Suspects
from chatstate.engine.runners import Runners
from chatstate.engine.threads import HandlerThreads
from chatstate.messages import Event
from chatstate.stores.base import DeadLetter, Outbox, Owed, Settled

log = logging.getLogger("chatstate.sender")

_TAKEN = 32
OnAmbiguous = Literal["repeat", "hold"]


class Sender:
    """Sends through the adapters, by account."""

    def __init__(
        self,
        *,
        store: Outbox,
        adapters: Mapping[int, Adapter],
        clock: Clock,
        threads: HandlerThreads,
        spool: Spool,
        failed: Callable[[Exception], None],
        on_ambiguous: OnAmbiguous,
        moved: Callable[[int, str, str], Awaitable[None]],
        is_committing: Callable[[int], bool],
        lease: Lease | None,
    ) -> None:
        self._store = store
        self._is_committing = is_committing
        self._clock = clock
        self._failed = failed
        self._holds = on_ambiguous == "hold"
        self._references = References(store)
        self._attempts = Attempts(
            store=store,
            adapters=adapters,
            clock=clock,
            spool=spool,
            holds=self._holds,
            moved=moved,
            lease=lease,
        )
        self._gates = self._attempts.gates
        self._spool = spool
        self._rows = Rows(store, spool)
        self._lines: dict[int, Line] = {}
        self._stale: dict[int, tuple[int, int]] = {}  # what was given up last, by conversation
        self._runners = Runners(self._run, threads, of_authors=False)
        self.told: dict[int, Callable[[Event], Awaitable[None]]] = {}
        self.idle: Callable[[int], None] | None = None
        self.activity = Activity()

    def cancel_all(self) -> list[asyncio.Task[None]]:
        """Send nothing more, and return the tasks that end."""
        self._attempts.is_ending = True
        return self._runners.cancel_all()

    def has(self, conversation: int) -> bool:
        """Tell whether something is owed to a conversation."""
        return conversation in self._lines

    def is_idle(self, account: int, conversation: int) -> bool:
        """Tell whether nothing is owed to a conversation, and its account need not wait."""
        waits = self._gates.get(account, 0.0) > self._clock.monotonic()
        return conversation not in self._lines and not waits

    def wait(self, account: int, seconds: float) -> None:
        """Send nothing to an account for some time: its platform has asked for that."""
        self._attempts.wait(account, seconds)

    def owed(self, replies: Sequence[Outbound]) -> list[Owed]:
        """Return the outbox rows of new replies."""
        begun = None if self._holds else self._clock.time()
        owed: list[Owed] = []
        for reply in replies:
            begins = begun if reply.action.verb != "native" else None
            row = Owed(reply.turn, reply.part, reply.body, begins)
            owed.append(row if reply.best_before is None else self._perishable(row, reply))
        return owed

    def _perishable(self, row: Owed, reply: Outbound) -> Owed:
        """Return the row of a reply that has a time, which counts from now."""
        reply.best_before = self._clock.time() + (reply.best_before or 0.0)
        return replace(row, begun_at=None, best_before=reply.best_before)

    def add(self, replies: Sequence[Outbound], receipts: Sequence[EventReceipt] = ()) -> None:
        """Send replies of a turn that was committed after all others of its conversation."""
        conversation = replies[0].conversation
        line = self._lines.get(conversation) or self._new(conversation)
        for reply in replies:
            reply.receipts = receipts
        if replies[0].action.best_before is None:
            line.replies += replies
        else:
            hurry(line, replies)
        self._start(line)

    def resume(self, conversation: int) -> None:
        """Send what the outbox holds for a conversation, in its order."""
        line = self._lines.get(conversation) or self._new(conversation)
        line.beyond = True
        self._start(line)

    async def try_heads_alone(self, conversations: Sequence[int]) -> None:
        """Try once, one by one, to send replies that may have crashed the process; give up in time.

        For after several crashes in a row, while nothing else runs. Follow it with `resume`.
        """
        attempts = self._attempts
        suspects = Suspects(
            self._store, attempts.doubts, self._references, attempts.attempt, self._end
        )
        now = self._clock.monotonic()
        for conversation in conversations:
            address = await self._store.address(conversation)
            for owed in await self._store.take(conversation, 0, 1):
                reply = await self._rows.reply(conversation, address, owed, now)
                if reply:
                    await suspects.try_alone(reply, owed.crashes)

    def _new(self, conversation: int) -> Line:
        line = self._lines[conversation] = Line(conversation)
        return line

    def _start(self, line: Line) -> None:
        if not line.is_busy:
            line.is_busy = True
            self.activity.count += 1
            self._runners.add(line)

    async def _run(self, line: Line, _task: asyncio.Task[None]) -> None:
        try:
            while line.replies or line.beyond:
                if line.beyond:
                    await self._send_stored(line.conversation, line)
                else:
                    await self._send(line.replies[0])
                    del line.replies[0]
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            line.is_busy, line.run = False, None
            self.activity.end()
            if not (line.replies or line.beyond):
                self._lines.pop(line.conversation, None)
                self._stale.pop(line.conversation, None)
                if self.idle:
                    self.idle(line.conversation)

    async def _send_stored(self, conversation: int, line: Line) -> None:
        """Send what is in the outbox: what is in memory, too, when it comes to that."""
        line.beyond = False
        address = await self._store.address(conversation)
        after, now = 0, self._clock.monotonic()
        limit = 1 if self._holds else _TAKEN  # what is begun may be held
        while taken := await self._store.take(conversation, after, limit):
            await self._unbegin(conversation, taken[1:])
            for owed in taken:
                reply = taken_out(line.replies, owed)
                if reply is None and self._is_committing(owed.turn):
                    line.beyond = True  # it is committed, and comes into memory any moment
                    return
                after = owed.row
                reply = reply or await self._rows.reply(conversation, address, owed, now)
                if reply:
                    await self._send(reply)

    async def _unbegin(self, conversation: int, taken: Sequence[Owed]) -> None:
        """Note that what was taken from the outbox with others is not begun, where that counts."""
        for owed in taken:
            if owed.begun_at is None and (owed.best_before is not None or holds_once(owed)):
                await self._store.unsent(conversation, owed.turn, owed.part)

    async def _send(self, reply: Outbound) -> None:
        dead = None
        action = reply.action
        if action.follows and self._stale.get(reply.conversation) == (reply.turn, reply.part - 1):
            dead = too_late(reply)
        elif action.ref or action.changes or action.verb == "native":
            dead = await self._referring(reply)
        elif (
            self._gates
            or self._holds
            or reply.begun_at is not None
            or action.part.files
            or action.best_before is not None
            or reply.best_before is not None
        ):
            dead = await self._attempts.outcome(reply)
        elif error := await self._attempts.attempt(reply):
            dead = await self._attempts.again(reply, error)
        if dead and dead.kind == "stale":
            self._stale[reply.conversation] = (reply.turn, reply.part)
        if action.part.files or action.verb == "native":
            await self._end(reply, dead)
        else:
            self._settle(reply, dead)
        for receipt in reply.receipts:
            receipt.reply_settled()

    async def _referring(self, reply: Outbound) -> DeadLetter | None:
        """Do what is to be done of a reply that has a reference, or tells of what has one."""
        if not await self._references.has_something_to_do(reply):
            return None
        dead = await self._attempts.outcome(reply)
        if reply.action.changes and not dead:
            await self._references.changed(reply)
        return dead

    async def _end(self, reply: Outbound, dead: DeadLetter | None) -> None:
        """Note what became of a reply; its files go once it is durably noted as sent.

        What came of a call by the platform's own name is told before.
        """
        tell = None if dead else self.told.get(reply.account)
        if tell and reply.sent and isinstance(reply.action, OwedCall):
            await tell(sent_event(reply.action, reply.sent))
        self._settle(reply, dead)
        if not dead:
            await self._store.flush()
            self._spool.discard(reply.action.part.files)

    def _settle(self, reply: Outbound, dead: DeadLetter | None) -> None:
        action = reply.action
        message = reply.message_id if action.part.has_buttons else None
        referred = reply.referred if action.ref else None
        settled = Settled(reply.conversation, reply.turn, reply.part, dead, message, referred)
        self._store.settle(settled)
