"""Somebody is forgotten, end to end: while the bot runs, and wherever they left something."""

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import pytest
from engine.linked import code_of, linked
from support import parts_of, query, texts

from chatstate import (
    BindingError,
    File,
    Global,
    Interface,
    PerChat,
    PerMember,
    PerUser,
    Reply,
    State,
    Turn,
    User,
)
from chatstate.adapter import PageMessage
from chatstate.inspection import Request
from chatstate.stores import open_store
from chatstate.stores.base import Store
from chatstate.stores.sqlite import SQLiteStore
from chatstate.testing import FakeClock, MemoryData, MemoryStore, TestClient

WORD = "Sesame"
gate: asyncio.Event
"""What turns wait for, in the loop of each test."""
bot = Interface(id="bot")
Draft = Annotated[list[str], State(scope="user", durable=False)]


@bot.on_timer
async def later(word: str, turn: Turn) -> str:
    return word


@bot.on_message(timeout=3600)
async def keep(
    message: str,
    turn: Turn,
    said: PerMember[list[str]],
    mine: PerUser[list[str]],
    room: PerChat[list[str]],
    scores: Global[dict[str, str]],
    draft: Draft,
) -> Reply:
    if message.startswith("wait"):
        await gate.wait()
    for kept in (said, mine, draft):
        kept.append(message)
    if turn.chat.kind == "private":
        room.append(message)
    scores[turn.user.id] = message
    if message.startswith("fail"):
        raise RuntimeError(message)
    return Reply(f"{len(said)} {len(draft)} {message}", files=[File(message.encode(), "a.txt")])


@bot.command
def remind(turn: Turn, word: str) -> None:
    turn.later(timedelta(days=1), later, word=word)


@bot.on_forget
async def clean(person: User, scores: Global[dict[str, str]]) -> None:
    scores.pop(person.id, None)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient]:
    """Return a bot to which alice has said a word wherever she could, and bob another."""
    global gate  # noqa: PLW0603 - the handler's
    gate = asyncio.Event()
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url, raise_errors=False) as client:
        for name, word in (("alice", WORD), ("bob", "Barley")):
            await client.user(name).say(word)
            await client.user(name, chat="room").say(f"{word} in a group")
            await client.user(name).say(f"fail {word}")
            await client.user(name).say(f"/remind {word}")
        yield client


async def forget(client: TestClient, name: str) -> None:
    await ask(client, name)
    await done(client)


async def ask(client: TestClient, name: str) -> None:
    store = open_store(client.store_url)
    (person,) = [p for p in await store.list("people") if p.person == name]
    assert await store.ask(Request(verb="forget", number=person.number))


async def done(client: TestClient) -> None:
    while query(client, "SELECT 1 FROM forgotten WHERE done_at IS NULL"):
        await client.advance(1)


def found(folder: Path, *words: str) -> list[str]:
    """Return the files, of store and spool, in which a word stands."""
    return [
        f"{path.name}: {word}"
        for path in folder.rglob("*")
        if path.is_file()
        for word in words
        if word.encode() in path.read_bytes() or word in path.name
    ]


async def test_the_words_are_in_no_file(client: TestClient, tmp_path: Path) -> None:
    """Neither in the store, nor in its log, nor beside it; nobody else's are gone."""
    assert found(tmp_path, WORD)
    await forget(client, "alice")
    assert found(tmp_path, WORD, "alice") == []
    assert await texts(client.user("bob"), "more") == ["2 3 more"]
    assert await texts(client.user("alice"), "again") == ["1 1 again"]


async def test_what_is_kept_beside_states_goes_too(client: TestClient, tmp_path: Path) -> None:
    """What is in this process's memory alone, and what pages show."""
    assert (memory := parts_of(client).forgetting._memory)
    assert [key.person for kept in memory._kept.values() for key in kept] == [1, 2]
    await client._store.transcribe(1, PageMessage("private-alice", "1", '"Cassim"'))
    await forget(client, "alice")
    assert [key.person for kept in memory._kept.values() for key in kept] == [2]
    assert found(tmp_path, "Cassim") == []


