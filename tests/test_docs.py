"""What the documentation shows is what runs."""

import contextlib
import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
import types
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import telegram
from servers.telegram_spec import METHODS

import chatstate
import chatstate.adapter
import chatstate.markup
import chatstate.testing
from chatstate import Interface, Native
from chatstate.adapter.installing import ADAPTERS
from chatstate.bot import running
from chatstate.cli import settings
from chatstate.cli.accounts import options_of
from chatstate.cli.installed import names
from chatstate.testing import TestClient

ROOT = Path(__file__).parent.parent


def hooks() -> Any:
    """Return what the site is built with beside its pages."""
    spec = importlib.util.spec_from_file_location("documentation_hooks", ROOT / "docs" / "hooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
GENERATED = ROOT / "docs" / hooks().PAGE
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


@pytest.fixture(autouse=True)
def openai(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Be a library that pages import and nobody needs to have."""
    library = types.ModuleType("openai")
    vars(library)["AsyncOpenAI"] = SimpleNamespace
    monkeypatch.setitem(sys.modules, "openai", library)
    return library


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


class Chunk(NamedTuple):
    """What OpenAI's library gives of a stream: `chunk.choices[0].delta.content`."""

    content: str | None

    @property
    def choices(self) -> list[Any]:
        return [SimpleNamespace(delta=self)]


async def test_readme_assistant_shows_what_a_model_says(openai: types.ModuleType) -> None:
    """It gives the history to the model, and the words of its stream to the person."""
    asked: list[Any] = []

    async def chunks() -> AsyncIterator[Chunk]:
        for words in ("Hello, ", "Alice", None):
            yield Chunk(words)

    async def create(*, messages: Any, stream: bool, **_: Any) -> AsyncIterator[Chunk]:
        asked.append(messages)
        assert stream
        return chunks()

    client = SimpleNamespace(chat=SimpleNamespace(completions=None))
    client.chat.completions = SimpleNamespace(create=create)
    vars(openai)["AsyncOpenAI"] = lambda: client
    (block,) = (b.values[0] for b in BLOCKS if "client = AsyncOpenAI()" in str(b.values[0]))
    assert len([line for line in str(block).splitlines() if line.strip()]) <= 18
    async with TestClient(load(str(block)).bot) as client_of_bot:
        alice = client_of_bot.user("alice")
        assert [reply.text for reply in await alice.say("hi")] == ["Hello, Alice"]
        await alice.say("again")
    assert [message["content"] for message in asked[1]] == ["hi", "Hello, Alice", "again"]


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
            there = page.parent / target
            assert there.exists() or there.resolve() == GENERATED, f"{page.name} links to {target}"


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    """One that is not could be found by nobody, and fails the build."""
    navigation = (ROOT / "mkdocs.yml").read_text()
    pages = [page.relative_to(ROOT / "docs") for page in PAGES if page.name != "README.md"]
    missing = [str(page) for page in pages if f": {page}\n" not in navigation]
    assert missing == [], f"give {missing} a place in mkdocs.yml"


def test_the_store_page_names_every_table() -> None:
    """A table that is added must be told of."""
    from sqlite_utils import Database

    from chatstate.stores.sqlite.schema import migrations

    with contextlib.closing(Database(memory=True)) as database:
        migrations.apply(database)
        names = [*database.table_names(), *database.view_names()]
    page = (ROOT / "docs" / "store.md").read_text()
    assert [n for n in names if f"`{n}`" not in page and not n.startswith(("_", "sqlite_"))] == []


COMMANDS: dict[str, Any] = dict(hooks().every())
OPTIONS = hooks().commands()
TOLD = "\n".join(page.read_text() for page in PAGES)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_told_of(command: str) -> None:
    """A page says when to type it; that it has a help, and each option one, is the reference."""
    words, name = command.removeprefix("chatstate "), command.rpartition(" ")[2]
    assert words in TOLD or re.search(rf"`{name}[ `]", TOLD)
    assert f"## `{command}`" in OPTIONS
    assert COMMANDS[command].help
    for parameter in COMMANDS[command].params:
        assert parameter.help, f"{command} does not say what {parameter.opts} is"


def typed() -> Iterator[str]:
    """Yield each line of the pages with which `chatstate` is called, for people to type."""
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            joined = re.sub(r"\\\n\s*", "", block)
            for line in joined.splitlines():
                found = re.search(r"(?:^|[|&] |\.venv/bin/)chatstate ((?:[a-z]|--).*)", line)
                if found:
                    yield re.split(r"\s+(?:#|\||&&|>)", found[1])[0]


@pytest.mark.parametrize("line", dict.fromkeys(typed()))
def test_every_command_line_can_be_typed(line: str) -> None:
    """The command is there, and it has each option that is shown with it."""
    words = shlex.split(line)
    path = [word for word in words if not word.startswith("-")]
    found = next(
        (
            COMMANDS[name]
            for count in (2, 1)
            if (name := " ".join(["chatstate", *path[:count]])) in COMMANDS
        ),
        None,
    )
    assert found or words[0] == "--version", f"there is no command {line!r}"
    known = {opt for p in found.params for opt in (*p.opts, *p.secondary_opts)} if found else set()
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert given <= {*known, "--help", "--version"}


def test_every_option_of_run_can_be_set_otherwise() -> None:
    """By a variable, and so in `.env` and `pyproject.toml`; but for what is only ever typed."""
    given = {parameter.name.strip("_") for parameter in COMMANDS["chatstate run"].params}
    of_adapters = {option.name for name in names(ADAPTERS) for option in options_of(name)}
    assert given - of_adapters - {"help", "reload", "set"} == {*settings.OWN} - {"loop"}
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    missing = [
        name for name in settings.OWN if f"`{settings.variable(name)}` | `{name}`" not in page
    ]
    assert missing == []


def variables() -> Iterator[str]:
    """Yield each variable of the environment that is read."""
    yield from map(settings.variable, settings.OWN)
    for adapter in names(ADAPTERS):
        yield from (option.variable for option in options_of(adapter) if option.variable)


@pytest.mark.parametrize("variable", list(variables()))
def test_every_variable_is_told_of(variable: str) -> None:
    """On a page, or in the help of the option that it is."""
    assert variable in TOLD + OPTIONS


def test_no_other_variable_is_read() -> None:
    """What code reads is among those that are told of."""
    code = [*(ROOT / "chatstate").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    found = {name for path in code for name in re.findall(r"CHATSTATE_[A-Z]\w+", path.read_text())}
    known = TOLD + OPTIONS
    found = {name for name in found if not name.startswith("CHATSTATE_LINE_")}  # an example
    assert [name for name in sorted(found) if name.rstrip("_") not in known] == []


REFERENCE = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
MODULES = (
    "chatstate.adapter",
    "chatstate.adapter.http",
    "chatstate.files",
    "chatstate.inspection",
    "chatstate.markup",
    "chatstate.stores.base",
    "chatstate.text",
)
"""Modules that the reference has whole."""


@pytest.mark.parametrize(
    "name",
    [
        f"{module.__name__}.{name}"
        for module in (chatstate, chatstate.testing)
        for name in module.__all__
    ],
)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    """With its docstring."""
    found = re.search(rf"^::: {re.escape(name)}$", REFERENCE, re.MULTILINE)
    assert found, f"write `::: {name}` where it belongs in docs/reference/"


def test_what_a_bot_is_run_by_is_in_the_reference() -> None:
    """It stands apart from the class whose methods it is."""
    methods = [name for name, fn in vars(running).items() if fn is vars(Interface).get(name)]
    assert "serve" in methods
    assert [
        name for name in methods if f"::: chatstate.bot.running.{name}\n" not in REFERENCE
    ] == []


def test_the_reference_has_the_modules_of_outsiders() -> None:
    """What an adapter and a store are made of, each name of them."""
    assert [name for name in MODULES if f"::: {name}\n" not in REFERENCE] == []


def test_what_doctor_is_shown_to_find_it_finds() -> None:
    """The words of each finding at three in the morning stand in what tells of it."""
    every = [path for root in ("chatstate", "adapters") for path in (ROOT / root).rglob("*.py")]
    told = " ".join(re.sub(r'"\s*\n\s*f?"', "", path.read_text()) for path in every)
    page = (ROOT / "docs" / "howto" / "three-in-the-morning.md").read_text()
    found = re.findall(r"^(?:failed|warning|WARNING| +→) +(?:\w+: \w+ )?(.+)$", page, re.MULTILINE)
    assert len(found) > 20
    for line in found:
        words = line.split()
        three = [" ".join(words[place : place + 3]) for place in range(len(words) - 2)]
        assert any(some in told for some in three), line
