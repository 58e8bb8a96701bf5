"""What a line typed at the console means. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from chatstate import User

HELP = """\
:as NAME   speak as somebody else
:in NAME   go to another chat
:help      show this
:quit      leave
A line that begins with :: is said with one colon less. Everything else is said as it is."""
_MENTION = re.compile(r"@(\w+)")


class Say(NamedTuple):
    """Say this in the chat."""

    text: str


class Do(NamedTuple):
    """Do this at the console itself: `as`, `in`, `help` or `quit`."""

    word: str
    argument: str


_TAKES_ARGUMENT = {"as": True, "in": True, "help": False, "quit": False}


def read(line: str) -> Say | Do:
    """Return what a line means; whatever is no known word after one colon is said."""
    if line.startswith("::"):
        return Say(line[1:])
    if line.startswith(":"):
        word, _, argument = line[1:].rstrip().partition(" ")
        if word in _TAKES_ARGUMENT and _TAKES_ARGUMENT[word] == bool(argument.strip()):
            return Do(word, argument.strip())
        if _TAKES_ARGUMENT.get(word):
            return Do("help", "")
    return Say(line)


def mentions(text: str) -> Sequence[User]:
    """Return the people that a text names with @name."""
    return tuple(User(name, name) for name in dict.fromkeys(_MENTION.findall(text)))
