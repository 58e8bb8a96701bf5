"""All that a store has of a person: what is given to them, or erased.

1. It is found on the shelves that everybody who looks sees: what is theirs, and all of each private
   chat with them.
2. A file that is owed to them is given as it would have been sent.
3. Who is linked with somebody is the same person.
4. What adapters keep beside the store is theirs to give; see `Adapter.export`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from chatstate.adapter import StoredFile
from chatstate.adapter.transcript import PageMessage
from chatstate.errors import StateError
from chatstate.inspection import Entry, Filter, Inspection, Shelf
from chatstate.stores.base import Forgotten, Store
from chatstate.stores.control import Control
from chatstate.stores.links import LINK, Link
from chatstate.stores.view import View, hashed

THEIRS: Mapping[Shelf, str] = {
    "states": "values",
    "inbox": "events",
    "outbox": "replies",
    "dead": "dead_letters",
    "timers": "timers",
    "chats": "chats",
}
"""The shelves on which something of a person lies, by what it is called there."""
_PAGE = 1_000


async def people_named(store: Control, name: str) -> list[Entry]:
    """Return the people who are meant by `platform:id`, an id, or a hash from a listing.

    One person may have been met by several accounts of a platform. Raises `StateError` if there is
    nobody, or if there are people on several platforms.
    """
    look = View(store, reveal=True)
    platform, colon, id_ = name.partition(":")
    found = await _all(look, "people", Filter(person=name))
    if not found and colon:
        found = await _all(look, "people", Filter(platform=platform, person=id_))
    platforms = sorted({entry.platform for entry in found})
    if not found:
        raise StateError(
            f"nobody is known as {name!r}: give platform:id, as in telegram:123, or a hash from "
            "`chatstate state list --shelf people`"
        )
    if len(platforms) > 1:
        ways = ", ".join(f"{platform}:{name}" for platform in platforms)
        raise StateError(f"{name!r} is somebody on several platforms: say which, of {ways}")
    return found


async def identities_of(store: Control, people: Sequence[Entry]) -> list[Entry]:
    """Return these people, and whoever else is the same person: those they are linked with."""
    found = {person.number: person for person in people}
    for person in people:
        links = await _all(store, "states", Filter(bot=person.bot, scope="user", name=LINK))
        by_person = {e.key.person: _link(e.body) for e in links if e.key}
        own = by_person.get(person.number)
        root = by_person.get(own.root) if own and own.root else None
        for identity in root.identities if root else ():
            other = await store.show("people", identity.person)
            if other:
                found.setdefault(other.number, other)
    return list(found.values())


def _link(body: str) -> Link:
    try:
        return msgspec.json.decode(body, type=Link)
    except (msgspec.DecodeError, UnicodeError):
        return Link()


async def gathered(store: Control, person: Entry) -> dict[Shelf, list[Entry]]:
    """Return what is a person's, by shelf: their own, and all of each private chat with them."""
    of = Filter(bot=person.bot, platform=person.platform, account=person.account)
    theirs = replace(of, person=person.person)
    chats = await _all(store, "chats", theirs)
    found: dict[Shelf, list[Entry]] = {}
    for shelf in THEIRS:
        entries = await _all(store, shelf, theirs)
        for chat in chats:
            entries += await _all(store, shelf, replace(of, chat=chat.chat))
        by_number = {entry.number: entry for entry in entries}
        found[shelf] = [by_number[number] for number in sorted(by_number)]
    return found


async def pages_of(store: Store, person: Entry) -> list[PageMessage]:
    """Return what pages show in the private chats of a person."""
    number = await _account(store, person)
    shown: list[PageMessage] = []
    for chat in await _private(store, person):
        after = 0
        while page := await store.transcript(number, chat, after, _PAGE):
            shown += page
            after = page[-1].revision
    return shown


