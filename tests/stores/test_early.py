"""What is told before it is durable: it comes true, or nothing is written any more."""

import asyncio
import contextlib
import datetime as dt
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import parts_of, query

from chatstate import Interface, PerChat, Ref
from chatstate.engine.inbox.receipts import Receipts
from chatstate.errors import StorageError
from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.base import Arrival, Ingested, Owed, Settled, TurnCommit
from chatstate.stores.forgetting import mark_of
from chatstate.stores.sqlite import SQLiteStore
from chatstate.stores.sqlite.disk import Disk
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.testing import TestClient

Told = list[Sequence[Ingested]]


def event(identity: str) -> Event:
    return Event(identity, Message("hi", User("alice", "alice"), Chat("room")))


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[tuple[SQLiteStore, int]]:
    store = SQLiteStore(path)
    await store.open("bot")
    try:
        yield store, (await store.account("test", "1")).id
    finally:
        await store.abandon()


def busy() -> sqlite3.OperationalError:
    """Return what SQLite says where another program has the file locked."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
    return error


def stored_in(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as reader:
        (count,) = reader.execute("SELECT count(*) FROM inbox").fetchone()
    return int(count)


async def test_what_is_told_early_is_what_is_returned_later(tmp_path: Path) -> None:
    """It is told once, while nobody else can see it yet."""
    path, told, seen = tmp_path / "a.db", Told(), list[int]()

    def early(ingested: Sequence[Ingested]) -> None:
        told.append(ingested)
        seen.append(stored_in(path))

    async with opened(path) as (store, account):
        returned = await store.ingest(account, [event("1"), event("2")], early=early)
        assert told == [returned]
        assert (seen, stored_in(path)) == ([0], 2)


async def test_who_was_told_early_can_read_what_was_told(tmp_path: Path) -> None:
    """Each verb that is about what came in returns what it would later."""
    reads = list[asyncio.Future[Any]]()
    async with opened(tmp_path / "a.db") as (store, account):

        def early(ingested: Sequence[Ingested]) -> None:
            (arrival,) = [stored.arrival for stored in ingested if stored.arrival]
            place, seq = arrival.place, arrival.seq
            for reading in (
                store.events(place.conversation, 0, 10),
                store.pending([seq]),
                store.address(place.conversation),
                store.notes(seq),
                store.show("people", place.person),
            ):
                reads.append(asyncio.ensure_future(reading))

        (ingested,) = await store.ingest(account, [event("1")], early=early)
        assert ingested.arrival
        events, pending, address, notes, person = await asyncio.gather(*reads)
        assert (events, pending) == ([ingested.arrival], [ingested.arrival.seq])
        assert (address.chat, notes) == ("room", {})
        assert person
        assert person.person == "alice"


def commit_of(ingested: Ingested, owed: str = '"hi"') -> TurnCommit:
    arrival = ingested.arrival
    assert arrival
    owes = [Owed(arrival.seq, 0, owed)]
    return TurnCommit(arrival.seq, arrival.place, arrival.seq, (), owes)


async def test_a_turn_that_ends_at_once_is_in_the_transaction_of_its_event(tmp_path: Path) -> None:
    """Both are written by one COMMIT."""
    commits, ends = list[str](), list[asyncio.Future[Any]]()
    async with opened(tmp_path / "a.db") as (store, account):

        def early(ingested: Sequence[Ingested]) -> None:
            ends.append(asyncio.ensure_future(store.commit([commit_of(ingested[0])])))

        store._writer.set_trace_callback(commits.append)
        await store.ingest(account, [event("1")], early=early)
        assert await ends[0] == ["applied"]
        assert commits.count("COMMIT") == 1


async def test_a_full_disk_changes_nothing_of_what_was_told(tmp_path: Path) -> None:
    """The transaction is done again, with the same numbers, when there is room for it."""
    told, ends = Told(), list[asyncio.Future[Any]]()
    async with opened(tmp_path / "a.db") as (store, account):
        writer = store._writer

        def early(ingested: Sequence[Ingested]) -> None:
            told.append(ingested)
            (pages,) = writer.execute("PRAGMA page_count").fetchone()
            writer.execute(f"PRAGMA max_page_count = {pages}")
            large = '"' + "x" * 100_000 + '"'
            ends.append(asyncio.ensure_future(store.commit([commit_of(ingested[0], large)])))
            asyncio.get_running_loop().call_later(0.03, heal)

        def heal() -> None:
            assert stored_in(tmp_path / "a.db") == 0
            writer.execute("PRAGMA max_page_count = 1000000")

        returned = await store.ingest(account, [event("1")], early=early)
        assert told == [returned]
        assert await ends[0] == ["applied"]
        (after,) = await store.ingest(account, [event("2")])
        assert after.arrival
        assert after.arrival.seq == 2


async def test_after_a_crash_nobody_is_told_early(tmp_path: Path) -> None:
    """So that what kills the process is found in the inbox; and no number is given twice."""
    path = tmp_path / "a.db"
    lost, told = Told(), Told()
    async with opened(path) as (store, account):
        storing = store.ingest(account, [event("1")], early=lost.append)
        while not lost:
            await asyncio.sleep(0)
    assert not storing.done() or storing.exception()
    async with opened(path) as (store, account):
        (again,) = await store.ingest(account, [event("2")], early=told.append)
        assert again.arrival
        assert lost[0][0].arrival
        assert again.arrival.seq > lost[0][0].arrival.seq
        assert told == []


async def test_a_turn_that_is_taken_along_in_vain_stops_nobody(tmp_path: Path) -> None:
    """It is told so, also where others were committed before it in the same transaction."""
    ends = list[asyncio.Future[Any]]()
    async with opened(tmp_path / "a.db") as (store, account):
        (first,) = await store.ingest(account, [event("1")])
        commit = commit_of(first)

        def early(ingested: Sequence[Ingested]) -> None:
            late = msgspec.structs.replace(commit, attempt=99, owed=())
            ends.append(asyncio.ensure_future(store.commit([late])))
            ends.append(asyncio.ensure_future(store.commit([commit_of(ingested[0])])))

        committing = asyncio.ensure_future(store.commit([commit]))
        await asyncio.sleep(0)
        await store.ingest(account, [event("2")], early=early)
        assert await committing == ["applied"]
        assert await asyncio.gather(*ends) == [["fenced"], ["applied"]]


async def test_what_was_sent_before_work_came_is_noted_before_it(tmp_path: Path) -> None:
    """Also in a transaction that was open by then: a reply that is settled is owed no more."""
    owed = list[asyncio.Future[Any]]()
    async with opened(tmp_path / "a.db") as (store, account):
        (first,) = await store.ingest(account, [event("1")])
        assert first.arrival
        place, seq = first.arrival.place, first.arrival.seq
        await store.commit([commit_of(first)])

        def early(_: Sequence[Ingested]) -> None:
            store.settle(Settled(place.conversation, seq, 0))
            owed.append(asyncio.ensure_future(store.take(place.conversation, 0, 10)))

        await store.ingest(account, [event("2")], early=early)
        assert await owed[0] == []


async def test_who_is_forgotten_meanwhile_changes_nothing_of_what_was_told(tmp_path: Path) -> None:
    """A disk that is busy then does not make known what was new."""
    path, ends = tmp_path / "a.db", list[asyncio.Future[Any]]()
    async with opened(path) as (store, account):
        mark = mark_of((await store.secrets())["bot"], "test", "1", "alice")
        said_at = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        new = msgspec.structs.replace(event("1").message, time=said_at)

        def early(_: Sequence[Ingested]) -> None:
            ends.append(asyncio.ensure_future(store.bury(mark, time.time())))
            faults.append(1)

        faults = list[int]()
        commit = Disk.commit

        async def failing(disk: Disk, weight: int) -> None:
            if faults:
                faults.clear()
                raise busy()
            await commit(disk, weight)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Disk, "commit", failing)
            (stored,) = await store.ingest(account, [Event("1", new)], early=early)
        await ends[0]
        assert stored.status == "stored"


async def test_what_was_told_is_made_durable_though_the_loop_stands_still(tmp_path: Path) -> None:
    """By another thread; what comes of it later is written later, and nothing twice."""
    path, seen, ends = tmp_path / "a.db", list[int](), list[asyncio.Future[Any]]()
    async with opened(path) as (store, account):

        def early(ingested: Sequence[Ingested]) -> None:
            ends.append(asyncio.ensure_future(store.commit([commit_of(ingested[0])])))
            asyncio.get_running_loop().call_soon(block)

        def block() -> None:
            for _ in range(2):
                noticing = threading.Thread(target=store.secure)
                noticing.start()
                noticing.join()
                seen.append(stored_in(path))

        (ingested,) = await store.ingest(account, [event("1")], early=early)
        assert seen == [1, 1]
        assert await ends[0] == ["applied"]
        (again,) = await store.ingest(account, [event("1")])
        assert (ingested.status, again.status) == ("stored", "duplicate")
        noticing = threading.Thread(target=store.secure)  # nothing is open: it does nothing
        noticing.start()
        noticing.join()


# The writer by itself


class Gate(sqlite3.Connection):
    """A connection whose COMMIT waits until it may go on, and then fails as often as it should."""

    failures = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def commit(self) -> None:
        self.may_go_on.wait()
        if self.failures:
            self.failures -= 1
            raise busy()
        super().commit()


class Table:
    """Work that adds texts to a table; `numbers` are what it tells."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Gate
        )
        self.connection.execute("CREATE TABLE t (text TEXT NOT NULL)")
        self.shift = 0
        self.writer = GroupCommit(
            self.connection,
            str(path),
            (self.add,),
            self.add,
            lambda: None,
            Disk(self.connection, str(path)),
        )

    def add(self, texts: Sequence[Any]) -> list[int]:
        inserted = [self.connection.execute("INSERT INTO t VALUES (?)", (text,)) for text in texts]
        return [(insert.lastrowid or 0) + self.shift for insert in inserted]

    def texts(self) -> list[str]:
        return [text for (text,) in self.connection.execute("SELECT text FROM t ORDER BY rowid")]


