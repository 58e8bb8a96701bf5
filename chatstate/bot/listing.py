"""How a bot's commands are told: to people by /help, to platforms for their menus. No I/O.

1. What a command does is described by its docstring, in the bot's own language, and in others by
   what its author gives.
2. The framework's own commands are described in each language that an author's are.
3. What is hidden, or for owners alone, is in no menu.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from chatstate.bot.access import Guard
from chatstate.bot.handlers import Handler
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentences
from chatstate.language_tags import normal
from chatstate.messages import ChatPlace, Command, CommandGroup, Menu

Description = str | Mapping[str, str]
"""What a command does: in the bot's own language, or by language beside its docstring."""


@dataclass(frozen=True, slots=True)
class Listing:
    """How a command is told of.

    - `description` is what it does, "" if the docstring says it; `translations` in other languages.
    - `groups` are those it is in, the outermost first.
    - `hidden`: it is in no menu and no help.
    - `chats`: where it is for, None if everywhere.
    - `menu`: where it stands in the menu of a message or a person.
    - `is_tool`: programs may call it.
    """

    description: str = ""
    translations: Mapping[str, str] = field(default_factory=dict[str, str])
    groups: tuple[CommandGroup, ...] = ()
    hidden: bool = False
    chats: ChatPlace | None = None
    menu: Menu | None = None
    is_tool: bool = False


LISTED = Listing()


class Listed(Protocol):
    """A command's route, as far as it is told of."""

    @property
    def handler(self) -> Handler: ...
    @property
    def listing(self) -> Listing: ...
    @property
    def is_own(self) -> bool: ...
    @property
    def guards(self) -> Sequence[Guard]: ...


def described(given: Any) -> tuple[str, Mapping[str, str]]:
    """Return a description and its translations. Raises `BindingError`."""
    if given is None or isinstance(given, str):
        return given or "", {}
    if not (isinstance(given, Mapping) and given):
        raise BindingError(f"description={given!r}: use a text, or texts by language")
    try:
        return "", {normal(tag): str(text) for tag, text in typing.cast("Any", given).items()}
    except ValueError as error:
        raise BindingError(f"description: {error}") from error


def checked_place(given: Any) -> ChatPlace | None:
    """Return where a command is for. Raises `BindingError`."""
    if given is not None and given not in typing.get_args(ChatPlace):
        raise BindingError(f'chats={given!r}: use "private" or "group"')
    return typing.cast("ChatPlace | None", given)


def languages(routes: Iterable[Listed]) -> list[str]:
    """Return the languages in which authors have described some command."""
    return sorted({tag for route in routes for tag in route.listing.translations})


def command_of(name: str, route: Listed, sentences: Sentences, tags: Iterable[str] = ()) -> Command:
    """Return a command as it is told of; a command of ours is described in these languages, too."""
    handler, listing = route.handler, route.listing
    description, translations = handler.description, listing.translations
    key = f"help_{name}"
    if route.is_own and key in sentences.default:
        description = sentences.default[key]
        translations = {tag: sentences.of(tag)[key] for tag in tags}
    if not description:
        description = next(iter(translations.values()), "")
    is_help = route.is_own and name == "help"  # whatever follows it
    return Command(
        name,
        description,
        f"/{name}" if is_help else handler.usage,
        () if is_help or listing.menu else handler.options,
        translations,
        listing.groups,
        any(guard.rules == ("admins",) for guard in route.guards),
        listing.chats,
        listing.menu,
        listing.is_tool,
    )
