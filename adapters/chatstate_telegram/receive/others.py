"""What Telegram tells of besides messages and presses, as events. Pure functions on its JSON.

1. Each is of the kind "other" and has its update's name: nothing vanishes, also if it is new.
2. Where no chat is named, it happens in private with whoever did it; in a poll that a chat may
   answer as itself, in that chat. Where nobody is named, it is nobody's.
3. A query waits for an answer of its own kind, so its event has what answering it needs: the
   `origin` that `query_of` reads. A press has its id alone as the origin.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from chatstate import Chat, Event, Message, User
from chatstate_telegram.receive.content import Json, identity, written
from chatstate_telegram.receive.people import chat_of, sender, thread, time_of, user
from chatstate_telegram.updates import WITHIN_MESSAGES

QUERIES = ("inline_query", "shipping_query", "pre_checkout_query")


DEADLINE = 10.0
"""Seconds within which a query wants its answer ("answerPreCheckoutQuery")."""


class Query(NamedTuple):
    """What waits for an answer: the update it came by, and its id."""

    kind: str
    id: str


def query_of(origin: str | None) -> Query | None:
    """Return the query that an event carried; None if it was a press, or nothing."""
    kind, colon, number = (origin or "").partition(":")
    return Query(kind, number) if colon else None


def name_of(kind: str, raw: Json) -> str:
    """Return the name of a message without words and files: what it holds, else its update's."""
    return f"telegram:{next((name for name in WITHIN_MESSAGES if name in raw), kind)}"


def other(update_id: str, kind: str, raw: Json) -> Event:
    """Return what an update tells that is neither a message nor a press."""
    message = Message(
        written(raw.get("query", "")),
        _who(raw),
        chat_of(raw["chat"]) if "chat" in raw else _private(raw),
        "other",
        thread(raw),
        identity(raw["message_id"]) if "message_id" in raw else None,
        time=time_of(raw["date"]) if "date" in raw else None,
        raw=raw,
        update=f"telegram:{kind}",
    )
    return Event(update_id, message, f"{kind}:{raw['id']}" if kind in QUERIES else None)


def in_time(event: Event, now: float) -> Event:
    """Return an event that came `now`, with the time until which its answer is waited for."""
    is_query = query_of(event.origin) is not None
    return replace(event, best_before=now + DEADLINE) if is_query else event


def _who(raw: Json) -> User:
    """Return who did it; nobody if that is not told."""
    if "from" in raw and "message_id" in raw:
        return sender(raw)
    if behind := _chat_behind(raw):
        return User(identity(behind["id"]), behind.get("title", ""))
    person = _person(raw)
    return user(person) if person else User("")


def _private(raw: Json) -> Chat:
    person = _person(raw)
    private = {"type": "private", **person} if person else None
    alone = _chat_behind(raw) or private
    return chat_of(alone) if alone else Chat("")


def _person(raw: Json) -> Json | None:
    boost: Json = raw.get("boost", raw).get("source") or {}
    return raw.get("from") or raw.get("user") or boost.get("user")


def _chat_behind(raw: Json) -> Json | None:
    """Return the chat as which somebody has voted or reacted."""
    return raw.get("voter_chat") or raw.get("actor_chat")
