"""What is in one message of Discord's: its text, its files, and who is named in it.

Pure functions on Discord's JSON. A text is as its writer sees it: a mention is a name, an emoji of
a guild's own is its name between colons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chatstate import Attachment, MessageRef, User

Json = Mapping[str, Any]

_NAMED = re.compile(r"<@!?(?P<user>\d+)>|<a?:(?P<emoji>\w+):\d+>")


def text_of(raw: Json, me: str) -> str:
    """Return what was written, as its writer sees it, without the name of the bot `me`."""
    return _readable(_without(raw.get("content") or "", me), _people(raw))


def _readable(text: str, people: Mapping[str, User]) -> str:
    def shown(found: re.Match[str]) -> str:
        if found["emoji"]:
            return f":{found['emoji']}:"
        person = people.get(found["user"])
        return f"@{person.name}" if person else found[0]

    return _NAMED.sub(shown, text)


def _without(text: str, id: str) -> str:
    """Return a text without mentions of `id`, and without the blanks that these leave."""
    spans = [found.span() for found in _NAMED.finditer(text) if found["user"] == id]
    for start, end in reversed(spans):
        before, after = text[:start], text[end:]
        if not before.strip():
            before, after = "", after.lstrip(" ,:;\n")
        elif not after.strip():
            before, after = before.rstrip(), ""
        else:
            before = before.rstrip(" ")
        text = before + after
    return text


def mentions(raw: Json) -> tuple[User, ...]:
    """Return who is named in a message, each once, in the order of the text."""
    people = _people(raw)
    found = dict.fromkeys(match["user"] for match in _NAMED.finditer(raw.get("content") or ""))
    return tuple(people[person] for person in found if person in people)


def reference(raw: Json) -> MessageRef:
    """Return a message as another names it."""
    text = _readable(raw.get("content") or "", _people(raw))
    return MessageRef(raw["id"], text, user(raw["author"], {}))


def attachments(raw: Json) -> tuple[Attachment, ...]:
    """Return the files of a message."""
    return tuple(_attachment(file, raw) for file in raw.get("attachments") or ())


def _attachment(raw: Json, holder: Json) -> Attachment:
    where = f"{holder['channel_id']}/{holder['id']}/{raw['id']} {raw['url']}"
    media_type = raw.get("content_type") or "application/octet-stream"
    return Attachment(where, raw["filename"], media_type, raw.get("size"))


def user(raw: Json, member: Json, language: str | None = None) -> User:
    """Return a person, by the name that a guild knows them by."""
    name = member.get("nick") or raw.get("global_name") or raw["username"]
    return User(raw["id"], name, language)


def _people(raw: Json) -> dict[str, User]:
    return {person["id"]: _named(person) for person in raw.get("mentions") or ()}


def _named(raw: Json) -> User:
    """Return somebody who is mentioned, by a name that is one word: it may be an argument."""
    person = user(raw, raw.get("member") or {})
    return User(person.id, raw["username"]) if " " in person.name else person
