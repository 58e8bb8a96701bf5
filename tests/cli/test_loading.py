"""Adapters and bots by name: what is found, and what is said if it is not."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatstate import AdapterError, Interface, LoadError
from chatstate.adapter.installing import ADAPTERS
from chatstate.cli.accounts import load_adapters, options_of
from chatstate.cli.installed import names
from chatstate.cli.loading import BOTS, load_bot
from chatstate_bots.history_echo import bot as history_echo
from chatstate_console import ConsoleAdapter

ONE = "from chatstate import Interface\nbot = Interface(id='one')\n"
TWO = "from chatstate import Interface\na = Interface(id='a')\nb = Interface(id='b')\n"
NAMELESS = "from chatstate import Interface\na = Interface()\nb = Interface()\n"

WriteFile = Callable[[str, str], Path]
Install = Callable[..., None]


@pytest.fixture(autouse=True)
def _imports_are_forgotten(tmp_path: Path) -> Iterator[None]:
    """Keep modules made by a test, and their folder, from the next one."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.fixture
def install(write: WriteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what installs a distribution with one entry point, as pip would."""

    def install(group: str, point: str, module: str, *, extras: tuple[str, ...] = ()) -> None:
        provided = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        folder = "acme_chat-1.0.dist-info"
        write(f"{folder}/METADATA", f"Name: acme-chat\nVersion: 1.0\n{provided}")
        write(f"{folder}/entry_points.txt", f"[{group}]\n{point}\n")
        write("acme_chat.py", module)
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


def test_shipped_names_are_known() -> None:
    """What chatstate ships comes in by the same door as a stranger's."""
    assert {"history-echo", "score-tracker"} <= set(names(BOTS))
    assert "console" in names(ADAPTERS)


def test_a_bot_is_found_by_its_name() -> None:
    """A shipped name is the object its entry point names."""
    assert load_bot("history-echo") is history_echo


def test_a_strangers_bot_is_found_by_its_name(install: Install) -> None:
    """An installed bot without an id is called what it is installed as."""
    install(BOTS, "weather = acme_chat:bot", "from chatstate import Interface\nbot = Interface()")
    assert load_bot("weather").id == "weather"


def test_a_strangers_bot_keeps_its_own_id(install: Install) -> None:
    """A given id is the bot's in the store, whatever it is installed as."""
    install(BOTS, "weather = acme_chat:bot", ONE)
    assert load_bot("weather").id == "one"


def test_an_edit_of_a_file_is_seen_however_soon(
    write: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its size is as it was, and its time: what is compiled would count for it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for name in ("ann", "ben"):
        path = write("edited.py", ONE.replace("one", name))
        os.utime(path, (1_000_000_000, 1_000_000_000))
        assert load_bot(str(path)).id == name
    assert not (path.parent / "__pycache__").exists()


def test_a_bot_is_found_in_a_file(write: WriteFile) -> None:
    """A path to a file with one Interface needs no more."""
    assert load_bot(str(write("bot.py", ONE))).id == "one"


def test_a_bot_without_an_id_is_called_after_its_file(write: WriteFile) -> None:
    """The id is the file's stem."""
    path = write("weather.py", "from chatstate import Interface\nbot = Interface()")
    assert load_bot(str(path)).id == "weather"


def test_one_of_several_bots_is_found_by_name(write: WriteFile) -> None:
    """`bot.py:b` is the one that is called b."""
    assert load_bot(f"{write('bot.py', TWO)}:b").id == "b"


WITH_A_ROUTER = """\
from chatstate import Interface
tools = Interface()
bot = Interface()
bot.include(tools)
"""


def test_a_bot_is_found_beside_what_it_includes(write: WriteFile) -> None:
    """What is included is no bot of its own, unless it is asked for."""
    path = str(write("bot.py", WITH_A_ROUTER))
    assert not load_bot(path).is_included
    assert load_bot(f"{path}:tools").is_included


def test_a_bot_under_two_names_is_one_bot(write: WriteFile) -> None:
    """An alias makes no second bot."""
    assert load_bot(str(write("bot.py", f"{ONE}same = bot\n"))).id == "one"


def test_a_bot_is_found_in_a_module(
    write: WriteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`package.module` and `package.module:name` are found from the current folder."""
    write("shop/__init__.py", "")
    write("shop/till.py", TWO.replace("b = ", "other = "))
    monkeypatch.chdir(tmp_path)
    assert load_bot("shop.till:other").id == "b"


def test_a_bot_may_import_what_lies_beside_it(write: WriteFile) -> None:
    """As a script may."""
    write("beside.py", "ID = 'beside'")
    path = write(
        "bot.py", "import beside\nfrom chatstate import Interface\nb = Interface(id=beside.ID)"
    )
    assert load_bot(str(path)).id == "beside"


def test_a_bot_named_as_a_module_in_use_takes_nobodys_place(write: WriteFile) -> None:
    """A bot in json.py leaves `json` what it is."""
    import json

    assert load_bot(str(write("json.py", ONE))).id == "one"
    assert sys.modules["json"] is json


def test_annotations_of_a_files_dataclasses_are_resolved(write: WriteFile) -> None:
    """Also if they are strings."""
    path = write(
        "polls.py",
        "from __future__ import annotations\n"
        "from dataclasses import dataclass, field\n"
        "from chatstate import Interface, PerChat\n"
        "@dataclass\n"
        "class Vote:\n    choice: int = 0\n"
        "@dataclass\n"
        "class Poll:\n    votes: list[Vote] = field(default_factory=list)\n"
        "bot = Interface()\n"
        "@bot.on_message\n"
        "def vote(text: str, poll: PerChat[Poll]) -> None: ...\n",
    )
    assert load_bot(str(path)).id == "polls"


@pytest.mark.parametrize(
    ("spec", "text", "said"),
    [
        ("bot.py", "x = 1", "has no Interface; make one, as in bot = Interface(...)"),
        ("bot.py", TWO, "has several bots; name one: "),
        ("bot.py:c", TWO, "'c' is no Interface there; it has a, b"),
        ("bot.py:x", "x = 1", "'x' is no Interface there; it has none"),
        ("bot.py:a", NAMELESS, "several bots are in this file; give each an id"),
        ("bot.py", "def broken(:", "bot.py cannot be loaded: invalid syntax (bot.py, line 1)"),
        (
            "bot.py",
            "\nimport no_such_library",
            "bot.py cannot be loaded: bot.py:2: No module named 'no_such_library'",
        ),
        ("bot.py", "from chatstate import Nonsense", "bot.py:1: cannot import name 'Nonsense'"),
        (
            "bot.py",
            "from chatstate import Interface\nbot = Interface(lambda a, b: a)",
            "bot.py:2: <lambda>(): only one parameter can take the message's text",
        ),
    ],
)
def test_a_file_that_is_no_bot_is_told_in_one_line(
    write: WriteFile, tmp_path: Path, spec: str, text: str, said: str
) -> None:
    """What is wrong with it, and what to do."""
    write("bot.py", text)
    with pytest.raises(LoadError) as error:
        load_bot(f"{tmp_path}/{spec}")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_import_error_beside_the_bot_is_told_with_its_line(
    write: WriteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file, and in a module: the line that imports, not that which imported its file."""
    write("shop/__init__.py", "")
    write("shop/tools.py", "x = 1\n\ndef load():\n    import no_such_library\n\nload()\n")
    write("shop/bot.py", "from shop import tools")
    write("bot.py", "import shop.tools")
    monkeypatch.chdir(tmp_path)
    for spec in ("bot.py", "shop.bot"):
        with pytest.raises(
            LoadError, match=r"cannot be loaded: tools\.py:4: No module named 'no_such_library'"
        ):
            load_bot(spec)
    with pytest.raises(LoadError, match=r"'shop\.nobot': there is no module 'shop\.nobot'"):
        load_bot("shop.nobot")


def test_one_of_several_bots_is_told_how_to_be_named(write: WriteFile) -> None:
    """The error holds what to type."""
    path = write("bot.py", TWO)
    with pytest.raises(LoadError, match=r"name one: .*/bot\.py:a or :b"):
        load_bot(str(path))


def test_an_error_of_the_authors_own_code_is_left_to_the_author(write: WriteFile) -> None:
    """What a file raises by itself is no matter of loading: its traceback says where."""
    path = write("bot.py", "1 / 0")
    with pytest.raises(ZeroDivisionError):
        load_bot(str(path))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nope", "there is no bot 'nope'; there are history-echo, score-tracker, or give a path"),
        ("missing.py", "there is no file missing.py"),
        ("missing.py:bot", "there is no file missing.py"),
        (".", "'.': '.' is no module's name"),
        ("./folder", "there is no file folder"),
        ("no_such.module", "'no_such.module': there is no module 'no_such'"),
        ("chatstate.nope:bot", "'chatstate.nope:bot': there is no module 'chatstate.nope'"),
        ("chatstate.errors", "'chatstate.errors' has no Interface; make one"),
        ("a..b", "'a..b' is no module's name"),
        (".relative", "'.relative' is no module's name"),
        (":bot", "'' is no module's name"),
        ("", "there is no bot ''"),
    ],
)
def test_a_bot_that_is_not_there_is_told(
    spec: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what was looked for, and what exists."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LoadError) as error:
        load_bot(spec)
    assert said in str(error.value)


def test_a_file_that_is_no_python_is_told(write: WriteFile) -> None:
    """A path to something else is not run."""
    with pytest.raises(LoadError, match=r"bot\.txt is no Python file"):
        load_bot(str(write("bot.txt", ONE)))


def test_a_module_that_fails_by_itself_is_left_to_the_author(
    write: WriteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a file: its traceback says where."""
    write("shop/__init__.py", "raise ValueError('mine')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="mine"):
        load_bot("shop:bot")


def test_what_is_installed_as_a_bot_must_be_one(install: Install) -> None:
    """An entry point that names something else is told."""
    install(BOTS, "weather = acme_chat:bot", "bot = 7")
    with pytest.raises(LoadError, match="'weather' is installed as a bot but is no Interface"):
        load_bot("weather")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("", "'weather' cannot be loaded from acme_chat:bot"),
        ("from chatstate import Interface\nbot = Interface(7)", "7 cannot be a handler"),
    ],
)
def test_a_broken_installed_bot_is_told(install: Install, module: str, said: str) -> None:
    """The error says which, and from where."""
    install(BOTS, "weather = acme_chat:bot", module)
    with pytest.raises(LoadError, match="'weather' cannot be loaded from acme_chat:bot") as error:
        load_bot("weather")
    assert said in str(error.value)


# Adapters


def test_an_adapter_is_made_with_its_options() -> None:
    """Options go to the adapter that takes them."""
    (adapter,) = load_adapters(["console"], {"user": "bob", "chat": "room"})
    assert isinstance(adapter, ConsoleAdapter)
    assert (adapter.session.user, adapter.session.place.chat) == ("bob", "room")


def test_an_adapter_that_does_not_exist_is_told() -> None:
    """The error says which exist."""
    with pytest.raises(LoadError, match=r"there is no adapter 'icq'; there are .*console"):
        load_adapters(["icq"], {})


def test_an_adapter_wanted_twice_is_told() -> None:
    """Two on one account would answer each other's messages."""
    with pytest.raises(LoadError, match="adapter 'console' is wanted twice"):
        load_adapters(["console", "console"], {})


def test_an_option_that_nobody_takes_is_told() -> None:
    """A misspelt option is not dropped silently."""
    with pytest.raises(
        LoadError,
        match="--nonsense is no option of console; there are --chat, --files, --groups",
    ):
        load_adapters(["console"], {"nonsense": "x"})


def test_an_option_that_an_adapter_refuses_is_told() -> None:
    """What it raises is said, with its name."""
    with pytest.raises(AdapterError, match="adapter 'console': --user takes a text that is not"):
        load_adapters(["console"], {"user": ""})


def test_a_missing_extra_names_its_pip_line(install: Install) -> None:
    """An adapter whose library is missing says exactly what to type."""
    install(ADAPTERS, "icq = acme_chat:Adapter", "import no_such_library", extras=("icq",))
    with pytest.raises(LoadError) as error:
        load_adapters(["icq"], {})
    assert str(error.value) == ("'icq' needs no_such_library: pip install \"acme-chat[icq]\"")


def test_a_missing_library_without_an_extra_names_the_package(install: Install) -> None:
    """Where there is no extra of that name, the package itself is to be installed."""
    install(ADAPTERS, "icq = acme_chat:Adapter", "import no_such_library", extras=("test",))
    with pytest.raises(LoadError, match=r'needs no_such_library: pip install "acme-chat"$'):
        load_adapters(["icq"], {})


def test_a_strangers_adapter_is_made(install: Install) -> None:
    """Any callable that returns an adapter will do; it gets only options that it takes."""
    install(
        ADAPTERS,
        "icq = acme_chat:make",
        "from types import SimpleNamespace\ndef make(uin='0'): return SimpleNamespace(uin=uin)",
    )
    made: list[Any] = [*load_adapters(["icq", "console"], {"uin": "7", "user": "bob"})]
    assert made[0].uin == "7"


DECLARES = """\
import msgspec
from typing import Annotated

class Options(msgspec.Struct, frozen=True, kw_only=True):
    loud: Annotated[bool, msgspec.Meta(description="Ring a bell.")] = False

class Adapter:
    Options = Options

    def __init__(self, options):
        self.options = options
"""


def test_a_strangers_adapter_gets_the_options_that_it_declares(install: Install) -> None:
    """As its Struct, read from texts: what is no truth is refused with its name."""
    install(ADAPTERS, "icq = acme_chat:Adapter", DECLARES)
    made: list[Any] = [*load_adapters(["icq"], {"loud": "0"}), *load_adapters(["icq"], {})]
    assert [adapter.options.loud for adapter in made] == [False, False]
    with pytest.raises(AdapterError, match="adapter 'icq': --loud takes 1 or 0, yes or no, not"):
        load_adapters(["icq"], {"loud": "maybe"})


def test_options_are_told_of_every_kind_of_adapter(install: Install) -> None:
    """Those that a Struct declares, and what the signature of a plain callable names."""
    install(ADAPTERS, "icq = acme_chat:Adapter", DECLARES)
    (loud,) = options_of("icq")
    assert (loud.flag, loud.description, loud.is_flag) == ("--loud", "Ring a bell.", True)


def test_options_of_a_plain_callable_are_its_parameters(install: Install) -> None:
    """With their defaults, and nothing else told."""
    install(ADAPTERS, "icq = acme_chat:make", "def make(uin='0', *more, **others): ...")
    assert [(option.flag, option.default) for option in options_of("icq")] == [("--uin", "0")]


def test_every_name_is_listed_once(install: Install) -> None:
    """A name installed twice (an old copy beside a new one) is one name."""
    install(BOTS, "history-echo = acme_chat:bot", ONE)
    assert names(BOTS).count("history-echo") == 1


def test_interfaces_are_what_is_looked_for() -> None:
    """The shipped bots are Interfaces with ids of their own."""
    for name in ("history-echo", "score-tracker"):
        bot = load_bot(name)
        assert isinstance(bot, Interface)
        assert (bot.id, bot.has_own_id) == (name, True)


def test_a_file_that_runs_its_bot_while_it_is_loaded_is_refused(tmp_path: Path) -> None:
    """A bare bot.run() would run the bot twice; the error says where to put it."""
    file = tmp_path / "bare.py"
    file.write_text(
        "from chatstate import Interface\nbot = Interface(lambda text: text)\nbot.run('console')\n"
    )
    with pytest.raises(LoadError, match='put it under `if __name__ == "__main__":`'):
        load_bot(str(file))