async def test_what_was_erased_before_is_in_no_page_either(
    client: TestClient, tmp_path: Path
) -> None:
    """A program that did not overwrite what it erased may have left it in the file."""
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE more AS SELECT ? AS word", ("Cassim " * 1000,))
        connection.execute("DROP TABLE more")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert found(tmp_path, "Cassim")
    await forget(client, "alice")
    assert found(tmp_path, "Cassim") == []


async def test_a_turn_that_runs_brings_nothing_back(client: TestClient, tmp_path: Path) -> None:
    """Neither one of theirs, which is fenced, nor what waits behind it."""
    waiting = asyncio.create_task(client.user("alice").say(f"wait {WORD}"))
    behind = asyncio.create_task(client.user("alice").say(f"behind {WORD}"))
    await asyncio.sleep(0)
    while not query(client, "SELECT 1 FROM inbox WHERE done_at IS NULL"):
        await asyncio.sleep(0)
    await forget(client, "alice")
    gate.set()
    assert (await waiting, await behind) == ([], [])
    assert found(tmp_path, WORD, "alice") == []


async def test_it_waits_for_turns_of_others_that_run(client: TestClient, tmp_path: Path) -> None:
    """What they bring back in the meantime is erased once more, before it is done."""
    store = open_store(client.store_url)
    (alice,) = [p for p in await store.list("people") if p.person == "alice"]
    waiting = asyncio.create_task(client.user("bob").say("wait for me"))
    while not query(client, "SELECT 1 FROM inbox WHERE done_at IS NULL"):
        await asyncio.sleep(0)
    await ask(client, "alice")
    while not query(client, "SELECT 1 FROM forgotten WHERE erased_at IS NOT NULL"):
        await client.advance(1)
    query(
        client,
        "INSERT INTO state_values (state, place, person, value, version, schema, changed_at) "
        "SELECT id, 0, ?, ?, 1, 1, 0 FROM state_names WHERE name = 'mine'",
        alice.number,
        f'["{WORD}"]',
    )
    await client.advance(5)
    assert query(client, "SELECT done_at FROM forgotten") == [(None,)]
    gate.set()
    assert [reply.text for reply in await waiting] == ["2 3 wait for me"]
    await done(client)
    assert found(tmp_path, WORD, "alice") == []


async def test_what_others_share_is_cleaned_by_the_author(client: TestClient) -> None:
    """By a handler of `on_forget`; nobody else's part of it goes."""
    await forget(client, "alice")
    ((scores,),) = query(client, "SELECT value FROM states WHERE name = 'scores'")
    assert json.loads(scores) == {"bob": "Barley in a group"}


