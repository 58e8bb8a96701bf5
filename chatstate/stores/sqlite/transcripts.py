"""What pages of ours show: written, changed and forgotten, inside the open transaction.

1. A chat's revisions come from one row of its own, and are never lower than the time in
   milliseconds: so they go on, also after everything of a chat was erased.
2. Files are let go of once the transaction is durable that lets go of their messages.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chatstate.adapter.transcript import KEPT_MESSAGES, KEPT_SECONDS, PageMessage
from chatstate.stores.sqlite.group_commit import GroupCommit

_COLUMNS = "chat, key, body, thread, files, id, revision, at"
_REVISION = """INSERT INTO transcript_chats AS c VALUES (?, ?, ?)
    ON CONFLICT (account, chat) DO UPDATE SET revision = max(c.revision + 1, excluded.revision)
    RETURNING revision"""
_OF = f"SELECT {_COLUMNS} FROM transcript WHERE account = ? AND chat = ?"  # noqa: S608 - ours
_BY_KEY = f"{_OF} AND key = ?"
_BY_ID = f"{_OF} AND id = ? AND body IS NOT NULL"
_READ = f"""{_OF} AND revision > ? AND thread = coalesce(?, thread)
    ORDER BY revision LIMIT ?"""
_THREADS = f"""{_OF} AND id IN (
        SELECT min(id) FROM transcript WHERE account = ? AND chat = ? AND body IS NOT NULL
        GROUP BY thread)
    ORDER BY (SELECT max(t.id) FROM transcript AS t WHERE t.account = transcript.account
        AND t.chat = transcript.chat AND t.thread = transcript.thread) DESC"""  # noqa: S608 - ours
_WRITE = f"INSERT INTO transcript (account, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - ours
_REWRITE = """UPDATE transcript SET body = ?, files = ?, revision = ?
    WHERE account = ? AND chat = ? AND id = ? AND revision = ?"""
_TRIM = """DELETE FROM transcript WHERE account = ? AND chat = ? AND thread = ? AND id <= (
        SELECT id FROM transcript WHERE account = ? AND chat = ? AND thread = ?
        ORDER BY id DESC LIMIT 1 OFFSET ?)
    RETURNING files"""
_ERASE = "DELETE FROM transcript WHERE account = ? AND chat = ? RETURNING files"
_ERASE_CHAT = "DELETE FROM transcript_chats WHERE account = ? AND chat = ?"
_PRUNE = "DELETE FROM transcript WHERE at < ? RETURNING files"

Written = tuple[PageMessage | None, list[str]]
"""What a verb returns, and the keys of files that nothing holds any more."""


class Transcripts:
    """Writes what pages show."""

    def __init__(self, writer: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._clock = clock

    def write(self, calls: Sequence[tuple[int, PageMessage]]) -> list[Written]:
        """Keep messages under their keys."""
        return [self._write(account, message) for account, message in calls]

    def rewrite(
        self, calls: Sequence[tuple[int, PageMessage, str | None, Sequence[str]]]
    ) -> list[Written]:
        """Change messages that are as they were read."""
        return [self._rewrite(*call) for call in calls]

    def erase(self, calls: Sequence[tuple[int, str]]) -> list[list[str]]:
        """Forget chats."""
        gone: list[list[str]] = []
        for where in calls:
            gone.append(_keys(self._writer.execute(_ERASE, where)))
            self._writer.execute(_ERASE_CHAT, where)
        return gone

    def prune(self, calls: Sequence[None]) -> list[list[str]]:
        """Forget what is too old."""
        before = self._clock() - KEPT_SECONDS
        return [_keys(self._writer.execute(_PRUNE, (before,))) for _ in calls]

    def _write(self, account: int, message: PageMessage) -> Written:
        where = (account, message.chat)
        known = self._writer.execute(_BY_KEY, (*where, message.key)).fetchone()
        if known:
            return page_message(known), []
        number = self._revision(*where)
        row = (message.key, message.body, message.thread, json.dumps(message.files))
        written = (*row, number, number, self._clock())
        self._writer.execute(_WRITE, (*where, *written))
        of = (*where, message.thread)
        trimmed = _keys(self._writer.execute(_TRIM, (*of, *of, KEPT_MESSAGES)))
        return page_message((message.chat, *written)), trimmed

    def _rewrite(
        self, account: int, message: PageMessage, body: str | None, files: Sequence[str]
    ) -> Written:
        where = (account, message.chat, message.id, message.revision)
        number = self._revision(account, message.chat)
        kept = json.dumps(list(files))
        if self._writer.execute(_REWRITE, (body, kept, number, *where)).rowcount == 0:
            return None, []
        row = (message.chat, message.key, body, message.thread, kept)
        changed = page_message((*row, message.id, number, message.at))
        return changed, [key for key in message.files if key not in files]

    def _revision(self, account: int, chat: str) -> int:
        wanted = (account, chat, int(self._clock() * 1000))
        return int(self._writer.execute(_REVISION, wanted).fetchone()[0])


class TranscriptVerbs:
    """The verbs of transcripts of a store that is open."""

    _commits: GroupCommit
    _transcripts: Transcripts

    async def _read(self, statement: str, values: Sequence[object]) -> list[Any]:
        raise NotImplementedError

    async def _seen(self, statement: str, values: Sequence[object]) -> list[Any]:
        raise NotImplementedError

    def discard(self, keys: Sequence[str]) -> None:
        raise NotImplementedError

    async def transcribe(self, account: int, message: PageMessage) -> PageMessage:
        work: tuple[PageMessage, list[str]] = await self._commits.submit(
            self._transcripts.write, (account, message)
        )
        self._let_go(work[1])
        return work[0]

    async def retranscribe(
        self, account: int, message: PageMessage, body: str | None, files: Sequence[str]
    ) -> PageMessage | None:
        call = (account, message, body, files)
        work: Written = await self._commits.submit(self._transcripts.rewrite, call)
        self._let_go(work[1])
        return work[0]

    async def transcript(
        self, account: int, chat: str, after: int, limit: int, thread: str | None = None
    ) -> Sequence[PageMessage]:
        rows = await self._seen(_READ, (account, chat, after, thread, limit))
        return list(map(page_message, rows))

    async def transcribed(self, account: int, chat: str, number: int) -> PageMessage | None:
        rows = await self._read(_BY_ID, (account, chat, number))
        return page_message(rows[0]) if rows else None

    async def transcribed_threads(self, account: int, chat: str) -> Sequence[PageMessage]:
        return list(map(page_message, await self._read(_THREADS, (account, chat, account, chat))))

    async def erase_transcript(self, account: int, chat: str) -> None:
        self._let_go(await self._commits.submit(self._transcripts.erase, (account, chat)))

    async def _prune_transcripts(self) -> None:
        self._let_go(await self._commits.submit(self._transcripts.prune, None))

    def _let_go(self, keys: Sequence[str]) -> None:
        if keys:
            self.discard(keys)


def page_message(row: Sequence[Any]) -> PageMessage:
    """Return the message of a row."""
    chat, key, body, thread, files, *numbers = row
    return PageMessage(chat, key, body, thread, tuple(json.loads(files)), *numbers)


def _keys(rows: Iterable[Sequence[str]]) -> list[str]:
    return [key for (files,) in list(rows) for key in json.loads(files)]