@contextlib.asynccontextmanager
async def table(path: Path) -> AsyncGenerator[Table]:
    made = Table(path)
    try:
        yield made
    finally:
        await made.writer.abandon()
        made.connection.close()


async def test_what_is_taken_along_cannot_spoil_what_was_told(tmp_path: Path) -> None:
    """It fails by itself; what else was taken along is written, once."""
    told, along = list[int](), list[Awaitable[Any]]()
    async with table(tmp_path / "a.db") as made:
        submit = made.writer.submit

        def early(number: int) -> None:
            told.append(number)
            along.extend(submit(made.add, text) for text in ("b", None, "c"))

        assert await submit(made.add, "a", early=early) == 1
        results = await asyncio.gather(*along, return_exceptions=True)
        assert told == [1]
        assert [type(result) for result in results] == [int, sqlite3.IntegrityError, int]
        assert made.texts() == ["a", "b", "c"]


async def test_they_are_told_in_the_order_they_came_in(tmp_path: Path) -> None:
    """Also those that come while others are told."""
    told = list[str]()
    async with table(tmp_path / "a.db") as made:
        later = list[asyncio.Future[Any]]()

        def submit(text: str) -> asyncio.Future[Any]:
            def early(_: int) -> None:
                told.append(text)
                if text in "ab":
                    later.append(submit(text.upper()))

            return made.writer.submit(made.add, text, weight=100, early=early)

        await asyncio.gather(*map(submit, "abc"))
        await asyncio.gather(*later)
        assert told == ["a", "b", "c", "A", "B"]
        assert made.texts() == told


