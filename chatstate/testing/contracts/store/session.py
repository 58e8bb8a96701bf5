"""What the store's contract is tested with: a store that is open, and events to put into it.

1. A session is one run: the store is opened by one bot for one account, and closed at its end.
2. The same folder is the same data, however often it is opened.
3. Time is what the test says.
4. Among several runs, the session's is the one that handles all; the others store what arrives.
"""

# ruff: noqa: S101 - a test suite, and what a subclass may override

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, Literal
from unittest import SkipTest

from chatstate.messages import Chat, Event, Message, User
from chatstate.scope import Key
from chatstate.stores.base import (
    Account,
    Arrival,
    Change,
    Claim,
    Entry,
    Ingested,
    Outcome,
    Owed,
    Request,
    Role,
    Run,
    Store,
    TurnCommit,
    Value,
)

NOW = 1_800_000_000.0
HOUR = 3600.0


def event(
    identity: str,
    text: str = "hi",
    *,
    user: str = "alice",
    chat: str = "room",
    thread: str | None = None,
) -> Event:
    """Return an event, as an adapter would deliver it."""
    return Event(identity, Message(text, User(user), Chat(chat, "group"), thread=thread))


def global_key(name: str, bot: str = "bot") -> Key:
    """Return the key of a global value."""
    return Key(bot, "global", name, 0, 0)


class Session:
    """A store that is open, used as the process that runs a bot uses it.

    `others` are runs on the same data, which live on meanwhile.
    """

    def __init__(
        self, store: Store, run: Run, account: Account, others: Sequence[Store] = ()
    ) -> None:
        self.store = store
        self.run = run
        self.account = account
        self.versions = run.versions()
        self._others = others
        self._ingesting = itertools.cycle(others)
        self._lines: set[tuple[str, str | None]] = set()

    async def ingest(self, *events: Event, cursor: str | None = None) -> Sequence[Ingested]:
        """Give events to the inbox of the session's account."""
        cursors = {} if cursor is None else {"": cursor}
        return await self.store.ingest(self.account.id, events, cursors)

    async def arrive(self, *events: Event) -> list[Arrival]:
        """Give events to the inbox, all of which must be new."""
        if self._others:
            return [await self._arrive_somewhere(event) for event in events]
        ingested = await self.ingest(*events)
        assert [entry.status for entry in ingested] == ["stored"] * len(events)
        return [entry.arrival for entry in ingested if entry.arrival]

    async def _arrive_somewhere(self, event: Event) -> Arrival:
        """Let another run store an event, in a conversation that this run holds already."""
        line = (event.message.chat.id, event.message.thread)
        if line not in self._lines:
            self._lines.add(line)
            (stored,) = await self.ingest(event)
            assert stored.arrival
            return stored.arrival
        (stored,) = await next(self._ingesting).ingest(self.account.id, [event])
        assert (stored.status, stored.elsewhere, stored.arrival) == ("stored", True, None)
        assert stored.pending is not None
        (news,) = await self.store.claim(10)
        assert (news.is_news, news.waits) == (True, True)
        (arrival,) = await self.store.events(news.conversation, stored.pending - 1, 1)
        return arrival

    def turn(self, arrival: Arrival, *changes: Change, **effects: Any) -> TurnCommit:
        """Return a new attempt at the turn of an event."""
        return TurnCommit(arrival.seq, arrival.place, next(self.versions), changes, **effects)

    def change(self, what: Key, before: Value | None, text: str) -> Change:
        """Return a change of the value `before` to a new one."""
        return Change(what, before.version if before else 0, Value(text, next(self.versions)))

    async def commit(self, *turns: TurnCommit) -> list[Outcome]:
        """Commit turns in one call, while others look for work in vain."""
        for other in self._others:
            assert list(await other.claim(10)) == []
        return list(await self.store.commit(turns))

    async def beat(self) -> None:
        """Let all runs beat."""
        for store in (self.store, *self._others):
            await store.beat()

    async def leads(self, duty: Literal["poller", "clock"], part: str = "") -> bool:
        """Take a role of the session's account, or keep it; tell whether it is this run's."""
        return bool(await self.store.lead([Role(duty, self.account.id, part)]))

    async def value(self, what: Key) -> Value | None:
        """Return what a key holds."""
        (value,) = await self.store.load([what])
        return value

    async def text(self, what: Key) -> str | None:
        """Return the text a key holds."""
        value = await self.value(what)
        return value.text if value else None

    async def put(self, arrival: Arrival, what: Key, text: str) -> Change:
        """Commit a turn that changes one value, which nothing must hinder."""
        change = self.change(what, await self.value(what), text)
        assert await self.commit(self.turn(arrival, change)) == ["applied"]
        return change

    async def waiting(self, arrival: Arrival) -> list[int]:
        """Return the numbers of the events that wait in the conversation of one."""
        events = await self.store.events(arrival.place.conversation, 0, 10_000)
        return [arrival.seq for arrival in events]

    async def claimed(self) -> list[Claim]:
        """Return all conversations with work that nobody holds, which are the session's now."""
        claims: list[Claim] = []
        while found := await self.store.claim(2):
            claims += found
        return claims

    async def letters(self) -> Sequence[Entry]:
        """Return the dead letters."""
        return await self.store.list("dead")

    async def ask(self, verb: Literal["retry", "drop"], letter: Entry) -> None:
        """Ask for a dead letter to be retried or dropped, as the command line does."""
        await self.store.ask(Request(verb=verb, number=letter.number))

    async def owed(self, arrival: Arrival) -> list[tuple[int, int]]:
        """Return the (turn, part) of the replies owed in the conversation of an event."""
        taken = await self.store.take(arrival.place.conversation, 0, 10_000)
        return [(reply.turn, reply.part) for reply in taken]

    def reply(self, arrival: Arrival, part: int = 0, body: str = '"hello"') -> Owed:
        """Return a reply that the turn of an event owes."""
        return Owed(arrival.seq, part, body)

    def replies(self, arrival: Arrival, number: int = 2) -> list[Owed]:
        """Return so many replies that the turn of an event owes."""
        return [self.reply(arrival, part) for part in range(number)]


