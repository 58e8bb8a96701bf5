"""The command line: what it says, where, and with which status."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from processes import programs
from support import call

from chatstate.adapter.installing import ADAPTERS
from chatstate.cli.accounts import options_of
from chatstate.cli.installed import names
from chatstate.stores import default_url

HELLO = """\
from chatstate import Interface

def hello(text: str) -> str:
    return f"hello {text}"

bot = Interface(hello)
"""
Refused = Callable[..., str]


def run(*args: str, text: str = "", **options: Any) -> CompletedProcess[str]:
    return programs.run(*programs.CHATSTATE, *args, given=text, **options)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nope"], "there is no bot 'nope'; there are history-echo, score-tracker"),
        (["missing.py"], "there is no file missing.py"),
        (["empty.py"], "'empty.py' has no Interface; make one, as in bot = Interface(...)"),
        (["two.py"], "'two.py' has several bots; name one: two.py:a or :b"),
        (["two.py:c"], "'two.py:c': 'c' is no Interface there; it has a, b"),
        (["syntax.py"], "syntax.py cannot be loaded: invalid syntax (syntax.py, line 1)"),
        (["binding.py"], "only one parameter can take the message's text"),
        (["no.such.module"], "there is no module 'no'"),
        (["history-echo", "--on", "icq"], "there is no adapter 'icq'; there are "),
        (["history-echo", "--on", "console", "--on", "console"], "'console' is wanted twice"),
        (["history-echo", "--user", ""], "--user takes a text that is not empty, not ''"),
        (["history-echo", "--store", "redis://x"], "no store is known for 'redis'; use sqlite"),
        (["history-echo", "--store", "a.db"], "'a.db' is no store URL; use sqlite:///relative"),
        (["history-echo", "--store", "sqlite://"], "'sqlite://' names no file; use sqlite:///"),
        (["history-echo", "--log-level", "loud"], "'loud' is no log level; use one of debug, info"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(
    args: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line on stderr that says what is wrong and what to do, and status 2."""
    (tmp_path / "empty.py").write_text("x = 1")
    (tmp_path / "two.py").write_text(
        "from chatstate import Interface\na = Interface(id='a')\nb = Interface(id='b')"
    )
    (tmp_path / "syntax.py").write_text("def broken(:")
    (tmp_path / "binding.py").write_text(
        "from chatstate import Interface\nbot = Interface(lambda a, b: a)"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert call(monkeypatch, "run", *args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("chatstate: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_refusal_shows_no_traceback(tmp_path: Path) -> None:
    """In a real process too."""
    ran = run("run", "nope", folder=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("chatstate: there is no bot 'nope'")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "args", [["run"], ["run", "history-echo", "--nonsense", "x"], ["nonsense"], ["run", "a", "b"]]
)
def test_a_misspelt_command_line_is_refused(
    args: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option or a command that does not exist is told, with status 2."""
    assert call(monkeypatch, *args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: " in err


TOLD = [
    (["--shards", "none"], "adapter 'discord': --shards takes a whole number of at least 1, not"),
    (["--shard-ids", "0"], "adapter 'discord': --shard-ids needs --shards"),
    (
        ["--set", "members=maybe"],
        "adapter 'discord': --members takes 1 or 0, yes or no, not 'maybe'",
    ),
    (["--set", "members=0"], "set CHATSTATE_DISCORD_TOKEN"),
    (["--no-members"], "set CHATSTATE_DISCORD_TOKEN"),
    (["--set", "nonsense=1"], "--nonsense is no option of discord; there are --api, --gateway"),
    (["--user", "bob"], "--user is no option of discord; it is one of --on console"),
]


@pytest.mark.parametrize(("args", "said"), TOLD)
def test_an_adapters_options_are_judged_by_their_types(
    args: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In one line that says what is possible; `0` is a truth, and false."""
    monkeypatch.delenv("CHATSTATE_DISCORD_TOKEN", raising=False)
    assert call(monkeypatch, "run", "history-echo", "--on", "discord", *args) == 2
    err = capsys.readouterr().err
    assert err.startswith("chatstate: ")
    assert err.count("\n") == 1
    assert said in err


def test_help_lists_the_options_of_every_adapter(tmp_path: Path) -> None:
    """With description, type and default, made from what each adapter declares."""
    ran = run("run", "--help", folder=tmp_path, env={"COLUMNS": "400"})
    for name in names(ADAPTERS):
        for option in options_of(name):
            (line,) = [text for text in ran.stdout.splitlines() if f" {option.flag} " in text]
            assert option.description in line
            assert option.default in line
            assert option.variable in line


def test_the_help_says_which_adapter_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Because its library is missing; the options of the others are listed."""
    folder = tmp_path / "acme_chat-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: acme-chat\nVersion: 1.0\nProvides-Extra: icq\n")
    (folder / "entry_points.txt").write_text("[chatstate.adapters]\nicq = acme_icq:Adapter\n")
    (tmp_path / "acme_icq.py").write_text("import no_such_library")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    ran = run("run", "--help", folder=tmp_path)
    assert ran.returncode == 0
    told = " ".join(ran.stdout.split())
    assert "'icq' needs no_such_library: pip install \"acme-chat[icq]\"" in told
    assert "--user" in ran.stdout


def test_the_console_needs_no_platforms_library(tmp_path: Path) -> None:
    """Only the adapters that are run are loaded."""
    code = (
        "import sys\nfrom chatstate.cli.main import main\n"
        "sys.argv[1:] = ['run', 'history-echo', '--user', 'bob', '--store', 'sqlite://:memory:']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'telegram', 'discord'} & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        input="",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"


def test_a_missing_extra_names_its_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter that is installed without its library says exactly what to type."""
    folder = tmp_path / "acme_chat-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: acme-chat\nVersion: 1.0\nProvides-Extra: icq\n")
    (folder / "entry_points.txt").write_text("[chatstate.adapters]\nicq = acme_icq:Adapter\n")
    (tmp_path / "acme_icq.py").write_text("import no_such_library")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    ran = run("run", "history-echo", "--on", "icq", folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (
        2,
        "chatstate: 'icq' needs no_such_library: pip install \"acme-chat[icq]\"\n",
    )


def test_an_error_in_the_authors_file_shows_the_authors_traceback(tmp_path: Path) -> None:
    """What the file itself raises is not hidden: the author needs to see where."""
    (tmp_path / "mine.py").write_text("def f():\n    return {}['key']\n\nf()\n")
    ran = run("run", "mine.py", folder=tmp_path)
    assert ran.returncode == 1
    assert 'mine.py", line 2, in f' in ran.stderr
    assert ran.stderr.endswith("KeyError: 'key'\n")


def test_every_command_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What can be run, and how: also before anything is known of adapters."""
    assert call(monkeypatch, "--help") == 0
    told = capsys.readouterr().out
    for name in ("run", "bots", "dead"):
        assert f" {name} " in told


def test_bots_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each by name, with what it does."""
    assert call(monkeypatch, "bots") == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "history-echo         Repeat your message, and what you said before.",
        "score-tracker        Send a score; see the best three of everybody's.",
    ]


def test_a_broken_bot_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is listed with what is wrong with it."""
    folder = tmp_path / "acme_chat-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: acme-chat\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[chatstate.bots]\nbroken = no_such_bot:bot\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert call(monkeypatch, "bots") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "broken               ('broken' needs no_such_bot: pip install \"acme-chat\")"
    )
    assert {"history-echo", "score-tracker"} <= {line.split()[0] for line in lines}


def test_the_version_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--version` is the distribution's."""
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"chatstate {version('chatstate')}\n"


def test_the_console_script_is_the_command_line() -> None:
    """`chatstate` is what `python -m chatstate` is."""
    script = Path(sys.executable).parent / "chatstate"
    ran = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"chatstate {version('chatstate')}\n"


def test_a_bot_in_a_file_is_run(tmp_path: Path) -> None:
    """`chatstate run hello.py` talks to it at the console; the default store has its id."""
    (tmp_path / "hello.py").write_text(HELLO)
    ran = run("run", "hello.py", folder=tmp_path, text="you\n")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello you\n", "")
    assert (tmp_path / "hello.db").is_file()


def test_each_bot_has_a_store_of_its_own_by_default(tmp_path: Path) -> None:
    """Two in one folder can run at once."""
    (tmp_path / "hello.py").write_text(HELLO)
    assert run("run", "hello.py", folder=tmp_path, text="you\n").stdout == "hello you\n"
    assert run("run", "history-echo", folder=tmp_path, text="").returncode == 0
    assert {path.name for path in tmp_path.glob("*.db")} == {"hello.db", "history-echo.db"}


@pytest.mark.parametrize(
    ("identity", "file"),
    [
        ("mybot", "mybot.db"),
        ("../my bot", "_my_bot.db"),
        ("größe", "größe.db"),
        ("...", "bot.db"),
        ("/etc/x", "_etc_x.db"),
    ],
)
def test_an_id_is_a_files_name(identity: str, file: str) -> None:
    """Whatever it holds, the store is in the folder."""
    assert default_url(identity) == f"sqlite:///{file}"


def test_a_store_from_before_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    """All bots had one file; whoever has it is told once how to go on with it."""
    (tmp_path / "hello.py").write_text(HELLO)
    args = ("run", "hello.py", "--store", "sqlite:///chatstate.db")
    assert run(*args, folder=tmp_path, text="you\n").stderr == ""
    told = run("run", "hello.py", "--log-format", "text", folder=tmp_path, text="you\n").stderr
    assert told.startswith("WARNING chatstate: the store is hello.db, by the bot's id; what chat")
    assert "--store sqlite:///chatstate.db" in told
    assert told.count("\n") == 1
    assert run("run", "hello.py", folder=tmp_path, text="you\n").stderr == ""


def test_a_script_runs_its_own_bot(tmp_path: Path) -> None:
    """`bot.run("console", store=...)` is what `chatstate run` does."""
    script = tmp_path / "hello.py"
    script.write_text(f'{HELLO}\nbot.run("console", store="sqlite:///own.db")\n')
    ran = programs.run(str(script), folder=tmp_path, given="you\n")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello you\n", "")
    assert (tmp_path / "own.db").is_file()


def test_a_script_that_cannot_run_is_refused_in_one_line(tmp_path: Path) -> None:
    """`bot.run` ends the process as `chatstate run` does."""
    script = tmp_path / "hello.py"
    script.write_text(f'{HELLO}\nbot.run("icq")\n')
    ran = programs.run(str(script), folder=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.startswith("chatstate: there is no adapter 'icq'; ")
    assert ran.stderr.count("\n") == 1


def test_a_store_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    """A file that is no database is left alone, and said to be none."""
    (tmp_path / "notes.db").write_text("no database, but something of value\n" * 50)
    ran = run("run", "history-echo", "--store", "sqlite:///notes.db", folder=tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("chatstate: ")
    assert "notes.db" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert (tmp_path / "notes.db").read_text().startswith("no database, but something of value")


def test_a_second_run_on_a_store_is_refused(tmp_path: Path) -> None:
    """It is told which process runs on it."""
    (tmp_path / "hello.py").write_text(HELLO)
    args = ("run", "hello.py", "--store", "sqlite:///a.db")
    with programs.start(*programs.CHATSTATE, *args, folder=tmp_path) as first:
        first.stdin.write(b"you\n")
        assert first.stdout.readline() == b"hello you\n"
        second = run(*args, folder=tmp_path)
        first.stdin.close()
        assert first.wait() == 0
    assert second.returncode == 2
    assert str(first.pid) in second.stderr
    assert second.stderr.count("\n") == 1


def test_logs_go_to_stderr_alone(tmp_path: Path) -> None:
    """Whatever the level, stdout holds the replies and nothing else."""
    (tmp_path / "hello.py").write_text(
        HELLO.replace("    return", "    logging.getLogger('me').debug('at work')\n    return")
        + "import logging\n"
    )
    options = ("--log-level", "DEBUG", "--log-format", "text")
    ran = run("run", "hello.py", *options, folder=tmp_path, text="you\n")
    assert (ran.returncode, ran.stdout) == (0, "hello you\n")
    assert "DEBUG me: at work  [" in ran.stderr


def test_a_failed_turn_is_told_to_both(tmp_path: Path) -> None:
    """The person gets one neutral sentence, the operator the traceback; the bot goes on."""
    (tmp_path / "fails.py").write_text(HELLO.replace("return ", "return 1 / (text != 'bad') and "))
    ran = run("run", "fails.py", folder=tmp_path, text="bad\ngood\n")
    assert ran.stdout == "Sorry, something went wrong. Nothing was changed.\nhello good\n"
    assert "ZeroDivisionError" in ran.stderr
    assert ran.returncode == 0
