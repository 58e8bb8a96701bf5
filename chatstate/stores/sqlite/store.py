"""`SQLiteStore`: the store's verbs on one SQLite file.

Two connections: one writes, in shared transactions (`group_commit`), one reads, so that reads
never wait behind writes. The process that has the store open holds a lock beside the file.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout
from sqlite_utils import Database

from chatstate.errors import StorageError, StoreLockedError
from chatstate.messages import Event
from chatstate.scope import Key, Place
from chatstate.stores.base import (
    Account,
    Address,
    Arrival,
    Backlog,
    Ingested,
    Outcome,
    Owed,
    Run,
    Settled,
    TurnCommit,
    Value,
)
from chatstate.stores.sqlite.directory import Directory
from chatstate.stores.sqlite.faults import storage_error
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.stores.sqlite.schema import migrate
from chatstate.stores.sqlite.turns import commit_turns

MEMORY = ":memory:"
_encoder = msgspec.json.Encoder()
_event_decoder = msgspec.json.Decoder(Event)

_STORE = """INSERT INTO inbox (seq, account, event_id, conversation, person, body, arrived_at)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_WAITING = """SELECT i.seq, i.account, c.chat, i.conversation, i.person, i.body
    FROM inbox AS i JOIN conversations AS c ON c.id = i.conversation
    WHERE i.conversation = ? AND i.seq > ? AND i.done_at IS NULL ORDER BY i.seq LIMIT ?"""
_OWED = """SELECT turn, part, body, begun_at FROM outbox
    WHERE conversation = ? AND (turn, part) > (?, ?) ORDER BY turn, part LIMIT ?"""
_WITH_EVENTS = """SELECT conversation FROM inbox
    WHERE done_at IS NULL AND account IN (SELECT value FROM json_each(?))
    GROUP BY conversation ORDER BY min(seq)"""
_WITH_REPLIES = """SELECT DISTINCT o.conversation FROM outbox AS o
    JOIN conversations AS k ON k.id = o.conversation JOIN chats AS c ON c.id = k.chat
    WHERE c.account IN (SELECT value FROM json_each(?))"""
_LOAD = """SELECT value, version, schema FROM states
    WHERE bot = ? AND scope = ? AND name = ? AND place = ? AND person = ?"""


