"""What Discord's gateway and its history say, as events. Pure functions on Discord's JSON.

1. In private everything is for the bot. In a guild a message is, if it mentions the bot or
   answers it; unless the bot listens to "all". Slash commands and presses always are, and so is
   what Discord itself tells.
2. An `Event.id` is the message's or the interaction's own, so what is read back from a channel's
   history has the id that it had on the gateway.
3. What has neither words of somebody's nor files is of the kind "other", whatever it is: nothing
   vanishes.
4. What the bot itself says is nothing. What another bot or a webhook says is told as such by its
   sender.
5. An edit is what has a new `edited_timestamp`: a link's preview that Discord adds is none.
6. A thread belongs to its channel: that is the chat, and a forum is one.
7. What is not as Discord documents it raises `Unreadable`, whatever reading it raises. An event
   that is returned can be stored and read again.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from chatstate import Chat, Event, Message, MessageRef, User
from chatstate_discord.receive.content import (
    Json,
    attachments,
    is_named,
    mentions,
    quote_of,
    reference,
    text_of,
    user,
)

Groups = Literal["addressed", "all"]
Kind = Literal["message", "edit", "press", "join", "other"]
ChatKind = Literal["private", "group", "channel"]

DM, GROUP_DM, ANNOUNCEMENTS = 1, 3, 5
THREADS = (10, 11, 12)
PLAIN, JOINED, REPLY = 0, 7, 19
SPOKEN = (PLAIN, REPLY, 20, 23)  # and answers of bots to slash commands and menus
PING, SLASH, PRESS, COMPLETION = 1, 2, 3, 4
PERSON = 6
EPHEMERAL = 1 << 6

_EPOCH_MS = 1_420_070_400_000
_MADE_UNIQUE = re.compile(r"(.*)\u2063\d{1,2}", re.DOTALL)


class Unreadable(Exception):  # noqa: N818 - what is told of a payload, by the module's rules
    """A payload is not as documented."""


class Me(NamedTuple):
    """The bot itself. `groups` says what it listens to in guilds; `role` is its own in this one."""

    id: str
    groups: Groups = "addressed"
    role: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The ids that mean the bot when they are mentioned."""
        return frozenset(name for name in (self.id, self.role) if name)


class Place(NamedTuple):
    """Where something is said."""

    chat: Chat
    thread: str | None = None


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """An interaction, as it is answered: `is_press` tells a press from a command.

    `hidden` is the message that was pressed, if only the person sees it.
    """

    id: str
    token: str
    app: str
    is_press: bool = False
    hidden: str | None = None

    @property
    def began(self) -> float:
        """When it arrived at Discord, in seconds since 1970."""
        return seconds_of(self.id)

    def note(self) -> str:
        """Return it as an event carries it."""
        return msgspec.json.encode(self).decode()


def origin(note: str | None) -> Origin | None:
    """Return what an event carried."""
    return None if note is None else msgspec.json.decode(note, type=Origin)


def seconds_of(snowflake: str | int) -> float:
    """Return the time that an id of Discord's holds, in seconds since 1970."""
    return ((int(snowflake) >> 22) + _EPOCH_MS) / 1000


def snowflake_of(seconds: float) -> int:
    """Return the least id of that time."""
    return max(0, int(seconds * 1000) - _EPOCH_MS) << 22


def message(raw: Json, me: Me, place: Place) -> Event | None:
    """Return a new message, or somebody's arrival; None if it is not for the bot."""
    with _reading():
        if raw["type"] == JOINED and not _is_own(raw, me):
            return _proved(Event(raw["id"], _said(raw, place, "", "join")))
        return _if_heard(raw, me, place)


def edited(raw: Json, me: Me, place: Place) -> Event | None:
    """Return an edit of a message; None if it is none, or not for the bot."""
    with _reading():
        if not raw.get("edited_timestamp"):
            return None
        event = _if_heard(raw, me, place)
        if event is None:
            return None
        time = datetime.fromisoformat(raw["edited_timestamp"])
        kind: Kind = "edit" if event.message.kind == "message" else "other"
        changed = replace(event.message, kind=kind, time=time)
        return _proved(Event(f"{raw['id']}/{raw['edited_timestamp']}", changed))


def membership(
    raw: Json, kind: Literal["join", "leave"], place: Place, me: Me, now: float
) -> Event | None:
    """Return that somebody has come to a guild or left it; Discord gives that no id of its own."""
    with _reading():
        person = raw["user"]
        if person["id"] == me.id:
            return None
        time = datetime.fromtimestamp(now, UTC)
        who, chat = user(person, raw), place.chat
        said = Message("", who, chat, kind, place.thread, time=time, raw=dict(raw))
        stamp = raw.get("joined_at") or int(now * 1000)
        return _proved(Event(f"{kind}/{raw['guild_id']}/{person['id']}/{stamp}", said))