class Time:
    """A clock for a store."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """Return the seconds since 1970."""
        return self.now


class StoreSuite:
    """What every part of the contract needs; see `StoreContract`."""

    durable = True
    runs = 1

    def make_store(
        self, folder: Path, *, clock: Callable[[], float], waiting_limit: int, overflow: Any
    ) -> Store:
        """Return a store that is not open yet: the same data for the same folder."""
        raise NotImplementedError("a subclass of StoreContract makes the store that is tested")

    @contextlib.asynccontextmanager
    async def session(
        self,
        folder: Path,
        *,
        bot: str = "bot",
        account: str = "1",
        clean: bool = True,
        clock: Callable[[], float] = lambda: NOW,
        waiting_limit: int = 1000,
        overflow: Any = "refuse",
    ) -> AsyncGenerator[Session]:
        """Open a store of this folder; `clean=False` closes it as a crash would leave it."""
        store, *others = [
            self.make_store(folder, clock=clock, waiting_limit=waiting_limit, overflow=overflow)
            for _ in range(self.runs)
        ]
        async with contextlib.AsyncExitStack() as opened:
            run = await store.open(bot)
            opened.push_async_callback(store.end, clean=clean)
            known = await store.account("test", account)
            for other in others:
                await other.open(bot)
                opened.push_async_callback(other.end, clean=True)
                await other.account("test", account)
            yield Session(store, run, known, others)

    def needs_durability(self) -> None:
        """Skip a test of what another process finds, for a store that ends with its process."""
        if not self.durable:
            raise SkipTest("this store ends with its process")
