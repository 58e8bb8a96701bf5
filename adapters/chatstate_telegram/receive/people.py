"""Who speaks in a message of Telegram's, where and when. Pure functions.

Several people speak as one where a group's admins are anonymous. Each such message has a sender of
its own, so that nobody gets what another one left in a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from chatstate import Chat, Message, User
from chatstate_telegram.receive.content import Json, identity

_CHAT_KINDS: Mapping[str, Literal["private", "group", "channel"]] = {
    "private": "private",
    "group": "group",
    "supergroup": "group",
    "channel": "channel",
}
_SHARED = {1087968824, 136817688, 777000}
"""Ids of Telegram's own under which others speak: anonymous admins, channels, linked posts."""


def base(raw: Json) -> Message:
    """Return who speaks where, as a message without words."""
    return Message(text="", sender=sender(raw), chat=chat_of(raw["chat"]), thread=thread(raw))


def sender(raw: Json) -> User:
    """Return who speaks in a message."""
    behind, person = raw.get("sender_chat"), raw.get("from")
    if person is not None and (behind is None or person["id"] not in _SHARED):
        return user(person)
    if behind is None:
        return User(identity(raw["chat"]["id"]), raw["chat"].get("title", ""))
    is_group = chat_of(raw["chat"]).kind == "group"
    is_anonymous = is_group and behind["id"] == raw["chat"]["id"]
    apart = f"/{raw['message_id']}" if is_anonymous else ""
    return User(f"{identity(behind['id'])}{apart}", behind.get("title", ""))


def user(raw: Json) -> User:
    """Return a person."""
    name = " ".join(part for part in (raw["first_name"], raw.get("last_name")) if part)
    return User(identity(raw["id"]), name, raw.get("language_code"), bool(raw.get("is_bot")))


def chat_of(raw: Json) -> Chat:
    """Return a chat; one of a type that is new is a group."""
    title = raw.get("title") or raw.get("first_name", "")
    return Chat(identity(raw["id"]), _CHAT_KINDS.get(raw["type"], "group"), title)


def thread(raw: Json) -> str | None:
    """Return the topic. Answers in a group without topics have a thread too, which is none."""
    return identity(raw["message_thread_id"]) if raw.get("is_topic_message") else None


def time_of(seconds: int) -> datetime:
    """Return a date of Telegram's."""
    return datetime.fromtimestamp(seconds, UTC)
