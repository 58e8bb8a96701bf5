"""The house's own rules: who imports whom, what is shipped, what is public, what is documented."""

import ast
import gc
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chatstate
from chatstate import errors
from chatstate.stores.base import Store

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
ENTRY_POINTS: dict[str, dict[str, str]] = PROJECT["project"]["entry-points"]

LAYERS = (
    (
        "checks",
        "clock",
        "content",
        "errors",
        "files",
        "inspection",
        "language_tags",
        "mentions",
        "messages",
        "progress",
        "scope",
        "signature",
        "text",
        "words",
    ),
    ("adapter", "language"),
    ("replies",),
    ("markup", "stores"),
    ("state",),
    ("bot",),
    ("chat",),
    ("engine",),
    ("telemetry",),
    ("", "__main__", "cli", "testing"),
)
"""The floors, from the ground up: single files, then folders."""
WHEN_CALLED = {
    ("bot.running", f"cli.{name}") for name in ("accounts", "loading", "running", "starting")
}
"""Imports inside a function that point upwards: `Interface.run` is what `chatstate run` is."""

PLATFORM_LIBRARIES = ("telegram", "discord", "gradio")
OPEN_TO_ADAPTERS = (
    *("chatstate.adapter", "chatstate.adapter.http", "chatstate.files"),
    *("chatstate.inspection", "chatstate.markup"),
    "chatstate.text",
)
HEAVY = (
    "markdown_it",
    "telegram",
    "discord",
    "gradio",
    "sqlite_utils",
    "typer",
    "prompt_toolkit",
    "rich",
    "uvloop",
    "dotenv",
    "tomllib",
    "watchfiles",
)


def tree_of(path: Path) -> ast.Module:
    """Return a file's syntax tree.

    No garbage is collected meanwhile: if that runs code, Python 3.11 fails to make the tree.
    """
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a module's name without the first part, as in `stores.base`."""
    parts = path.relative_to(ROOT / "chatstate").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each module that a file imports, and the names it takes from it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or "", [alias.name for alias in node.names]


def layer(module: str) -> int:
    """Return the floor on which a module stands: that of its folder, or of the file on top."""
    top = module.partition(".")[0]
    found = [number for number, names in enumerate(LAYERS) if top in names]
    assert found, f"chatstate.{module} is on no floor: put it on one, here"
    return found[0]


def upward(path: Path) -> set[tuple[str, str]]:
    importer = name_of(path)
    return {
        (importer, imported)
        for module, _ in imports(path)
        if module.partition(".")[0] == "chatstate"
        for imported in [module.partition(".")[2]]
        if layer(imported) > layer(importer)
    }


def test_each_run_collects_the_same_tests(request: pytest.FixtureRequest) -> None:
    """No test is named by an address in memory: the workers of pytest-xdist must agree."""
    assert [item.nodeid for item in request.session.items if " at 0x" in item.nodeid] == []


CORE = modules(ROOT / "chatstate")
ADAPTERS = modules(ROOT / "adapters")
BOTS = modules(ROOT / "bots")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_point_downwards() -> None:
    """A module of the core imports only from its own floor and those below."""
    assert {found for path in CORE for found in upward(path)} <= WHEN_CALLED


def test_core_knows_no_platform() -> None:
    """The core imports no adapter, no bot and no platform's library."""
    for path in CORE:
        roots = {module.partition(".")[0] for module, _ in imports(path)}
        assert not roots & set(PLATFORM_LIBRARIES), relative(path)
        assert not [root for root in roots if root.startswith("chatstate_")], relative(path)


def test_adapters_import_public_names_only() -> None:
    """An adapter takes public names of `chatstate`, of what is made for adapters, and its own."""
    for path in ADAPTERS:
        package = path.relative_to(ROOT / "adapters").parts[0]
        for module, names in imports(path):
            root = module.partition(".")[0]
            told = f"{relative(path)} imports {names} from {module}"
            if root == "chatstate":
                assert module in ("chatstate", *OPEN_TO_ADAPTERS), told
                assert module != "chatstate" or set(names) <= set(chatstate.__all__), told
                assert names, f"{relative(path)}: `import {module}` hides what is used of it"
                assert not [name for name in names if name.startswith("_")], told
            elif root.startswith("chatstate_"):
                assert root == package, told


def test_bots_import_chatstate_only() -> None:
    """A shipped bot needs nothing but `chatstate` and the standard library."""
    for path in BOTS:
        for module, names in imports(path):
            root = module.partition(".")[0]
            told = f"{relative(path)} imports {names} from {module}"
            assert module == "chatstate" or root in sys.stdlib_module_names, told
            assert module != "chatstate" or set(names) <= set(chatstate.__all__), told


def folders(source_root: str) -> set[str]:
    return {path.parent.name for path in (ROOT / source_root).glob("*/__init__.py")}


