"""What of a command is being typed, for platforms where a command is a line. Pure functions.

1. A line is read as the bot would read it; what is at its end is being typed.
2. What can be told without the bot is told: its commands, and what an argument has to choose from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chatstate.messages import Command, CommandOption
from chatstate.words import first_word


class Typing(NamedTuple):
    """A command that is being typed, the argument that the line is at, and what is given so far.

    `arguments` are the texts by name, as a `Message` of the kind "complete" has them: the last is
    that of `option`. `is_last`: no other argument follows.
    """

    command: Command
    option: CommandOption
    arguments: dict[str, str]
    is_last: bool

    @property
    def typed(self) -> str:
        """What of the argument has been typed."""
        return self.arguments[self.option.name]


def being_typed(line: str, commands: Sequence[Command]) -> Typing | None:
    """Return what of a command is being typed at the end of a line; None if no argument is."""
    for command, given in _begun(line, commands):
        arguments: dict[str, str] = {}
        rest = given
        for number, option in enumerate(command.options, 1):
            is_last = number == len(command.options)
            takes_rest = is_last and option.kind == "text"
            word, left = (rest, "") if takes_rest or not rest else first_word(rest)
            arguments[option.name] = word
            if takes_rest or not (left or rest[-1:].isspace()):
                return Typing(command, option, arguments, is_last)
            rest = left
    return None


def _begun(line: str, commands: Sequence[Command]) -> Iterator[tuple[Command, str]]:
    """Yield the command whose name a line begins with, and what follows that."""
    for command in commands:
        name, rest = f"/{command.name}", line
        for word in name.split():
            said, blank, rest = rest.partition(" ")
            rest = rest.lstrip()
            if said.lower() != word.lower() or not blank:
                break
        else:
            yield command, rest
