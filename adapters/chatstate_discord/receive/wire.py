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
7. What is not as Discord documents it raises `Unreadable`, whatever reading it raises. Who did it,
   where and when may be read all the same: then it is "other". An event that is returned can be
   stored and read again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from chatstate import Chat, Event, Message, MessageRef, User
from chatstate.adapter import proved
from chatstate_discord.receive.content import (
    Json,
    attachments,
    is_named,
    mentions,
    poll_of,
    quote_of,
    reference,
    stickers_of,
    styled_of,
    text_of,
    user,
)
from chatstate_discord.updates import MESSAGES

Groups = Literal["addressed", "all"]
Kind = Literal["message", "edit", "press", "join", "other", "complete"]
ChatKind = Literal["private", "group", "channel"]

DM, GROUP_DM, ANNOUNCEMENTS = 1, 3, 5
THREADS = (10, 11, 12)
PLAIN, JOINED, REPLY = 0, 7, 19
SPOKEN = (PLAIN, REPLY, 20, 23)  # and answers of bots to slash commands and menus

_EDIT = "message_update"
_END_OF_IDS = 1 << 63
_EPOCH_MS = 1_420_070_400_000


class Unreadable(Exception):  # noqa: N818 - what is told of a payload, by the module's rules
    """A payload is not as documented. `rest` is what can be told of it all the same."""

    def __init__(self, why: str, rest: Event | None) -> None:
        super().__init__(why)
        self.rest = rest


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


def seconds_of(snowflake: str | int) -> float:
    """Return the time that an id of Discord's holds, in seconds since 1970."""
    return ((int(snowflake) >> 22) + _EPOCH_MS) / 1000


def snowflake_of(seconds: float) -> int:
    """Return the least id of that time."""
    return max(0, int(seconds * 1000) - _EPOCH_MS) << 22


def message(raw: Json, me: Me, place: Place) -> Event | None:
    """Return a new message, or somebody's arrival; None if it is not for the bot."""
    with reading(lambda: _bare(raw["id"], raw, me, place)) as read:
        if raw["type"] == JOINED and not _is_own(raw, me):
            return read(Event(raw["id"], _said(raw, place, "", "join")))
        return read(_if_heard(raw, me, place))


def edited(raw: Json, me: Me, place: Place) -> Event | None:
    """Return an edit of a message; None if it is none, or not for the bot."""
    with reading(lambda: _bare(_edit_id(raw), raw, me, place)) as read:
        if not raw.get("edited_timestamp"):
            return None
        event = _if_heard(raw, me, place)
        if event is None:
            return None
        time = datetime.fromisoformat(raw["edited_timestamp"])
        said = replace(event.message, time=time)
        said = replace(said, kind="edit") if said.kind == "message" else _named(said, _EDIT)
        return read(Event(_edit_id(raw), said))


def membership(
    raw: Json, kind: Literal["join", "leave"], place: Place, me: Me, now: float
) -> Event | None:
    """Return that somebody has come to a guild or left it; Discord gives that no id of its own."""
    with reading(lambda: None) as read:
        person = raw["user"]
        if person["id"] == me.id:
            return None
        time = datetime.fromtimestamp(now, UTC)
        who, chat = user(person, raw), place.chat
        said = Message("", who, chat, kind, place.thread, time=time, raw=dict(raw))
        stamp = raw.get("joined_at") or int(now * 1000)
        return read(Event(f"{kind}/{raw['guild_id']}/{person['id']}/{stamp}", said))


@contextlib.contextmanager
def reading(rest: Callable[[], Event | None]) -> Generator[Callable[[Event | None], Event | None]]:
    """Give what proves an event, and tell of whatever is not as documented as `Unreadable`.

    A payload may be anything. `rest` reads as much of it as there must be.
    """
    try:
        yield _proved
    except Exception as error:  # a payload may be of any shape
        raise Unreadable(f"{type(error).__name__}: {error}", _attempt(rest)) from error


def _attempt(rest: Callable[[], Event | None]) -> Event | None:
    try:
        return _proved(rest())
    except Exception:  # noqa: BLE001 - not even that: it is told as unreadable, and left out
        return None


def _proved(event: Event | None) -> Event | None:
    return event and proved(event)[1]


def place_of(channel: Json) -> Place:
    """Return the place that a channel is, by Discord's description of it."""
    if channel["type"] in THREADS:
        return Place(Chat(str(channel["parent_id"]), "group"), str(channel["id"]))
    kinds: dict[int, ChatKind] = {DM: "private", ANNOUNCEMENTS: "channel"}
    kind = kinds.get(channel["type"], "group")
    return Place(Chat(str(channel["id"]), kind, channel.get("name") or ""))


def number_of(id: object) -> int:
    """Return an id as a number, which grows with time; 0 if it is none."""
    number = int(id) if isinstance(id, str | int) and str(id).isdecimal() else 0
    return number if number < _END_OF_IDS else 0


def private(channel: str) -> Place:
    """Return a private chat."""
    return Place(Chat(channel, "private"))


def _if_heard(raw: Json, me: Me, place: Place) -> Event | None:
    is_spoken = raw.get("type", PLAIN) in SPOKEN
    is_for_all = place.chat.kind == "private" or me.groups == "all" or not is_spoken
    if _is_own(raw, me) or not (is_for_all or _is_addressed(raw, me)):
        return None
    said = _said(raw, place, text_of(raw, me.names), "message")
    if me.groups == "all" and place.chat.kind != "private" and not _is_addressed(raw, me):
        said = replace(said, addressed=False)
    said = replace(said, styled=styled_of(raw, me.names))
    if not is_spoken or not (said.text or said.attachments or raw.get("content")):
        said = _named(said, "message_create")  # or it is withheld, as the bot lacks the intent
    return Event(raw["id"], said)


def _bare(event_id: str, raw: Json, me: Me, place: Place) -> Event | None:
    """Return who did something, where and when; None if that was the bot itself."""
    if _is_own(raw, me):
        return None
    who, time = _speaker({**raw, "member": None}), datetime.fromisoformat(raw["timestamp"])
    said = Message("", who, place.chat, "other", place.thread, raw["id"], time=time, raw=dict(raw))
    is_edit = event_id != raw["id"]
    return Event(event_id, _named(said, _EDIT if is_edit else "message_create"))


def _named(said: Message, usual: str) -> Message:
    """Return a message that has neither words nor files, under its type's name or the usual one."""
    kind = (said.raw or {}).get("type")
    name = MESSAGES.get(kind, usual) if isinstance(kind, int) else usual
    return replace(said, kind="other", update=f"discord:{name}")


def _edit_id(raw: Json) -> str:
    return f"{raw['id']}/{raw['edited_timestamp']}"


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
        poll=poll_of(raw),
        sticker=next(iter(stickers_of(raw)), None),
    )


def _answered(raw: Json) -> MessageRef | None:
    answered = raw.get("referenced_message")
    if answered is None:
        known = raw.get("message_reference") if raw.get("type") == REPLY else None
        return MessageRef(known["message_id"]) if known else None
    return reference(answered)