async def test_what_nobody_cleans_is_told(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The states that are shared, and no handler takes."""
    with caplog.at_level(logging.WARNING):
        await forget(client, "alice")
        await client.advance(2)
    assert "no @bot.on_forget handler takes it: room (chat)" in caplog.text


@pytest.mark.parametrize("steps", [1, 3, 4])
async def test_a_process_that_dies_meanwhile_goes_on_with_it(
    client: TestClient, tmp_path: Path, steps: int
) -> None:
    """Wherever it was; the words are in no file in the end."""
    await ask(client, "alice")
    for _ in range(steps - 1):
        await asyncio.sleep(0)
    if steps > 2:
        await client.advance(steps - 2)
    await client.crash()
    await client.start()
    await done(client)
    assert found(tmp_path, WORD, "alice") == []


async def test_a_store_from_a_backup_forgets_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By the ledger beside it, which is for its owner alone."""
    store, url = tmp_path / "a.db", f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say(WORD)
    backup = store.read_bytes()
    async with TestClient(bot, store=url) as client:
        await forget(client, "alice")
    store.write_bytes(backup)
    assert found(tmp_path, WORD)
    async with TestClient(bot, store=url) as client:
        await done(client)
        assert found(tmp_path, WORD, "alice") == []
    assert "the store is older than a request to forget somebody" in caplog.text
    assert (tmp_path / "a.db-files" / "forgotten").stat().st_mode & 0o77 == 0


def test_a_cleaner_is_nobodys_turn() -> None:
    """It has global state alone, and gets the person by that name."""
    other = Interface(id="other")

    def of_a_person(person: User, mine: PerUser[list[str]]) -> None: ...
    def of_a_text(word: str) -> None: ...

    with pytest.raises(BindingError, match="a person's own is erased anyway"):
        other.on_forget(of_a_person)
    with pytest.raises(BindingError, match="there are person"):
        other.on_forget(of_a_text)


private = Interface(id="private", privacy=True)


@private.on_message
def note(message: str, said: PerMember[list[str]]) -> str:
    said.append(message)
    return " ".join(said)


async def test_a_person_has_themselves_forgotten(tmp_path: Path) -> None:
    """In private, once they have confirmed it; they are told before anything is erased."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(private, store=url) as client:
        alice = client.user("alice")
        await alice.say(WORD)
        assert await texts(alice, "/forget") == ["Shall I erase all that I keep of you, for good?"]
        assert await texts(alice, "no") == ["I keep it."]
        await alice.say("/forget")
        assert await texts(alice, "yes") == ["I erase it now. If you write again, we begin anew."]
        await done(client)
        assert found(tmp_path, WORD, "alice") == []
        assert await texts(alice, "again") == ["again"]
        in_a_group = client.user("alice", chat="room")
        assert await texts(in_a_group, "/forget") == ["Please send me that in private."]


async def test_a_person_is_sent_what_is_kept_of_them(tmp_path: Path) -> None:
    """As a file, once they have confirmed it; nobody else's."""
    async with TestClient(private, store=f"sqlite:///{tmp_path / 'a.db'}") as client:
        await client.user("alice").say(WORD)
        await client.user("bob").say("Barley")
        await client.user("alice").say("/export")
        (reply,) = await client.user("alice").say("yes")
        ((_, content),) = [(f.name, f.data) for f in reply.files]
        assert (WORD.encode() in content, b"Barley" in content) == (True, False)


async def test_who_does_not_want_it_has_no_such_commands(client: TestClient) -> None:
    """They are there by an option of the bot's."""
    assert {c.name for c in private.commands} >= {"forget", "export"}
    assert not {c.name for c in bot.commands} & {"forget", "export"}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_who_is_linked_is_forgotten_on_all_platforms(kind: str, tmp_path: Path) -> None:
    """By whichever of them it is asked for; also a code that waits to be sent names nobody."""
    clock = FakeClock()
    store: Store = MemoryStore(MemoryData(), clock=clock.time)
    if kind == "sqlite":
        store = SQLiteStore(tmp_path / "a.db", clock=clock.time)
    linking = Interface(id="linking", linking=True, privacy=True)

    @linking.on_message
    def keep(message: str, mine: PerUser[list[str]]) -> str:
        mine.append(message)
        return " ".join(mine)

    async with linked(linking, store, clock) as bots:
        eve, evelyn = bots.eve(), bots.evelyn()
        await eve.say(WORD)
        await bots.link(eve, evelyn)
        assert await evelyn.say("too") == [f"{WORD} too"]
        await code_of(eve)
        await evelyn.say("/forget")
        await evelyn.press("Yes")
        while not (rows := await store.forgotten()) or any(row.done_at is None for row in rows):
            await clock.advance(1)
        assert len(rows) == 2
        for shelf in ("states", "people", "chats", "inbox", "outbox"):
            entries = await store.list(shelf)
            assert [e for e in entries if "eve" in repr(e).lower()] == []
    if kind == "sqlite":
        assert found(tmp_path, WORD, "evelyn", "Eve", "private-eve") == []
