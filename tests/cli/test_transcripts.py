"""`chatstate record`, `replay` and `simulate`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import programs
from support import call

BOT = '''
from chatstate import Button, Interface, PerUser, Ref, Reply

bot = Interface(id="teas")

@bot.command
def tea(kind: str, cups: PerUser[Ref[int]]) -> Reply:
    """Have a tea."""
    cups.value += 1
    return Reply(f"Cup {cups.value}: {kind}", buttons=[Button("Again", command=f"/tea {kind}")])

def nobody_drinks_too_much(states):
    assert all(cups < 3 for cups in states.get("cups", {}).values()), "too much"
'''
SAID = "/tea mint\n:as bob\n:in #tearoom\n/tea green\n:press Again\n"
RECORDED = """\
! bot bot.py

user: /tea mint
bot: Cup 1: mint
  [Again]
bob in tearoom: /tea green
bot: Cup 1: green
  [Again]
bob in tearoom: [Again]
bot: Cup 2: green
  [Again]
! state
= cups of bob: 2
= cups of user: 1
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the bot lie in the current folder."""
    (tmp_path / "bot.py").write_text(BOT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_conversation_is_written_down_and_played_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is said at the console becomes a transcript; what the bot does otherwise is shown."""
    record = ("record", "talk.chat", "bot.py", "--set", "user=user")
    recorded = programs.run(*programs.CHATSTATE, *record, given=SAID)
    assert recorded.stderr == "written to talk.chat\n", recorded.stderr
    assert (folder / "talk.chat").read_text() == RECORDED
    assert call(monkeypatch, "replay", ".", "bot.py") == 0
    assert capsys.readouterr().out == "1 of 1 are as they were\n"
    changed = BOT.replace("cups.value += 1", "cups.value += 2").replace("Cup", "Pot")
    (folder / "bot.py").write_text(changed)
    assert call(monkeypatch, "replay", "talk.chat", "bot.py") == 1
    told = capsys.readouterr().out
    assert "-bot: Cup 1: mint\n+bot: Pot 2: mint\n" in told
    assert "-= cups of bob: 2\n" in told
    assert "+= cups of bob: 4\n" in told
    assert call(monkeypatch, "record", "talk.chat", "bot.py") == 2
    assert "talk.chat is there already" in capsys.readouterr().err


def test_a_simulation_tells_what_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seed by seed; what is found is a transcript."""
    few = ("simulate", "bot.py", "--steps", "10", "--people", "1")
    assert call(monkeypatch, *few, "--runs", "2") == 0
    assert capsys.readouterr().out == "seed 0: nothing is wrong\nseed 1: nothing is wrong\n"
    assert call(monkeypatch, *few, "--invariant", "bot.py:nobody_drinks_too_much") == 1
    told = capsys.readouterr()
    assert "nobody_drinks_too_much does not hold: AssertionError: too much" in told.out
    assert "seed 0: looking for the shortest that shows it" in told.err
    assert (folder / "teas-0.chat").read_text().count("alice:") == 3
    assert call(monkeypatch, "replay", "teas-0.chat", "bot.py") == 0
    assert call(monkeypatch, *few, "--invariant", "bot.py:nothing") == 2
    assert "'bot.py:nothing' is no function" in capsys.readouterr().err


def test_a_project_says_which_bot_is_recorded_simulated_and_replayed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does for `run`."""
    monkeypatch.setenv("CHATSTATE_BOT", "bot.py")
    assert call(monkeypatch, "simulate", "--steps", "2", "--runs", "1") == 0
    recorded = programs.run(*programs.CHATSTATE, "record", "talk.chat", given="/tea mint\n")
    assert recorded.stderr == "written to talk.chat\n", recorded.stderr
    assert (folder / "talk.chat").read_text().startswith("! bot bot.py\n")
    assert call(monkeypatch, "replay", "talk.chat") == 0
    assert call(monkeypatch, "replay", ".") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["talks"], "talks is no transcript; name *.chat files, or folders of them"),
        (["talk.chat"], "which bot? Name it behind the transcripts, as in bot.py"),
    ],
)
def test_what_is_missing_to_replay_is_told(
    words: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What stands last is the bot, unless it is a transcript or a folder."""
    assert call(monkeypatch, "replay", *words) == 2
    assert capsys.readouterr().err == f"chatstate: {told}\n"


def test_folders_without_transcripts_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing would be tested, and nobody would know."""
    assert call(monkeypatch, "replay", ".", "bot.py") == 2
    assert capsys.readouterr().err == "chatstate: . has no *.chat files\n"


def test_a_transcript_is_utf8_whatever_the_locale_says(tmp_path: Path) -> None:
    """It was written elsewhere."""
    (tmp_path / "a.chat").write_bytes("alice: 茶\nbot: ...\n".encode())
    code = "from chatstate.testing.transcripts.reading import read, Path; read(Path('a.chat'))"
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, **plain}, check=True
    )


def test_what_is_no_transcript_is_told(tmp_path: Path) -> None:
    """In a line, by its file."""
    (tmp_path / "b.chat").write_bytes(b"alice: \xff\n")
    replay = (*programs.CHATSTATE, "replay")
    refused = programs.run(*replay, "b.chat", "history-echo", folder=tmp_path)
    assert "b.chat is no text in UTF-8" in refused.stderr
    missing = programs.run(*replay, "c.chat", "history-echo", folder=tmp_path)
    assert missing.stderr == "chatstate: c.chat cannot be read: No such file or directory\n"