async def test_who_is_told_early_goes_on_beside_a_commit_that_others_wait_for(
    tmp_path: Path,
) -> None:
    """What comes of it is in the next transaction."""
    async with table(tmp_path / "a.db") as made:
        told, gate = asyncio.Event(), made.connection.may_go_on
        gate.clear()
        submit = made.writer.submit
        waiting = submit(made.add, "a", weight=9)
        first = submit(made.add, "b", early=lambda _: told.set())
        await told.wait()
        second = submit(made.add, "c")
        for _ in range(50):
            await asyncio.sleep(0)
        assert not any(future.done() for future in (waiting, first, second))
        gate.set()
        await first
        assert waiting.done()
        assert not second.done()
        assert await second == 3


async def test_so_it_does_where_more_is_to_be_told_than_goes_into_one_transaction(
    tmp_path: Path,
) -> None:
    """For those wait, who have not been told yet."""
    async with table(tmp_path / "a.db") as made:
        told, gate = asyncio.Queue[int](), made.connection.may_go_on
        gate.clear()
        submit = made.writer.submit
        first = submit(made.add, "a", weight=64, early=told.put_nowait)
        second = submit(made.add, "b", weight=1, early=told.put_nowait)
        assert await told.get() == 1
        for _ in range(50):
            await asyncio.sleep(0)
        assert told.empty()
        gate.set()
        assert [await first, await second, await told.get()] == [1, 2, 2]


