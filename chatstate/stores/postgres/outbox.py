"""The outbox: replies owed. Its functions run inside the open transaction.

1. What comes into a line comes while its conversation is locked: so the order of numbers is that of
   commits.
2. What a turn owes elsewhere is told to whoever holds that; a settled reply to whoever stored its
   event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatstate.stores.base import Owed, Settled, TurnCommit
from chatstate.stores.postgres import broadcasts, buttons, holds, references
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.transactions import Transaction

_OWE = """INSERT INTO outbox
        (conversation, turn, part, body, owed_at, begun_at, priority, best_before, changes, person)
    SELECT conversation, turn, part, body, $10::float8, begun_at, priority, best_before, changes,
        person
    FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[], $5::float8[], $6::integer[],
        $7::float8[], $8::text[], $9::bigint[]) WITH ORDINALITY
        AS g(conversation, turn, part, body, begun_at, priority, best_before, changes, person, n)
    ORDER BY n RETURNING conversation, "row" """
_TAKE = """SELECT turn, part, body, begun_at, crashes, "row", conversation, priority, best_before
    FROM outbox WHERE conversation = $1 AND "row" > $2 ORDER BY "row" LIMIT $3"""
_BEGIN_ROWS = """UPDATE outbox SET begun_at = coalesce(begun_at, $2)
    WHERE "row" = ANY($1::bigint[])"""
_BEGIN = """UPDATE outbox SET begun_at = coalesce(begun_at, $5), crashes = $4
    WHERE conversation = $1 AND turn = $2 AND part = $3"""
_UNSENT = """UPDATE outbox SET begun_at = NULL, crashes = 0
    WHERE conversation = $1 AND turn = $2 AND part = $3"""
_OF = """unnest($1::bigint[], $2::bigint[], $3::integer[]) AS g(conversation, turn, part)
    WHERE o.conversation = g.conversation AND o.turn = g.turn AND o.part = g.part"""
_DIES = """INSERT INTO dead_letters
        (bot, kind, conversation, person, turn, part, body, error, detail, died_at)
    SELECT a.bot, $7::text, o.conversation, o.person, o.turn, o.part, o.body, $4, $5, $6
    FROM outbox AS o
    JOIN conversations AS k ON k.id = o.conversation
    JOIN accounts AS a ON a.id = k.account
    WHERE o.conversation = $1 AND o.turn = $2 AND o.part = $3"""
_SETTLED = f"""DELETE FROM outbox AS o USING {_OF}
    RETURNING (SELECT stored_by FROM inbox WHERE seq = o.turn)"""  # noqa: S608 - ours


async def owe(
    transaction: Transaction, locked: Mapping[int, holds.Hold], turns: Sequence[TurnCommit]
) -> int:
    """Put what turns owe into their lines; whoever holds those elsewhere is told.

    Return the number of the last of it, 0 if nothing is owed.
    """
    rows = [
        (
            *(owed.conversation or turn.place.conversation, owed.turn, owed.part, owed.body),
            *(owed.begun_at, owed.priority, owed.best_before, owed.changes or None),
            turn.place.person,
        )
        for turn in turns
        for owed in turn.owed
    ]
    if not rows:
        return 0
    numbers = await transaction.fetch(_OWE, *columns(rows, 9), transaction.now)
    elsewhere = {
        owed.conversation
        for turn in turns
        for owed in turn.owed
        if owed.conversation not in (0, turn.place.conversation)
    }
    firsts: dict[int, int] = {}
    for conversation, row in numbers:
        if conversation in elsewhere:
            firsts.setdefault(conversation, holds.OWES + row)
    await holds.put(transaction, locked, firsts, is_told=True)
    return int(numbers[-1][1])


async def take(
    transaction: Transaction, conversation: int, after: int, limit: int
) -> Sequence[Owed]:
    """Return the first replies of a conversation; they count as begun from now on."""
    taken = [Owed(*row) for row in await transaction.fetch(_TAKE, conversation, after, limit)]
    new = [owed.row for owed in taken if owed.begun_at is None]
    if new:
        await transaction.execute(_BEGIN_ROWS, new, transaction.now)
    return taken


async def begin(
    transaction: Transaction, conversation: int, turn: int, part: int, crashes: int
) -> None:
    """Note that sending begins, and how many crashes are held against a reply."""
    await transaction.execute(_BEGIN, conversation, turn, part, crashes, transaction.now)


async def unsent(transaction: Transaction, conversation: int, turn: int, part: int) -> None:
    """Note that nothing of a reply has reached the platform."""
    await transaction.execute(_UNSENT, conversation, turn, part)


async def settle(transaction: Transaction, settled: Sequence[Settled]) -> None:
    """Remove replies; those that are given up become dead letters."""
    dead = [reply for reply in settled if reply.dead]
    for reply in await broadcasts.settle_dead(transaction, dead):
        if reply.dead:
            told = (reply.dead.error, reply.dead.detail, transaction.now, reply.dead.kind)
            await transaction.execute(_DIES, reply.conversation, reply.turn, reply.part, *told)
    rows = [(reply.conversation, reply.turn, reply.part) for reply in settled]
    stored_by = await transaction.fetch(_SETTLED, *columns(rows, 3))
    transaction.runs.update(row[0] for row in stored_by if row[0] not in (None, transaction.run))
    await buttons.hang(transaction, settled)
    await references.hang(transaction, settled)
