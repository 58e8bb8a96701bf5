"""What a line typed at the console means. Pure functions.

1. A line is said as it is, unless it begins with a colon and a word: that is for the console.
2. A word that the console does not know, or that is misused, is told and not said. `::` says one
   colon; `:)`, `:D` and `:smile:` are no words.
3. A place is `NAME` in private, `#NAME` for a group, `CHAT/THREAD` for a thread in one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chatstate import Chat, User


class Word(NamedTuple):
    """A word of the console's own: what stands behind it, and what it does."""

    argument: str
    does: str


WORDS: Mapping[str, Word] = {
    "as": Word("NAME", "speak as somebody else"),
    "in": Word("CHAT", "go to another chat: NAME, #GROUP, or CHAT/THREAD"),
    "press": Word("BUTTON", "press what the newest message offers: 2, or Yes, or 1, 3"),
    "reply": Word("TEXT", "answer the bot's newest message"),
    "react": Word("EMOJI", "react to the bot's newest message; - takes it back"),
    "edit": Word("TEXT", "change what you said last"),
    "send": Word("PATH [TEXT]", "send a file"),
    "join": Word("", "join the chat"),
    "leave": Word("", "leave the chat"),
    "help": Word("", "show this"),
    "quit": Word("", "end the console"),
}
HELP = "\n".join(
    [
        *(f"{f':{name} {word.argument}':18} {word.does}" for name, word in WORDS.items()),
        "A line that begins with :: is said with one colon less.",
        "Every other line is said as it is.",
    ]
)
_WORD = re.compile(r":([A-Za-z]{2,})(?=\s|$)")
_MENTION = re.compile(r"@(\w+)")
_PATH = re.compile(r"""(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<bare>(?:\\[\s"']|\S)+))\s*""")


class Say(NamedTuple):
    """Say this in the chat."""

    text: str


class Do(NamedTuple):
    """Do this at the console itself: one of `WORDS`."""

    word: str
    argument: str


class Misspelt(NamedTuple):
    """Nothing can be done with this; `told` says why."""

    told: str


class Place(NamedTuple):
    """Where one speaks: a chat, or a thread in it."""

    chat: str
    thread: str | None = None

    @property
    def title(self) -> str:
        """What `:in` takes to go there."""
        return self.chat if self.thread is None else f"{self.chat}/{self.thread}"

    @property
    def as_chat(self) -> Chat:
        """The chat as the bot gets it: a group if its name begins with #."""
        return Chat(self.chat, "group" if self.chat.startswith("#") else "private", self.chat)


class Wanted(NamedTuple):
    """Which button to press: of which message, 0 being the newest; by its number or its label."""

    message: int
    number: int
    label: str


def read(line: str) -> Say | Do | Misspelt:
    """Return what a line means; what begins with no word after one colon is said."""
    if line.startswith("::"):
        return Say(line[1:])
    found = _WORD.match(line)
    if found is None:
        return Say(line)
    name, argument = found[1].lower(), line[found.end() :].strip()
    word = WORDS.get(name)
    if word is None:
        return Misspelt(f"there is no :{found[1]}{_meant(name)}; ::{found[1]} says it")
    if argument and not word.argument:
        return Misspelt(f":{name} takes nothing behind it; ::{found[1]} says it")
    return Do(name, argument) if argument or not word.argument else Do("help", "")


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name, WORDS, 1)
    return f", did you mean :{close[0]}?" if close else "; :help tells what there is"


def mentions(text: str) -> Sequence[User]:
    """Return the people that a text names with @name."""
    return tuple(User(name, name) for name in dict.fromkeys(_MENTION.findall(text)))


def place(name: str) -> Place:
    """Return the place that `CHAT` or `CHAT/THREAD` names. Raises `ValueError` without a chat."""
    chat, _, thread = (part.strip() for part in name.partition("/"))
    if not chat:
        raise ValueError(f"{name!r} names no chat; say NAME, #GROUP or CHAT/THREAD")
    return Place(chat, thread or None)


def wanted(argument: str) -> Wanted:
    """Return which button `2`, `3.2` (of message 3) or `Yes` is."""
    message, _, number = argument.rpartition(".")
    if not number.isdecimal() or not (message.isdecimal() or not message):
        return Wanted(0, 0, argument)
    return Wanted(int(message or 0), int(number), argument)


def path_and_text(argument: str) -> tuple[str, str]:
    """Return the path in `PATH [TEXT]` and the text; blanks in a path are quoted, or escaped."""
    found = _PATH.match(argument)
    if found is None:
        return argument, ""
    path = found["double"] or found["single"] or re.sub(r"""\\([\s"'])""", r"\1", found["bare"])
    return path, argument[found.end() :]