async def test_a_commit_that_fails_beside_those_who_were_told_is_done_again(tmp_path: Path) -> None:
    """Nobody is told twice."""
    told = list[int]()
    async with table(tmp_path / "a.db") as made:
        made.connection.failures = 2
        submit = made.writer.submit
        works = submit(made.add, "a", weight=9), submit(made.add, "b", early=told.append)
        assert [await work for work in works] == [1, 2]
        assert (told, made.texts()) == ([2], ["a", "b"])


async def test_what_does_not_come_true_ends_all_writing(tmp_path: Path) -> None:
    """Whoever was told has acted on it: the error says so, to everybody, and nothing is kept."""
    along = list["asyncio.Future[Any]"]()
    async with table(tmp_path / "a.db") as made:

        def early(_: int) -> None:
            made.shift = 7  # from now on the same work has another result
            along.append(made.writer.submit(made.add, None))

        first = made.writer.submit(made.add, "a", early=early)
        with pytest.raises(StorageError, match="does not keep what it had taken"):
            await first
        with pytest.raises(StorageError):
            await along[0]
        with pytest.raises(StorageError):
            await made.writer.submit(made.add, "b")
        assert made.texts() == []


async def test_nobody_is_told_that_a_store_has_kept_what_was_given_up_meanwhile(
    tmp_path: Path,
) -> None:
    """The file may be gone, into which it was written."""
    along = list[asyncio.Future[Any]]()
    async with table(tmp_path / "a.db") as made:

        def early(_: int) -> None:
            along.append(made.writer.submit(made.add, "b"))
            asyncio.get_running_loop().call_soon(made.writer.give_up, StorageError("it is gone"))

        with pytest.raises(StorageError, match="it is gone"):
            await made.writer.submit(made.add, "a", early=early)
        with pytest.raises(StorageError, match="it is gone"):
            await along[0]


# An engine on it


class SlowDisk:
    """A disk on which nothing becomes durable while it is `held`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held = asyncio.Event()
        self.go_on = asyncio.Event()
        commit = Disk.commit

        async def slowly(disk: Disk, weight: int) -> None:
            if self.held.is_set():
                await self.go_on.wait()
            await commit(disk, weight)

        monkeypatch.setattr(Disk, "commit", slowly)


async def test_a_handler_begins_early_and_nothing_leaves_before_it_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is anybody told that the event is stored."""
    disk, begun = SlowDisk(monkeypatch), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str) -> str:
        if message == "hi":
            begun.set()
        return message

    async with TestClient(bot, store=f"sqlite:///{tmp_path / 'a.db'}") as client:
        await client.user("alice").say("first")
        host = await client.platform.connected()
        disk.held.set()
        storing = asyncio.ensure_future(host.deliver([client.user("alice").event("hi")]))
        await begun.wait()
        for _ in range(50):
            await asyncio.sleep(0)
        assert not storing.done()
        assert len(client.platform.delivered) == 1
        disk.go_on.set()
        (receipt,) = await storing
        await receipt.settled()
        assert [shown.text for shown in client.platform.delivered] == ["first", "hi"]


