"""What is in one message of Discord's: its text, its files, and who is named in it.

Pure functions on Discord's JSON.

1. A text is as its writer sees it: a mention is a name, an emoji of a guild's own is its name
   between colons. What has no text has words that stand for it, if there are any.
2. Whether somebody is mentioned is told by the text as well as by the list of mentions, which may
   be empty.
3. A file is found again by its message, also if that forwards it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from chatstate import Attachment, MessageRef, Poll, Sticker, User
from chatstate.markup import StyledText
from chatstate_discord.receive.formatting import formatted

Json = Mapping[str, Any]
_VOICE = 1 << 13  # a flag of messages

_MARKS = re.compile(r"[*_~|`<>#\[\\-]|\d\. ")
_NAMED = re.compile(r"<@[!&]?(?P<user>\d+)>|<a?:(?P<emoji>\w+):\d+>")


def text_of(raw: Json, me: Collection[str] = ()) -> str:
    """Return what is said, as its writer sees it, without the names of `me`: the bot, its role.

    That is what was written, or words that stand for the rest: of stickers, polls, cards
    ("embeds"), components, and what is forwarded.
    """
    written = _readable(_without(raw.get("content") or "", me), _people(raw))
    return written if raw.get("content") else "\n".join(filter(None, _words(raw)))


def styled_of(raw: Json, me: Collection[str] = ()) -> StyledText | None:
    """Return what is written with its formatting, without `me` as in `text_of`; None if plain."""
    written = _without(raw.get("content") or "", me)
    styled = formatted(written, _people(raw)) if _MARKS.search(written) else None
    return styled if styled and styled != StyledText(written) else None


def is_named(raw: Json, me: Collection[str]) -> bool:
    """Tell whether a message mentions one of `me`, in its lists of mentions or its text."""
    listed = [person["id"] for person in raw.get("mentions") or ()]
    listed += raw.get("mention_roles") or ()
    written = [match["user"] for match in _NAMED.finditer(raw.get("content") or "")]
    return not {*listed, *written}.isdisjoint(me)


def quote_of(raw: Json, answered: MessageRef | None) -> str | None:
    """Return the words of what is answered, or of what is forwarded below words of one's own."""
    forwarded = _forwarded(raw) if raw.get("content") else ()
    return (answered.text if answered else "\n".join(forwarded)) or None


def _words(raw: Json) -> Iterator[str]:
    yield from (sticker.words for sticker in stickers_of(raw))
    if poll := poll_of(raw):
        yield poll.words
    for embed in raw.get("embeds") or ():
        yield from _lines(embed)
    yield from _shown(raw.get("components"))
    yield from _forwarded(raw)


def _forwarded(raw: Json) -> Iterator[str]:
    for snapshot in raw.get("message_snapshots") or ():
        yield text_of(snapshot["message"])


def _lines(embed: Json) -> Iterator[str]:
    """Yield the words of a card."""
    nobody: Json = {}
    yield (embed.get("author") or nobody).get("name", "")
    yield from (embed.get(name) or "" for name in ("title", "description"))
    for field in embed.get("fields") or ():
        yield f"{field['name']}: {field['value']}"
    yield (embed.get("footer") or nobody).get("text", "")


def _shown(components: Any) -> Iterator[str]:
    """Yield the texts of components, and of those in them."""
    for component in components or ():
        yield component.get("content") or ""
        yield from _shown(component.get("components"))


def _readable(text: str, people: Mapping[str, User]) -> str:
    def shown(found: re.Match[str]) -> str:
        if found["emoji"]:
            return f":{found['emoji']}:"
        person = people.get(found["user"])
        return f"@{person.name}" if person else found[0]

    return _NAMED.sub(shown, text)


def _without(text: str, me: Collection[str]) -> str:
    """Return a text without mentions of `me`, and without the blanks that these leave."""
    spans = [found.span() for found in _NAMED.finditer(text) if found["user"] in me]
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
    return MessageRef(raw["id"], text_of(raw), user(raw["author"], {}))


def attachments(raw: Json) -> tuple[Attachment, ...]:
    """Return the files of a message, and of what it forwards."""
    holders = [raw, *(snapshot["message"] for snapshot in raw.get("message_snapshots") or ())]
    files = [file for holder in holders for file in holder.get("attachments") or ()]
    return tuple(_attachment(file, raw) for file in files)


def _attachment(raw: Json, holder: Json) -> Attachment:
    where = f"{holder['channel_id']}/{holder['id']}/{raw['id']} {raw['url']}"
    media_type = raw.get("content_type") or "application/octet-stream"
    is_voice = bool((holder.get("flags") or 0) & _VOICE)
    return Attachment(where, raw["filename"], media_type, raw.get("size"), is_voice)


def poll_of(raw: Json) -> Poll | None:
    """Return the poll of a message. Who has chosen what is shown by Discord to everybody."""
    poll: Json | None = raw.get("poll")
    if not poll:
        return None
    options = tuple(answer["poll_media"].get("text", "") for answer in poll.get("answers") or ())
    several = bool(poll.get("allow_multiselect"))
    return Poll(poll["question"].get("text", ""), options, several, anonymous=False)


def stickers_of(raw: Json) -> list[Sticker]:
    """Return the stickers of a message."""
    return [Sticker(item["id"], name=item["name"]) for item in raw.get("sticker_items") or ()]


def user(raw: Json, member: Json, language: str | None = None) -> User:
    """Return a person, by the name that a guild knows them by."""
    name = member.get("nick") or raw.get("global_name") or raw["username"]
    return User(raw["id"], name, language, bool(raw.get("bot")))


def _people(raw: Json) -> dict[str, User]:
    return {person["id"]: _named(person) for person in raw.get("mentions") or ()}


def _named(raw: Json) -> User:
    """Return somebody who is mentioned, by a name that is one word: it may be an argument."""
    person = user(raw, raw.get("member") or {})
    return replace(person, name=raw["username"]) if " " in person.name else person
