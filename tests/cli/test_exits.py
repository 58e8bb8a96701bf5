"""Whatever people, models and errors say, it controls no terminal and forges no line.

Each way out to a terminal or a log is given the same texts: logs, dead letters, the console, and
what the command line refuses.
"""

import asyncio
import json
import logging
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from chatstate import Interface
from chatstate.cli.dead_letters import app as dead
from chatstate.cli.logs import Log
from chatstate.cli.main import main
from chatstate.testing import TestClient
from chatstate.text import Span, StyledText, escaped, one_line, visible
from chatstate_console.send.painting import Painter
from chatstate_console.send.parts import Entry

PIECES = (
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x1b\\",
    "\x1b[2J",
    "\x9b31m",
    "\x9d52;c;eA==\x9c",
    "\r",
    "\n",
    "\r\n",
    "\x85",
    "\u2028",
    "\u202e",
    "\u2066",
    "\x00",
    "\x7f",
    "\ud800",
    "\nERROR chatstate: forged",
    "\n    7  2026-01-01 00:00:00Z  event forged",
    "\nTraceback (most recent call last):",
    "words",
    " ",
    "ä😀",
)
texts = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=12).map("".join)
DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
OURS = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;[^\x1b]*\x1b\\")
"""What the console itself writes: colours, and links that can be clicked."""