def test_wheel_ships_every_package() -> None:
    """The wheel's list is the core, pytest's plugin, and all of adapters/ and bots/."""
    found = {f"{root}/{name}" for root in ("adapters", "bots") for name in folders(root)}
    assert set(PACKAGES) == {"chatstate", "pytest_chatstate", *found}


def test_every_folder_of_adapters_and_bots_is_a_package() -> None:
    """What lies in adapters/ and bots/ is a package, or a trace of one that ran."""
    for root in ("adapters", "bots"):
        there = {path.name for path in (ROOT / root).iterdir() if path.name != "__pycache__"}
        assert there == folders(root)


def test_every_adapter_has_an_entry_point() -> None:
    """Each package beside the core is named by an entry point, and each entry point names one."""
    assert packages_of("chatstate.adapters") | packages_of("chatstate.apps") == folders("adapters")


def packages_of(group: str) -> set[str]:
    """Return the packages that entry points of a group name."""
    return {re.split("[.:]", value)[0] for value in ENTRY_POINTS[group].values()}


def test_every_bot_has_an_entry_point() -> None:
    """Each shipped bot's module is named by an entry point, and each entry point names one."""
    named = {value.partition(":")[0] for value in ENTRY_POINTS["chatstate.bots"].values()}
    found = {
        f"{path.parent.name}.{path.stem}"
        for path in (ROOT / "bots").glob("*/*.py")
        if path.stem != "__init__"
    }
    assert named == found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    """Each shipped package tells type checkers that it is annotated."""
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize("root", ["adapters", "bots"])
def test_source_roots_are_no_packages(root: str) -> None:
    """`adapters` and `bots` are no importable names."""
    assert not (ROOT / root / "__init__.py").exists()


def test_public_names_are_pinned() -> None:
    """The names of `chatstate` are these: a new one is a promise, one less breaks bots."""
    assert sorted(chatstate.__all__) == [
        "AdapterError",
        "Ambiguous",
        "Arg",
        "Attachment",
        "BindingError",
        "Blocked",
        "Button",
        "CallNext",
        "Card",
        "Chat",
        "ChatInterface",
        "ChatstateError",
        "Clock",
        "Command",
        "CommandGroup",
        "CommandOption",
        "Complete",
        "Contact",
        "Delete",
        "EgressError",
        "Event",
        "File",
        "Global",
        "Gone",
        "Interface",
        "Kind",
        "LeaseLostError",
        "LifespanError",
        "LoadError",
        "Location",
        "Markdown",
        "Message",
        "MessageRef",
        "Moved",
        "Native",
        "Option",
        "OtherVersionError",
        "Outgoing",
        "PerChat",
        "PerMember",
        "PerThread",
        "PerUser",
        "Poll",
        "Progress",
        "React",
        "Reaction",
        "Ref",
        "Rejected",
        "Reply",
        "ReplyError",
        "Resource",
        "RetryAfter",
        "Said",
        "Schedule",
        "Select",
        "SendError",
        "ShareContact",
        "ShareLocation",
        "State",
        "StateError",
        "Sticker",
        "StorageError",
        "StoreLockedError",
        "StyledText",
        "Timer",
        "TryLater",
        "Turn",
        "Unreachable",
        "User",
        "UserError",
        "custom_emoji",
        "timestamp",
    ]


@pytest.mark.parametrize("name", chatstate.__all__)
def test_public_names_exist(name: str) -> None:
    """What `__all__` promises is there."""
    assert hasattr(chatstate, name)


ERRORS = [error for error in vars(errors).values() if isinstance(error, type)]


@pytest.mark.parametrize("error", ERRORS)
def test_errors_share_one_base(error: type[BaseException]) -> None:
    """Whoever catches `ChatstateError` catches what chatstate raises on purpose."""
    assert issubclass(error, errors.ChatstateError)


def test_errors_are_public() -> None:
    """Each error of chatstate can be caught by a public name."""
    assert {error.__name__ for error in ERRORS} <= set(chatstate.__all__)


def test_errors_for_adapters_say_what_they_hold() -> None:
    """What the platform asked for is told, and can be read."""
    wait, moved = errors.RetryAfter(2.5, account=True), errors.Moved("-100")
    assert (str(wait), wait.seconds, wait.account) == (
        "the platform asks to wait 2.5 s",
        2.5,
        True,
    )
    assert (str(moved), moved.chat) == ("the chat has moved to -100", "-100")


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def undocumented(node: Documented, name: str) -> Iterator[str]:
    """Yield public names without docstring; private ones, and what is in them, need none."""
    if ast.get_docstring(node) is None:
        yield name
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for child in node.body:
        if (
            isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and not child.name.startswith("_")
            and not is_documented_elsewhere(node, child)
        ):
            yield from undocumented(child, f"{name}.{child.name}")