class SQLiteStore:
    """Keeps everything in the file at `path`, or in memory (`:memory:`) while it is open.

    `waiting_limit`: how many events of one conversation may wait before more are refused.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        waiting_limit: int = 1000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = MEMORY if path == MEMORY else str(Path(path).expanduser().resolve())
        self._waiting_limit = waiting_limit
        self._clock = clock
        self._bot = ""
        self._run = 0

    # Holding the store

    async def open(self, bot: str) -> Run:
        self._bot = bot
        try:
            self._connect()
            run = self._begin_run()
        except sqlite3.Error as error:
            raise storage_error(error, self.path) from error
        self._directory = Directory(self._writer)
        self._recount()
        self._commits = GroupCommit(
            self._writer,
            self.path,
            (self._ingest, self._commit, self._take, self._settle),
            self._after_rollback,
            threaded=self.path != MEMORY,
        )
        return run

    async def close(self, *, clean: bool) -> None:
        await self._commits.close()
        if clean:
            self._writer.execute(
                "UPDATE runs SET ended_at = ? WHERE id = ?", (self._clock(), self._run)
            )
        self._disconnect()

    def _connect(self) -> None:
        self._lock: FileLock | None = None
        if self.path == MEMORY:
            self._writer = self._reader = _open(MEMORY)
        else:
            self._take_lock()
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
                self._writer = _open(self.path)
                _use_wal(self._writer, self.path)
                self._reader = _open(self.path)
            except OSError as error:
                raise StorageError(f"{self.path} cannot be opened: {error.strerror}") from error
        migrate(Database(self._writer), self.path)

    def _take_lock(self) -> None:
        lock = FileLock(f"{self.path}-lock", mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise StoreLockedError(
                f"{self.path} is in use by {self._holder()}; stop that, or use another store"
            ) from None
        except OSError as error:
            raise StorageError(f"{self.path} cannot be opened: {error.strerror}") from error
        self._lock = lock

    def _holder(self) -> str:
        try:
            uri = f"{Path(self.path).as_uri()}?mode=ro"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as reader:
                row = reader.execute(
                    "SELECT bot, pid, host FROM runs ORDER BY id DESC LIMIT 1"
                ).fetchone()
        except sqlite3.Error:
            row = None
        return f"bot {row[0]!r}, process {row[1]} on {row[2]}" if row else "another process"

    def _begin_run(self) -> Run:
        last = self._writer.execute(
            "SELECT ended_at FROM runs WHERE bot = ? ORDER BY id DESC LIMIT 1", (self._bot,)
        ).fetchone()
        self._run = (
            self._writer.execute(
                "INSERT INTO runs (bot, host, pid, started_at) VALUES (?, ?, ?, ?)",
                (self._bot, socket.gethostname(), os.getpid(), self._clock()),
            ).lastrowid
            or 0
        )
        return Run(self._run, clean=last is None or last[0] is not None)

    def _disconnect(self) -> None:
        self._reader.close()
        self._writer.close()
        if self._lock:
            self._lock.release()

    def _recount(self) -> None:
        count = self._writer.execute("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'")
        self._seqs = itertools.count((count.fetchone() or (0,))[0] + 1)
        waiting = self._writer.execute(
            "SELECT conversation, count(*) FROM inbox WHERE done_at IS NULL GROUP BY conversation"
        )
        self._waiting: Counter[int] = Counter(dict(waiting))

    def _after_rollback(self) -> None:
        self._directory.forget()
        self._recount()

    # Writing

    async def account(self, platform: str, platform_id: str) -> Account:
        names = (self._bot, platform, platform_id)
        self._writer.execute(
            "INSERT INTO accounts (bot, platform, platform_id) VALUES (?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            names,
        )
        row = self._writer.execute(
            "SELECT id, cursor FROM accounts WHERE bot = ? AND platform = ? AND platform_id = ?",
            names,
        ).fetchone()
        return Account(*row)

    async def ingest(
        self, account: int, events: Sequence[Event], cursor: str | None
    ) -> Sequence[Ingested]:
        work = (account, events, cursor)
        done: Sequence[Ingested] = await self._commits.submit(
            self._ingest, work, weight=len(events)
        )
        return done

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        done: Sequence[Outcome] = await self._commits.submit(self._commit, turns, weight=len(turns))
        return done

    async def take(self, conversation: int, after: tuple[int, int], limit: int) -> Sequence[Owed]:
        done: Sequence[Owed] = await self._commits.submit(self._take, (conversation, *after, limit))
        return done

    async def settle(self, settled: Sequence[Settled]) -> None:
        self._commits.submit(self._settle, settled, weight=len(settled), lazy=True)

    def _ingest(
        self, works: Sequence[tuple[int, Sequence[Event], str | None]]
    ) -> list[list[Ingested]]:
        results: list[list[Ingested]] = []
        rows: list[tuple[Any, ...]] = []
        now = self._clock()
        for account, events, cursor in works:
            results.append([self._receive(account, event, now, rows) for event in events])
            if cursor is not None:
                self._writer.execute(
                    "UPDATE accounts SET cursor = ? WHERE id = ?", (cursor, account)
                )
        if self._writer.executemany(_STORE, rows).rowcount != len(rows):
            for found in results:
                found[:] = [self._recognise(ingested) for ingested in found]
        for found in results:
            for ingested in found:
                if ingested.arrival:
                    self._waiting[ingested.arrival.place.conversation] += 1
        return results

    def _receive(
        self, account: int, event: Event, now: float, rows: list[tuple[Any, ...]]
    ) -> Ingested:
        place = self._directory.place(account, event.message)
        arrival = Arrival(next(self._seqs), place, event)
        if self._waiting[place.conversation] >= self._waiting_limit:
            return self._known(arrival) or Ingested("refused", arrival)
        body = _encoder.encode(event).decode()
        rows.append((arrival.seq, account, event.id, place.conversation, place.person, body, now))
        return Ingested("stored", arrival)

    def _recognise(self, ingested: Ingested) -> Ingested:
        if ingested.status != "stored" or ingested.arrival is None:
            return ingested
        stored = self._writer.execute(
            "SELECT 1 FROM inbox WHERE seq = ?", (ingested.arrival.seq,)
        ).fetchone()
        return ingested if stored else self._known(ingested.arrival) or ingested

    def _known(self, arrival: Arrival) -> Ingested | None:
        row = self._writer.execute(
            "SELECT seq, done_at FROM inbox WHERE account = ? AND event_id = ?",
            (arrival.place.account, arrival.event.id),
        ).fetchone()
        if row is None:
            return None
        return Ingested("duplicate", pending=row[0] if row[1] is None else None)

    def _commit(self, works: Sequence[Sequence[TurnCommit]]) -> list[list[Outcome]]:
        turns = [turn for work in works for turn in work]
        outcomes = commit_turns(self._writer, turns, self._clock())
        for turn, outcome in zip(turns, outcomes, strict=True):
            if outcome == "applied":
                self._done(turn.place)
        ends = list(itertools.accumulate(len(work) for work in works))
        return [outcomes[end - len(work) : end] for work, end in zip(works, ends, strict=True)]

    def _done(self, place: Place) -> None:
        self._waiting[place.conversation] -= 1
        if self._waiting[place.conversation] <= 0:
            del self._waiting[place.conversation]

    def _take(self, works: Sequence[tuple[int, int, int, int]]) -> list[list[Owed]]:
        results = [[Owed(*row) for row in self._writer.execute(_OWED, work)] for work in works]
        begun = [
            (self._clock(), work[0], owed.turn, owed.part)
            for work, result in zip(works, results, strict=True)
            for owed in result
        ]
        self._writer.executemany(
            "UPDATE outbox SET begun_at = ? WHERE conversation = ? AND turn = ? AND part = ?",
            begun,
        )
        return results

    def _settle(self, works: Sequence[Sequence[Settled]]) -> list[None]:
        settled = [one for work in works for one in work]
        self._writer.executemany(
            "INSERT INTO dead_letters "
            "(kind, conversation, turn, part, body, error, detail, died_at) "
            "SELECT 'reply', conversation, turn, part, body, ?, ?, ? FROM outbox "
            "WHERE conversation = ? AND turn = ? AND part = ?",
            [
                (s.dead.error, s.dead.detail, self._clock(), s.conversation, s.turn, s.part)
                for s in settled
                if s.dead
            ],
        )
        self._writer.executemany(
            "DELETE FROM outbox WHERE conversation = ? AND turn = ? AND part = ?",
            [(s.conversation, s.turn, s.part) for s in settled],
        )
        return [None] * len(works)

    # Reading

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        rows = (self._read(_LOAD, key) for key in keys)
        return [Value(*row[0]) if row else None for row in rows]

    async def backlog(self, accounts: Sequence[int]) -> Backlog:
        wanted = (_encoder.encode(accounts).decode(),)
        inbox = self._read(_WITH_EVENTS, wanted)
        outbox = self._read(_WITH_REPLIES, wanted)
        return Backlog([row[0] for row in inbox], [row[0] for row in outbox])

    async def claim(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        return [
            Arrival(seq, Place(*place), _event_decoder.decode(body))
            for seq, *place, body in self._read(_WAITING, (conversation, after, limit))
        ]

    async def address(self, conversation: int) -> Address:
        ((account, chat, thread),) = self._read(
            "SELECT c.account, c.platform_id, k.thread FROM conversations AS k "
            "JOIN chats AS c ON c.id = k.chat WHERE k.id = ?",
            (conversation,),
        )
        return Address(account, chat, thread or None)

    def _read(self, statement: str, values: Sequence[object]) -> list[Any]:
        try:
            return self._reader.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise storage_error(error, self.path) from error


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=0, cached_statements=128
    )
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _use_wal(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("PRAGMA busy_timeout = 5000")  # only while opening: nothing else runs yet
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StorageError(
            f"{path} is on a file system without shared memory (a network drive?); "
            "SQLite needs a local disk"
        )
