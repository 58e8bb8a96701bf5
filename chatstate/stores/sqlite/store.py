"""`SQLiteStore`: the store's verbs on one SQLite file.

1. All that writes is work for `group_commit`, which does it in shared transactions.
2. What only reads has a connection of its own, so that it never waits behind writes.
3. The process that has the store open holds a lock beside the file (`connection`).
4. What passes is waited for, also when the store is opened: another program's lock, a full disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from chatstate.clock import TOLD_AT
from chatstate.errors import StorageError
from chatstate.messages import Chat, Event, User
from chatstate.scope import Place
from chatstate.stores.base import (
    NO_VERSIONS,
    Account,
    Arrival,
    Early,
    Expiry,
    Ingested,
    Outcome,
    Run,
    TurnCommit,
)
from chatstate.stores.copying import refuse_moved
from chatstate.stores.sqlite.accounts import AccountName, found
from chatstate.stores.sqlite.aliases import Alias, Aliases
from chatstate.stores.sqlite.broadcasting import Broadcasting
from chatstate.stores.sqlite.broadcasts import Broadcasts
from chatstate.stores.sqlite.claims import Claims, ClaimVerbs
from chatstate.stores.sqlite.connection import (
    MEMORY,
    begin_run,
    connect,
    end_run,
    moved_from,
    take_lock,
)
from chatstate.stores.sqlite.disk import Disk
from chatstate.stores.sqlite.erasing import bury
from chatstate.stores.sqlite.files import OpenFiles
from chatstate.stores.sqlite.forgetting import ForgettingVerbs
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.stores.sqlite.inbox import Delivery, Inbox, Overflow
from chatstate.stores.sqlite.outbox import Outbox, OutboxVerbs
from chatstate.stores.sqlite.patience import once_others_let
from chatstate.stores.sqlite.reading import Reading
from chatstate.stores.sqlite.references import References
from chatstate.stores.sqlite.requests import Requests
from chatstate.stores.sqlite.sends import Sends
from chatstate.stores.sqlite.states import Expiries
from chatstate.stores.sqlite.timers import Timers, TimerVerbs
from chatstate.stores.sqlite.transcripts import Transcripts, TranscriptVerbs
from chatstate.stores.sqlite.turns import Turns

log = logging.getLogger("chatstate.store")

_REMEMBER = "INSERT OR REPLACE INTO remembered VALUES (?, ?, ?)"
_FORGET = "DELETE FROM remembered WHERE account = ? AND name = ?"
_NO_CURSORS: Mapping[str, str] = {}


class SQLiteStore(
    Reading, Broadcasting, ClaimVerbs, TimerVerbs, OutboxVerbs, TranscriptVerbs, ForgettingVerbs
):
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
        super().__init__(
            MEMORY if path == MEMORY else str(Path(path).expanduser().resolve()), clock
        )
        self._waiting_limit = waiting_limit
        self._overflow: Overflow = overflow
        self._bot = ""
        self._folder = Path(f"{self.path}-files")

    # Holding the store

    @property
    def location(self) -> str:
        return "in memory" if self.path == MEMORY else self.path

    @property
    def trouble(self) -> str:
        return self._commits.trouble

    def secure(self) -> None:
        if self._run:
            self._commits.secure()

    @property
    def folder(self) -> Path:
        return self._folder

    async def open(self, bot: str, versions: Mapping[str, int] = NO_VERSIONS) -> Run:  # noqa: ARG002 - the process is alone
        self._bot = bot
        with contextlib.ExitStack() as held:
            if self.path == MEMORY:
                self._folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
            else:
                take_lock(self.path, held)
            run, crashes = await self._begin(held)
            self._files = None if self.path == MEMORY else OpenFiles(self.path)
            self._held = held.pop_all()
        self._run = run.id
        self._inbox = Inbox(self._writer, self._clock, self._waiting_limit, self._overflow)
        bury(self._writer, bot, self._inbox.tombstones)
        self._outbox = Outbox(self._writer, self._clock, self._inbox.directory.forget)
        self._turns = Turns(self._writer, self._inbox, self._clock)
        self._claims = Claims(crashes)
        self._requests = Requests(self._writer, self._inbox, self._clock, self._wanted)
        self._references = References(self._writer, self._clock)
        self._sends = Sends(self._writer, self._inbox, self._clock)
        self._broadcasts = Broadcasts(self._writer, self._inbox, self._clock)
        self._aliases = Aliases(self._writer)
        self._expiries = Expiries(self._writer, self._inbox, self._clock)
        self._timers = Timers(self._writer, self._inbox)
        self._transcripts = Transcripts(self._writer, self._clock)
        self._commits = GroupCommit(
            self._writer,
            self.path,
            (
                self._accounts,
                self._alias,
                self._people,
                self._places,
                self._inbox.ingest,
                self._note,
                self._inbox.suspect,
                self._turns.commit,
                self._outbox.take,
                self._outbox.begin,
                self._outbox.unsent,
                self._ask,
                self._sends.take_up,
                self._sends.give_up,
                *self._broadcasts.kinds,
                self._requests.answer,
                self._forget,
                self._bury,
                self._note_of_it,
                self._references.amend,
                self._references.find,
                self._expiries.expire,
                self._timers.schedule,
                self._timers.fire,
                self._transcripts.write,
                self._transcripts.rewrite,
                self._transcripts.erase,
                self._transcripts.prune,
                self._inbox.prune,
                self._remember,
                self._nothing,
            ),
            self._outbox.settle,
            self._reload,
            Disk(self._writer, None if self.path == MEMORY else self.path),
            tells_early=not crashes,
        )
        return run

    async def _begin(self, held: contextlib.ExitStack) -> tuple[Run, int]:
        """Open the file, once it can be, and begin a run on it."""

        def begin() -> tuple[Run, int]:
            with contextlib.ExitStack() as opened:
                self._writer, self._reader = connect(self.path, opened)
                refuse_moved(self.path, moved_from(self._writer))
                begun = begin_run(self._writer, self._bot, self._clock())
                held.enter_context(opened.pop_all())
                return begun

        return await once_others_let(begin, self.path)

    async def check(self) -> None:
        lost = self._files.lost() if self._files else None
        if lost:
            self._commits.give_up(StorageError(lost))
        self._commits.check()

    async def beat(self) -> None:
        """Do nothing: the hold is the process's own."""

    async def end(self, *, clean: bool) -> None:
        run, self._run = self._run, 0
        with self._held:
            await self._commits.close()
            if clean:
                end = functools.partial(end_run, self._writer, self._bot, run, self._clock())
                await once_others_let(end, self.path, at_most=TOLD_AT)

    async def abandon(self) -> None:
        """Let go of the file as a killed process does: without writing. For tests."""
        self._run = 0
        with self._held:
            await self._commits.abandon()

    # Writing

    async def account(
        self, platform: str, platform_id: str, *, tenant: str = "", alone: bool = False
    ) -> Account:
        name = AccountName(platform, platform_id, tenant, alone)
        account: Account = await self._commits.submit(self._accounts, name)
        return account

    def ingest(
        self,
        account: int,
        events: Sequence[Event],
        cursors: Mapping[str, str] = _NO_CURSORS,
        *,
        share: bool = False,  # noqa: ARG002 - there is nobody else
        early: Early | None = None,
    ) -> asyncio.Future[Sequence[Ingested]]:
        delivery = Delivery(account, events, cursors)
        return self._commits.submit(self._inbox.ingest, delivery, weight=len(events), early=early)

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        done: Sequence[Outcome] = await self._commits.submit(
            self._turns.commit, turns, weight=len(turns)
        )
        return done

    async def flush(self) -> None:
        await self._commits.submit(self._nothing, None)  # takes along what is lazy

    async def person(self, account: int, user: User) -> int:
        person: int = await self._commits.submit(self._people, (account, user))
        return person

    async def place(self, account: int, chat: Chat, thread: str | None) -> Place:
        place: Place = await self._commits.submit(self._places, (account, chat, thread))
        return place

    async def alias(self, account: int, old: str, new: str) -> None:
        await self._commits.submit(self._alias, Alias(account, old, new))

    async def note(self, turn: int, name: str, value: str) -> bool:
        kept: bool = await self._commits.submit(self._note, (turn, name, value))
        return kept

    async def suspect(self, seq: int) -> None:
        await self._commits.submit(self._inbox.suspect, seq)

    async def remember(self, account: int, name: str, text: str | None) -> None:
        await self._commits.submit(self._remember, (account, name, text))

    async def expire(self, expiries: Sequence[Expiry]) -> Sequence[Arrival | None]:
        done: Sequence[Arrival | None] = await self._commits.submit(
            self._expiries.expire, expiries, weight=len(expiries)
        )
        return done

    async def prune(self) -> None:
        await self._commits.submit(self._inbox.prune, None)
        await self._commits.submit(self._broadcasts.prune, None)
        await self._prune_transcripts()

    def _accounts(self, names: Sequence[AccountName]) -> list[Account]:
        accounts = [found(self._writer, self._bot, name) for name in names]
        for account in accounts:
            self._claims.add(self._writer, account.id)
        return accounts

    def _alias(self, aliases: Sequence[Alias]) -> list[None]:
        done = self._aliases.note(aliases)
        self._inbox.reload()  # conversations may have become one
        return done

    def _reload(self) -> None:
        self._inbox.reload()
        self._turns.reload()
        bury(self._writer, self._bot, self._inbox.tombstones)

    def _remember(self, texts: Sequence[tuple[int, str, str | None]]) -> list[None]:
        for account, name, text in texts:
            if text is None:
                self._writer.execute(_FORGET, (account, name))
            else:
                self._writer.execute(_REMEMBER, (account, name, text))
        return [None] * len(texts)

    def _nothing(self, calls: Sequence[None]) -> list[None]:
        return [None] * len(calls)

    def _people(self, people: Sequence[tuple[int, User]]) -> list[int]:
        return [self._inbox.directory.person(account, user) for account, user in people]

    def _places(self, wanted: Sequence[tuple[int, Chat, str | None]]) -> list[Place]:
        return [self._inbox.directory.conversation(*where) for where in wanted]

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

    async def _durable(self) -> None:
        if self._run:
            await self._commits.durable()

    def _broken(self, error: StorageError) -> None:
        self._commits.give_up(error)
