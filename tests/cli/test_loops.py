"""The event loop that a bot runs on: found, or chosen by `CHATSTATE_LOOP`."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import programs

from chatstate.adapter import pip_line
from chatstate.cli.loops import VARIABLE, loop_factory
from chatstate.cli.main import main

BOT = """\
import asyncio
from chatstate import Interface

async def tell(text: str) -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]

bot = Interface(tell)

if __name__ == "__main__":
    bot.run("console")
"""
COMMANDS = [["-m", "chatstate", "run", "bot.py"], ["bot.py"]]
with_uvloop = pytest.mark.skipif(
    not os.environ.get("CI") and importlib.util.find_spec("uvloop") is None,
    reason="needs uvloop",
)


def run(folder: Path, command: list[str], loop: str) -> subprocess.CompletedProcess[str]:
    (folder / "bot.py").write_text(BOT)
    return programs.run(*command, folder=folder, env={VARIABLE: loop}, given="which?\n")


def refused(monkeypatch: pytest.MonkeyPatch, loop: str) -> int:
    """Run a bot in this process, which must not begin; return the status."""
    monkeypatch.setenv(VARIABLE, loop)
    monkeypatch.setattr(sys, "argv", ["chatstate", "run", "history-echo"])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@with_uvloop
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("chosen", "runs_on"), [("", "uvloop"), ("uvloop", "uvloop"), ("asyncio", "asyncio")]
)
def test_a_bot_runs_on_uvloop_or_as_told(
    command: list[str], chosen: str, runs_on: str, tmp_path: Path
) -> None:
    """`chatstate run` and `bot.run` take uvloop where it is installed, unless told otherwise."""
    ran = run(tmp_path, command, chosen)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{runs_on}\n", "")


@pytest.mark.parametrize("chosen", ["", "asyncio"])
def test_without_uvloop_a_bot_runs_on_asyncios_loop(
    chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody needs it."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setenv(VARIABLE, chosen)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        assert isinstance(runner.get_loop(), asyncio.BaseEventLoop)


def test_uvloop_that_is_missing_names_its_pip_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who asks for it gets it, or is told what to type; nothing else runs in its place."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert refused(monkeypatch, "uvloop") == 2
    assert capsys.readouterr().err == (
        "chatstate: CHATSTATE_LOOP=uvloop needs uvloop: "
        f"{pip_line('chatstate', 'speed')} (not on Windows)\n"
    )


def test_a_loop_that_there_is_not_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line that says which there are."""
    assert refused(monkeypatch, "trio") == 2
    assert capsys.readouterr().err == (
        "chatstate: CHATSTATE_LOOP='trio' is no event loop; use asyncio or uvloop\n"
    )


@with_uvloop
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_bot_on_either_loop(
    number: signal.Signals, loop: str, tmp_path: Path
) -> None:
    """It ends in order, with status 0."""
    (tmp_path / "bot.py").write_text(BOT)
    with programs.start("bot.py", folder=tmp_path, env={VARIABLE: loop}) as process:
        process.stdin.write(b"which?\n")
        assert process.stdout.readline().decode() == f"{loop}\n"
        process.send_signal(number)
        assert (process.wait(), process.stderr.read()) == (0, b"")
