"""What the documentation shows is what runs."""

import contextlib
import inspect
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import telegram
from servers.telegram_spec import METHODS

from chatstate import Interface, Native
from chatstate.testing import TestClient

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


def load(block: str) -> types.ModuleType:
    module = types.ModuleType("example")
    module.__file__ = "example.py"
    exec(compile(block, "example.py", "exec"), vars(module))  # noqa: S102 - our own documentation
    return module


@pytest.mark.parametrize("block", BLOCKS)
async def test_every_python_example_runs(block: str) -> None:
    """Each example can be executed, and each test in it passes."""
    for name, value in vars(load(block)).items():
        if name.startswith("test_") and inspect.iscoroutinefunction(value):
            await value()


@pytest.mark.parametrize("name", ["history_echo", "score_tracker"])
def test_readme_shows_the_shipped_bots(name: str) -> None:
    """README holds the bots' source, apart from their first docstring."""
    source = (ROOT / "bots" / "chatstate_bots" / f"{name}.py").read_text()
    code = source.split('"""', 2)[2].strip()
    assert code in (ROOT / "README.md").read_text()


async def test_readme_polls_bot_holds_a_conversation() -> None:
    """The bot with several handlers answers as one would think."""
    (block,) = (b.values[0] for b in BLOCKS if "class Poll" in str(b.values[0]))
    async with TestClient(load(str(block)).bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        assert [r.text for r in await alice.say("/vote 1")] == ["1 have voted"]
        assert [r.text for r in await bob.say("/vote 2")] == ["2 have voted"]
        assert [r.text for r in await bob.say("hi")] == ["You said 1 things; vote with /vote 1"]


def test_the_page_on_tests_runs_as_it_stands(tmp_path: Path) -> None:
    """Its first test, saved under the name it gives, is run by the command it gives."""
    page = (ROOT / "docs" / "testing.md").read_text()
    test, command = (
        re.search(r"```python\n(.*?)```", page, re.DOTALL),
        re.search(r"^\.venv/bin/pytest (.*)$", page, re.MULTILINE),
    )
    name = re.search(r"Save this as `(.*?)`", page)
    assert test
    assert command
    assert name
    (tmp_path / name[1]).write_text(test[1])
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *command[1].split()],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


def shown(pattern: str) -> list[str]:
    """Return what pages name, apart from `...`, which stands for any."""
    found = [name for page in PAGES for name in re.findall(pattern, page.read_text())]
    return [name for name in dict.fromkeys(found) if not name.endswith("...")]


@pytest.mark.parametrize("method", shown(r'Native\("(.*?)"'))
def test_every_call_by_its_own_name_can_be_made(method: str) -> None:
    """It is a route that may be called on Discord, or a method of the Bot API.

    That is one of python-telegram-bot's, or a newer one that the test server has.
    """
    if " " in method:
        Native(method, on="discord")
    else:
        Native(method)
        assert hasattr(telegram.Bot, method) or method in METHODS


@pytest.mark.parametrize("update", shown(r'@bot\.on\("(.*?)"\)'))
def test_everything_by_its_own_name_can_be_heard(update: str) -> None:
    """The platform tells of it, and there is no decorator of ours for it."""
    Interface(id="bot").on(update)(lambda: None)


def test_every_link_between_pages_leads_somewhere() -> None:
    """Relative links name files that exist."""
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_store_page_names_every_table() -> None:
    """A table that is added must be told of."""
    from sqlite_utils import Database

    from chatstate.stores.sqlite.schema import migrations

    with contextlib.closing(Database(memory=True)) as database:
        migrations.apply(database)
        names = [*database.table_names(), *database.view_names()]
    page = (ROOT / "docs" / "store.md").read_text()
    assert [n for n in names if f"`{n}`" not in page and not n.startswith(("_", "sqlite_"))] == []
