"""`chatstate forget` and `export`."""

import asyncio
import base64
import contextlib
import json
import signal
from pathlib import Path
from subprocess import DEVNULL

import pytest
from processes.programs import CHATSTATE, start
from stores.schemas import Schemas
from typer.testing import CliRunner, Result

from chatstate import Chat, Event, File, Global, Interface, Message, PerUser, Reply, User
from chatstate.adapter import PageMessage
from chatstate.cli.main import app
from chatstate.errors import ChatstateError, Rejected
from chatstate.stores import open_store
from chatstate.stores.view import View
from chatstate.testing import TestClient

WORD = "Sesame"
CODE = """
from chatstate import Global, Interface, PerUser, User

bot = Interface(id="bot")

@bot.on_message
def keep(message: str, said: PerUser[list[str]], scores: Global[dict[str, str]]) -> str:
    said.append(message)
    return "kept"
"""
bot = Interface(id="bot")


@bot.on_message
def keep(
    message: str, user: User, said: PerUser[list[str]], scores: Global[dict[str, str]]
) -> Reply:
    said.append(message)
    scores[user.id] = message
    if message.startswith("fail"):
        raise RuntimeError(message)
    return Reply(message, files=[File(message.encode(), "said.txt")])


@bot.on_forget
def clean(person: User, scores: Global[dict[str, str]]) -> None:
    scores.pop(person.id, None)


async def chatstate(*arguments: str, text: str = "") -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments, input=text))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}"


def found(folder: Path, *words: str) -> list[str]:
    return [
        f"{path.name}: {word}"
        for path in folder.glob("a.db*")
        for path in (path.rglob("*") if path.is_dir() else [path])
        if path.is_file()
        for word in words
        if word.encode() in path.read_bytes()
    ]


async def met(url: str) -> None:
    async with TestClient(bot, store=url, raise_errors=False) as client:
        await client.user("alice").say(WORD)
        await client.user("alice").say(f"fail {WORD}")
        await client.user("bob").say("Barley")


async def test_a_person_is_forgotten_while_the_bot_runs(url: str, tmp_path: Path) -> None:
    """It is waited for; the words are in no file then, and what others share is clean."""
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say(WORD)
        forgetting = asyncio.create_task(chatstate("forget", "alice", "--yes", "--store", url))
        while not forgetting.done():
            await client.advance(1)
            await asyncio.sleep(0)
        told = forgetting.result()
        assert told.exit_code == 0, told.exception
        assert "forgotten, by the bot that runs" in told.stdout
        assert "alice" not in told.stdout
        assert found(tmp_path, WORD, "alice") == []


async def test_a_person_is_forgotten_while_no_bot_runs(url: str, tmp_path: Path) -> None:
    """At once; what the author's code has to do is done when the bot next runs."""
    await met(url)
    told = await chatstate("forget", "test:alice", "--store", url, text="y\n")
    assert "1 values, 1 dead letters, 1 chats" in told.stdout
    assert "is done when the bot next runs" in told.stdout
    assert found(tmp_path, f"fail {WORD}") == []
    async with TestClient(bot, store=url) as client:
        while await open_store(url).forgotten(is_open=True):
            await client.advance(1)
        assert found(tmp_path, WORD, "alice") == []
        assert found(tmp_path, "Barley")


async def test_what_no_code_cleans_is_told_and_all_is_done_at_once(
    url: str, tmp_path: Path
) -> None:
    """By the bot's code; it has no handler, so nothing is left to do."""
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say(WORD)
    (tmp_path / "keep.py").write_text(CODE)
    code = str(tmp_path / "keep.py")
    told = await chatstate("forget", "alice", "--yes", "--code", code, "--store", url)
    assert "no @bot.on_forget handler takes what others share: scores (global)" in told.stdout
    assert told.stdout.splitlines()[-1] == "forgotten"
    assert list(await open_store(url).forgotten(is_open=True)) == []


@pytest.mark.parametrize("after", [0.0, 0.1])
async def test_a_process_that_is_killed_meanwhile_is_gone_on_for(
    url: str, tmp_path: Path, after: float
) -> None:
    """By the same command; the words are in no file then."""
    await met(url)
    (tmp_path / "keep.py").write_text(CODE)
    command = ("forget", "alice", "--yes", "--code", str(tmp_path / "keep.py"), "--store", url)
    with start(*CHATSTATE, *command, stdout=DEVNULL, stderr=DEVNULL) as process:
        while not await open_store(url).forgotten():
            await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(after):
                while await open_store(url).forgotten(is_open=True):
                    await asyncio.sleep(0)
        process.send_signal(signal.SIGKILL)
        process.wait()
    if await open_store(url).forgotten(is_open=True):
        assert (await chatstate(*command)).exit_code == 0
    assert list(await open_store(url).forgotten(is_open=True)) == []
    assert found(tmp_path, f"fail {WORD}", "alice") == ["a.db: alice"]  # in what others share