STORES = (
    "SQLiteStore",
    "ClaimVerbs",
    "OutboxVerbs",
    "FileVerbs",
    "TimerVerbs",
    "TranscriptVerbs",
    "RoleVerbs",
    "MemoryTimers",
    "PostgresStore",
    "Broadcasting",
    "Addressing",
    "Broadcasting",
    "Reading",
    "Looking",
    "ForgettingVerbs",
    *(f"Memory{base.__name__}" for base in Store.__bases__),
)
"""The classes whose verbs are documented in `Store`."""


def is_documented_elsewhere(parent: Documented, child: Documented) -> bool:
    """Tell whether its words are elsewhere: an overload, a Protocol's member, a store's verb."""
    if isinstance(child, ast.Module | ast.ClassDef):
        return False
    if any(ast.unparse(decorator) == "overload" for decorator in child.decorator_list):
        return True
    if not isinstance(parent, ast.ClassDef):
        return False
    is_protocol = any(ast.unparse(base) == "Protocol" for base in parent.bases)
    return is_protocol or (parent.name in STORES and hasattr(Store, child.name))


def test_public_names_are_documented() -> None:
    """Each public module, class, function and method says what it does."""
    named = ((path, undocumented(tree_of(path), path.stem)) for path in (*CORE, *ADAPTERS, *BOTS))
    assert [(relative(path), name) for path, names in named for name in names] == []


LONG = 100
"""A file of more lines begins with numbered rules: what must stay true, whoever changes it."""
LONG_FILES = [path for path in (*CORE, *ADAPTERS) if path.read_text().count("\n") > LONG]


def test_a_long_file_begins_with_its_rules() -> None:
    """Two at least, numbered from 1, in the module's docstring."""
    for path in LONG_FILES:
        told = ast.get_docstring(tree_of(path)) or ""
        numbers = [int(number) for number in re.findall(r"^(\d+)\. ", told, re.MULTILINE)]
        assert len(numbers) >= 2, f"{relative(path)} is long and does not say by which rules"
        assert numbers == list(range(1, len(numbers) + 1)), relative(path)


FOLDERS = [path for path in (*CORE, *ADAPTERS, *BOTS) if path.name == "__init__.py"]


@pytest.mark.parametrize("path", FOLDERS, ids=relative)
def test_every_folder_says_what_it_owns(path: Path) -> None:
    """Its `__init__` names files of the folder, or what others may take from there."""
    tree = tree_of(path)
    owned = {part.stem for part in path.parent.iterdir() if part != path}
    owned |= {name for node in ast.walk(tree) for name in bound_names(node)}
    named = re.findall(r"`(\w+)`", ast.get_docstring(tree) or "")
    assert owned & set(named), f"{relative(path)} names none of {sorted(owned)}"


def bound_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node of a syntax tree gives to something."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.arg(arg=name):
            yield name
        case ast.alias(name=name, asname=other):
            yield other or name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
        case _:
            pass


TESTS = [path for folder in ("tests", "benchmarks") for path in modules(ROOT / folder)]


def test_nothing_is_called_one() -> None:
    """A name tells what a thing is: an event, a reply, a part; that it is one is no news."""
    for path in (*CORE, *ADAPTERS, *BOTS, *TESTS):
        if re.search(r"\bone\b", path.read_text()):  # a word, or a name
            tree = tree_of(path)
            names = {name for node in ast.walk(tree) for name in bound_names(node)}
            assert "one" not in names, relative(path)


