"""`--help` with examples, completion in a shell, and what the status of a command says."""

import asyncio
import functools
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import typer
from processes.programs import CHATSTATE
from processes.programs import run as fork
from typer.testing import CliRunner, Result

from chatstate import Interface, PerUser
from chatstate.cli.adapter_options import with_options
from chatstate.cli.examples import EXAMPLES, add_examples
from chatstate.cli.main import _WITH_OPTIONS, app
from chatstate.testing import TestClient

TALKING = """\
from chatstate import Interface, PerUser

bot = Interface(id="bot")

@bot.on_message
def keep(message: str, said: PerUser[list[str]]) -> None: ...
"""
bot = Interface(id="bot")


@bot.on_message
def keep(message: str, said: PerUser[list[str]]) -> str:
    said.append(message)
    return message


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command with its name."""
    for name, command in group.commands.items():
        whole = f"{path} {name}".strip()
        if hasattr(command, "commands"):  # a group
            yield from commands(command, whole)
        else:
            yield whole, command


@functools.cache
def all_commands() -> dict[str, Any]:
    add_examples(app)
    found = dict(commands(typer.main.get_command(app)))
    for name, command in _WITH_OPTIONS.items():
        single = typer.Typer()
        single.command()(with_options(command, ["telegram"]))
        found[name] = typer.main.get_command(single)
    return found


def test_each_command_has_examples() -> None:
    """One at least; none is of a command that is not there."""
    assert set(EXAMPLES) == set(all_commands())
    for name, command in all_commands().items():
        assert name in _WITH_OPTIONS or "Examples:" in (command.epilog or ""), name


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_typed(name: str) -> None:
    """It begins as the command does, and has no option that the command has not."""
    known = {flag for p in all_commands()[name].params for flag in (*p.opts, *p.secondary_opts)}
    for line in EXAMPLES[name]:
        assert f"chatstate {name}" in line
        flags = {word for word in line.split() if word.startswith("--")}
        assert flags <= known, line


def run(*arguments: str, **environment: str) -> CompletedProcess[str]:
    return fork(*CHATSTATE, *arguments, env={"COLUMNS": "100", **environment})


def test_help_shows_examples() -> None:
    """Each on a line of its own, below the options."""
    shown = run("state", "list", "--help").stdout
    assert "Examples:" in shown
    assert "chatstate state list --shelf running" in shown


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("chatstate st", {"state", "store"}),
        ("chatstate state re", {"reset", "rename-bot"}),
        ("chatstate run hist", {"history-echo"}),
        ("chatstate run --on tele", {"telegram"}),
        ("chatstate run bot.py --on telegram --tok", {"--token"}),
    ],
)
def test_a_shell_is_told_what_may_follow(line: str, offered: set[str]) -> None:
    """Commands, bots and adapters by name, and the options of the adapters that are named."""
    words = line.split()
    asked = {"_CHATSTATE_COMPLETE": "complete_bash", "COMP_WORDS": line}
    told = run(**asked, COMP_CWORD=str(len(words) - 1)).stdout.split()
    assert offered <= set(told)


@pytest.mark.parametrize(
    "command",
    [
        ("state", "reset", "--name", "said"),
        ("state", "import", "said.jsonl", "--code", "talking.py"),
        ("forget", "alice"),
        ("broadcast", "start", "hi", "--to", "all"),
    ],
    ids=lambda command: command[0] + command[1],
)
async def test_what_would_ask_where_nobody_answers_names_the_option(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is done then, and it fails."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talking.py").write_text(TALKING)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("a")

    def typed(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--store", url], input="")

    await asyncio.to_thread(typed, "state", "export", "said.jsonl")
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("b")
    done = await asyncio.to_thread(typed, *command)
    assert done.exit_code in (1, 2)
    assert "--yes" in f"{done.output}{done.exception}"


async def test_the_status_says_what_became_of_it(tmp_path: Path) -> None:
    """0 if it is done, 1 if it failed on the way or is not confirmed, 2 if it cannot be done."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url) as client:
        await client.user("alice").say("a")
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 100)
    cases = [
        (0, ["state", "list", "--store", url]),
        (1, ["state", "reset", "--name", "said", "--store", url]),
        (1, ["state", "list", "--store", f"sqlite:///{tmp_path / 'broken.db'}"]),
        (2, ["state", "show", "7", "--store", url]),
        (2, ["state", "list", "--store", f"sqlite:///{tmp_path / 'none.db'}"]),
        (2, ["state", "list", "--nonsense"]),
    ]
    for status, arguments in cases:
        done = run(*arguments)
        assert done.returncode == status, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
