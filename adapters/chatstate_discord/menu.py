"""Slash commands and menus: what Discord is told of the bot's commands, once that has changed.

1. What Discord cannot take (other names, more than 25 arguments, the 101st, the sixth in a menu) is
   left out and told; it works when it is typed.
2. Discord is asked what it knows, and told only if that differs in what is ours to say.
3. It is a courtesy: whatever goes wrong is a line in the log.
4. A group is a command whose options are its commands. What Discord can hold of who may use a
   command, and where, it holds for the group as a whole: so all in it must agree.
5. While a bot is developed its commands are those of one guild, where they are known at once; they
   are taken from there as soon as the bot runs without.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from discord.http import HTTPClient, Route

from chatstate import Command, CommandGroup, CommandOption
from chatstate.adapter import Host
from chatstate_discord.send.errors import meaning

log = logging.getLogger("chatstate.discord")

_SLASH, _GROUP, _USER, _MESSAGE = 1, 2, 2, 3
_MENUS = {"user": _USER, "message": _MESSAGE}
_KINDS = {"text": 3, "whole": 4, "truth": 5, "person": 6, "number": 10}
_NUMBERS = (4, 10)
_CHOICES, _OPTIONS, _COMMANDS, _IN_MENU = 25, 25, 100, 5
_DESCRIPTION, _CHOICE = 100, 100
_LARGEST = 2**53
_NAME = re.compile(r"[-_'\w]{1,32}")
_MANAGE_GUILD = 1 << 5
"""What `DiscordAdapter.is_admin` asks for."""
_CONTEXTS = {"group": [0], "private": [1]}
_COMPARED = (
    "type",
    "name",
    "description",
    "description_localizations",
    "default_member_permissions",
    "required",
    "autocomplete",
    "min_value",
    "max_value",
)
_LOCALES = (
    *("id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl"),
    *("no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi"),
    *("th", "zh-CN", "ja", "zh-TW", "ko"),
)
"""After the page "Reference", Locales."""
_REGISTERED = "commands of guild"
"""The name under which the guild is remembered that has the bot's commands for itself."""

Names = Mapping[str, Mapping[str, str]]


def definitions(commands: Sequence[Command]) -> list[dict[str, Any]]:
    """Return commands as Discord takes them: at most 100, each with at most 25 options.

    A command that Discord cannot take is left out, and can be typed as a message.
    """
    fit = [command for command in commands if _fits(command)]
    typed = [command for command in fit if not command.menu]
    made = _first(_tree(typed), _COMMANDS, "slash commands")
    for of, kind in _MENUS.items():
        chosen = [_entry(command) for command in fit if command.menu and command.menu.of == of]
        made += _first([entry | {"type": kind} for entry in chosen], _IN_MENU, f"menus of a {of}")
    return made


def names(commands: Sequence[Command]) -> Names:
    """Return how the bot calls each command (under "") and its options, by Discord's names.

    What is in a menu is known by its title there: see `in_menu`.
    """
    return {
        (in_menu(command.menu.title) if command.menu else command.name.lower()): {
            option.name.lower(): option.name for option in command.options
        }
        | {"": command.name}
        for command in commands
    }


def in_menu(title: str) -> str:
    """Return what an entry of a menu is called among `names`, as no command is."""
    return f"menu/{title}"


async def synchronise(http: HTTPClient, app: int, host: Host, guild: str | None = None) -> bool:
    """Tell Discord the bot's commands if they are not as it knows them; tell whether they were.

    They are those of one `guild`, or of all. What goes wrong is logged: the bot can be talked to
    all the same.
    """
    wanted = definitions(host.commands)
    try:
        before = await host.recall(_REGISTERED)
        if before not in (None, guild):
            await http.request(_route("PUT", app, before), json=[])
        await host.remember(_REGISTERED, guild)
        known = await http.request(_route("GET", app, guild), params={"with_localizations": "true"})
        if _comparable(known) == _comparable(wanted):
            return False
        await http.request(_route("PUT", app, guild), json=wanted)
    except Exception as error:  # noqa: BLE001 - by the module's rule 3
        log.warning("the slash commands could not be registered: %s", meaning(error))
        return False
    where = f" in the guild {guild} alone" if guild else ""
    log.info("%d slash commands are registered%s", len(wanted), where)
    return True


def _route(method: str, app: int, guild: str | None) -> Route:
    if guild is None:
        return Route(method, "/applications/{application_id}/commands", application_id=app)
    path = "/applications/{application_id}/guilds/{guild_id}/commands"
    return Route(method, path, application_id=app, guild_id=guild)