async def test_an_event_that_a_crash_took_is_handled_when_it_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, though its handler had begun; and not before it is stored, then."""
    disk, waiting = SlowDisk(monkeypatch), list[int]()
    bot, begun = Interface(id="bot"), asyncio.Event()

    @bot.on_message
    async def work(message: str) -> str:
        begun.set()
        (rows,) = query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL")
        waiting.append(rows[0])
        return message

    async with TestClient(bot, store=f"sqlite:///{tmp_path / 'a.db'}") as client:
        event = client.user("alice").event("hi")
        disk.held.set()
        host = await client.platform.connected()
        lost = asyncio.ensure_future(host.deliver([event]))
        await begun.wait()
        await client.crash()
        assert query(client, "SELECT * FROM inbox") == []
        disk.go_on.set()
        await client.start()
        (receipt,) = await client.deliver_all([event])
        await receipt.settled()
        assert waiting == [0, 1]
        assert [shown.text for shown in client.platform.delivered] == ["hi"]
        lost.cancel()


async def test_who_speaks_where_two_chats_become_one_uses_the_values_of_both(
    tmp_path: Path,
) -> None:
    """Also if the two are noted in the transaction of what is said there."""
    bot = Interface(id="bot")

    @bot.on_message
    async def count(message: str, so_far: PerChat[Ref[int]]) -> str:
        so_far.value += message == "up"
        return f"{message}: {so_far.value}"

    async with TestClient(bot, store=f"sqlite:///{tmp_path / 'a.db'}") as client:
        old, new = client.user("alice", chat="old"), client.user("alice", chat="new")
        await old.say("hi")
        await new.say("up")
        await client.restart()
        await old.say("here")
        host = await client.platform.connected()
        moving = asyncio.ensure_future(host.moved("old", "new"))
        (receipt,) = await host.deliver([new.event("there")])
        await receipt.settled()
        await moving
        assert client.platform.delivered[-1].text == "there: 1"


async def test_the_newest_event_stays_that_when_an_older_one_is_added_after_it() -> None:
    """By it is told which questions were shown before an event came."""

    async def pending(_: Sequence[int]) -> Sequence[int]:
        return ()

    receipts = Receipts(pending)
    receipts.stored(6)
    receipts.stored(5)
    assert receipts.newest == 6


async def test_what_was_not_let_in_early_is_let_in_before_what_comes_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if that is told of before it is known that the first is durable."""
    disk, bot, added = SlowDisk(monkeypatch), Interface(id="bot"), list[str]()

    @bot.on_message
    async def work(message: str) -> str:
        return message

    async with TestClient(bot, store=f"sqlite:///{tmp_path / 'a.db'}") as client:
        alice, host = client.user("alice"), await client.platform.connected()
        lanes = parts_of(client).lanes
        add = lanes.add

        def adding(arrival: Arrival) -> None:
            added.append(arrival.event.message.text)
            add(arrival)

        monkeypatch.setattr(lanes, "add", adding)
        disk.held.set()
        with lanes.expecting():
            deliveries = [asyncio.ensure_future(host.deliver([alice.event("first")]))]
            for _ in range(20):
                await asyncio.sleep(0)
        deliveries.append(asyncio.ensure_future(host.deliver([alice.event("second")])))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert added == []
        disk.go_on.set()
        for (receipt,) in await asyncio.gather(*deliveries):
            await receipt.settled()
        assert added == ["first", "second"]


async def test_an_adapter_that_cannot_render_a_refusal_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is delivered beside it is stored and answered."""
    gate, begun = asyncio.Event(), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str) -> str:
        begun.set()
        await gate.wait()
        return message

    async with TestClient(
        bot, store=f"sqlite:///{tmp_path / 'a.db'}", store_options={"waiting_limit": 1}
    ) as client:
        alice, bob = client.user("alice"), client.user("bob", chat="other")
        first = await client.deliver_all([alice.event("first")])
        await begun.wait()
        with monkeypatch.context() as patch:
            patch.setattr(client.platform, "render", lambda _post: 1 / 0)
            statuses = await client.deliver_all([alice.event("too much"), bob.event("hi")])
        assert [receipt.status for receipt in statuses] == ["refused", "stored"]
        gate.set()
        for receipt in (*first, *statuses):
            await receipt.settled()
        assert sorted(shown.text for shown in client.platform.delivered) == ["first", "hi"]
        assert "the adapter cannot even show that" in caplog.text