async def test_it_has_to_be_confirmed(url: str, tmp_path: Path) -> None:
    """Else nothing happens."""
    await met(url)
    told = await chatstate("forget", "alice", "--store", url, text="n\n")
    assert told.exit_code == 1
    assert found(tmp_path, WORD)
    assert list(await open_store(url).forgotten()) == []


async def test_backups_that_hold_them_are_named(url: str, tmp_path: Path) -> None:
    """With their dates, as long as they are there."""
    await met(url)
    (tmp_path / "a-of-monday.db").write_bytes(b"")
    for name in ("a-of-monday.db", "gone.db"):
        await open_store(url).backed_up(str(tmp_path / name))
    (tmp_path / "a.db-wal-of-the-replaced").write_bytes(b"")
    told = await chatstate("forget", "alice", "--yes", "--store", url)
    named = [line.split()[-1] for line in told.stdout.splitlines() if line.startswith("  20")]
    assert named == [str(tmp_path / n) for n in ("a-of-monday.db", "a.db-wal-of-the-replaced")]


@pytest.mark.parametrize("name", ["alice", "test:alice", "hash"])
async def test_a_person_is_given_what_is_theirs(url: str, name: str) -> None:
    """Named by the id, with the platform, or by a hash: values, what failed, and their files."""
    await met(url)
    if name == "hash":
        (alice, _) = await View(open_store(url)).list("people")
        name = alice.person
    told = json.loads((await chatstate("export", name, "--store", url)).stdout)
    (account,) = told["accounts"]
    assert (told["person"], account["name"]) == ("test:alice", "alice")
    assert [(v["state"], v["body"]) for v in account["values"]] == [("said", [WORD])]
    (dead,) = account["dead_letters"]
    assert dead["body"]["message"]["text"] == f"fail {WORD}"
    assert "Barley" not in json.dumps(told)


async def test_files_that_are_owed_are_given(url: str, tmp_path: Path) -> None:
    """As they would have been sent; what is written is for its owner alone."""
    async with TestClient(bot, store=url) as client:
        client.platform.fail_next(Rejected("too large"))
        await client.user("alice").say(WORD)
    given = tmp_path / "alice.json"
    assert (await chatstate("export", "alice", str(given), "--store", url)).exit_code == 0
    (file,) = json.loads(given.read_text())["accounts"][0]["files"]
    assert (file["name"], base64.b64decode(file["base64"]).decode()) == ("said.txt", WORD)
    assert given.stat().st_mode & 0o77 == 0
    assert (await chatstate("forget", "alice", "--yes", "--store", url)).exit_code == 0
    assert list((tmp_path / "a.db-files" / "owed").iterdir()) == []


async def test_what_pages_show_is_given_and_erased(url: str, tmp_path: Path) -> None:
    """That of the person's private chats, with whatever else is there."""
    await met(url)
    store = open_store(url)
    await store.open("bot")
    account = await store.account("test", "bot")
    await store.transcribe(account.id, PageMessage("private-alice", "1", f'"shown {WORD}"'))
    await store.end(clean=True)
    told = json.loads((await chatstate("export", "alice", "--store", url)).stdout)
    assert [page["body"] for page in told["accounts"][0]["pages"]] == [f"shown {WORD}"]
    assert (await chatstate("forget", "alice", "--yes", "--store", url)).exit_code == 0
    assert found(tmp_path, f"shown {WORD}") == []


async def test_who_is_nobody_or_several_is_told(url: str) -> None:
    """With what to give instead."""
    await met(url)
    for name in ("eve", "telegram:alice", "id-000000000000"):
        for command in ("forget", "export"):
            failed = await chatstate(command, name, "--store", url)
            assert isinstance(failed.exception, ChatstateError)


def test_a_person_is_forgotten_on_postgres(schemas: Schemas, tmp_path: Path) -> None:
    """The rows are gone, and VACUUM is offered."""
    url = schemas.url_of(tmp_path)

    async def arrive() -> None:
        store = open_store(url)
        await store.open("bot")
        account = await store.account("test", "1")
        message = Message(WORD, User("alice"), Chat("dm"))
        await store.ingest(account.id, [Event("1", message)])
        await store.end(clean=True)

    asyncio.run(arrive())
    told = CliRunner().invoke(app, ["forget", "alice", "--store", url], input="y\ny\n")
    assert told.exit_code == 0, told.exception
    assert "1 events" in told.stdout
    assert "VACUUM" in told.stderr
    shelves = [asyncio.run(open_store(url).list(s)) for s in ("people", "inbox", "chats")]
    assert [list(entries) for entries in shelves] == [[], [], []]