async def erase_pages(store: Store, forgotten: Forgotten) -> None:
    """Erase what pages show in the private chats of a person, before it is forgotten whose."""
    of = Filter(bot=forgotten.bot, person=forgotten.user)
    chats = {chat.chat for chat in await _all(store, "chats", of)}
    for chat in chats | {forgotten.user}:
        await store.erase_transcript(forgotten.account, chat)


async def _private(store: Store, person: Entry) -> set[str]:
    of = Filter(bot=person.bot, platform=person.platform, account=person.account)
    chats = await _all(store, "chats", replace(of, person=person.person))
    return {chat.chat for chat in chats} | {person.person}


async def _account(store: Store, person: Entry) -> int:
    name = (person.bot, person.platform, person.account)
    known = {(a.bot, a.platform, a.platform_id): a.id for a in await store.accounts()}
    return known[name]


async def exported(store: Store, people: Sequence[Entry], elsewhere: Any = None) -> bytes:
    """Return all that is somebody's as JSON, to be given to them.

    `elsewhere` is what adapters keep.
    """
    told = {
        "person": f"{people[0].platform}:{people[0].person}",
        "accounts": [await _told(store, person) for person in people],
        **({"elsewhere": elsewhere} if elsewhere is not None else {}),
    }
    return msgspec.json.format(msgspec.json.encode(told))


def summary(found: Mapping[Shelf, Sequence[Entry]]) -> str:
    """Return how much there is: `3 values, 1 timers`."""
    counts = [f"{len(entries)} {THEIRS[shelf]}" for shelf, entries in found.items() if entries]
    return ", ".join(counts).replace("_", " ") or "nothing but the name"


def shown(person: Entry, secret: bytes, *, reveal: bool) -> str:
    """Return what a person is called in a listing."""
    id_ = person.person if reveal else hashed(secret, person.platform, person.person)
    return f"{person.platform}:{id_}" if reveal else id_


async def _told(store: Store, person: Entry) -> dict[str, Any]:
    found = await gathered(store, person)
    told: dict[str, Any] = {
        "bot": person.bot,
        "account": person.account,
        "name": _value(person.body),
    }
    for shelf, entries in found.items():
        told[THEIRS[shelf]] = [_entry(entry) for entry in entries]
    told["pages"] = [
        {"at": message.at, "thread": message.thread, "body": _value(message.body or "null")}
        for message in await pages_of(store, person)
    ]
    files = [file for shelf in ("outbox", "dead") for e in found[shelf] for file in _files(e.body)]
    told["files"] = [await _file(store, file) for file in files]
    return told


def _entry(entry: Entry) -> dict[str, Any]:
    """Return an entry without what says nothing of a person."""
    kept = msgspec.structs.asdict(entry)
    for name in ("number", "bot", "platform", "account", "key", "version", "hides", "asked"):
        del kept[name]
    kept["body"] = _value(entry.body)
    if entry.key:
        kept |= {"state": entry.key.name, "scope": entry.key.scope}
    return {name: value for name, value in kept.items() if value not in ("", None, 0)}


def _value(body: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError):
        return body


class _Part(msgspec.Struct, frozen=True):
    files: tuple[StoredFile, ...] = ()


class _Owed(msgspec.Struct, frozen=True):
    """What a reply owed says of its files, of all that it is; an event says nothing."""

    part: _Part = _Part()


def _files(body: str) -> Sequence[StoredFile]:
    try:
        return [file for file in msgspec.json.decode(body, type=_Owed).part.files if file.key]
    except (msgspec.DecodeError, UnicodeError):
        return ()


async def _file(store: Control, file: StoredFile) -> dict[str, Any]:
    data = await store.owed_file(file.key)
    content = None if data is None else base64.b64encode(data).decode()
    return {"name": file.name, "media_type": file.media_type, "base64": content}


async def _all(look: Inspection, shelf: Shelf, chosen: Filter) -> list[Entry]:
    entries: list[Entry] = []
    while page := await look.list(shelf, chosen):
        entries += page
        chosen = replace(chosen, after=page[-1].number)
    return entries
