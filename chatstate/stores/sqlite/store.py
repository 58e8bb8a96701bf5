"""`SQLiteStore`: the store's verbs on one SQLite file.

Two connections: one writes, in shared transactions (`group_commit`), one reads, so that reads
never wait behind writes. The process that has the store open holds a lock beside the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout
from sqlite_utils import Database

from chatstate.errors import StorageError, StoreLockedError
from chatstate.messages import Event, User
from chatstate.scope import Key
from chatstate.stores.base import (
    Account,
    Address,
    Arrival,
    Backlog,
    Ingested,
    Outcome,
    Owed,
    Revived,
    Run,
    Settled,
    TurnCommit,
    Value,
)
from chatstate.stores.sqlite.aliases import Alias, Aliases
from chatstate.stores.sqlite.faults import growing_pauses, is_passing, storage_error
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.stores.sqlite.inbox import WAITING, Delivery, Inbox, Overflow, arrivals
from chatstate.stores.sqlite.letters import ANY_REQUESTED, Reviver
from chatstate.stores.sqlite.outbox import Outbox, Taking
from chatstate.stores.sqlite.schema import migrate
from chatstate.stores.sqlite.turns import commit_turns

log = logging.getLogger("chatstate.store")

MEMORY = ":memory:"
_encoder = msgspec.json.Encoder()

_CRASHES = """SELECT count(*) FROM runs WHERE bot = ? AND ended_at IS NULL AND id >
    coalesce((SELECT max(id) FROM runs WHERE bot = ? AND ended_at IS NOT NULL), 0)"""
_ADDRESS = """SELECT c.account, c.platform_id, k.thread FROM conversations AS k
    JOIN chats AS c ON c.id = k.chat WHERE k.id = ?"""
_WITH_EVENTS = """SELECT conversation FROM inbox
    WHERE done_at IS NULL AND account IN (SELECT value FROM json_each(?))
    GROUP BY conversation ORDER BY min(seq)"""
_WITH_REPLIES = """SELECT DISTINCT o.conversation FROM outbox AS o
    JOIN conversations AS k ON k.id = o.conversation JOIN chats AS c ON c.id = k.chat
    WHERE c.account IN (SELECT value FROM json_each(?))"""
_END_RUN = "UPDATE runs SET ended_at = ? WHERE id = ?"
_CLEAR_SUSPECTS = """UPDATE inbox SET crashes = 0 WHERE done_at IS NULL AND crashes > 0
    AND account IN (SELECT id FROM accounts WHERE bot = ?)"""
_LOAD = """SELECT value, version, schema FROM states
    WHERE bot = ? AND scope = ? AND name = ? AND place = ? AND person = ?"""


class SQLiteStore:
    """Keeps everything in the file at `path`, or in memory (`:memory:`) while it is open.

    `waiting_limit`: how many events of one conversation may wait. `overflow`: whether one more
    is refused, or the oldest is dropped that is not at its turn.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        waiting_limit: int = 1000,
        overflow: Overflow = "refuse",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = MEMORY if path == MEMORY else str(Path(path).expanduser().resolve())
        self._waiting_limit = waiting_limit
        self._overflow: Overflow = overflow
        self._clock = clock
        self._bot = ""
        self._run = 0

    # Holding the store

    async def open(self, bot: str) -> Run:
        self._bot = bot
        with contextlib.ExitStack() as held:
            try:
                self._connect(held)
                run = self._begin_run()
                self._writer.execute("PRAGMA busy_timeout = 0")  # from now on it waits by itself
            except sqlite3.Error as error:
                raise storage_error(error, self.path) from error
            self._held = held.pop_all()
        self._inbox = Inbox(self._writer, self._clock, self._waiting_limit, self._overflow)
        self._outbox = Outbox(self._writer, self._clock)
        self._reviver = Reviver(self._writer, self._inbox)
        self._aliases = Aliases(self._writer)
        self._commits = GroupCommit(
            self._writer,
            self.path,
            (
                self._accounts,
                self._aliases.note,
                self._people,
                self._inbox.ingest,
                self._note,
                self._inbox.suspect,
                self._turns,
                self._outbox.take,
                self._outbox.begin,
                self._outbox.unsent,
                self._reviver.revive,
                self._inbox.prune,
            ),
            self._outbox.settle,
            self._inbox.reload,
            threaded=self.path != MEMORY,
        )
        return run

    async def close(self, *, clean: bool) -> None:
        with self._held:
            await self._commits.close()
            if clean:
                try:
                    self._writer.execute(_END_RUN, (self._clock(), self._run))
                    self._writer.execute(_CLEAR_SUSPECTS, (self._bot,))
                except sqlite3.Error as error:
                    raise storage_error(error, self.path) from error

    async def abandon(self) -> None:
        """Let go of the file as a killed process does: without writing. For tests."""
        with self._held:
            await self._commits.abandon()

    def _connect(self, held: contextlib.ExitStack) -> None:
        if self.path == MEMORY:
            self._writer = self._reader = held.enter_context(_open(MEMORY))
        else:
            self._take_lock(held)
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
                self._writer = held.enter_context(_open(self.path))
                _use_wal(self._writer, self.path)
                self._reader = held.enter_context(_open(self.path))
            except OSError as error:
                raise StorageError(f"{self.path} cannot be opened: {error.strerror}") from error
        migrate(Database(self._writer), self.path)

    def _take_lock(self, held: contextlib.ExitStack) -> None:
        folder = Path(self.path).parent
        if not folder.is_dir():  # the lock would make it, and the path may be misspelt
            raise StorageError(f"{self.path} cannot be opened: there is no folder {folder}")
        lock = FileLock(f"{self.path}-lock", mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise StoreLockedError(
                f"{self.path} is in use by {self._holder()}; stop that, or use another store"
            ) from None
        except OSError as error:
            raise StorageError(f"{self.path} cannot be opened: {error.strerror}") from error
        held.callback(lock.release)

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
        (crashes,) = self._writer.execute(_CRASHES, (self._bot, self._bot)).fetchone()
        self._run = (
            self._writer.execute(
                "INSERT INTO runs (bot, host, pid, started_at) VALUES (?, ?, ?, ?)",
                (self._bot, socket.gethostname(), os.getpid(), self._clock()),
            ).lastrowid
            or 0
        )
        return Run(self._run, crashes)

    # Writing

    async def account(self, platform: str, platform_id: str) -> Account:
        account: Account = await self._commits.submit(self._accounts, (platform, platform_id))
        return account

    def ingest(
        self, account: int, events: Sequence[Event], cursor: str | None
    ) -> asyncio.Future[Sequence[Ingested]]:
        delivery = Delivery(account, events, cursor)
        return self._commits.submit(self._inbox.ingest, delivery, weight=len(events))

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        done: Sequence[Outcome] = await self._commits.submit(self._turns, turns, weight=len(turns))
        return done

    async def take(self, conversation: int, after: tuple[int, int], limit: int) -> Sequence[Owed]:
        taking = Taking(conversation, *after, limit)
        done: Sequence[Owed] = await self._commits.submit(self._outbox.take, taking)
        return done

    async def begin(self, conversation: int, turn: int, part: int, crashes: int = 0) -> None:
        await self._commits.submit(self._outbox.begin, (crashes, conversation, turn, part))

    async def unsent(self, conversation: int, turn: int, part: int) -> None:
        await self._commits.submit(self._outbox.unsent, (conversation, turn, part))

    def settle(self, settled: Settled) -> None:
        self._commits.submit_lazy(settled)

    async def person(self, account: int, user: User) -> int:
        person: int = await self._commits.submit(self._people, (account, user))
        return person

    async def alias(self, account: int, old: str, new: str) -> None:
        await self._commits.submit(self._aliases.note, Alias(account, old, new))
        self._inbox.reload()

    async def note(self, turn: int, name: str, value: str) -> bool:
        kept: bool = await self._commits.submit(self._note, (turn, name, value))
        return kept

    async def suspect(self, seq: int) -> None:
        await self._commits.submit(self._inbox.suspect, seq)

    async def revive(self) -> Sequence[Revived]:
        if not await self._read(ANY_REQUESTED, self._reviver.wanted):
            return ()
        revived: Sequence[Revived] = await self._commits.submit(self._reviver.revive, None)
        return revived

    async def prune(self) -> None:
        await self._commits.submit(self._inbox.prune, None)

    def _accounts(self, names: Sequence[tuple[str, str]]) -> list[Account]:
        accounts: list[Account] = []
        for name in names:
            self._writer.execute(
                "INSERT INTO accounts (bot, platform, platform_id) VALUES (?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                (self._bot, *name),
            )
            row = self._writer.execute(
                "SELECT id, cursor FROM accounts "
                "WHERE bot = ? AND platform = ? AND platform_id = ?",
                (self._bot, *name),
            ).fetchone()
            accounts.append(Account(*row))
            self._reviver.accounts.add(row[0])
        return accounts

    def _people(self, people: Sequence[tuple[int, User]]) -> list[int]:
        return [self._inbox.directory.person(account, user) for account, user in people]

    def _note(self, notes: Sequence[tuple[int, str, str]]) -> list[bool]:
        return [
            self._writer.execute(
                "INSERT OR REPLACE INTO notes (turn, name, value) SELECT seq, ?, ? FROM inbox "
                "WHERE seq = ? AND done_at IS NULL",
                (name, value, turn),
            ).rowcount
            == 1
            for turn, name, value in notes
        ]

    def _turns(self, works: Sequence[Sequence[TurnCommit]]) -> list[Sequence[Outcome]]:
        turns = [turn for work in works for turn in work]
        outcomes, all_now = commit_turns(self._writer, turns, self._clock())
        if all_now:
            for turn in turns:
                self._inbox.done(turn.place.conversation, 1 + len(turn.also))
        else:
            for conversation in {turn.place.conversation for turn in turns}:
                self._inbox.recount(conversation)
        ends = list(itertools.accumulate(len(work) for work in works))
        return [outcomes[end - len(work) : end] for work, end in zip(works, ends, strict=True)]

    # Reading

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        rows = [await self._read(_LOAD, key) for key in keys]
        return [Value(*row[0]) if row else None for row in rows]

    async def notes(self, turn: int) -> Mapping[str, str]:
        return dict(await self._read("SELECT name, value FROM notes WHERE turn = ?", (turn,)))

    async def backlog(self, accounts: Sequence[int]) -> Backlog:
        wanted = (_encoder.encode(accounts).decode(),)
        inbox = await self._read(_WITH_EVENTS, wanted)
        outbox = await self._read(_WITH_REPLIES, wanted)
        return Backlog([row[0] for row in inbox], [row[0] for row in outbox])

    async def claim(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        return arrivals(await self._read(WAITING, (conversation, after, limit)))

    async def address(self, conversation: int) -> Address:
        ((account, chat, thread),) = await self._read(_ADDRESS, (conversation,))
        return Address(account, chat, thread or None)

    async def _read(self, statement: str, values: Sequence[object]) -> list[Any]:
        pauses = growing_pauses()
        while True:
            try:
                return self._reader.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                if not is_passing(error):
                    raise storage_error(error, self.path) from error
                log.warning("%s; trying again", storage_error(error, self.path))
            await asyncio.sleep(next(pauses))


def _open(path: str) -> contextlib.closing[sqlite3.Connection]:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=0, cached_statements=128
    )
    connection.execute("PRAGMA synchronous = FULL")
    return contextlib.closing(connection)


def _use_wal(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("PRAGMA busy_timeout = 5000")  # only while opening: nothing else runs yet
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StorageError(
            f"{path} is on a file system without shared memory (a network drive?); "
            "SQLite needs a local disk"
        )