def interaction(raw: Json, names: Mapping[str, Mapping[str, str]]) -> Event | None:
    """Return a slash command, a press, or what else somebody did; None if it is nothing that was.

    `names` tells how the bot calls a command (under "") and its options, by Discord's names.
    """
    with _reading():
        if raw["type"] in (PING, COMPLETION):
            return None
        if raw["type"] == SLASH:
            return _proved(_command(raw, names))
        if raw["type"] == PRESS and raw["data"].get("custom_id") is not None:
            return _proved(_press(raw))
        return _proved(Event(raw["id"], _done(raw, "", "other"), _origin(raw).note()))


def place_of(channel: Json) -> Place:
    """Return the place that a channel is, by Discord's description of it."""
    if channel["type"] in THREADS:
        return Place(Chat(str(channel["parent_id"]), "group"), str(channel["id"]))
    kinds: dict[int, ChatKind] = {DM: "private", ANNOUNCEMENTS: "channel"}
    kind = kinds.get(channel["type"], "group")
    return Place(Chat(str(channel["id"]), kind, channel.get("name") or ""))


def number_of(id: object) -> int:
    """Return an id as a number, which grows with time; 0 if it is none."""
    return int(id) if isinstance(id, str | int) and str(id).isdecimal() else 0


def private(channel: str) -> Place:
    """Return a private chat."""
    return Place(Chat(channel, "private"))


@contextlib.contextmanager
def _reading() -> Generator[None]:
    """Tell of whatever is not as documented as `Unreadable`: a payload may be anything."""
    try:
        yield
    except Exception as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def _proved(event: Event) -> Event:
    """Return an event that can be stored and read again. Raises what msgspec raises."""
    msgspec.json.decode(msgspec.json.encode(event), type=Event)
    return event


def _if_heard(raw: Json, me: Me, place: Place) -> Event | None:
    is_spoken = raw.get("type", PLAIN) in SPOKEN
    is_for_all = place.chat.kind == "private" or me.groups == "all" or not is_spoken
    if _is_own(raw, me) or not (is_for_all or _is_addressed(raw, me)):
        return None
    said = _said(raw, place, text_of(raw, me.names), "message")
    if not is_spoken or not (said.text or said.attachments or raw.get("content")):
        said = replace(said, kind="other")  # or it is withheld, as the bot lacks the intent
    return _proved(Event(raw["id"], said))


def _is_own(raw: Json, me: Me) -> bool:
    """Tell whether the bot itself has said it."""
    return bool(raw["author"]["id"] == me.id)


def _speaker(raw: Json) -> User:
    """Return who speaks: a person, a bot, or a webhook, which is one too."""
    who = user(raw["author"], raw.get("member") or {})
    return replace(who, is_bot=True) if raw.get("webhook_id") else who


def _is_addressed(raw: Json, me: Me) -> bool:
    answered: Json = raw.get("referenced_message") or {}
    return answered.get("author", {}).get("id") == me.id or is_named(raw, me.names)


def _said(raw: Json, place: Place, text: str, kind: Kind) -> Message:
    answered = _answered(raw)
    return Message(
        text,
        _speaker(raw),
        place.chat,
        kind,
        place.thread,
        raw["id"],
        mentions=mentions(raw),
        reply_to=answered,
        quote=quote_of(raw, answered),
        attachments=attachments(raw),
        time=datetime.fromisoformat(raw["timestamp"]),
        raw=dict(raw),
    )


def _answered(raw: Json) -> MessageRef | None:
    answered = raw.get("referenced_message")
    if answered is None:
        known = raw.get("message_reference") if raw.get("type") == REPLY else None
        return MessageRef(known["message_id"]) if known else None
    return reference(answered)


def _command(raw: Json, names: Mapping[str, Mapping[str, str]]) -> Event:
    data = raw["data"]
    known = names.get(data["name"], {})
    given = data.get("options") or ()
    resolved: Json = data.get("resolved", {}).get("users", {})
    people: list[Json] = [resolved[option["value"]] for option in given if option["type"] == PERSON]
    said = _done(
        raw,
        f"/{known.get('', data['name'].replace(' ', '_'))}",
        "message",
        arguments={
            known.get(option["name"], option["name"]): _written(option["value"]) for option in given
        },
        mentions=tuple(user(person, {}) for person in people),
    )
    return Event(raw["id"], said, _origin(raw).note())


def _origin(raw: Json) -> Origin:
    return Origin(raw["id"], raw["token"], raw["application_id"])


def _press(raw: Json) -> Event:
    on, data = raw["message"], raw["data"]["custom_id"]
    hidden = on["id"] if (on.get("flags") or 0) & EPHEMERAL else None
    unique = _MADE_UNIQUE.fullmatch(data)
    said = _done(raw, unique[1] if unique else data, "press", pressed=reference(on))
    made = replace(_origin(raw), is_press=True, hidden=hidden)
    return Event(raw["id"], said, made.note())


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
