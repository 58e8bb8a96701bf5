"""What commands are registered with: a bot, and groups of commands in it. No I/O.

1. A command's whole name is those of its groups and its own: `config set`.
2. Who may use a group, and how often, holds beside what its commands say of that.
3. Groups stand in a group, but no deeper: platforms have room for three words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, Unpack, overload

from chatstate.bot.access import Allow, Guard, Limit, guard, limits_of
from chatstate.bot.guesses import refuse_no_function, refuse_no_name
from chatstate.bot.listing import Description, Listing, checked_place, described
from chatstate.bot.options import Options
from chatstate.bot.resources import Owner
from chatstate.errors import BindingError
from chatstate.messages import ChatPlace, CommandGroup

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[a-z0-9_]{1,32}")
_DEEPEST = 2


class Within(NamedTuple):
    """What stands around a command: its groups, and what holds for all that is in them."""

    groups: tuple[CommandGroup, ...] = ()
    guards: tuple[Guard, ...] = ()
    limits: tuple[Limit, ...] = ()

    def name(self, given: str) -> str:
        """Return the whole name of what is called so here. Raises `BindingError`."""
        return " ".join([*(group.name for group in self.groups), command_name(given)])


AddCommand = Callable[[Callable[..., Any], str, Listing, Within, Options], None]
"""Takes a function, its name within its group, how it is listed, and what else there is of it."""


class CommandSet:
    """What commands are registered with. `add` takes each in."""

    def __init__(self, add: AddCommand, owner: Owner, within: Within) -> None:
        self._add = add
        self._owner = owner
        self._within = within

    @overload
    def command(self, fn: F, /) -> F: ...
    @overload
    def command(
        self,
        /,
        *,
        name: str | None = None,
        description: Description | None = None,
        hidden: bool = False,
        chats: ChatPlace | None = None,
        tool: bool = False,
        **options: Unpack[Options],
    ) -> Callable[[F], F]: ...
    def command(
        self,
        fn: F | None = None,
        /,
        *,
        name: str | None = None,
        description: Description | None = None,
        hidden: bool = False,
        chats: ChatPlace | None = None,
        tool: bool = False,
        **options: Unpack[Options],
    ) -> F | Callable[[F], F]:
        """Register a handler for `/name`: by default the function's name.

        Its plain parameters are the command's arguments. The description, else the docstring's
        first line, is shown in help and menus; a mapping of languages to texts translates that.

        - `hidden`: it is in no help and no menu, and works all the same.
        - `chats`: "private" or "group": it is for private chats alone, or for all others.
        - `tool`: programs may call it, where an adapter has tools (MCP); guards and limits hold.

        The other options are those of `on_message`; with `overlap="interrupt"` the command ends
        whatever turn runs in the conversation (a /stop). Raises `BindingError`.
        """
        text, translations = described(description)
        listing = Listing(
            text,
            translations,
            self._within.groups,
            hidden=hidden,
            chats=checked_place(chats),
            is_tool=tool,
        )

        def register(fn: F) -> F:
            refuse_no_function("command", fn)
            named = str(name or getattr(fn, "__name__", ""))
            self._add(fn, named, listing, self._within, options)
            return fn

        return register if fn is None else register(fn)

    def group(
        self,
        name: str,
        /,
        *,
        description: Description | None = None,
        allow: Allow | None = None,
        limits: str | Sequence[str] = (),
    ) -> Group:
        """Return a group of commands: what is registered with it is called `/name command`.

        `config = bot.group("config")`, then `@config.command def set(...)` for `/config set`. What
        it allows and limits holds for each of its commands. Groups may stand in a group. Raises
        `BindingError`.
        """
        refuse_no_name(name)
        if len(self._within.groups) == _DEEPEST:
            raise BindingError(f"group {name!r} is too deep: /group group command is all there is")
        text, translations = described(description)
        text = text or next(iter(translations.values()), "")
        group = CommandGroup(command_name(name), text, translations)
        guards = () if allow is None else (guard(allow, owner=self._owner),)
        within = Within(
            (*self._within.groups, group),
            (*self._within.guards, *guards),
            (*self._within.limits, *limits_of(limits)),
        )
        return Group(self._add, self._owner, within)


class Group(CommandSet):
    """Commands whose names begin alike; see `CommandSet.group`."""

    def __repr__(self) -> str:
        return f"<Group /{' '.join(group.name for group in self._within.groups)}>"


def command_name(given: str, *, how: str = "@bot.command(name=...)") -> str:
    """Return a command's name in lower case. Raises `BindingError` if nobody could send it.

    `how` another is given.
    """
    name = given.lower()
    if not _NAME.fullmatch(name):
        raise BindingError(
            f"{name!r} cannot be a command: use 1 to 32 of a-z, 0-9 and _, as in {how}"
        )
    return name
