"""`chatstate state set`, `delete`, `export`, `import`, `diff` and `rename-bot`."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from stores.schemas import Schemas
from support import query, texts
from typer.testing import CliRunner, Result

from chatstate import Chat, Event, Interface, Message, PerMember, Turn, User
from chatstate.cli.loading import load_bot
from chatstate.cli.main import app
from chatstate.errors import ChatstateError
from chatstate.scope import Key
from chatstate.stores import open_store
from chatstate.stores.base import Change, TurnCommit, Value
from chatstate.testing import TestClient

CODE = """
from chatstate import Chat, Global, Interface, PerChat, PerUser, PerMember, Ref, State, Turn
from typing import Annotated

def upgraded(old):
    return {"words": old}

Words = State(dict, name="words", scope="user", version=2, migrations={1: upgraded})
bot = Interface(id="bot")

@bot.on_message
def count(
    message: str,
    said: PerMember[list[str]],
    turns: PerChat[Ref[int]],
    total: Global[Ref[int]],
    words: Annotated[dict[str, list[str]], Words],
) -> str:
    said.append(message)
    turns.value += 1
    total.value += 1
    words.setdefault("words", []).append(message)
    return f"{' '.join(said)} {turns.value} {total.value} {len(words['words'])}"
"""


async def chatstate(*arguments: str, text: str = "") -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments, input=text))


@pytest.fixture
def code(tmp_path: Path) -> str:
    (tmp_path / "count.py").write_text(CODE)
    return str(tmp_path / "count.py")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}"


@pytest.fixture
async def client(url: str, code: str) -> AsyncIterator[TestClient]:
    """Return a bot that runs, to which alice and bob have spoken."""
    async with TestClient(load_bot(code), store=url) as client:
        await client.user("alice").say("a")
        await client.user("bob").say("b")
        yield client


async def done(client: TestClient) -> None:
    while query(client, "SELECT 1 FROM requests"):
        await client.advance(1)


async def number(url: str, *chosen: str) -> str:
    listed = await chatstate("state", "list", *chosen, "--json", "--store", url)
    (entry,) = json.loads(listed.stdout)
    return str(entry["number"])


async def test_a_value_is_set_while_the_bot_runs(client: TestClient, url: str, code: str) -> None:
    """The next turn finds it, and nobody else's is changed."""
    said = await number(url, "--name", "said", "--person", "alice")
    to = ("--code", code, "--store", url)
    assert (await chatstate("state", "set", said, '["x", "y"]', *to)).exit_code == 0
    await done(client)
    assert await texts(client.user("alice"), "c") == ["x y c 2 3 2"]
    assert await texts(client.user("bob"), "c") == ["b c 2 4 2"]