WALL_CLOCK = {
    "adapters/chatstate_web/receive/oauth.py": "tokens have the time of it",
    "adapters/chatstate_web/receive/webhooks.py": "signatures have the time of it",
    "adapters/chatstate_gradio/sweeping.py": "files have the times of it",
    "chatstate/clock.py": "has both clocks",
    "chatstate/adapter/findings.py": "the clock itself is looked at",
    "chatstate/cli/broadcasts.py": "for how long a key counts is stored",
    "chatstate/cli/sends.py": "for how long a key counts is stored",
    "chatstate/engine/assembly.py": "what is written to prove that it can be is when",
    "chatstate/engine/observing.py": "when something began is told to others",
    "chatstate/telemetry/doors.py": "how long something waits that is stored",
    "chatstate/telemetry/health.py": "how long something waits that is stored",
    "chatstate/testing/clock.py": "has both clocks",
    "chatstate/testing/virtual/client.py": "all that a store has is stored",
    "chatstate/testing/client.py": "a timer has a time",
    "chatstate/testing/life.py": "a store has a clock",
    "chatstate/testing/person.py": "what people do has a time",
    "chatstate/testing/contracts/adapter/sending.py": "when a reply was begun is stored",
    "chatstate/testing/contracts/adapter/session.py": "a store has a clock",
    "chatstate/engine/forgetting.py": "when it was asked for is stored",
    "chatstate/engine/lease.py": "the monotonic clock stands while a machine is asleep",
    "chatstate/engine/outbox/buttons.py": "kept buttons expire",
    "chatstate/engine/outbox/addressing.py": "references are kept for a time",
    "chatstate/engine/outbox/doubts.py": "when a reply was begun is stored",
    "chatstate/engine/outbox/delivery.py": "a deadline is stored, and is people's time",
    "chatstate/engine/outbox/sender.py": "when a reply was begun is stored",
    "chatstate/engine/sends.py": "what is asked for waits for days, also where nothing runs",
    "chatstate/engine/states/cache.py": "values expire",
    "chatstate/engine/states/volatile.py": "values expire, those in memory as the others",
    "chatstate/engine/broadcasts/announcing.py": "for how long a key counts is stored",
    "chatstate/engine/timers.py": "when a schedule is next is stored, and is people's time",
    "chatstate/engine/turns/timing.py": "when a timer fires is stored, and is people's time",
    "chatstate/engine/turns/refusals.py": "since when an event is refused is stored",
    "chatstate/engine/turns/later.py": "until when a turn is put off is stored",
    "chatstate/engine/turns/inquiries.py": "until when a question waits is stored",
    "chatstate/engine/turns/linking.py": "when somebody was linked is stored",
    "chatstate/engine/turns/asker.py": "the time of a dialogue is stored",
    "chatstate/engine/turns/limits.py": "what is taken of a limit is stored",
    "chatstate/engine/turns/values.py": "values expire",
    "chatstate/engine/host.py": "what time a platform says it is is held against it",
    "chatstate/stores/sqlite/store.py": "all that it has is stored",
    "chatstate/stores/postgres/looking.py": "all that a store has is stored",
    "chatstate/cli/doctor_store.py": "since when something waits is stored",
    "chatstate/cli/workers.py": "since when a worker runs is stored",
    "chatstate/testing/memory/verbs.py": "all that a store has is stored",
    "adapters/chatstate_console/session.py": "a message says when it was sent",
    "adapters/chatstate_discord/clock.py": "has Discord's time, until that is known",
    "adapters/chatstate_discord/send/finding.py": "when a reply was begun is stored",
    "adapters/chatstate_discord/receive/intake.py": "an event says when it happened",
    "adapters/chatstate_telegram/receive/intake.py": "when an offset was true is stored",
    "adapters/chatstate_web/receive/app.py": "until when a cookie counts stands in it",
}
"""Who asks what time it is, and why: all else measures durations, by `monotonic` or the loop."""


def wall_clocks(path: Path) -> Iterator[str]:
    """Yield where a file asks for the wall clock's time."""
    if not re.search(r"\.(time|time_ns|now|utcnow|today)\b", path.read_text()):
        return  # before it is parsed: most files do not
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute):
            asked = ast.unparse(node)
            if re.search(r"(\btime|clock)\.time(_ns)?$|\bdate(time)?\.(now|utcnow|today)$", asked):
                yield f"{relative(path)}:{node.lineno}: {asked}"


def test_durations_are_not_measured_by_the_wall_clock() -> None:
    """It is set forward and back; only what is stored, or told to people, has its time."""
    paths = [path for path in (*CORE, *ADAPTERS, *BOTS) if relative(path) not in WALL_CLOCK]
    assert [asked for path in paths for asked in wall_clocks(path)] == []


def test_who_needs_the_wall_clock_no_more_is_not_listed() -> None:
    """The list is what is, not what was."""
    assert [name for name in WALL_CLOCK if not list(wall_clocks(ROOT / name))] == []


def test_importing_chatstate_loads_no_heavy_library() -> None:
    """`import chatstate` loads no platform, no command line, no tools of a store or of settings."""
    code = "import json, sys, chatstate; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = {name.partition(".")[0] for name in json.loads(ran.stdout)}
    assert "chatstate" in loaded
    assert not loaded & set(HEAVY)


ROOMS = ("adapter.py", "options.py", "receive/__init__.py", "send/__init__.py")


@pytest.mark.parametrize("package", sorted(packages_of("chatstate.adapters")))
def test_adapters_have_equal_rooms(package: str) -> None:
    """Who knows one adapter finds the same in each: what is received, what is sent, what is set."""
    folder = ROOT / "adapters" / package
    assert [room for room in ROOMS if not (folder / room).is_file()] == []


def test_files_of_adapters_are_no_longer_than_can_be_read() -> None:
    """A file past 350 lines wants to be two."""
    assert [relative(path) for path in ADAPTERS if path.read_text().count("\n") > 350] == []