def _fits(command: Command) -> bool:
    every = [*command.name.split(), *(option.name for option in command.options)]
    fits = all(_NAME.fullmatch(name) for name in every) and len(command.options) <= _OPTIONS
    if not fits:
        log.warning("/%s is no slash command: its names or arguments do not fit", command.name)
    return fits


def _tree(commands: Iterable[Command], depth: int = 0) -> list[dict[str, Any]]:
    """Return what stands at a depth of the commands' names, with what is below."""
    below: dict[str, list[Command]] = {}
    for command in commands:
        below.setdefault(command.name.lower().split()[depth], []).append(command)
    made = [_node(name, inner, depth) for name, inner in below.items()]
    return made if depth == 0 else _first(made, _OPTIONS, "commands of a group")


def _node(name: str, commands: Sequence[Command], depth: int) -> dict[str, Any]:
    first = commands[0]
    is_group = len(first.groups) > depth
    node: dict[str, Any] = {
        "type": _GROUP if is_group and depth else _SLASH,
        "name": name,
        **(_described(first.groups[depth], name) if is_group else _described(first, first.usage)),
        "options": _tree(commands, depth + 1) if is_group else _options(first),
    }
    return node if depth else node | _terms(commands)


def _entry(command: Command) -> dict[str, Any]:
    """Return what stands in the menu of a message or of a person."""
    return {"name": command.menu.title if command.menu else command.name, **_terms([command])}


def _first(made: list[dict[str, Any]], most: int, what: str) -> list[dict[str, Any]]:
    """Return what there is room for, and tell of the rest."""
    for entry in made[most:]:
        log.warning("%s is left out: Discord takes %d %s", entry["name"], most, what)
    return made[:most]


def _terms(commands: Sequence[Command]) -> dict[str, Any]:
    """Return who may use all of these commands, and where, as far as Discord can hold that."""
    terms: dict[str, Any] = {}
    if all(command.for_admins for command in commands):
        terms["default_member_permissions"] = _MANAGE_GUILD
    chats = {command.chats for command in commands}
    if len(chats) == 1:
        (place,) = chats
        terms |= {"contexts": _CONTEXTS[place]} if place else {}
    return terms


def _described(told: Command | CommandGroup, otherwise: str) -> dict[str, Any]:
    """Return a description, and those of Discord's languages that it is translated to."""
    texts = {locale: told.described(locale) for locale in _LOCALES if told.translations}
    translated = {
        locale: _shortened(text) for locale, text in texts.items() if text != told.description
    }
    return {
        "description": _shortened(told.description or otherwise or told.name),
        **({"description_localizations": translated} if translated else {}),
    }


def _options(command: Command) -> list[dict[str, Any]]:
    return [_option(option) for option in sorted(command.options, key=lambda o: not o.required)]


def _option(option: CommandOption) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": _KINDS[option.kind],
        "name": option.name.lower(),
        "description": _shortened(option.description or option.name),
        "required": option.required,
    }
    if option.completes:
        made |= {"type": _KINDS["text"], "autocomplete": True}
    elif 0 < len(option.choices) <= _CHOICES and all(
        len(choice) <= _CHOICE for choice in option.choices
    ):
        made["choices"] = [{"name": choice, "value": choice} for choice in option.choices]
    elif made["type"] in _NUMBERS:
        bounds = {"min_value": option.least, "max_value": option.most}
        made |= {
            name: _bound(bound, made["type"])
            for name, bound in bounds.items()
            if bound is not None and abs(bound) <= _LARGEST
        }
    return made


def _bound(bound: float, type: int) -> float:
    return int(bound) if type == _KINDS["whole"] else bound


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _DESCRIPTION else f"{line[: _DESCRIPTION - 1]}…"


def _comparable(commands: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return what is ours to say about commands, without what Discord adds."""
    made = [_essence(command) for command in commands]
    return sorted(made, key=lambda command: (command.get("type", _SLASH), command["name"]))


def _essence(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is ours to say about a command, or of an option of one."""
    kept = {name: told[name] for name in _COMPARED if told.get(name) not in (None, False, "", {})}
    if kept.get("default_member_permissions"):
        kept["default_member_permissions"] = str(kept["default_member_permissions"])
    if told.get("contexts") in _CONTEXTS.values():
        kept["contexts"] = told["contexts"]
    if told.get("choices"):
        kept["choices"] = [(choice["name"], choice["value"]) for choice in told["choices"]]
    if told.get("options"):
        options = cast("Sequence[Mapping[str, Any]]", told["options"])
        kept["options"] = [_essence(option) for option in options]
    return kept
