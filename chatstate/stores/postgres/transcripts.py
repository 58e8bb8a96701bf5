"""What pages of ours show: written, changed and forgotten.

1. A chat's revisions come from one row of its own, which is locked until they are visible; they are
   never lower than the time in milliseconds, so they go on after everything of a chat was erased.
2. Files are let go of once the transaction is durable that lets go of their messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from chatstate.adapter.transcript import KEPT_MESSAGES, KEPT_SECONDS, PageMessage
from chatstate.stores.postgres.transactions import Transaction, Transactions

_COLUMNS = "chat, key, body, thread, files, id, revision, at"
_REVISION = """INSERT INTO transcript_chats AS c VALUES ($1, $2, $3)
    ON CONFLICT (account, chat) DO UPDATE
    SET revision = greatest(c.revision + 1, excluded.revision) RETURNING revision"""
_OF = f"SELECT {_COLUMNS} FROM transcript WHERE account = $1 AND chat = $2"  # noqa: S608 - ours
_BY_KEY = f"{_OF} AND key = $3"
_BY_ID = f"{_OF} AND id = $3 AND body IS NOT NULL"
_READ = f"""{_OF} AND revision > $3 AND thread = coalesce($4, thread)
    ORDER BY revision LIMIT $5"""
_THREADS = f"""SELECT {_COLUMNS} FROM (
        SELECT DISTINCT ON (thread) *, max(id) OVER (PARTITION BY thread) AS newest
        FROM transcript WHERE account = $1 AND chat = $2 AND body IS NOT NULL
        ORDER BY thread, id) AS oldest
    ORDER BY newest DESC"""  # noqa: S608 - ours
_WRITE = f"""INSERT INTO transcript (account, {_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""  # noqa: S608 - ours
_REWRITE = """UPDATE transcript SET body = $5, files = $6, revision = $7
    WHERE account = $1 AND chat = $2 AND id = $3 AND revision = $4"""
_TRIM = """DELETE FROM transcript WHERE account = $1 AND chat = $2 AND thread = $3 AND id <= (
        SELECT id FROM transcript WHERE account = $1 AND chat = $2 AND thread = $3
        ORDER BY id DESC LIMIT 1 OFFSET $4)
    RETURNING files"""
_ERASE = "DELETE FROM transcript WHERE account = $1 AND chat = $2 RETURNING files"
_ERASE_CHAT = "DELETE FROM transcript_chats WHERE account = $1 AND chat = $2"
_PRUNE = "DELETE FROM transcript WHERE at < $1 RETURNING files"


async def _write(
    transaction: Transaction, account: int, message: PageMessage
) -> tuple[PageMessage, list[str]]:
    where = (account, message.chat)
    number = await _revision(transaction, *where)
    known = await transaction.fetchrow(_BY_KEY, *where, message.key)
    if known:
        return _message(known), []
    row = (message.key, message.body, message.thread, json.dumps(message.files))
    written = (*row, number, number, transaction.now)
    await transaction.execute(_WRITE, *where, *written)
    trimmed = await transaction.fetch(_TRIM, *where, message.thread, KEPT_MESSAGES)
    return _message((message.chat, *written)), _keys(trimmed)


async def _rewrite(
    transaction: Transaction,
    account: int,
    message: PageMessage,
    body: str | None,
    files: Sequence[str],
) -> tuple[PageMessage | None, list[str]]:
    number = await _revision(transaction, account, message.chat)
    where = (account, message.chat, message.id, message.revision)
    kept = json.dumps(list(files))
    if await transaction.execute(_REWRITE, *where, body, kept, number) == "UPDATE 0":
        return None, []
    row = (message.chat, message.key, body, message.thread, kept)
    changed = _message((*row, message.id, number, message.at))
    return changed, [key for key in message.files if key not in files]


async def _erase(transaction: Transaction, account: int, chat: str) -> list[str]:
    gone = await transaction.fetch(_ERASE, account, chat)
    await transaction.execute(_ERASE_CHAT, account, chat)
    return _keys(gone)


async def _prune(transaction: Transaction) -> list[str]:
    return _keys(await transaction.fetch(_PRUNE, transaction.now - KEPT_SECONDS))


async def _revision(transaction: Transaction, account: int, chat: str) -> int:
    wanted = (account, chat, int(transaction.now * 1000))
    return int(await transaction.fetchval(_REVISION, *wanted))


class TranscriptVerbs:
    """The verbs of transcripts of a store that is open."""

    _transactions: Transactions

    async def _seen(self, statement: str, *values: object) -> list[Any]:
        raise NotImplementedError

    def discard(self, keys: Sequence[str]) -> None:
        raise NotImplementedError

    async def transcribe(self, account: int, message: PageMessage) -> PageMessage:
        written, keys = await self._transactions.write(lambda t: _write(t, account, message))
        self._let_go(keys)
        return written

    async def retranscribe(
        self, account: int, message: PageMessage, body: str | None, files: Sequence[str]
    ) -> PageMessage | None:
        changed, keys = await self._transactions.write(
            lambda t: _rewrite(t, account, message, body, files)
        )
        self._let_go(keys)
        return changed

    async def transcript(
        self, account: int, chat: str, after: int, limit: int, thread: str | None = None
    ) -> Sequence[PageMessage]:
        rows = await self._seen(_READ, account, chat, after, thread, limit)
        return list(map(_message, rows))

    async def transcribed(self, account: int, chat: str, number: int) -> PageMessage | None:
        rows = await self._transactions.read(_BY_ID, account, chat, number)
        return _message(rows[0]) if rows else None

    async def transcribed_threads(self, account: int, chat: str) -> Sequence[PageMessage]:
        return list(map(_message, await self._transactions.read(_THREADS, account, chat)))

    async def erase_transcript(self, account: int, chat: str) -> None:
        self._let_go(await self._transactions.write(lambda t: _erase(t, account, chat)))

    async def _prune_transcripts(self) -> None:
        self._let_go(await self._transactions.write(_prune))

    def _let_go(self, keys: Sequence[str]) -> None:
        if keys:
            self.discard(keys)


def _message(row: Sequence[Any]) -> PageMessage:
    chat, key, body, thread, files, *numbers = row
    return PageMessage(chat, key, body, thread, tuple(json.loads(files)), *numbers)


def _keys(rows: Iterable[Sequence[str]]) -> list[str]:
    return [key for (files,) in rows for key in json.loads(files)]
