"""`chatstate store copy`, from SQLite to PostgreSQL and back."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from stores.schemas import Schemas
from typer.testing import CliRunner, Result

from chatstate import Chat, Event, Message, User
from chatstate.cli.copying import app
from chatstate.errors import StorageError
from chatstate.scope import key
from chatstate.stores import copying, open_store
from chatstate.stores.base import (
    Change,
    DeadLetter,
    Entry,
    KeptButton,
    Owed,
    Request,
    Settled,
    Store,
    StoredTimer,
    TimerChange,
    TurnCommit,
    Value,
)
from chatstate.stores.sqlite.copying import held

NEVER = 4e9


def copied(source: str, target: str) -> Result:
    return CliRunner().invoke(app, ["copy", source, target])


@contextlib.asynccontextmanager
async def running(url: str) -> AsyncGenerator[tuple[Store, int, Any]]:
    """Run a bot's store, without the bot."""
    store = open_store(url)
    run = await store.open("bot")
    try:
        account = await store.account("test", "1", tenant="shop")
        yield store, account.id, run.versions()
    finally:
        await store.end(clean=True)


async def filled(url: str) -> None:
    """Put something of everything into a store."""
    async with running(url) as (store, account, versions):
        events = [
            Event(str(n), Message(f"{n} \0 ü", User(f"u{n % 3}", "U"), Chat(f"c{n % 4}", "group")))
            for n in range(20)
        ]
        stored = await store.ingest(account, events, {"": "cursor"})
        arrivals = [found.arrival for found in stored if found.arrival]
        for number, arrival in enumerate(arrivals[:12]):
            member = key("bot", "member", f"said {number}", arrival.place)
            value = Value('{"a": [1, 2.5, "\\u0000"]}', next(versions), expires_at=NEVER)
            timer = StoredTimer(
                arrival.place.conversation, 0, "t", next(versions), NEVER, "h", "{}", "", "de"
            )
            turn = TurnCommit(
                arrival.seq,
                arrival.place,
                next(versions),
                [Change(member, 0, value)],
                [Owed(arrival.seq, 0, '"hi"'), Owed(arrival.seq, 1, '"ho"')],
                buttons=[KeptButton(f"b{number}", 0, "x", command=True, expires_at=NEVER)],
                timers=[TimerChange(0, "t", timer)],
                dead=DeadLetter("event", "broke") if number == 3 else None,
            )
            assert await store.commit([turn]) == ["applied"]
            refused = DeadLetter("reply", "refused", "at length")
            store.settle(Settled(arrival.place.conversation, arrival.seq, 0, refused, "m1"))
        await store.note(arrivals[12].seq, "step", "1")
        await store.remember(account, "name", "text")
        path = store.folder / "owed" / "1-0-a"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"file")
        await store.keep("1-0-a", path)
    letter, *_ = await store.list("dead")
    await store.ask(Request(verb="retry", number=letter.number))
    await store.ask(Request(verb="send", account=1, ref="r", text="hi", expires_at=NEVER))


async def shown(url: str) -> list[Sequence[Entry]]:
    """Return all that lies on the shelves of a store."""
    store = open_store(url)
    return [await store.list(shelf) for shelf in ("states", "inbox", "outbox", "dead")]


@pytest.fixture
def urls(schemas: Schemas, tmp_path: Path) -> tuple[str, str, str]:
    """Return the URLs of a store on SQLite, one on PostgreSQL, and another on SQLite."""
    return f"sqlite:///{tmp_path}/a.db", schemas.url_of(tmp_path), f"sqlite:///{tmp_path}/b.db"


def test_a_copy_has_all_there_and_back(urls: tuple[str, str, str]) -> None:
    """Numbers, keys of duplicates, timers and files; numbers go on, and so do versions."""
    first, second, third = urls
    asyncio.run(filled(first))
    before = asyncio.run(shown(first))
    for source, target in ((first, second), (second, third)):
        told = copied(source, target)
        assert told.exit_code == 0, told.output
        assert asyncio.run(shown(target)) == before
        asyncio.run(_goes_on(target) if target == third else _is_whole(target))


async def _is_whole(url: str) -> None:
    store = open_store(url)
    assert [account.platform for account in await store.accounts()] == ["test"]


