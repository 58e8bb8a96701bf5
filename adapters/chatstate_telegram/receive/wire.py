"""What Telegram's updates say, as events. Pure functions on the Bot API's JSON.

1. In a private chat everything is for the bot. In groups and channels a message is, if it is a
   command, answers the bot or mentions it; unless the bot listens to "all". A command to another
   bot is for nobody here. What Telegram itself tells there is for everybody.
2. An `Event.id` is the update's: Telegram gives an update again under the same one.
3. What has neither words nor files is of the kind "other", whatever it is: nothing vanishes. So is
   what is neither a message nor a press: see `others`.
4. What the bot itself says is nothing. What another bot says is told as such by its sender.
5. What is not as the Bot API's documentation says raises, and is told as `Unreadable`. Who did it,
   where and when may be read all the same: then it is "other".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from chatstate import Event, Message, MessageRef, User
from chatstate.adapter import proved
from chatstate.markup import StyledText
from chatstate_telegram.receive.content import (
    Json,
    attachments,
    entities,
    identity,
    joined,
    text_of,
    written,
)
from chatstate_telegram.receive.formatting import formatted
from chatstate_telegram.receive.others import name_of, other
from chatstate_telegram.receive.people import base, chat_of, sender, thread, time_of, user
from chatstate_telegram.receive.reactions import reacted
from chatstate_telegram.receive.shared import shared
from chatstate_telegram.updates import EDITS, MESSAGES

Groups = Literal["addressed", "all"]
_PRESS = "telegram:callback_query"
_SHOWN = {"story", "paid_media", "giveaway", "giveaway_winners"}
"""What people show to others, though it has neither words nor files."""


class Me(NamedTuple):
    """The bot itself. `username` is without its `@`; `groups` says what it listens to there."""

    id: int
    username: str
    groups: Groups = "addressed"


class Move(NamedTuple):
    """A group has a new id: it became a supergroup."""

    old: str
    new: str


class Unreadable(Exception):  # noqa: N818 - what is told of an update, by the module's rules
    """An update is not as documented. `rest` is what can be told of it all the same."""

    def __init__(self, why: str, rest: Sequence[Event | Move]) -> None:
        super().__init__(why)
        self.rest = rest


def parse(group: Sequence[Json], me: Me, known: Mapping[str, User]) -> list[Event | Move]:
    """Return what an update says, or several that are one message. `known` people, by username.

    Each event can be stored and read again. Raises `Unreadable`.
    """
    try:
        return _all_proved(_parse(group, me, known))
    except Exception as error:  # whatever it is: an update may be anything
        raise Unreadable(f"{type(error).__name__}: {error}", _rest(group, me, known)) from error


def _all_proved(meant: Sequence[Event | Move]) -> list[Event | Move]:
    return [proved(event)[1] if isinstance(event, Event) else event for event in meant]


def _rest(group: Sequence[Json], me: Me, known: Mapping[str, User]) -> Sequence[Event | Move]:
    """Return what is left of an update, or of several if each is looked at by itself."""
    if len(group) > 1:
        return [event for update in group for event in _alone(update, me, known)]
    try:
        return _all_proved(_bare(group[0], me))
    except Exception:  # noqa: BLE001 - not even that: it is told as unreadable, and left out
        return []


def _alone(update: Json, me: Me, known: Mapping[str, User]) -> Sequence[Event | Move]:
    try:
        return parse([update], me, known)
    except Unreadable as error:
        return error.rest


def _bare(update: Json, me: Me) -> list[Event | Move]:
    """Return who did something, where and when."""
    update_id = identity(update["update_id"])
    query: Json | None = update.get("callback_query")
    if query is not None:
        pressed = replace(base(query["message"]), sender=user(query["from"]), kind="other")
        told = replace(pressed, raw=query, update=_PRESS)
        return [Event(update_id, told, origin=str(query["id"]))]
    kind, raw = _content(update)
    if _is_own(raw, me):
        return []
    number, time, name = identity(raw["message_id"]), time_of(raw["date"]), name_of(kind, raw)
    bare = replace(base(raw), kind="other", id=number, time=time, raw=raw, update=name)
    return [Event(update_id, bare)]


def _parse(group: Sequence[Json], me: Me, known: Mapping[str, User]) -> list[Event | Move]:
    update = group[0]
    update_id = identity(update["update_id"])
    if "callback_query" in update:
        return _press(update_id, update["callback_query"])
    kind, raw = _content(update)
    if kind == "message_reaction":
        changed = reacted(update_id, raw, me.id)
        return [changed] if changed else []
    if kind in (*MESSAGES, *EDITS):
        return _said(update_id, kind, [update[kind] for update in group], me, known)
    return [] if _is_own(raw, me) else [other(update_id, kind, raw)]


def _content(update: Json) -> tuple[str, Json]:
    """Return what an update holds besides its id: the name of that, and what it is."""
    kind = next(name for name in update if name != "update_id")
    return kind, update[kind]


def _said(
    update_id: str, kind: str, raws: Sequence[Json], me: Me, known: Mapping[str, User]
) -> list[Event | Move]:
    service = _service(update_id, raws[0], me)
    if service is not None:
        return service
    if _is_own(raws[0], me):
        return []
    is_album = "media_group_id" in raws[0]
    raw = raws[0] if is_album or len(raws) == 1 else joined(raws)
    main = next((raw for raw in raws if text_of(raw)), raw) if is_album else raw
    text = text_of(main)
    files = tuple(file for raw in raws for file in attachments(raw))
    is_told = not (text or files or _SHOWN & raw.keys())
    heard = _heard(text, main, raw, me)
    if heard is None and not is_told:
        return []
    said: Literal["message", "edit"] = "edit" if kind in EDITS else "message"
    is_said = bool(text or files)
    answered = _answered(raw)
    others = "media_group" if is_album else "pieces"
    message = replace(
        base(raw),
        text=heard.text if heard else "",
        kind=said if is_said else "other",
        id=identity(raw["message_id"]),
        mentions=_mentions(main, text, known),
        reply_to=answered,
        quote=_quote(raw, answered),
        attachments=files,
        time=time_of(raw["edit_date" if "edit_date" in raw else "date"]),
        raw={**raws[0], others: list(raws[1:])} if len(raws) > 1 else raw,
        update="" if is_said else name_of(kind, raw),
        addressed=me.groups != "all"
        or _heard(text, main, raw, me._replace(groups="addressed")) is not None,
        styled=heard if heard and heard.spans else None,
        **shared(raw),
    )
    return [Event(update_id, message)]


def _service(update_id: str, raw: Json, me: Me) -> list[Event | Move] | None:
    """Return who comes and goes, and that a group moves; None for all else."""
    chat = identity(raw["chat"]["id"])
    if "migrate_to_chat_id" in raw:
        return [Move(chat, identity(raw["migrate_to_chat_id"]))]
    if "migrate_from_chat_id" in raw:
        return [Move(identity(raw["migrate_from_chat_id"]), chat)]
    if "new_chat_members" in raw:
        return _membership(update_id, raw, raw["new_chat_members"], me, "join") or None
    if "left_chat_member" in raw:
        return _membership(update_id, raw, [raw["left_chat_member"]], me, "leave") or None
    return None


def _is_own(raw: Json, me: Me) -> bool:
    """Tell whether the bot itself has said or done it."""
    who: Json = raw.get("from") or {}
    return who.get("id") == me.id


def _membership(
    update_id: str, raw: Json, people: list[Json], me: Me, kind: Literal["join", "leave"]
) -> list[Event | Move]:
    events: list[Event | Move] = []
    for person in people:
        if person["id"] != me.id:
            message = replace(
                base(raw), sender=user(person), kind=kind, time=time_of(raw["date"]), raw=raw
            )
            events.append(Event(f"{update_id}/{person['id']}", message))
    return events


def _press(update_id: str, query: Json) -> list[Event | Move]:
    """Return a press. That of a game, or below what was sent elsewhere, is none of ours."""
    who, on = query["from"], query.get("message")
    if on is None:
        chat = chat_of({"type": "private", **who})
        message = Message("", user(who), chat, "other", raw=query, update=_PRESS)
    else:
        bot, is_press = user(on["from"]) if "from" in on else None, "data" in query
        message = Message(
            text=query.get("data", ""),
            sender=user(who),
            chat=chat_of(on["chat"]),
            kind="press" if is_press else "other",
            thread=thread(on),
            pressed=MessageRef(identity(on["message_id"]), text_of(on), bot),
            raw=query,
            update="" if is_press else _PRESS,
        )
    return [Event(update_id, message, origin=str(query["id"]))]


def _heard(text: str, main: Json, first: Json, me: Me) -> StyledText | None:
    """Return what is said to the bot; None if it is said to others."""
    spans = list(entities(main, text))
    said = formatted(text, spans)
    if spans and spans[0][2]["type"] == "bot_command" and spans[0][0] == 0:
        name, at, target = text[: spans[0][1]].partition("@")
        is_mine = target.lower() in ("", me.username.lower())
        return _left(said, len(name), len(name + at + target)) if is_mine else None
    if first["chat"]["type"] == "private":
        return said
    names = [
        (start, end)
        for start, end, entity in spans
        if entity["type"] == "mention" and text[start:end].lower() == f"@{me.username.lower()}"
    ]
    if names or me.groups == "all" or _answers(first, me):
        return _without(said, names)
    return None


def _answers(raw: Json, me: Me) -> bool:
    answered = _opener_apart(raw)
    return answered is not None and answered.get("from", {}).get("id") == me.id


def _without(text: StyledText, spans: list[tuple[int, int]]) -> StyledText:
    """Return a text without some stretches, and without the blanks that these leave."""
    for start, end in reversed(spans):
        text = _left(text, *_with_blanks(text.text, start, end))
    return text


def _with_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a stretch with the blanks beside it that nobody needs once it is gone."""
    before, after = text[:start], text[end:]
    if not before.strip():
        return 0, len(text) - len(after.lstrip(" ,:;\n"))
    if not after.strip():
        return len(before.rstrip()), len(text)
    return len(before.rstrip(" ")), end


