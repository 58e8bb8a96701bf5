"""Commands of the bot as tools: how each is told of, and how a call of it comes to the bot.

1. A command is a tool if its author says so (`@bot.command(tool=True)`), and it is in the menu.
2. A caller is somebody in a private chat of their own: all state is theirs alone, and guards and
   limits hold as they do for people.
3. A call is an event as each other: in order, durable, and answered by what the bot replies.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from chatstate import Chat, Command, CommandOption, Event, Message, User
from chatstate.adapter import Host
from chatstate_web.receive.answers import Answer, replies_to
from chatstate_web.receive.callers import Caller

_TYPES = {"whole": "integer", "number": "number", "truth": "boolean"}


class CallError(Exception):
    """A call that cannot be made, and why."""


def tools_of(host: Host) -> Mapping[str, Command]:
    """Return the commands that are tools, by the tool's name: groups are parted by hyphens."""
    return {command.name.replace(" ", "-"): command for command in host.commands if command.is_tool}


def schema_of(command: Command) -> dict[str, Any]:
    """Return the JSON Schema of a command's arguments."""
    return {
        "type": "object",
        "properties": {option.name: _property(option) for option in command.options},
        "required": [option.name for option in command.options if option.required],
        "additionalProperties": False,
    }


async def call(
    host: Host, caller: Caller, command: Command, arguments: Mapping[str, Any]
) -> Sequence[Answer]:
    """Let a caller use a command; return what the bot replies.

    Raises `CallError` for arguments that cannot be read.
    """
    known = {option.name for option in command.options}
    if unknown := sorted(set(arguments) - known):
        raise CallError(f"there is no argument {unknown[0]!r}")
    given = {name: _text(value) for name, value in arguments.items() if value is not None}
    who = caller.id
    message = Message(f"/{command.name}", User(who, caller.name), Chat(who), arguments=given)
    if refusal := host.refusal(message):
        raise CallError(refusal)
    origin = f"mcp {uuid.uuid4().hex}"
    (receipt,) = await host.deliver([Event(origin, message, origin=origin)])
    if receipt.status == "refused":
        raise CallError("too many calls wait: try again later")
    await receipt.settled()
    return await replies_to(host.transcript, who, "", origin)


def _property(option: CommandOption) -> dict[str, Any]:
    told: dict[str, Any] = {"type": _TYPES.get(option.kind, "string")}
    if option.description:
        told["description"] = option.description
    if option.choices and told["type"] == "string":
        told["enum"] = list(option.choices)
    bounds = {"minimum": option.least, "maximum": option.most}
    return {**told, **{name: bound for name, bound in bounds.items() if bound is not None}}


def _text(value: Any) -> str:
    """Return a value of JSON as a person would type it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return msgspec.json.encode(value).decode()
