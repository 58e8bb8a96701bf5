"""What people do with slash commands and buttons, as events. Pure functions on Discord's JSON.

1. A command is what a person might type, with its arguments by name; a press is what its button
   carries, or what a select carries and each option that is chosen.
2. What is submitted is what its modal's custom id says, with the answers: the command that began
   it, or the press on a message. See `send.modals`.
3. Every interaction waits for an answer, so each event has what answering it needs: its `Origin`.
   What is none of these is "other".
4. The token is in the origin alone: who has it may answer for the bot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from chatstate import Event, Message
from chatstate_discord.menu import Names, in_menu
from chatstate_discord.receive.content import Json, reference, user
from chatstate_discord.receive.wire import PLAIN, Kind, place_of, reading, seconds_of
from chatstate_discord.updates import INTERACTIONS

PING, SLASH, PRESS, COMPLETION, SUBMIT = 1, 2, 3, 4, 5
CHAT_INPUT = SUB_COMMAND = 1
SUB_COMMAND_GROUP = 2
PERSON = 6
STRING_SELECT = 3
EPHEMERAL = 1 << 6

_USUAL = "interaction_create"
_MADE_UNIQUE = re.compile(r"(.*)\u2063\d{1,2}", re.DOTALL)
Snowflake = Annotated[str, msgspec.Meta(pattern=r"^\d+$")]


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """An interaction, as it is answered: `is_press` tells a press from a command.

    `hidden` is the message that was pressed, if only the person sees it.
    """

    id: Snowflake
    token: str
    app: Snowflake
    is_press: bool = False
    hidden: str | None = None

    @property
    def began(self) -> float:
        """When it arrived at Discord, in seconds since 1970."""
        return seconds_of(self.id)

    def note(self) -> str:
        """Return it as an event carries it."""
        return msgspec.json.encode(self).decode()


def origin_of(note: str | None) -> Origin | None:
    """Return what an event carried."""
    return None if note is None else msgspec.json.decode(note, type=Origin)


def interaction(raw: Json, names: Names) -> Event | None:
    """Return a slash command, a press, or what else somebody did; None if it is nothing that was.

    `names` tells how the bot calls commands and their options; see `menu.names`.
    """
    with reading(lambda: _other(raw)) as read:
        if raw["type"] == PING:
            return None
        if raw["type"] == COMPLETION:
            return read(_completion(raw, names))
        if raw["type"] == SLASH:
            return read(_command(raw, names))
        if raw["type"] == PRESS and raw["data"].get("custom_id") is not None:
            return read(_press(raw))
        if raw["type"] == SUBMIT and (raw.get("message") or _begun(raw)[:1] == "/"):
            return read(_submitted(raw))
        return read(_other(raw))


def called(data: Json) -> tuple[str, Sequence[Json]]:
    """Return what a command is called with its groups, and what was given for its options."""
    if data.get("type", CHAT_INPUT) != CHAT_INPUT:
        return in_menu(data["name"]), ()
    name, given = data["name"], data.get("options") or ()
    while given and given[0]["type"] in (SUB_COMMAND, SUB_COMMAND_GROUP):
        (inner,) = given
        name, given = f"{name} {inner['name']}", inner.get("options") or ()
    return name, given


def _command(raw: Json, names: Names) -> Event:
    data = raw["data"]
    name, given = called(data)
    known = names.get(name, {})
    text = f"/{known.get('', data['name'].replace(' ', '_'))}"
    if known and data.get("target_id"):
        said = _done(raw, text, "message", **_chosen(data))
        return Event(raw["id"], said, _origin(raw).note())
    resolved: Json = data.get("resolved", {}).get("users", {})
    people: list[Json] = [resolved[option["value"]] for option in given if option["type"] == PERSON]
    said = _done(
        raw,
        text,
        "message",
        arguments={
            known.get(option["name"], option["name"]): _written(option["value"]) for option in given
        },
        mentions=tuple(user(person, {}) for person in people),
    )
    return Event(raw["id"], said, _origin(raw).note())


def _completion(raw: Json, names: Names) -> Event:
    """Return what asks how an option goes on that is being typed: the last of its arguments."""
    name, given = called(raw["data"])
    known = names.get(name, {})
    typed = sorted(given, key=lambda option: bool(option.get("focused")))
    said = _done(
        raw,
        f"/{known.get('', name)}",
        "complete",
        arguments={
            known.get(option["name"], option["name"]): _written(option["value"]) for option in typed
        },
    )
    return Event(raw["id"], said, _origin(raw).note())


def _chosen(data: Json) -> dict[str, Any]:
    """Return what was chosen in a menu: a message, as what is answered, or a person."""
    resolved, target = data["resolved"], data["target_id"]
    messages: Json = resolved.get("messages") or {}
    if target in messages:
        answered = reference(messages[target])
        return {"reply_to": answered, "quote": answered.text or None}
    members: Json = resolved.get("members") or {}
    return {"mentions": (user(resolved["users"][target], members.get(target) or {}),)}


def _other(raw: Json) -> Event:
    kind = raw.get("type")
    name = INTERACTIONS.get(kind, _USUAL) if isinstance(kind, int) else _USUAL
    return Event(raw["id"], _done(raw, "", "other", update=f"discord:{name}"), _origin(raw).note())


def _origin(raw: Json) -> Origin:
    found = {"id": raw["id"], "token": raw["token"], "app": raw["application_id"]}
    return msgspec.convert(found, Origin)


def _press(raw: Json) -> Event:
    on, data = raw["message"], raw["data"]
    hidden = on["id"] if (on.get("flags") or 0) & EPHEMERAL else None
    values = data.get("values") if data.get("component_type") == STRING_SELECT else None
    selected = None if values is None else tuple(map(_carried, values))
    text = _carried(data["custom_id"])
    said = _done(raw, text, "press", pressed=reference(on), selected=selected)
    made = replace(_origin(raw), is_press=True, hidden=hidden)
    return Event(raw["id"], said, made.note())


def _begun(raw: Json) -> str:
    """Return what began a modal that is submitted, as its custom id."""
    return str(raw["data"]["custom_id"])


def _submitted(raw: Json) -> Event:
    inputs = [label["component"] for label in raw["data"]["components"]]
    answers = {answered["custom_id"]: answered["value"] for answered in inputs}
    event = _press(raw) if raw.get("message") else _said(raw)
    return replace(event, message=replace(event.message, answers=answers))


def _said(raw: Json) -> Event:
    return Event(raw["id"], _done(raw, _begun(raw), "message"), _origin(raw).note())


def _carried(custom_id: str) -> str:
    """Return what was given to Discord, which may have been made unique."""
    unique = _MADE_UNIQUE.fullmatch(custom_id)
    return unique[1] if unique else custom_id


def _done(raw: Json, text: str, kind: Kind, **more: Any) -> Message:
    member: Json = raw.get("member") or {}
    person: Json = member.get("user") or raw["user"]
    channel = raw.get("channel") or {"id": raw["channel_id"], "type": PLAIN}
    place = place_of(channel)
    return Message(
        text,
        user(person, member, raw.get("locale") if kind == "message" else None),
        place.chat,
        kind,
        place.thread,
        time=datetime.fromtimestamp(seconds_of(raw["id"]), UTC),
        raw={name: value for name, value in raw.items() if name != "token"},
        **more,
    )


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
