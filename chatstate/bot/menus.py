"""Functions for a message or a person that somebody has chosen: `@bot.on_menu`. No I/O.

1. Each is a command, too: where a platform has no menus on messages and people, a message is
   answered with it, or a person mentioned behind it.
2. What was chosen fills the function's one parameter: a message's words, or the person.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatstate.bot.arguments import Argument
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentence
from chatstate.messages import Chosen, Menu, Message
from chatstate.signature import label

_LONGEST = 32


def menu_of(title: Any, of: Any) -> Menu:
    """Return an entry of a menu. Raises `BindingError` for what no platform could show."""
    if not (isinstance(title, str) and 0 < len(title.strip()) <= _LONGEST):
        raise BindingError(f"on_menu({title!r}): give a title of 1 to {_LONGEST} letters")
    if of not in typing.get_args(Chosen):
        raise BindingError(f'on_menu({title!r}, of={of!r}): use "message" or "user"')
    return Menu(title.strip(), of)


def command_for(title: str) -> str:
    """Return what a title is as a command: `Who is it?` is `who_is_it`."""
    return re.sub(r"\W+", "_", title.lower()).strip("_")


def check_chosen(fn: Callable[..., Any], arguments: Sequence[Argument], menu: Menu) -> None:
    """Raise `BindingError` if a function takes more than what is chosen, or something else."""
    wants_person = [argument.reader is None for argument in arguments]
    if wants_person not in ([], [menu.of == "user"]):
        what = "one Annotated[User, Arg]" if menu.of == "user" else "one parameter, for its text"
        raise BindingError(
            f"{label(fn)} is in the menu of a {menu.of}, so of what a person gives it takes {what}"
        )


def _of_message(arguments: Sequence[Argument], message: Message, usage: str) -> list[Any]:
    if message.reply_to is None:
        raise Sentence("choose_message", usage=usage)
    words = message.quote or message.reply_to.text  # maybe of a part of it alone
    return [argument.parse(words, message) for argument in arguments]


def _of_user(arguments: Sequence[Argument], message: Message, usage: str) -> list[Any]:
    answered = message.reply_to.sender if message.reply_to else None
    person = next(iter(message.mentions), answered)
    if person is None:
        raise Sentence("choose_person", usage=usage)
    return [person for _ in arguments]


CHOSEN: Mapping[Chosen, Callable[[Sequence[Argument], Message, str], list[Any]]] = {
    "message": _of_message,
    "user": _of_user,
}
"""How the arguments of a function are got from what was chosen."""