def unsafe(text: str) -> set[str]:
    """Return what a terminal, or who reads by lines, would not take for text."""
    controls = {c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
    return (controls - {"\n", "\t"}) | (set(text) & set(DIRECTIONS))


@settings(deadline=None)
@given(texts)
def test_text_is_made_visible_letter_by_letter(text: str) -> None:
    """What is harmless stays as it is, and positions stay true."""
    shown = visible(text)
    assert not unsafe(shown)
    assert all(new == old for new, old in zip(shown, text, strict=True) if not unsafe(old))
    assert one_line(text) == shown.replace("\n", "␊").replace("\t", "␉")


def test_control_characters_have_pictures() -> None:
    """Those that have none are shown as characters that cannot be shown."""
    text = "a\x00b\x1b[0m\x7f\x85\x9b\r\n\tä😀\u202e\u2028"
    assert visible(text) == "a␀b␛[0m␡\ufffd\ufffd␍\n\tä😀\ufffd\ufffd"
    assert one_line(text) == "a␀b␛[0m␡\ufffd\ufffd␍␊␉ä😀\ufffd\ufffd"


@settings(deadline=None)
@given(texts)
def test_escaped_json_is_the_same_json(text: str) -> None:
    """In one line, and in nothing but text."""
    raw = json.dumps({"text": text}, ensure_ascii=False)
    assert json.loads(escaped(raw)) == {"text": text}
    assert not unsafe(escaped(raw))


# Logs


def record_of(text: str) -> logging.LogRecord:
    """Return the record of an error that a handler raised with what somebody said."""
    try:
        try:
            raise KeyError(text)
        except KeyError as error:
            raise ValueError(f"bad: {text}") from error
    except ValueError:
        failed = sys.exc_info()
    said = ("the turn of %s failed", (text,))
    return logging.LogRecord("chatstate.turns", logging.ERROR, __file__, 1, *said, failed)


@settings(deadline=None)
@given(texts)
def test_a_record_begins_where_none_else_does(text: str) -> None:
    """Of a record in the log, the first line alone begins at the margin."""
    logged = Log("text", texts=True).format(record_of(text))
    first, *rest = logged.split("\n")
    assert first.startswith("ERROR chatstate.turns: the turn of ")
    assert all(line.startswith("    ") for line in rest)
    assert not unsafe(logged)


@settings(deadline=None)
@given(texts)
def test_a_record_in_json_is_one_line(text: str) -> None:
    """It holds what was said, escaped."""
    logged = Log("json", texts=True).format(record_of(text))
    assert not unsafe(logged)
    assert "\n" not in logged
    told = json.loads(logged)
    assert told["message"] == f"the turn of {text} failed".encode(errors="replace").decode()
    assert (told["level"], told["logger"]) == ("error", "chatstate.turns")
    assert "ValueError: bad: " in told["traceback"]


# Dead letters


def storable(text: str) -> str:
    return text.encode(errors="replace").decode() or "nobody"


@settings(max_examples=5, deadline=None)
@given(st.lists(texts, min_size=1, max_size=10))
def test_dead_letters_are_listed_a_line_each(said: list[str]) -> None:
    """Names, chats, errors and what was said are shown, and do nothing."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/a.db"
        asyncio.run(let_fail(url, said))
        listed = CliRunner().invoke(dead, ["list", "--reveal", "--store", url]).output
        assert not unsafe(listed)
        assert [line.split()[0] for line in listed.splitlines()] == [
            "number",
            *(str(number) for number in range(1, len(said) + 1)),
        ]
        for number in range(1, len(said) + 1):
            shown = (
                CliRunner().invoke(dead, ["show", str(number), "--reveal", "--store", url]).output
            )
            head, error, blank, *detail, end, body, last = shown.split("\n")
            assert not unsafe(shown)
            assert head.startswith(f"{number}: ")
            assert error.startswith("ValueError: bad: ")
            assert blank == end == last == ""
            assert all(line.startswith("    ") or not line for line in detail)
            assert json.loads(body)["message"]["text"] == storable(said[number - 1])


async def let_fail(url: str, said: list[str]) -> None:
    bot = Interface(id="bot")
    errors = iter(said)

    @bot.on_message
    async def fail(message: str) -> None:
        raise ValueError(f"bad: {next(errors)}")

    async with TestClient(bot, store=url, raise_errors=False) as client:
        for text in said:
            await client.user(storable(text), chat=storable(text)).say(storable(text))


# The console


def painted(paint: Callable[[Painter], str]) -> str:
    return OURS.sub("", paint(Painter(lambda: 40)))


@settings(deadline=None)
@given(texts)
def test_what_the_console_paints_is_text(text: str) -> None:
    """Replies, their marks, names, buttons and files, and what was typed."""
    styled = StyledText(f"x{text}", (Span("link", 0, 1 + len(text), f"https://x{text}"),))
    entry = Entry([text], styled, [text], [text], 1)
    assert not unsafe(painted(lambda painter: painter.entry(entry)))
    assert not unsafe(painted(lambda painter: painter.entry(Entry(text=StyledText(text)))))
    assert not unsafe(painted(lambda painter: painter.spoken(text, text)))
    assert not unsafe(painted(lambda painter: painter.told(text)))
    assert not unsafe(painted(lambda painter: painter.printed(text)))
    assert not unsafe(painted(lambda painter: painter.preview(styled, 5)))


# What the command line refuses

EVIL = "a\x1b]52;c;eA==\x07b\u202ec\x9bd\nchatstate: forged"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", EVIL],
        ["run", "history-echo", "--on", EVIL],
        ["run", "history-echo", f"--{EVIL}", "x"],
        ["run", "history-echo", "--store", EVIL],
        ["dead", "show", "1", "--store", f"sqlite:///{EVIL}"],
        [EVIL],
    ],
)
def test_a_refusal_is_one_line_of_text(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the arguments hold."""
    monkeypatch.setattr(sys, "argv", ["chatstate", *arguments])
    with pytest.raises(SystemExit, match="2"):
        main()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert not unsafe(err)
    assert "a␛]52;c;eA==␇b\ufffdc\ufffdd␊chatstate: forged" in err


@pytest.mark.parametrize("error", ["ImportError", "chatstate.BindingError"])
def test_what_a_bots_file_raises_is_told_in_one_line(
    error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever its text holds."""
    path = tmp_path / "hostile.py"
    path.write_text(f"import chatstate\nraise {error}({EVIL!r})")
    monkeypatch.setattr(sys, "argv", ["chatstate", "run", str(path)])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit, match="2"):
        main()
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert not unsafe(err)
