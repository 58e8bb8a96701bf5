"""Broadcasts, on dicts: their jobs and recipients.

1. A job is a frozen record that is replaced, a recipient a row whose fate is written once or twice.
2. What becomes of a reply is told by what is settled: its turn is looked for among all recipients.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from chatstate.messages import Event
from chatstate.scope import Key
from chatstate.stores.base import DeadLetter, Ingested, Settled
from chatstate.stores.broadcasts import (
    KEPT_SECONDS,
    Audience,
    Broadcast,
    Candidate,
    NewBroadcast,
    Order,
    Recipient,
    Standing,
    Unreached,
)
from chatstate.testing.memory import directory
from chatstate.testing.memory.inbox import MemoryInbox
from chatstate.testing.memory.tables import MemoryData, RecipientRow, SentRow
from chatstate.testing.memory.verbs import verb

_KINDS = {"private": ("private",), "groups": ("group",), "all": ("private", "group", "channel")}
_STEERED: dict[Order, tuple[tuple[Standing, ...], Standing | None]] = {
    "cancel": (("gathering", "running"), "cancelled"),
    "recall": (("gathering", "running", "done", "cancelled"), "recalling"),
}
_OVER = ("done", "cancelled", "recalled")
_ENDS: dict[Standing, Standing] = {"running": "done", "recalling": "recalled"}


class MemoryBroadcasts(MemoryInbox):
    """The verbs of `chatstate.stores.broadcasts.Broadcasts`."""

    async def announce(self, new: NewBroadcast) -> Broadcast:
        await self.way()
        data, bot = self._data, new.audience.bot
        for job in data.broadcasts.values():
            if (job.bot, job.key) == (bot, new.key):
                return job
        number = data.number("broadcast")
        job = Broadcast(
            number,
            bot,
            new.key,
            new.text,
            new.content,
            new.audience,
            "gathering",
            is_paused=False,
            begun_at=self._clock(),
        )
        data.sent.setdefault(new.ref, SentRow(new.expires_at))
        return self._put(job)

    async def steer(self, number: int, order: Order) -> Broadcast | None:
        await self.way()
        job = self._data.broadcasts.get(number)
        if job is None:
            return None
        if order in ("pause", "resume"):
            return self._put(replace(job, is_paused=order == "pause"))
        from_, to = _STEERED[order]
        if to and job.standing in from_:
            job = replace(job, standing=to, is_paused=job.is_paused and order != "recall")
        return self._put(job)

    async def broadcasts(self, bot: str | None = None) -> Sequence[Broadcast]:
        await self.way()
        return [job for job in self._data.broadcasts.values() if bot in (None, job.bot)]

    async def audience(self, of: Audience, after: int, limit: int) -> Sequence[Candidate]:
        await self.way()
        found = _with_value(self._data, of, self._clock()) if of.state else _crowd(self._data, of)
        wanted = [
            candidate
            for candidate in sorted(found, key=lambda candidate: candidate.number)
            if candidate.number > after and of.account in (0, candidate.recipient.account)
        ]
        return wanted[:limit]

    @verb
    def gather(
        self, number: int, before: int, after: int, found: Sequence[Recipient], *, is_last: bool
    ) -> None:
        job = self._data.broadcasts[number]
        if job.standing != "gathering" or job.gathered != before:
            return
        rows = self._data.recipients[number]
        for recipient in found:
            rows[max(rows, default=0) + 1] = RecipientRow(recipient)
        standing: Standing = "running" if is_last else "gathering"
        total = job.total + len(found)
        self._put(replace(job, gathered=after, total=total, standing=standing))

    @verb
    def unreached(self, number: int, accounts: Collection[int], limit: int) -> Sequence[Unreached]:
        wanted = _wanted(self._data.broadcasts[number])
        found = [
            Unreached(recipient, row.recipient, row.conversation)
            for recipient, row in self._data.recipients[number].items()
            if row.fate == wanted and row.recipient.account in accounts
        ]
        return found[:limit]

    @verb
    def reach(self, number: int, recipient: int, event: Event | None) -> Ingested | None:
        job = self._data.broadcasts[number]
        row = self._data.recipients[number].get(recipient)
        goes_on = job.standing in _ENDS and not job.is_paused
        if row is None or not goes_on or row.fate != _wanted(job):
            return None
        if event is None:
            _note(self._data, job.number, row, "blocked")
            return None
        message, account = event.message, row.recipient.account
        place = directory.conversation_of(self._data, account, message.chat, message.thread)
        if job.standing == "running" and not self._may_reach(
            job, recipient, row, place.chat, place.conversation
        ):
            return None
        ingested = self.receive(account, event)
        if ingested.status != "refused":
            if job.standing == "running":
                turn = ingested.arrival.seq if ingested.arrival else ingested.pending
                row.conversation, row.turn = place.conversation, turn or 0
            _note(self._data, number, row, "recalled" if row.fate else "reached")
        return ingested

    @verb
    def finish(self, number: int) -> bool:
        job = self._data.broadcasts[number]
        rows = self._data.recipients[number].values()
        if job.standing not in _ENDS or any(row.fate == _wanted(job) for row in rows):
            return False
        self._put(replace(job, standing=_ENDS[job.standing]))
        return True

    def _may_reach(
        self, job: Broadcast, number: int, row: RecipientRow, chat: int, conversation: int
    ) -> bool:
        if self._data.chats[chat].is_blocked:
            _note(self._data, job.number, row, "blocked")
            return False
        rows = self._data.recipients[job.number]
        if any(other.conversation == conversation for other in rows.values()):
            del rows[number]
            self._put(replace(job, total=job.total - 1))
            return False
        return True

    def _put(self, job: Broadcast) -> Broadcast:
        self._data.broadcasts[job.number] = job
        return job


def prune(data: MemoryData, now: float) -> None:
    """Forget jobs that ended long ago."""
    for number, job in list(data.broadcasts.items()):
        if job.standing in _OVER and job.begun_at < now - KEPT_SECONDS:
            del data.broadcasts[number]
            data.recipients.pop(number, None)


def is_letter(data: MemoryData, settled: Settled, dead: DeadLetter) -> bool:
    """Note what a recipient did not take, or a chat; tell whether it is a dead letter."""
    if dead.is_blocked:
        data.chats[data.conversations[settled.conversation].chat].is_blocked = True
    for job, rows in data.recipients.items():
        for row in rows.values():
            if row.turn == settled.turn and row.fate == "reached":
                _note(data, job, row, "blocked" if dead.is_blocked else "failed")
                known = data.broadcasts[job]
                data.broadcasts[job] = replace(known, reached=known.reached - 1)
                return not dead.is_blocked
    return True


def _note(data: MemoryData, job: int, row: RecipientRow, fate: str) -> None:
    """Note what has become of a recipient, and count it."""
    row.fate, known = fate, data.broadcasts[job]
    data.broadcasts[job] = replace(known, **{fate: getattr(known, fate) + 1})


def _wanted(job: Broadcast) -> str:
    return "reached" if job.standing == "recalling" else ""


def _crowd(data: MemoryData, of: Audience) -> Iterator[Candidate]:
    for number, chat in data.chats.items():
        is_its = data.bot_of(chat.account) == of.bot and chat.platform_id and not chat.is_blocked
        if is_its and chat.kind in _KINDS[of.crowd or "all"]:
            yield Candidate(number, Recipient(chat.account, directory.chat_of(data, number)))


def _with_value(data: MemoryData, of: Audience, now: float) -> Iterator[Candidate]:
    for key, row in data.values.items():
        ends = row.value.expires_at
        if (key.scope, key.name) == of.state and key.bot == of.bot and (ends is None or ends > now):
            recipient = _owner(data, key)
            if recipient:
                value = replace(row.value, expires_at=None)
                yield Candidate(row.number, recipient, value)


def _owner(data: MemoryData, key: Key) -> Recipient | None:
    """Return whose a value is: a person, or a chat that takes something."""
    if key.scope in ("member", "user"):
        account = data.people[key.person].account
        return Recipient(account, user=directory.user_of(data, key.person))
    if key.scope == "global":
        return None
    conversation = data.conversations[key.place] if key.scope == "thread" else None
    chat = conversation.chat if conversation else key.place
    if data.chats[chat].is_blocked:
        return None
    thread = conversation.thread if conversation else ""
    return Recipient(data.chats[chat].account, directory.chat_of(data, chat), thread or None)
