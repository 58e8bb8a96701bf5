"""`PostgresStore`: the store's verbs, for one of the workers that share a PostgreSQL database.

1. Each verb that writes is a transaction of its own (`transactions`). What comes often (events,
   turns, loads) waits for the one before and goes together (`batches`).
2. Whoever looks or asks needs no run, and has a connection for that alone.
3. Times are this machine's, but for leases, which are by the server's clock; a test's is both.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from chatstate.errors import LeaseLostError
from chatstate.messages import Chat, Event, User
from chatstate.scope import Place
from chatstate.stores.base import (
    NO_VERSIONS,
    Account,
    Answer,
    Arrival,
    Claim,
    DeadLetter,
    Early,
    Expiry,
    Ingested,
    Outcome,
    Owed,
    Reference,
    Request,
    Run,
    Settled,
    TurnCommit,
)
from chatstate.stores.postgres import (
    accounts,
    aliases,
    broadcasts,
    buttons,
    directory,
    holds,
    inbox,
    outbox,
    references,
    remembering,
    requests,
    runs,
    sends,
    states,
    turns,
)
from chatstate.stores.postgres.address import parsed
from chatstate.stores.postgres.batches import Batches
from chatstate.stores.postgres.broadcasting import Broadcasting
from chatstate.stores.postgres.connection import Connections
from chatstate.stores.postgres.files import FileVerbs
from chatstate.stores.postgres.forgetting import ForgettingVerbs
from chatstate.stores.postgres.leading import RoleVerbs
from chatstate.stores.postgres.notices import Notices
from chatstate.stores.postgres.reading import Reading
from chatstate.stores.postgres.timers import TimerVerbs
from chatstate.stores.postgres.transactions import Transaction, Transactions
from chatstate.stores.postgres.transcripts import TranscriptVerbs
from chatstate.stores.rows import NotAllError

_NO_CURSORS: Mapping[str, str] = {}


class PostgresStore(
    FileVerbs, Reading, Broadcasting, TimerVerbs, RoleVerbs, TranscriptVerbs, ForgettingVerbs
):
    """Keeps everything in a schema of the database that `url` names, with all who do so too.

    `waiting_limit` and `overflow` are those of `SQLiteStore`. `clock` is for tests: without one,
    leases are by the server's clock.
    """

    def __init__(
        self,
        url: str,
        *,
        waiting_limit: int = 1000,
        overflow: inbox.Overflow = "refuse",
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(parsed(url), clock)
        self._run = 0
        self._bot = ""
        self._accounts: set[int] = set()
        self._inbox = inbox.Inbox(directory.Directory(), waiting_limit, overflow)
        self._ingests = Batches(self._ingest)
        self._commits = Batches(self._commit)
        self._loads = Batches(self._load)
        self._remembers = Batches(self._remember)
        self._batches = (self._ingests, self._commits, self._loads, self._remembers)
        self._discards: set[asyncio.Task[None]] = set()

    # Holding the store

    @property
    def is_sole(self) -> bool:
        return False

    @property
    def folder(self) -> Path:
        if self._address.files:
            return Path(self._address.files)
        where = f"{self._address.shown} {self._address.schema} {os.getuid()}"
        name = hashlib.sha256(where.encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"chatstate-{name}"

    @property
    def trouble(self) -> str:
        return self._transactions.trouble if self._run else ""

    def secure(self) -> None:
        pass  # nothing is told early

    async def open(self, bot: str, versions: Mapping[str, int] = NO_VERSIONS) -> Run:
        self._connections = Connections(self._address)
        self._notices = Notices(self._connections, self._address.schema)
        self._transactions = Transactions(
            self._connections, self._notices, self._clock, self.location, outbox.settle
        )
        begin = functools.partial(self._begin, bot, versions)
        try:
            run = await self._transactions.outside(begin)
            self._run, self._bot = run.id, bot
            self._transactions.begin(run.id, bot)
            await self._notices.listen(run.id, bot)
            await self._bury()
        except BaseException:
            await self._close()
            raise
        return run

    async def _begin(self, bot: str, versions: Mapping[str, int]) -> Run:
        server = await self._connections.open(self.location)
        async with self._connections.lent() as connection, connection.transaction():
            await self._connections.name(connection)
            await Transaction(connection, 0, bot, 0.0).refuse_moved(self.location)
            of = (self._address.lease, self._lease_time(), server)
            return await runs.begin(connection, bot, versions, *of)

    async def beat(self) -> None:
        await self._transactions.write(
            lambda t: runs.beat(t, self._address.lease, self._lease_time())
        )

    async def end(self, *, clean: bool) -> None:
        if not self._run:
            return
        try:
            for batches in self._batches:
                await batches.drain()
            if self._discards:
                await asyncio.wait(self._discards)
            with contextlib.suppress(LeaseLostError):  # its work is others' already
                await self._transactions.end(lambda t: runs.end(t, self._lease_time(), clean=clean))
        finally:
            await self._close()

    async def abandon(self) -> None:
        """Let go of the connections as a killed process does: without writing. For tests."""
        for batches in self._batches:
            await batches.abandon()
        await self._close()

    async def check(self) -> None:
        await self._transactions.read("SELECT 1 AS alive")

    async def prune(self) -> None:
        await self._transactions.write(_prune)
        await self._prune_transcripts()

    async def _close(self) -> None:
        self._run = 0
        await self._transactions.close()
        await self._notices.close()
        await self._connections.close()

    # The inbox

    async def account(
        self, platform: str, platform_id: str, *, tenant: str = "", alone: bool = False
    ) -> Account:
        account = await self._transactions.write(
            lambda t: accounts.found(t, platform, platform_id, tenant, alone=alone)
        )
        self._accounts.add(account.id)
        return account

    def ingest(
        self,
        account: int,
        events: Sequence[Event],
        cursors: Mapping[str, str] = _NO_CURSORS,
        *,
        share: bool = False,
        early: Early | None = None,  # noqa: ARG002 - the server numbers events as it commits
    ) -> asyncio.Future[Sequence[Ingested]]:
        return self._ingests.submit(inbox.Delivery(account, events, cursors, share), len(events))

    async def claim(self, limit: int, but: Collection[int] = ()) -> Sequence[Claim]:
        return await self._transactions.write(lambda t: self._claim(t, limit, but))

    async def release(
        self, conversations: Sequence[int], *, working: bool = False
    ) -> Sequence[int]:
        return await self._transactions.write(
            lambda t: holds.release(t, list(conversations), working=working)
        )

    async def wait(self) -> None:
        await self._notices.wait()
        await self.check()

    async def suspect(self, seq: int) -> None:
        await self._do(inbox.SUSPECT, seq)

    async def person(self, account: int, user: User) -> int:
        return await self._transactions.write(lambda t: directory.person(t, account, user))

    async def place(self, account: int, chat: Chat, thread: str | None) -> Place:
        return await self._transactions.write(
            lambda t: directory.conversation(t, account, chat, thread)
        )

    async def alias(self, account: int, old: str, new: str) -> None:
        await self._transactions.write(lambda t: aliases.note(t, account, old, new))

    async def _claim(
        self, transaction: Transaction, limit: int, but: Collection[int]
    ) -> list[Claim]:
        await runs.bury(transaction, self._lease_time())
        return await holds.claim(transaction, list(self._accounts), limit, but)

    async def _ingest(self, deliveries: Sequence[inbox.Delivery]) -> Sequence[Sequence[Ingested]]:
        stored = await self._transactions.write(lambda t: self._inbox.ingest(t, deliveries))
        self._inbox.durable()
        return stored

    # Turns

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        return await self._commits.submit(turns, len(turns))

    async def note(self, turn: int, name: str, value: str) -> bool:
        return await self._do(turns.NOTE, turn, name, value, self._run) != "INSERT 0 0"

    async def _commit(self, works: Sequence[Sequence[TurnCommit]]) -> list[list[Outcome]]:
        every = [turn for work in works for turn in work]
        try:
            outcomes = await self._transactions.write(lambda t: turns.together(t, every))
        except NotAllError:
            outcomes = await self._transactions.write(lambda t: turns.each(t, every))
        left = iter(outcomes)
        return [[next(left) for _ in work] for work in works]

    # States

    async def expire(self, expiries: Sequence[Expiry]) -> Sequence[Arrival | None]:
        return await self._transactions.write(lambda t: states.expire(t, expiries))

    async def remember(self, account: int, name: str, text: str | None) -> None:
        await self._remembers.submit((account, name, text))

    async def _remember(self, texts: Sequence[remembering.Text]) -> Sequence[None]:
        return await self._transactions.write(lambda t: remembering.keep(t, texts))

    # The outbox

    async def take(self, conversation: int, after: int, limit: int) -> Sequence[Owed]:
        return await self._transactions.write(lambda t: outbox.take(t, conversation, after, limit))

    async def begin(self, conversation: int, turn: int, part: int, crashes: int = 0) -> None:
        await self._transactions.write(lambda t: outbox.begin(t, conversation, turn, part, crashes))

    async def unsent(self, conversation: int, turn: int, part: int) -> None:
        await self._transactions.write(lambda t: outbox.unsent(t, conversation, turn, part))

    def settle(self, settled: Settled) -> None:
        self._transactions.settle(settled)

    async def flush(self) -> None:
        await self._transactions.flush()

    async def reference(self, ref: str) -> Reference | None:
        return await self._transactions.write(lambda t: references.find(t, ref))

    async def amend(self, ref: str, content: str | None) -> None:
        await self._transactions.write(lambda t: references.amend(t, ref, content))

    # What is asked for

    async def ask(self, request: Request) -> bool:
        if not self._run:
            return await super().ask(request)
        return await self._transactions.write(lambda t: requests.ask(t, request))

    async def answer(self, versions: Iterator[int]) -> Sequence[Answer]:
        known = list(self._accounts)
        if not await self._transactions.read(requests.ANY, known, self._bot):
            return ()
        return await self._transactions.write(lambda t: requests.answer(t, known, versions))

    async def take_up(self, number: int, event: Event) -> Ingested | None:
        return await self._transactions.write(
            lambda t: sends.take_up(t, self._inbox, number, event)
        )

    async def give_up(self, number: int, event: Event, dead: DeadLetter) -> None:
        await self._transactions.write(lambda t: sends.give_up(t, number, event, dead))

    async def _do(self, statement: str, *values: object) -> str:
        """Run one statement in a transaction; return what PostgreSQL says of it."""
        return await self._transactions.write(lambda t: t.execute(statement, *values))


async def _prune(transaction: Transaction) -> None:
    await inbox.prune(transaction)
    await requests.prune(transaction)
    await buttons.prune(transaction)
    await references.prune(transaction)
    await broadcasts.prune(transaction)
