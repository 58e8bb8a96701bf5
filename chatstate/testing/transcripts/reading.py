"""Reads a transcript: each line for itself, and what is indented with the line above it.

1. What cannot be read is told with file and line, and with what is possible there.
2. Comments and empty lines belong to what comes next.
3. What the bot says is where it was last spoken to, unless it says where.
4. What begins with `&` happens at the very same moment as what people do above it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, cast

from msgspec.structs import replace

from chatstate.errors import LoadError
from chatstate.testing.transcripts.script import (
    FAULTS,
    VERBS,
    Act,
    Expected,
    Fault,
    Late,
    Look,
    Pause,
    Set,
    Shift,
    Step,
    Transcript,
    Trouble,
    Verb,
    What,
    Where,
    private,
)
from chatstate.testing.transcripts.showing import trimmed
from chatstate.testing.virtual.store import MOMENTS, Moment

BOT = "bot"
ANYTHING = "..."
_INDENT, _AT_ONCE = "  ", "& "
_SPEAKS = re.compile(r"(?P<head>[^:]+?)(?::(?: (?P<text>.*))?)?")
_PLACED = re.compile(r"(?P<who>.+?)(?: (?P<way>in|to) (?P<place>.+))?")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_TAP = re.compile(r"\[(.+?)\](?=\s*\[|\s*$)")
_FILE = re.compile(r"<([^<>]+)>")
_BOTS_VERBS = ("edits", "deletes", "reacts", "calls")
_FAULTS: Mapping[str, Fault] = {fault: fault for fault in FAULTS}
_MOMENTS: Mapping[str, Moment] = {f"at {moment}": moment for moment in MOMENTS}
_WITHOUT_TEXT = ("joins", "leaves", "is admin")


class TranscriptError(LoadError):
    """A line of a transcript cannot be read, or not be done."""


def read(path: Path) -> Transcript:
    """Return the transcript in a file. Raises `TranscriptError`, with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TranscriptError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TranscriptError(f"{path} is no text in UTF-8: {error}") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Transcript:
    """Return the transcript that a text is. Raises `TranscriptError`, with file and line."""
    reader = _Reader(path)
    for number, line in enumerate(text.splitlines(), 1):
        reader.take(number, line)
    return reader.end()


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._steps: list[Step] = []
        self._where: Where | None = None
        self._above: list[str] = []  # comments, of what comes next
        self._begin: tuple[str, ...] = ()
        self._open: list[str] = []  # lines of what may still be continued
        self._opened = 0
        self._bot = ""

    def take(self, number: int, line: str) -> None:
        is_text = line.startswith(_INDENT) and line.strip()
        if is_text and not self._open:
            self._refuse(number, "nothing stands above it that it could continue")
        if is_text:  # empty lines in between are the text's
            self._open += [*self._above, line]
            self._above.clear()
        elif not line.strip() or (line.startswith("#")):
            if line.startswith("#"):
                self._close()
            self._above.append(line)
        else:
            self._close()
            self._open, self._opened = [*self._above, line], number
            self._above.clear()

    def end(self) -> Transcript:
        self._close()
        return Transcript(self._path, self._steps, self._bot, self._begin, tuple(self._above))

    def _close(self) -> None:
        """Read what was opened, as no more lines belong to it."""
        lines, self._open = tuple(self._open), []
        if not lines:
            return
        first = next(i for i, line in enumerate(lines) if line.strip() and line[0] != "#")
        head, *more = lines[first], *(line.removeprefix(_INDENT) for line in lines[first + 1 :])
        self._read(head, more, lines)

    def _read(self, head: str, more: Sequence[str], lines: tuple[str, ...]) -> None:
        number = self._opened
        if head.startswith("! bot "):
            if self._steps:
                self._refuse(number, "which bot it is stands before all else")
            self._bot, self._begin = head.removeprefix("! bot ").strip(), lines
        elif head == ANYTHING or head.startswith("="):
            self._expect(number, Expected(_of_line(head), _text_of(head), lines))
        elif head.startswith("+"):
            self._steps.append(Step(Pause(self._seconds(number, head[1:])), number, lines))
        elif head.startswith("!"):
            self._steps.append(Step(self._directive(number, head[1:].split()), number, lines))
        else:
            self._said(number, head, more, lines)

    def _expect(self, number: int, expected: Expected) -> None:
        self._require_steps(number)
        self._steps[-1] = replace(self._steps[-1], expected=(*self._steps[-1].expected, expected))

    def _require_steps(self, number: int) -> None:
        if not self._steps:
            self._refuse(number, "the bot says something only after somebody else does")

    def _said(self, number: int, line: str, more: Sequence[str], lines: tuple[str, ...]) -> None:
        found = _SPEAKS.fullmatch(line.removeprefix(_AT_ONCE))
        if not found:
            self._refuse(number, "write `alice: what she says`")
        head, text = found["head"], found["text"]
        verb = next((verb for verb in (*VERBS, *_BOTS_VERBS) if head.endswith(f" {verb}")), "says")
        placed = cast("re.Match[str]", _PLACED.fullmatch(head.removesuffix(f" {verb}").strip()))
        if (text is None and not more) != (verb in _WITHOUT_TEXT) and not line.endswith(":"):
            self._refuse(number, "write `alice: what she says`, or `alice joins`")
        whole = "\n".join([text or "", *more])
        if placed["who"] == BOT:
            self._require_steps(number)
            told = "" if verb == "says" else verb
            where = self._place(number, placed, for_bot=True)
            self._expect(number, Expected(where, f"{told}: {trimmed(whole)}", lines))
            return
        if verb in ("deletes", "calls"):
            self._refuse(number, f"only the bot {verb}")
        self._where = self._place(number, placed)
        at_once = line.startswith(_AT_ONCE)
        act = Act(placed["who"], self._where, cast("Verb", verb), at_once=at_once)
        self._steps.append(Step(_with_text(act, whole), number, lines))

    def _place(self, number: int, placed: re.Match[str], *, for_bot: bool = False) -> Where:
        way, name = placed["way"], placed["place"]
        room, _, thread = (name or "").partition("/")
        if way == "to" and for_bot:
            return private(room, thread)
        if way == "to":
            self._refuse(number, "people speak `in` a room")
        if way == "in" and room:
            return room, thread
        if way == "in" and not for_bot:
            return private(placed["who"], thread)
        if not for_bot:
            return private(placed["who"])
        if self._where is None:
            self._refuse(number, "say where: `bot in room:` or `bot to alice:`")
        return self._where

    def _seconds(self, number: int, text: str) -> float:
        seconds = sum(float(count) * _UNITS[unit] for count, unit in _TIME.findall(text))
        if _TIME.sub("", text).strip() or not seconds:
            self._refuse(number, "write a time as `+ 1h 30m`, of d, h, m and s")
        return seconds

    def _directive(self, number: int, words: Sequence[str]) -> What:
        name, rest = "".join(words[:1]), words[1:]
        if name == "clock" and rest:
            return self._clock(number, " ".join(rest))
        if name == "late" and rest:
            return Late(self._seconds(number, " ".join(rest)))
        if name == "state" and not rest:
            return Look()
        moment = _MOMENTS.get(" ".join(rest))
        if (name == "crash" and moment) or (name in _FAULTS and not rest):
            return Trouble(_FAULTS[name], moment)
        return self._refuse(
            number,
            f"after `!` stands one of bot, clock, late, state, {', '.join(FAULTS)}, or `crash at` "
            f"and one of {', '.join(MOMENTS)}",
        )

    def _clock(self, number: int, text: str) -> Set | Shift:
        if text[0] in "+-":
            seconds = self._seconds(number, text[1:])
            return Shift(-seconds if text[0] == "-" else seconds)
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            self._refuse(number, "write a time as `! clock 2026-01-31 09:00`; it is UTC")
        return Set((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())

    def _refuse(self, number: int, told: str) -> NoReturn:
        raise TranscriptError(f"{self._path}:{number}: {told}")


def _of_line(head: str) -> Where:
    """Return what tells a line of state from others: whose it is."""
    return "=", head.partition(":")[0]


def _text_of(head: str) -> str | None:
    return None if head == ANYTHING else head


def _with_text(act: Act, text: str) -> Act:
    """Return what is done with a text: it may tap `[this]`, or have a `<file>` below."""
    stripped = text.strip()
    if act.verb == "says" and _TAP.match(stripped) and not _TAP.sub("", stripped).strip():
        return replace(act, taps=tuple(_TAP.findall(stripped)))
    lines = text.split("\n")
    files: list[str] = []
    while lines and (found := _FILE.fullmatch(lines[-1].strip())):
        files.insert(0, found[1])
        lines.pop()
    said = "\n".join(lines)
    return replace(act, text=said.removeprefix("\\"), files=tuple(files))
