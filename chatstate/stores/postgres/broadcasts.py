"""Broadcasts: their jobs and recipients. Its functions run inside the open transaction.

1. A recipient's `fate` is NULL until it is reached. What becomes of it then is told by what is
   settled: only what is dead is looked up.
2. The counts of a job are changed with its recipients, so that to look at it costs nothing. The
   job is locked first, then its recipient, then the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatstate.messages import Event
from chatstate.stores.base import Ingested, Settled
from chatstate.stores.broadcasts import (
    KEPT_SECONDS,
    Broadcast,
    NewBroadcast,
    Order,
    Recipient,
)
from chatstate.stores.postgres import directory, references
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.inbox import Delivery, Inbox
from chatstate.stores.postgres.transactions import Transaction
from chatstate.stores.rows import broadcast_in, recipient_in

_encode = msgspec.json.Encoder().encode

_COLUMNS = """id, bot, key, body, content, audience, standing, is_paused, begun_at,
    gathered, total, reached, blocked, failed, recalled"""
ALL = f"SELECT {_COLUMNS} FROM broadcasts WHERE $1::text IN ('', bot) ORDER BY id"  # noqa: S608 - ours
_OF_KEY = f"SELECT {_COLUMNS} FROM broadcasts WHERE bot = $1 AND key = $2"  # noqa: S608 - ours
_OF_NUMBER = f"SELECT {_COLUMNS} FROM broadcasts WHERE id = $1"  # noqa: S608 - ours
_NOTE = """INSERT INTO broadcasts (bot, key, body, content, audience, standing, begun_at)
    VALUES ($1, $2, $3, $4, $5, 'gathering', $6) ON CONFLICT DO NOTHING"""
_ORDERS: dict[Order, str] = {
    "pause": "UPDATE broadcasts SET is_paused = true WHERE id = $1",
    "resume": "UPDATE broadcasts SET is_paused = false WHERE id = $1",
    "cancel": """UPDATE broadcasts SET standing = 'cancelled'
        WHERE id = $1 AND standing IN ('gathering', 'running')""",
    "recall": """UPDATE broadcasts SET standing = 'recalling', is_paused = false
        WHERE id = $1 AND standing <> 'recalled'""",
}
CROWD = """SELECT c.id, c.account, c.platform_id, c.kind, c.title
    FROM chats AS c JOIN accounts AS a ON a.id = c.account
    WHERE a.bot = $1 AND $2::bigint IN (0, a.id) AND c.id > $3 AND c.platform_id <> ''
    AND c.blocked_at IS NULL AND c.kind = ANY(CASE $4::text WHEN 'private' THEN ARRAY['private']
        WHEN 'groups' THEN ARRAY['group'] ELSE ARRAY['private', 'group', 'channel'] END)
    ORDER BY c.id LIMIT $5"""
WITH_VALUE = """SELECT s.number, a.id, c.platform_id, c.kind, c.title, nullif(k.thread, ''),
        p.platform_id, p.name, s.value::text, s.version, s.schema
    FROM states AS s
    LEFT JOIN people AS p ON p.id = s.person AND s.scope IN ('member', 'user')
    LEFT JOIN conversations AS k ON k.id = s.place AND s.scope = 'thread'
    LEFT JOIN chats AS c ON c.id = CASE s.scope WHEN 'chat' THEN s.place ELSE k.chat END
    JOIN accounts AS a ON a.id = coalesce(c.account, p.account)
    WHERE s.bot = $1 AND s.scope = $2 AND s.name = $3 AND $4::bigint IN (0, a.id) AND s.number > $5
    AND c.blocked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > $6)
    ORDER BY s.number LIMIT $7"""
_GATHERED = """UPDATE broadcasts SET gathered = $1, total = total + $2,
    standing = CASE WHEN $3 THEN 'running' ELSE standing END
    WHERE id = $4 AND gathered = $5 AND standing = 'gathering'"""
_ADD = """INSERT INTO recipients (broadcast, number, account, body)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])"""
_LAST = "SELECT coalesce(max(number), 0) FROM recipients WHERE broadcast = $1"
UNREACHED = """SELECT number, body, coalesce(conversation, 0) FROM recipients
    WHERE broadcast = $1 AND fate IS NOT DISTINCT FROM (
        SELECT CASE standing WHEN 'recalling' THEN 'reached' END FROM broadcasts WHERE id = $1)
    AND account = ANY($2::bigint[]) ORDER BY number LIMIT $3"""
_GOES_ON = """SELECT standing FROM broadcasts
    WHERE id = $1 AND NOT is_paused AND standing IN ('running', 'recalling') FOR NO KEY UPDATE"""
_WAITS = """SELECT body FROM recipients WHERE broadcast = $1 AND number = $2
    AND fate IS NOT DISTINCT FROM CASE $3::text WHEN 'recalling' THEN 'reached' END
    FOR NO KEY UPDATE"""
_IS_MARKED = "SELECT 1 FROM chats WHERE id = $1 AND blocked_at IS NOT NULL"
_IS_ANOTHERS = "SELECT 1 FROM recipients WHERE broadcast = $1 AND conversation = $2"
_DROP = "DELETE FROM recipients WHERE broadcast = $1 AND number = $2"
_ONE_LESS = "UPDATE broadcasts SET total = total - 1 WHERE id = $1"
_REACHED = """UPDATE recipients SET fate = 'reached', conversation = $1, turn = $2
    WHERE broadcast = $3 AND number = $4"""
_FATE = "UPDATE recipients SET fate = $1 WHERE broadcast = $2 AND number = $3"
_COUNT = {
    fate: f"UPDATE broadcasts SET {fate} = {fate} + 1 WHERE id = $1"  # noqa: S608 - ours
    for fate in ("reached", "blocked", "failed", "recalled")
}
_NOT_REACHED = "UPDATE broadcasts SET reached = reached - 1 WHERE id = $1"
_FINISH = """UPDATE broadcasts AS b
    SET standing = CASE standing WHEN 'running' THEN 'done' ELSE 'recalled' END
    WHERE id = $1 AND standing IN ('running', 'recalling') AND NOT EXISTS (SELECT 1
        FROM recipients AS r WHERE r.broadcast = b.id
        AND r.fate IS NOT DISTINCT FROM CASE b.standing WHEN 'recalling' THEN 'reached' END)"""
_PRUNE_RECIPIENTS = """DELETE FROM recipients WHERE (broadcast, number) IN (
    SELECT r.broadcast, r.number FROM broadcasts AS b JOIN recipients AS r ON r.broadcast = b.id
    WHERE b.standing IN ('done', 'cancelled', 'recalled') AND b.begun_at < $1 LIMIT $2)"""
_PRUNE = """DELETE FROM broadcasts AS b WHERE standing IN ('done', 'cancelled', 'recalled')
    AND begun_at < $1 AND NOT EXISTS (SELECT 1 FROM recipients WHERE broadcast = b.id)"""
_PRUNED_AT_ONCE = 5000
_OF_TURN = "SELECT broadcast, number FROM recipients WHERE turn = $1 AND fate = 'reached'"
_MARK = """UPDATE chats SET blocked_at = $1
    WHERE id = (SELECT chat FROM conversations WHERE id = $2)"""


async def announce(transaction: Transaction, new: NewBroadcast) -> Broadcast:
    """Note a job, or return the one that has its key."""
    of = (new.audience.bot, new.key)
    audience = _encode(new.audience).decode()
    noted = await transaction.execute(_NOTE, *of, new.text, new.content, audience, transaction.now)
    if noted == "INSERT 0 1":
        await references.expect(transaction, new.ref, new.expires_at)
        transaction.bots.add(new.audience.bot)
    return broadcast_in(await transaction.fetchrow(_OF_KEY, *of))


async def steer(transaction: Transaction, number: int, order: Order) -> Broadcast | None:
    """Give an order to a job, and return it."""
    await transaction.execute(_ORDERS[order], number)
    found = await transaction.fetchrow(_OF_NUMBER, number)
    return broadcast_in(found) if found else None


async def gather(
    transaction: Transaction,
    number: int,
    before: int,
    after: int,
    found: Sequence[Recipient],
    *,
    is_last: bool,
) -> None:
    """Add recipients to a job."""
    changed = (after, len(found), is_last, number, before)
    if await transaction.execute(_GATHERED, *changed) == "UPDATE 1" and found:
        last: int = await transaction.fetchval(_LAST, number)
        rows = [
            (number, last + n, recipient.account, _encode(recipient).decode())
            for n, recipient in enumerate(found, 1)
        ]
        await transaction.execute(_ADD, *columns(rows, 4))


async def reach(
    transaction: Transaction,
    inbox: Inbox,
    job: int,
    number: int,
    event: Event | None,
) -> Ingested | None:
    """Make what a recipient gets an event."""
    standing = await transaction.fetchval(_GOES_ON, job)
    body = await transaction.fetchval(_WAITS, job, number, standing) if standing else None
    if body is None:
        return None
    if event is None:
        await _note(transaction, job, number, "blocked")
        return None
    account, message = recipient_in(body).account, event.message
    place = await directory.conversation(transaction, account, message.chat, message.thread)
    if standing == "running" and not await _may_reach(
        transaction, job, number, place.chat, place.conversation
    ):
        return None
    ((ingested,),) = await inbox.ingest(transaction, [Delivery(account, [event], {})])
    if ingested.status != "refused" and standing == "running":
        turn = ingested.arrival.seq if ingested.arrival else ingested.pending
        await transaction.execute(_REACHED, place.conversation, turn, job, number)
        await transaction.execute(_COUNT["reached"], job)
    elif ingested.status != "refused":
        await _note(transaction, job, number, "recalled")
    return ingested


async def finish(transaction: Transaction, number: int) -> bool:
    """Note that a job is done."""
    return await transaction.execute(_FINISH, number) == "UPDATE 1"


async def prune(transaction: Transaction) -> None:
    """Forget jobs that ended long ago; so many recipients at once, and a job after its last."""
    before = transaction.now - KEPT_SECONDS
    await transaction.execute(_PRUNE_RECIPIENTS, before, _PRUNED_AT_ONCE)
    await transaction.execute(_PRUNE, before)


async def settle_dead(transaction: Transaction, settled: Sequence[Settled]) -> list[Settled]:
    """Note what recipients did not take, and which chats take nothing; return what is left of it.

    A recipient that takes nothing is no dead letter.
    """
    left: list[Settled] = []
    for reply in settled:
        is_blocked = reply.dead is not None and reply.dead.is_blocked
        if is_blocked:
            await transaction.execute(_MARK, transaction.now, reply.conversation)
        of = await transaction.fetchrow(_OF_TURN, reply.turn)
        if of:
            job, number = of
            await transaction.execute(_NOT_REACHED, job)
            await _note(transaction, job, number, "blocked" if is_blocked else "failed")
        if not (of and is_blocked):
            left.append(reply)
    return left


async def _may_reach(
    transaction: Transaction, job: int, number: int, chat: int, conversation: int
) -> bool:
    if await transaction.fetchval(_IS_MARKED, chat):
        await _note(transaction, job, number, "blocked")
        return False
    if await transaction.fetchval(_IS_ANOTHERS, job, conversation):
        await transaction.execute(_DROP, job, number)
        await transaction.execute(_ONE_LESS, job)
        return False
    return True


async def _note(transaction: Transaction, job: int, number: int, fate: str) -> None:
    """Note what has become of a recipient, and count it."""
    await transaction.execute(_COUNT[fate], job)
    await transaction.execute(_FATE, fate, job, number)
