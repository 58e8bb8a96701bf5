"""`chatstate state`: list, show, reset."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from processes.programs import CHATSTATE, run, start
from rich.cells import cell_len
from support import query, texts
from typer.testing import CliRunner, Result

from chatstate import (
    Chat,
    Event,
    Global,
    Interface,
    Message,
    PerChat,
    PerMember,
    Ref,
    User,
)
from chatstate.cli.state import app
from chatstate.testing import FakePlatform, TestClient

bot = Interface(id="bot")
ODD = "\x1b[2J\u202egnp.exe [red]"


@bot.on_message
def count(
    message: str, said: PerMember[list[str]], turns: PerChat[Ref[int]], total: Global[Ref[int]]
) -> str:
    said.append(message)
    turns.value += 1
    total.value += 1
    return f"{len(said)} {turns.value} {total.value}"


def state(*arguments: str, text: str = "") -> CompletedProcess[str]:
    return run(*CHATSTATE, "state", *arguments, given=text)


async def look(*arguments: str) -> Result:
    """Do the same in this process, which takes less time."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments))


async def told(*arguments: str) -> Any:
    """Return what a command tells as JSON."""
    return json.loads((await look(*arguments, "--reveal", "--json")).stdout)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}"


@pytest.fixture
async def client(url: str) -> AsyncIterator[TestClient]:
    """Return a bot that runs, to which alice and bob have spoken."""
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("a")
        await client.user("bob").say(ODD)
        yield client


async def test_values_are_listed_and_shown_while_the_bot_runs(client: TestClient, url: str) -> None:
    """With whose they are; what is long is cut short in the list alone."""
    await client.user("alice").say("b" * 100)
    lines = state("list", "--reveal", "--store", url).stdout.splitlines()
    assert lines[0].split() == [*("number", "state", "scope", "chat", "person", "changed", "value")]
    (line,) = [line for line in lines if "alice" in line and "said" in line]
    assert line.split()[1:4] == ["said", "member", "private-alice"]
    assert line.endswith("…")
    shown = state("show", line.split()[0], "--reveal", "--store", url).stdout
    assert "person    alice\n" in shown
    assert json.loads(shown.split("\n\n")[1]) == ["a", "b" * 100]


async def test_values_of_an_account_or_a_tenant_are_listed(url: str) -> None:
    """By its id, with its platform or without; an account that is none is told with those known."""
    async with TestClient(bot, store=url, platform=FakePlatform(account="1")) as client:
        await client.user("alice").say("a")
        other = FakePlatform(account="2")
        await bot.connect(other, tenant="acme")
        event = Event("1", Message("b", User("bob"), Chat("room", "group")))
        (receipt,) = await (await other.connected()).deliver([event])
        await receipt.settled()
    for named in ("--account=1", "--account=test:1", "--tenant="):
        found = await told("list", named, "--name", "said", "--store", url)
        assert [entry["account"] for entry in found] == ["1"]
    found = await told("list", "--tenant", "acme", "--store", url)
    assert {(entry["account"], entry["tenant"]) for entry in found} >= {("2", "acme")}
    assert {entry["tenant"] for entry in found} == {"acme"}
    failed = await look("list", "--account", "test:3", "--store", url)
    assert "is none of test:1, test:2" in str(failed.exception)


async def test_a_reset_value_begins_anew_at_the_next_turn(client: TestClient, url: str) -> None:
    """Beside a running bot, and nobody else's."""
    (entry,) = await told("list", "--name", "said", "--person", "alice", "--store", url)
    done = state("reset", str(entry["number"]), "--store", url)
    assert done.stdout == "1 value to be reset, at once if the bot runs, else when it next does\n"
    while query(client, "SELECT 1 FROM requests"):
        await client.advance(1)
    assert await texts(client.user("alice"), "c") == ["1 2 3"]
    assert await texts(client.user("bob"), "c") == ["2 2 4"]


async def test_a_reset_that_is_asked_while_no_bot_runs_is_done_when_one_does(url: str) -> None:
    """At its next start."""
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("a")
    assert state("reset", "--name", "total", "--yes", "--store", url).returncode == 0
    asked = {entry["state"]: entry["asked"] for entry in await told("list", "--store", url)}
    assert asked == {"said": "", "turns": "", "total": "to be reset"}
    async with TestClient(bot, store=url) as client:
        while query(client, "SELECT 1 FROM requests"):
            await client.advance(1)
        assert await texts(client.user("alice"), "b") == ["2 2 1"]


async def test_what_nobody_declares_any_more_can_be_reset(url: str) -> None:
    """By a bot of the same id, which knows nothing of that state."""
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("a")
    later = Interface(lambda text: text, id="bot")
    async with TestClient(later, store=url) as other:
        assert state("reset", "--name", "said", "--yes", "--store", url).returncode == 0
        while query(other, "SELECT 1 FROM requests"):
            await other.advance(1)
        assert await told("list", "--name", "said", "--store", url) == []


