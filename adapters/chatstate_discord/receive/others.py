"""What the gateway tells of besides messages and interactions, as events. Pure functions.

1. Each is of the kind "other" and has its name, in lower case. Discord gives it no id: the session
   and its number there are one, which is the same if it comes again.
2. Where no channel is named, it happens in private with whoever did it, or whom it is about. That
   channel is opened when something is sent there: see `private_with`.
3. What the bot itself does is nothing.
4. A reaction that is added or taken away is one of the kind "reaction", too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from chatstate import Chat, Event, Message, MessageRef, Reaction, User
from chatstate_discord.receive.content import Json, user
from chatstate_discord.receive.wire import Place, place_of, reading
from chatstate_discord.updates import REACTIONS

_PRIVATE = "@"
_PEOPLE = ("user", "inviter", "author")
_IDS = ("user_id", "creator_id", "owner_id")
_NOBODY: Mapping[str, str] = {}


def private_with(chat: str) -> str | None:
    """Return with whom a private chat is that has no channel yet; None if it has one."""
    return chat.removeprefix(_PRIVATE) if chat.startswith(_PRIVATE) else None


def other(kind: str, raw: Json, place: Place | None, me: str, key: str, now: float) -> Event | None:
    """Return what an event of the gateway's tells; `place` is that of its channel.

    None if the bot itself did it. Raises `Unreadable`.
    """
    with reading(lambda: _event(kind, raw, place, User(""), key, now)) as read:
        who = _who(raw)
        if who.id == me:
            return None
        event = _event(kind, raw, place, who, key, now)
        if kind in REACTIONS:
            changed = replace(event.message, kind="reaction", reaction=_reaction(kind, raw))
            event = replace(event, message=changed)
        return read(event)


def own_place(kind: str, raw: Json) -> Place | None:
    """Return the place of what is told of a channel or thread itself; None if it is of none."""
    is_of_one = kind.startswith(("channel_", "thread_")) and "type" in raw
    return place_of(raw) if is_of_one else None


def _event(kind: str, raw: Json, place: Place | None, who: User, key: str, now: float) -> Event:
    where = place or Place(Chat(f"{_PRIVATE}{who.id}" if who.id else "", "private", who.name))
    time = datetime.fromtimestamp(now, UTC)
    message = Message(
        *("", who, where.chat, "other", where.thread, raw.get("message_id")),
        time=time,
        raw=dict(raw),
        update=f"discord:{kind}",
    )
    return Event(f"{kind}/{key}", message)


def _reaction(kind: str, raw: Json) -> Reaction:
    emoji, target = (_emoji(raw["emoji"]),), MessageRef(raw["message_id"])
    is_added = kind.endswith("_add")
    return Reaction(emoji if is_added else (), () if is_added else emoji, target)


def _emoji(raw: Json) -> str:
    """Return an emoji as people write it; one of a guild's own has a number."""
    if raw.get("id") is None:
        return str(raw["name"])
    return f"<{'a' if raw.get('animated') else ''}:{raw.get('name') or '_'}:{raw['id']}>"


def _who(raw: Json) -> User:
    """Return who did it, or whom it is about; nobody if that is not told."""
    member: Json = raw.get("member") or _NOBODY
    told = [member.get("user"), *(raw.get(name) for name in _PEOPLE)]
    people: list[Json] = [person for person in told if person]
    for person in people:
        if "username" in person:
            return user(person, member or raw)
    ids = [*(raw.get(name) for name in _IDS), *(person["id"] for person in people)]
    return User(next((number for number in ids if number), ""))