async def _goes_on(url: str) -> None:
    numbers = {entry.number for entry in await open_store(url).list("inbox")}
    versions_before = {entry.version for entry in await open_store(url).list("states")}
    async with running(url) as (store, account, versions):
        event = Event("0", Message("again", User("u0", "U"), Chat("c0", "group")))
        new = Event("new", Message("new", User("u0", "U"), Chat("new", "group")))
        duplicate, stored = await store.ingest(account, [event, new])
        assert (duplicate.status, stored.status) == ("duplicate", "stored")
        assert stored.arrival
        assert stored.arrival.seq > max(numbers)
        assert next(versions) > max(versions_before)
        assert await store.button("b0")
        assert await store.recall(account, "name") == "text"
        assert (await store.account("test", "1", tenant="shop")).cursors == {"": "cursor"}
        assert len(await store.timers(1, 0)) == 1
        path = await store.fetch("1-0-a")
        assert path
        assert path.read_bytes() == b"file"
        assert len(await store.claim(10)) == 4


def test_a_source_that_has_moved_does_not_run(urls: tuple[str, str, str]) -> None:
    """It says where to; and it is not copied once more."""
    first, second, _ = urls
    asyncio.run(filled(first))
    assert copied(first, second).exit_code == 0

    async def run() -> None:
        async with running(first):
            pass

    with pytest.raises(StorageError, match=r"a\.db has moved to postgresql://"):
        asyncio.run(run())
    again = copied(first, second)
    assert isinstance(again.exception, StorageError)
    assert "has moved to" in str(again.exception)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_is_asked_for_meanwhile_is_not_lost(
    urls: tuple[str, str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks just before the end waits for it, and is told where the store is now."""
    source, target = urls[:2] if kind == "sqlite" else urls[1:]
    asyncio.run(filled(source))
    asking = ThreadPoolExecutor()
    asked: list[Future[bool]] = []
    compare = copying._compare

    def ask() -> bool:
        request = Request(verb="send", account=1, ref="late", text="hi", expires_at=NEVER)
        return asyncio.run(open_store(source).ask(request))

    async def compare_and_ask(source: Any, target: Any, table: copying.Table) -> None:
        await compare(source, target, table)
        if table is copying.TABLES[-1]:
            asked.append(asking.submit(ask))

    monkeypatch.setattr(copying, "_compare", compare_and_ask)
    assert copied(source, target).exit_code == 0
    with pytest.raises(StorageError, match="has moved to"):
        asked[0].result()
    asking.shutdown()


def test_a_target_is_empty(urls: tuple[str, str, str]) -> None:
    """Or it is refused, and the source goes on."""
    first, second, third = urls
    for url in (first, third):
        asyncio.run(filled(url))
    refused = copied(first, third)
    assert "b.db is not empty" in str(refused.exception)
    assert copied(first, second).exit_code == 0


def test_a_store_in_use_is_not_copied(urls: tuple[str, str, str]) -> None:
    """Neither from nor into."""
    _, second, third = urls
    asyncio.run(filled(second))

    async def copy() -> Result:
        async with running(second):
            return await asyncio.to_thread(copied, second, third)

    refused = asyncio.run(copy())
    assert "is in use by 1 workers" in str(refused.exception)


def test_a_copy_that_was_interrupted_is_gone_on_with(
    urls: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same command; until then the target does not run."""
    first, second, _ = urls
    asyncio.run(filled(first))
    before = asyncio.run(shown(first))

    async def compare(*_: object) -> None:
        raise StorageError("pulled the plug")

    with monkeypatch.context() as patched:
        patched.setattr(copying, "_compare", compare)
        assert copied(first, second).exit_code != 0

    async def run() -> None:
        async with running(second):
            pass

    with pytest.raises(StorageError, match="is a part of a copy"):
        asyncio.run(run())
    assert copied(first, second).exit_code == 0
    assert asyncio.run(shown(second)) == before


async def test_a_difference_is_found(tmp_path: Path) -> None:
    """Whatever it is, and the source stays what it was."""
    first, second = f"{tmp_path}/a.db", f"{tmp_path}/b.db"
    await filled(f"sqlite:///{first}")
    async with held(first, makes=False) as source, held(second, makes=True) as target:
        put = target.put

        async def changed(table: copying.Table, rows: Sequence[copying.Row]) -> None:
            if table.name == "people":
                rows = [(*rows[0][:-1], "Mallory"), *rows[1:]]
            await put(table, rows)

        target.put = changed  # type: ignore[method-assign]  # a disk that errs
        with pytest.raises(StorageError, match=r"b\.db has other people than .*a\.db \(3 rows"):
            await copying.copy(source, target, lambda *_: None)
    async with running(f"sqlite:///{first}"):
        pass
