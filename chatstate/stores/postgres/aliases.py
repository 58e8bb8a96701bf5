"""One chat under two of the platform's ids. Runs inside the open transaction.

1. Usually the new id is unknown: it becomes another name of the chat, and all else stays.
2. If both ids were in use, the chat that was there first stays. Conversations, events, replies,
   timers and values of the other are moved to it, but for values it has itself: these are kept
   aside where they are, out of use, and logged. Of two timers under one key the older chat's stays.
3. All conversations of both chats are locked first. Those that are no more tell so, for workers
   that remember them.
"""

from __future__ import annotations

import logging

from chatstate.stores.postgres import holds, timers
from chatstate.stores.postgres.holds import Hold
from chatstate.stores.postgres.text import kept
from chatstate.stores.postgres.transactions import Transaction

log = logging.getLogger("chatstate.store")

_CHATS = """SELECT DISTINCT chat FROM chat_ids WHERE account = $1 AND platform_id = ANY($2::text[])
    ORDER BY chat"""
_NAME = "INSERT INTO chat_ids VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_CALL = "UPDATE chats SET platform_id = $1 WHERE id = $2"
_RENAME = "UPDATE chat_ids SET chat = $1 WHERE chat = $2"
_CONVERSATIONS = "SELECT id FROM conversations WHERE chat = ANY($1::bigint[])"
_SAME_THREAD = """SELECT other.id, mine.id FROM conversations AS other
    JOIN conversations AS mine ON mine.thread = other.thread AND mine.chat = $1
    WHERE other.chat = $2 ORDER BY other.id"""
_MOVE_THREADS = """UPDATE conversations SET chat = $1 WHERE chat = $2 AND thread NOT IN
    (SELECT thread FROM conversations WHERE chat = $1)"""
_MOVE = """UPDATE states AS s SET place = $1 WHERE place = $2 AND scope = ANY($3::text[])
    AND NOT EXISTS (SELECT 1 FROM states AS m WHERE m.bot = s.bot AND m.scope = s.scope
        AND m.name = s.name AND m.place = $1 AND m.person = s.person)"""
_KEEP_ASIDE = """UPDATE states SET expires_at = NULL WHERE place = $1 AND scope = ANY($2::text[])
    RETURNING bot, scope, name, person"""
_MOVE_ROWS = tuple(
    f"UPDATE {table} SET conversation = $1 WHERE conversation = $2"  # noqa: S608 - our names
    for table in ("inbox", "outbox", "dead_letters", "sent", "states")
)
_END = "UPDATE conversations SET merged_into = $1, ready = NULL, news = false WHERE id = $2"
_HOLD = "UPDATE conversations SET holder = $2, ready = NULL, news = true WHERE id = $1"


async def note(transaction: Transaction, account: int, old: str, new: str) -> None:
    """Make two ids those of one chat."""
    chats = [row[0] for row in await transaction.fetch(_CHATS, account, [kept(old), kept(new)])]
    if not chats:
        return
    chat, *younger = chats
    if younger:
        numbers = await transaction.fetch(_CONVERSATIONS, chats)
        locked = await holds.lock(transaction, [row[0] for row in numbers])
        for other in younger:
            await _merge(transaction, locked, chat, other)
            await transaction.execute(_RENAME, chat, other)
    for name in (old, new):
        await transaction.execute(_NAME, account, name, chat)
    await transaction.execute(_CALL, new, chat)


async def _merge(
    transaction: Transaction, locked: dict[int, Hold], first: int, second: int
) -> None:
    await _move_states(transaction, ["chat"], second, first)
    for other, mine in await transaction.fetch(_SAME_THREAD, first, second):
        await _move_states(transaction, ["member", "thread"], other, mine)
        for statement in _MOVE_ROWS:
            await transaction.execute(statement, mine, other)
        await timers.move(transaction, mine, other)
        await transaction.execute(_END, mine, other)
        await _hand_over(transaction, locked[mine], locked[other])
    await transaction.execute(_MOVE_THREADS, first, second)


async def _hand_over(transaction: Transaction, mine: Hold, other: Hold) -> None:
    """Let whoever holds one of two that are one now know of what it has got."""
    holder = mine.holder or other.holder
    if holder is None:
        await holds.recount(transaction, [mine.id])
    elif mine.holder != other.holder:
        await transaction.execute(_HOLD, mine.id, holder)
        transaction.tell(holder)


async def _move_states(transaction: Transaction, scopes: list[str], other: int, mine: int) -> None:
    await transaction.execute(_MOVE, mine, other, scopes)
    for bot, scope, name, person in await transaction.fetch(_KEEP_ASIDE, other, scopes):
        log.warning(
            "two chats became one: %s state %r of bot %r (place %s, person %s) is kept aside, "
            "because the older chat has its own",
            scope,
            name,
            bot,
            other,
            person,
        )
