"""Slash commands: what Discord is told of the bot's commands, and only when that has changed.

1. What Discord cannot take (other names, more than 25 arguments, the 101st) is left out and told;
   it works when it is typed.
2. Discord is asked what it knows, and told only if that differs in what is ours to say.
3. It is a courtesy: whatever goes wrong is a line in the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from discord.http import HTTPClient

from chatstate import Command, CommandOption
from chatstate_discord.send.errors import meaning

log = logging.getLogger("chatstate.discord")

_KINDS = {"text": 3, "whole": 4, "truth": 5, "person": 6, "number": 10}
_NUMBERS = (4, 10)
_CHOICES, _OPTIONS, _COMMANDS = 25, 25, 100
_DESCRIPTION, _CHOICE = 100, 100
_LARGEST = 2**53
_NAME = re.compile(r"[-_'\w]{1,32}")
_COMPARED = ("type", "name", "description", "required", "choices", "min_value", "max_value")

Names = Mapping[str, Mapping[str, str]]


def definitions(commands: Sequence[Command]) -> list[dict[str, Any]]:
    """Return commands as Discord takes them: at most 100, each with at most 25 options.

    A command that Discord cannot take is left out, and can be typed as a message.
    """
    fit = [command for command in commands if _fits(command)]
    return [_definition(command) for command in fit[:_COMMANDS]]


def names(commands: Sequence[Command]) -> Names:
    """Return how the bot calls each command (under "") and its options, by Discord's names."""
    return {
        command.name.lower(): {option.name.lower(): option.name for option in command.options}
        | {"": command.name}
        for command in commands
    }


async def synchronise(http: HTTPClient, app: int, commands: Sequence[Command]) -> bool:
    """Tell Discord the bot's commands if they are not as it knows them; tell whether they were.

    What goes wrong is logged: the bot can be talked to all the same.
    """
    wanted = definitions(commands)
    try:
        known = cast("list[dict[str, Any]]", await http.get_global_commands(app))
        if _comparable(known) == _comparable(wanted):
            return False
        await http.bulk_upsert_global_commands(app, cast("list[Any]", wanted))
    except Exception as error:  # noqa: BLE001 - by the module's rule 3
        log.warning("the slash commands could not be registered: %s", meaning(error))
        return False
    log.info("%d slash commands are registered", len(wanted))
    return True


def _fits(command: Command) -> bool:
    every = [command.name, *(option.name for option in command.options)]
    fits = all(_NAME.fullmatch(name) for name in every) and len(command.options) <= _OPTIONS
    if not fits:
        log.warning("/%s is no slash command: its names or arguments do not fit", command.name)
    return fits


def _definition(command: Command) -> dict[str, Any]:
    options = sorted(command.options, key=lambda option: not option.required)
    return {
        "type": 1,
        "name": command.name.lower(),
        "description": _shortened(command.description or command.usage or command.name),
        "options": [_option(option) for option in options],
    }


def _option(option: CommandOption) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": _KINDS[option.kind],
        "name": option.name.lower(),
        "description": _shortened(option.name),
        "required": option.required,
    }
    if 0 < len(option.choices) <= _CHOICES and all(
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


def _comparable(commands: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return what is ours to say about commands, without what Discord adds."""
    mine = [command for command in commands if command.get("type", 1) == 1]
    return sorted((_essence(command) for command in mine), key=lambda command: str(command["name"]))


def _essence(command: Mapping[str, Any]) -> dict[str, Any]:
    options = cast("Sequence[Mapping[str, Any]]", command.get("options") or ())
    kept = [
        {name: option[name] for name in _COMPARED if option.get(name) not in (None, False)}
        for option in options
    ]
    for option in kept:
        if "choices" in option:
            option["choices"] = [(choice["name"], choice["value"]) for choice in option["choices"]]
    return {"name": command["name"], "description": command["description"], "options": kept}
