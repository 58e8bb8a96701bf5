"""References to what is sent: what they lead to, and what becomes of that."""

from __future__ import annotations

from chatstate.stores.base import KeptReference, Reference, Request, Settled, TurnCommit
from chatstate.testing.memory.tables import MemoryData, SentRow


def keep(data: MemoryData, turn: TurnCommit, kept: KeptReference) -> None:
    """Keep a reference to what a turn owes."""
    row = data.sent.setdefault(kept.ref, SentRow(kept.expires_at))
    row.conversation, row.turn, row.part = kept.conversation, turn.seq, kept.part
    row.person = turn.place.person


def expect(data: MemoryData, request: Request, now: float) -> bool:
    """Keep a reference to what will be sent. False if it is known already."""
    known = data.sent.get(request.ref)
    if known and known.expires_at > now:
        return False
    data.sent[request.ref] = SentRow(request.expires_at)
    return True


def lead(data: MemoryData, ref: str, conversation: int, turn: int) -> None:
    """Let a reference lead to what a turn will send first."""
    row = data.sent.get(ref)
    if row:
        row.conversation, row.turn = conversation, turn


def find(data: MemoryData, ref: str, now: float) -> Reference | None:
    """Return what a reference leads to."""
    row = data.sent.get(ref)
    if row is None or row.expires_at <= now:
        return None
    told = (row.conversation, row.turn, row.message, row.content, row.is_deleted)
    return Reference(*told, _newest(data, ref), row.sent_after)


def amend(data: MemoryData, ref: str, content: str | None) -> None:
    """Note what a message should say; None if it is deleted."""
    row = data.sent.get(ref)
    if row:
        row.content = content
        row.is_deleted = row.is_deleted or content is None


def hang(data: MemoryData, settled: Settled) -> None:
    """Note which message a reference leads to."""
    where = (settled.conversation, settled.turn, settled.part)
    for row in data.sent.values():
        if (row.conversation, row.turn, row.part) == where:
            row.message, row.sent_after = settled.referred, max(data.events, default=0)


def prune(data: MemoryData, now: float) -> None:
    """Forget those whose time is over."""
    for ref, row in list(data.sent.items()):
        if row.expires_at <= now:
            del data.sent[ref]


def _newest(data: MemoryData, ref: str) -> tuple[int, int] | None:
    rows = [row.owed for line in data.lines.values() for row in line.values()]
    changes = [(owed.row, (owed.turn, owed.part)) for owed in rows if owed.changes == ref]
    return max(changes)[1] if changes else None
