"""`SQLiteStore`: the store's verbs on one SQLite file.

1. All that writes is work for `group_commit`, which does it in shared transactions.
2. What only reads has a connection of its own, so that it never waits behind writes.
3. The process that has the store open holds a lock beside the file (`connection`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from chatstate.messages import Event, User
from chatstate.scope import Key, Scope
from chatstate.stores.base import (
    Account,
    Address,
    Arrival,
    Backlog,
    Due,
    Expiry,
    FoundButton,
    Ingested,
    Outcome,
    Owed,
    Revived,
    Run,
    Settled,
    TurnCommit,
    Value,
)
from chatstate.stores.sqlite import buttons
from chatstate.stores.sqlite.aliases import Alias, Aliases
from chatstate.stores.sqlite.connection import MEMORY, begin_run, connect, end_run
from chatstate.stores.sqlite.disk import Disk
from chatstate.stores.sqlite.errors import (
    TOLD_AT,
    growing_pauses,
    is_locked,
    is_passing,
    storage_error,
)
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.stores.sqlite.inbox import (
    AHEAD,
    WAITING,
    Delivery,
    Inbox,
    Overflow,
    arrivals,
)
from chatstate.stores.sqlite.letters import ANY_REQUESTED, Reviver
from chatstate.stores.sqlite.outbox import Outbox, Taking
from chatstate.stores.sqlite.states import DUE, LOAD, Expiries
from chatstate.stores.sqlite.turns import Turns

log = logging.getLogger("chatstate.store")

_encoder = msgspec.json.Encoder()

_ADDRESS = """SELECT c.account, c.platform_id, k.thread FROM conversations AS k
    JOIN chats AS c ON c.id = k.chat WHERE k.id = ?"""
_WITH_EVENTS = """SELECT conversation FROM inbox
    WHERE done_at IS NULL AND account IN (SELECT value FROM json_each(?))
    GROUP BY conversation ORDER BY min(seq)"""
_WITH_REPLIES = """SELECT DISTINCT o.conversation FROM outbox AS o
    JOIN conversations AS k ON k.id = o.conversation JOIN chats AS c ON c.id = k.chat
    WHERE c.account IN (SELECT value FROM json_each(?))"""
_OWING = """SELECT value FROM json_each(?) WHERE value IN (SELECT turn FROM outbox)
    OR value IN (SELECT turn FROM dead_letters WHERE kind = 'reply')"""


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
        self._folder = Path(f"{self.path}-files")

    # Holding the store

    @property
    def folder(self) -> Path:
        return self._folder

    async def open(self, bot: str) -> Run:
        self._bot = bot
        pauses = growing_pauses()
        while True:
            try:
                run = self._take_hold(bot)
                break
            except sqlite3.Error as error:
                await self._wait_for_lock(error, next(pauses))
        self._run = run.id
        self._inbox = Inbox(self._writer, self._clock, self._waiting_limit, self._overflow)
        self._outbox = Outbox(self._writer, self._clock)
        self._turns = Turns(self._writer, self._inbox, self._clock)
        self._reviver = Reviver(self._writer, self._inbox)
        self._aliases = Aliases(self._writer)
        self._expiries = Expiries(self._writer, self._inbox, self._clock)
        self._commits = GroupCommit(
            self._writer,
            self.path,
            (
                self._accounts,
                self._alias,
                self._people,
                self._inbox.ingest,
                self._note,
                self._inbox.suspect,
                self._turns.commit,
                self._outbox.take,
                self._outbox.begin,
                self._outbox.unsent,
                self._reviver.revive,
                self._expiries.expire,
                self._inbox.prune,
                self._nothing,
            ),
            self._outbox.settle,
            self._reload,
            Disk(self._writer, None if self.path == MEMORY else self.path),
        )
        return run

    def _take_hold(self, bot: str) -> Run:
        """Open the file, and begin a run on it. Raises SQLite's errors, and leaves nothing open."""
        with contextlib.ExitStack() as held:
            if self.path == MEMORY:
                self._folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
            self._writer, self._reader = connect(self.path, held)
            run = begin_run(self._writer, bot, self._clock())
            self._held = held.pop_all()
        return run

    async def _wait_for_lock(self, error: sqlite3.Error, pause: float) -> None:
        """Wait before the file is opened again, as a write waits that finds it locked."""
        told = storage_error(error, self.path)
        if not is_locked(error):
            raise told from error
        if pause >= TOLD_AT:
            log.warning("%s; trying again", told)
        await asyncio.sleep(pause)

    async def close(self, *, clean: bool) -> None:
        with self._held:
            await self._commits.close()
            if clean:
                try:
                    end_run(self._writer, self._bot, self._run, self._clock())
                except sqlite3.Error as error:
                    raise storage_error(error, self.path) from error

    async def abandon(self) -> None:
        """Let go of the file as a killed process does: without writing. For tests."""
        with self._held:
            await self._commits.abandon()

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
        done: Sequence[Outcome] = await self._commits.submit(
            self._turns.commit, turns, weight=len(turns)
        )
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

    async def flush(self) -> None:
        await self._commits.submit(self._nothing, None)  # takes along what is lazy

    async def person(self, account: int, user: User) -> int:
        person: int = await self._commits.submit(self._people, (account, user))
        return person

    async def alias(self, account: int, old: str, new: str) -> None:
        await self._commits.submit(self._alias, Alias(account, old, new))

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

    async def expire(self, expiries: Sequence[Expiry]) -> Sequence[Arrival | None]:
        done: Sequence[Arrival | None] = await self._commits.submit(
            self._expiries.expire, expiries, weight=len(expiries)
        )
        return done

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

    def _alias(self, aliases: Sequence[Alias]) -> list[None]:
        done = self._aliases.note(aliases)
        self._inbox.reload()  # conversations may have become one
        return done

    def _reload(self) -> None:
        self._inbox.reload()
        self._turns.reload()

    def _nothing(self, calls: Sequence[None]) -> list[None]:
        return [None] * len(calls)

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

    # Reading

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        rows = [await self._read(LOAD, key) for key in keys]
        return [Value(*row[0]) if row else None for row in rows]

    async def notes(self, turn: int) -> Mapping[str, str]:
        return dict(await self._read("SELECT name, value FROM notes WHERE turn = ?", (turn,)))

    async def backlog(self, accounts: Sequence[int]) -> Backlog:
        wanted = (_encoder.encode(accounts).decode(),)
        inbox = await self._read(_WITH_EVENTS, wanted)
        outbox = await self._read(_WITH_REPLIES, wanted)
        return Backlog([row[0] for row in inbox], [row[0] for row in outbox])

    async def button(self, ref: str) -> FoundButton | None:
        return buttons.found(await self._read(buttons.FIND, (ref, self._clock())))

    async def owing(self, turns: Sequence[int]) -> Sequence[int]:
        return [row[0] for row in await self._read(_OWING, (_encoder.encode(turns).decode(),))]

    async def claim(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        ahead = [] if after else await self._read(AHEAD, (conversation,))
        return arrivals([*ahead, *await self._read(WAITING, (conversation, after, limit))])

    async def due(
        self, bound: tuple[Scope, str, int], account: int, skip: int, limit: int
    ) -> Sequence[Due]:
        scope, name, _ = bound
        values = (self._bot, *bound, account, self._clock(), limit, skip)
        return [
            Due(Key(self._bot, scope, name, place, person), conversation)
            for place, person, conversation in await self._read(DUE, values)
        ]

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