async def test_what_is_reset_by_what_it_is_is_shown_and_asked_about(
    client: TestClient, url: str
) -> None:
    """Nothing happens unless it is answered yes."""
    asked = state("reset", "--scope", "member", "--reveal", "--store", url, text="n\n")
    assert (asked.returncode, "Reset 2 values?" in asked.stderr) == (1, True)
    assert ["alice" in asked.stdout, "bob" in asked.stdout] == [True, True]
    assert query(client, "SELECT 1 FROM requests") == []
    state("reset", "--scope", "member", "--store", url, text="y\n")
    while query(client, "SELECT 1 FROM requests"):
        await client.advance(1)
    assert [entry["scope"] for entry in await told("list", "--store", url)] == [
        "chat",
        "global",
        "chat",
    ]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (["--scope", "chat"], ["turns", "turns"]),
        (["--name", "total"], ["total"]),
        (["--chat", "private-bob"], ["said", "turns"]),
        (["--person", "alice"], ["said"]),
        (["--platform", "test", "--scope", "member"], ["said", "said"]),
        (["--bot", "bot", "--name", "said"], ["said", "said"]),
        (["--limit", "2", "--after", "1"], ["turns", "total"]),
    ],
    ids=["scope", "name", "chat", "person", "platform", "bot", "page"],
)
async def test_filters_choose_values(
    client: TestClient,
    url: str,
    chosen: list[str],
    found: list[str],
) -> None:
    """Those that agree with all that is given."""
    listed = await told("list", *chosen, "--store", url)
    assert [entry["state"] for entry in listed] == found


async def test_what_people_say_controls_no_terminal(
    client: TestClient,
    url: str,
) -> None:
    """It is shown in every form, and never obeyed, nor taken for markup."""
    (entry,) = await told("list", "--person", "bob", "--name", "said", "--store", url)
    assert entry["value"] == [ODD]
    forms = (["list"], ["list", "--json"], ["show", str(entry["number"])])
    for form in (*forms, ["show", str(entry["number"]), "--json"]):
        done = await look(*form, "--reveal", "--store", url)
        assert not {"\x1b", "\u202e"} & set(done.stdout + done.stderr)
        assert "gnp.exe [red]" in done.stdout


async def test_more_than_is_listed_is_told(
    client: TestClient,
    url: str,
) -> None:
    """With what to ask for next."""
    listed = await look("list", "--limit", "2", "--store", url)
    assert listed.stderr == "there are more: --after 2\n"


async def test_at_a_terminal_ids_are_whole_and_values_take_the_rest(
    client: TestClient, url: str
) -> None:
    """Whoever looks copies ids and numbers, however narrow the terminal is; no blanks wrap."""
    await client.user("123456789012345678", chat="-1001234567890123").say("long " * 50)
    for columns in (80, 200):
        lines = at_terminal(columns, "list", "--name", "said", "--reveal", "--store", url)
        (line,) = [line for line in lines if "-1001234567890123" in line]
        assert line.split()[1:5] == ["said", "member", "-1001234567890123", "123456789012345678"]
        ids = line.index("[")
        assert len(line) == max(columns, ids + 20)
        assert line.endswith("…")
        assert [line.rstrip() for line in lines] == lines


async def test_wide_characters_keep_columns(url: str) -> None:
    """They take two cells each."""
    async with TestClient(bot, store=url) as client:
        await client.user("宫保鸡丁").say("a")
        await client.user("bob").say("a")
    shown = await look("list", "--name", "said", "--reveal", "--store", url)
    lines = shown.stdout.splitlines()
    assert len({cell_len(line[: line.index("20")]) for line in lines[1:3]}) == 1


def at_terminal(columns: int, *arguments: str) -> list[str]:
    """Return the lines that a terminal so wide is given."""
    reader, writer = os.openpty()
    environment = {"TERM": "xterm", "COLUMNS": str(columns)}
    shown = b""
    with start(*CHATSTATE, "state", *arguments, env=environment, stdout=writer, stderr=writer):
        os.close(writer)
        with contextlib.suppress(OSError):  # what a terminal says at its end
            while piece := os.read(reader, 1 << 16):
                shown += piece
    os.close(reader)
    return shown.decode().splitlines()


async def test_nothing_is_no_failure(url: str) -> None:
    """That no value fits is told beside an empty list."""
    async with TestClient(bot, store=url):
        empty = await look("list", "--store", url)
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert empty.stderr == "no value is stored that fits\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["show", "7"], "there is no value 7; see `chatstate state list`"),
        (["reset", "7"], "there is no value 7; see `chatstate state list`"),
        (["reset", "--name", "x"], "no value is stored that fits; see `chatstate state list`"),
        (["reset"], "say what to reset: numbers of the list, or what they are by --name"),
        (["reset", "7", "--name", "x"], "say what to reset: numbers of the list, or what they are"),
        (["list", "--store", "sqlite:///missing.db"], "missing.db; name it with --store"),
        (["list", "--store", ":memory:"], "keeps nothing that another process can see"),
    ],
)
async def test_what_cannot_be_done_is_one_clear_line(
    arguments: list[str], error: str, url: str
) -> None:
    """Status 2, no traceback."""
    async with TestClient(bot, store=url):
        pass
    done = state(*arguments, *([] if "--store" in arguments else ["--store", url]))
    assert done.returncode == 2
    assert error in done.stderr
    assert done.stderr.count("\n") == 1