@pytest.mark.parametrize(
    ("chosen", "value", "error"),
    [
        ("said", '["x", 3]', r"state 'said'.*\[1\]"),
        ("total", "{", "state 'total'"),
        ("words", '{"words": 3}', "state 'words'"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused(
    client: TestClient, url: str, code: str, chosen: str, value: str, error: str
) -> None:
    """With the state, and where in the value; nothing is asked for."""
    which = await number(url, "--name", chosen, *(["--person", "bob"] * (chosen != "total")))
    failed = await chatstate("state", "set", which, value, "--code", code, "--store", url)
    assert isinstance(failed.exception, ChatstateError)
    with pytest.raises(ChatstateError, match=error):
        raise failed.exception
    assert query(client, "SELECT 1 FROM requests") == []


async def test_a_value_of_an_older_version_is_migrated(
    client: TestClient, url: str, code: str
) -> None:
    """It is stored as the code has it."""
    words = await number(url, "--name", "words", "--person", "bob")
    to = ("--schema", "1", "--code", code, "--store", url)
    assert (await chatstate("state", "set", words, '["x", "y"]', *to)).exit_code == 0
    await done(client)
    shown = await chatstate("state", "show", words, "--reveal", "--json", "--store", url)
    told = json.loads(shown.stdout)
    assert (told["value"], told["schema"]) == ({"words": ["x", "y"]}, 2)


async def test_what_is_no_state_of_the_code_is_refused(
    client: TestClient, url: str, tmp_path: Path
) -> None:
    """Another bot's code, or one that has no such state."""
    total = await number(url, "--name", "total")
    for id_, error in (("other", "the code is that of 'other'"), ("bot", "stores no state")):
        (tmp_path / "else.py").write_text(
            f"from chatstate import Interface\nbot = Interface(lambda m: m, id={id_!r})\n"
        )
        to = ("--code", str(tmp_path / "else.py"), "--store", url)
        failed = await chatstate("state", "set", total, "1", *to)
        assert error in str(failed.exception)
    assert query(client, "SELECT 1 FROM requests") == []


async def test_a_deleted_value_begins_anew(client: TestClient, url: str) -> None:
    """As one that is reset."""
    said = await number(url, "--name", "said", "--person", "alice")
    gone = await chatstate("state", "delete", said, "--store", url)
    assert gone.stdout == "1 value to be deleted, at once if the bot runs, else when it next does\n"
    await done(client)
    assert await texts(client.user("alice"), "c") == ["c 2 3 2"]


async def test_values_are_carried_into_a_store_that_knows_whose_they_are(
    client: TestClient, url: str, code: str, tmp_path: Path
) -> None:
    """Exported for their owner alone, compared, and imported: changed ones and new ones."""
    file = tmp_path / "values.jsonl"
    assert (await chatstate("state", "export", str(file), "--store", url)).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (await chatstate("state", "diff", str(file), "--store", url)).exit_code == 0
    await client.user("alice").say("more")
    assert (
        await chatstate("state", "reset", "--scope", "user", "--yes", "--store", url)
    ).exit_code == 0
    await done(client)
    differs = await chatstate("state", "diff", str(file), "--store", url)
    assert differs.exit_code == 1
    assert not {"alice", "more"} & set(differs.stdout.split())
    revealed = await chatstate("state", "diff", str(file), "--reveal", "--store", url)
    marks = sorted(tuple(line.split()[:3]) for line in revealed.stdout.splitlines()[1:])
    assert marks == [
        *[("-", "words", "user")] * 2,
        ("~", "said", "member"),
        ("~", "total", "global"),
        ("~", "turns", "chat"),
    ]
    given = ("state", "import", str(file), "--code", code, "--store", url)
    assert (await chatstate(*given, text="n\n")).exit_code == 1
    asked = await chatstate(*given, text="y\n")
    assert asked.stdout.endswith(
        "5 values to be set, at once if the bot runs, else when it next does\n"
    )
    await done(client)
    assert (await chatstate("state", "diff", str(file), "--store", url)).exit_code == 0
    assert await texts(client.user("alice"), "c") == ["a c 2 3 2"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{}", "line 1: no value that was exported"),
        (
            '{"bot":"bot","scope":"user","name":"words","person":"eve","schema":2,"value":{}}',
            "the store has met no person 'eve'",
        ),
        (
            '{"bot":"bot","scope":"global","name":"total","schema":1,"value":"x"}',
            "state 'total'",
        ),
    ],
)
async def test_a_file_that_does_not_fit_changes_nothing(
    client: TestClient, url: str, code: str, tmp_path: Path, line: str, error: str
) -> None:
    """What is wrong is told."""
    (tmp_path / "values.jsonl").write_text(line + "\n")
    given = ("state", "import", str(tmp_path / "values.jsonl"), "--yes")
    failed = await chatstate(*given, "--code", code, "--store", url)
    assert error in str(failed.exception)
    assert query(client, "SELECT 1 FROM requests") == []


async def test_a_filter_chooses_what_is_carried(client: TestClient, url: str) -> None:
    """And what is compared."""
    exported = await chatstate("state", "export", "-", "--person", "alice", "--store", url)
    values = [json.loads(line) for line in exported.stdout.splitlines() if line.startswith("{")]
    assert [(value["name"], value["person"]) for value in values] == [
        ("said", "alice"),
        ("words", "alice"),
    ]
    content = "\n".join(map(json.dumps, values))
    same = await chatstate("state", "diff", "-", "--person", "alice", "--store", url, text=content)
    assert (same.exit_code, same.stdout) == (0, "")


async def test_a_bot_gets_a_new_name_and_finds_what_it_has_kept(url: str, code: str) -> None:
    """Its values, its secret, what was asked of it; its old name is free."""
    async with TestClient(load_bot(code), store=url) as client:
        await client.user("alice").say("a")
        failed = await chatstate("state", "rename-bot", "bot", "new", "--store", url)
        assert "in use by" in str(failed.exception)
    (secret,) = (await open_store(url).secrets()).values()
    await chatstate("state", "reset", "--name", "total", "--yes", "--store", url)
    renamed = await chatstate("state", "rename-bot", "bot", "new", "--store", url)
    assert (renamed.exit_code, "is 'new' from now on" in renamed.stdout) == (0, True)
    assert await open_store(url).secrets() == {"new": secret}
    renamed_code = CODE.replace('id="bot"', 'id="new"')
    await asyncio.to_thread(Path(code).write_text, renamed_code)
    async with TestClient(load_bot(code), store=url) as client:
        await done(client)
        assert await texts(client.user("alice"), "b") == ["a b 2 1 2"]
    for old, new, error in (
        ("bot", "other", "knows no bot 'bot'"),
        ("new", "new", "has a bot 'new' already"),
        ("new", " ", "the new name is empty"),
    ):
        failed = await chatstate("state", "rename-bot", old, new, "--store", url)
        assert error in str(failed.exception)


def test_a_bot_gets_a_new_name_on_postgres(schemas: Schemas, tmp_path: Path) -> None:
    """Unless a worker of it runs."""
    url = schemas.url_of(tmp_path)
    asyncio.run(_keep(url))
    failed = CliRunner().invoke(app, ["state", "rename-bot", "bot", "new", "--store", url])
    assert failed.exit_code == 0, failed.exception
    (entry,) = asyncio.run(_values(url))
    assert (entry, asyncio.run(_bots(url))) == (Key("new", "global", "total", 0, 0), {"new"})


async def _keep(url: str) -> None:
    store = open_store(url)
    run = await store.open("bot")
    versions = run.versions()
    account = await store.account("test", "1")
    (stored,) = await store.ingest(account.id, [Event("1", Message("hi", User("u"), Chat("c")))])
    assert stored.arrival
    arrival = stored.arrival
    change = Change(Key("bot", "global", "total", 0, 0), 0, Value("1", next(versions)))
    await store.commit([TurnCommit(arrival.seq, arrival.place, next(versions), [change])])
    runner = await asyncio.to_thread(
        CliRunner().invoke, app, ["state", "rename-bot", "bot", "new", "--store", url]
    )
    assert "in use by 1 workers" in str(runner.exception)
    await store.end(clean=True)


async def _values(url: str) -> list[Key | None]:
    return [entry.key for entry in await open_store(url).list("states")]


async def _bots(url: str) -> set[str]:
    return set(await open_store(url).secrets())


async def test_what_is_the_frameworks_own_is_not_carried(url: str, tmp_path: Path) -> None:
    """An open question names numbers of its store: they would be others' in another one."""
    asking = Interface(id="bot")

    @asking.command
    async def order(turn: Turn, said: PerMember[list[str]]) -> str:
        tea = await turn.ask("Which tea?", key="tea")
        said.append(tea)
        return f"One {tea}."

    async with TestClient(asking, store=url) as client:
        await client.user("alice").say("/order")
        assert query(client, "SELECT count(*) FROM state_values") == [(1,)]
        exported = await chatstate("state", "export", str(tmp_path / "a.jsonl"), "--store", url)
    assert exported.stderr == "0 values exported\n"