def _left(text: StyledText, start: int, end: int) -> StyledText:
    """Return what is left of a text without a stretch of it."""
    if not text.spans:
        return StyledText(text.text[:start] + text.text[end:])
    before, after = text.cut(0, start), text.cut(end, len(text.text))
    moved = [replace(s, start=s.start + start, end=s.end + start) for s in after.spans]
    return StyledText(before.text + after.text, (*before.spans, *moved))


def _mentions(raw: Json, text: str, known: Mapping[str, User]) -> tuple[User, ...]:
    found: list[User] = []
    for start, end, entity in entities(raw, text):
        name = text[start:end].removeprefix("@")
        if entity["type"] == "text_mention":
            found.append(user(entity["user"]))
        elif entity["type"] == "mention" and name.lower() in known:
            found.append(replace(known[name.lower()], name=name))
    return tuple(found)


def _answered(raw: Json) -> MessageRef | None:
    answered = _opener_apart(raw)
    if answered is None:
        return None
    return MessageRef(identity(answered["message_id"]), text_of(answered), sender(answered))


def _quote(raw: Json, answered: MessageRef | None) -> str | None:
    """Return the words that a message quotes; of another chat's, only what was chosen is told."""
    if "quote" in raw:
        return written(raw["quote"]["text"])
    external: Json = raw.get("external_reply") or {}
    return (answered.text if answered else text_of(external)) or None


def _opener_apart(raw: Json) -> Json | None:
    """Return what a message answers. In a topic, its opening shows as that when nothing is."""
    answered: Json | None = raw.get("reply_to_message")
    if answered and raw.get("is_topic_message") and "forum_topic_created" in answered:
        return None
    return answered
