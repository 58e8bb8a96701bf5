"""`chatstate backup`, and what comes of it once it is restored."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from stores.schemas import Schemas
from support import texts
from typer.testing import CliRunner, Result

from chatstate import Chat, Event, File, Interface, Message, PerMember, Reply, User
from chatstate.cli.main import app
from chatstate.errors import Rejected
from chatstate.stores import open_store
from chatstate.stores.base import TurnCommit
from chatstate.testing import TestClient

bot = Interface(id="bot")


@bot.on_message
def keep(message: str, said: PerMember[list[str]]) -> Reply:
    said.append(message)
    files = [File(b"what it says", "a.txt")] if message == "file" else []
    return Reply(" ".join(said), files=files)


async def chatstate(*arguments: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}"


def there(folder: Path) -> list[Path]:
    return sorted(folder.glob("b*"))


async def test_a_backup_is_made_while_the_bot_runs_and_restored(url: str, tmp_path: Path) -> None:
    """It is a store, with what was owed, for its owner alone; the bot goes on from there."""
    file = tmp_path / "backup.db"
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("a")
        client.platform.fail_next(Rejected("too large"))
        await client.user("alice").say("file")
        made = await chatstate("backup", str(file), "--store", url)
        assert made.exit_code == 0, made.exception
        assert "were read again" in made.stdout
        await client.user("alice").say("after")
        (known,) = await open_store(url).backups()
        assert known.path == str(file)
    assert file.stat().st_mode & 0o77 == 0
    (owed,) = (tmp_path / "backup.db-files" / "owed").iterdir()
    assert owed.read_bytes() == b"what it says"
    for name in ("a.db", "a.db-wal", "a.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    file.rename(tmp_path / "a.db")
    shutil.rmtree(tmp_path / "a.db-files")
    (tmp_path / "backup.db-files").rename(tmp_path / "a.db-files")
    async with TestClient(bot, store=url) as client:
        assert await texts(client.user("alice"), "b") == ["a file b"]


async def test_replies_owed_are_sent_once_more_after_a_restore(url: str, tmp_path: Path) -> None:
    """What was sent since the backup is not known to it."""
    async with TestClient(bot, store=url) as client:
        client.platform.stall()
        saying = asyncio.create_task(client.user("alice").say("a"))
        while not await open_store(url).list("outbox"):
            await asyncio.sleep(0)
        assert (await chatstate("backup", str(tmp_path / "b.db"), "--store", url)).exit_code == 0
        client.platform.recover()
        assert [reply.text for reply in await saying] == ["a"]
    async with TestClient(bot, store=f"sqlite:///{tmp_path / 'b.db'}") as restored:
        await restored.user("bob").say("hi")
        assert [sent.text for sent in restored.platform.delivered] == ["a", "hi"]


async def test_a_backup_takes_nobodys_name(url: str, tmp_path: Path) -> None:
    """What is there already stays as it is; nothing half done is left."""
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("a")
    (tmp_path / "b.db").write_text("mine")
    for target, error in (
        (tmp_path / "b.db", "is there already"),
        (tmp_path / "no" / "b.db", "there is no folder"),
    ):
        failed = await chatstate("backup", str(target), "--store", url)
        assert error in str(failed.exception)
    failed = await chatstate("backup", "c.db", "--store", f"sqlite:///{tmp_path / 'none.db'}")
    assert "there is no store" in str(failed.exception)
    assert (tmp_path / "b.db").read_text() == "mine"
    assert [path.name for path in there(tmp_path)] == ["b.db"]


async def test_a_broken_store_makes_no_backup(url: str, tmp_path: Path) -> None:
    """What is read through and proves broken gets no name."""
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("a")
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'inbox'")
    connection.close()
    failed = await chatstate("backup", str(tmp_path / "b.db"), "--store", url)
    assert failed.exit_code == 1
    assert not (tmp_path / "b.db").exists()


def test_a_schema_is_backed_up_into_a_file(schemas: Schemas, tmp_path: Path) -> None:
    """While a worker runs; all of it is compared, and the schema goes on."""
    url, file = schemas.url_of(tmp_path), tmp_path / "b.db"

    async def run() -> None:
        store = open_store(url)
        run = await store.open("bot")
        account = await store.account("test", "1")
        events = [Event(n, Message("hi", User("alice"), Chat("room", "group"))) for n in "12"]
        stored = await store.ingest(account.id, events)
        first = next(entry.arrival for entry in stored if entry.arrival)
        await store.commit([TurnCommit(first.seq, first.place, next(run.versions()))])
        made = await chatstate("backup", str(file), "--store", url)
        assert made.exit_code == 0, made.exception
        await store.end(clean=True)

    asyncio.run(run())
    (waiting,) = asyncio.run(open_store(f"sqlite:///{file}").list("inbox"))
    assert (waiting.person, waiting.chat) == ("alice", "room")
    (known,) = asyncio.run(open_store(url).backups())
    assert known.path == str(file)
