"""What everybody who looks sees, shelf by shelf.

1. An entry tells whose it is in the platform's ids; what it has none of is "".
2. Filters are the same for all shelves. Only values have a scope and a name.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from typing import TypedDict

import msgspec

from chatstate.inspection import role_name
from chatstate.scope import Key
from chatstate.stores.base import Entry, Figures, Filter, KnownWorker, Role, Shelf
from chatstate.stores.control import engine_version
from chatstate.testing.memory.tables import OF_A_CONVERSATION, ChatRow, EventRow, MemoryData, Worker


class _Ids(TypedDict, total=False):
    """Whose an entry is, in the platform's ids."""

    platform: str
    chat: str
    thread: str
    person: str
    account: str
    tenant: str


def entries(data: MemoryData, shelf: Shelf, chosen: Filter) -> Sequence[Entry]:
    """Return the entries of a shelf that are wanted, in the order of their numbers."""
    found = [entry for entry in _all(data, shelf) if _is_wanted(entry, chosen)]
    return sorted(found, key=lambda entry: entry.number)[: chosen.limit]


def entry_of(data: MemoryData, shelf: Shelf, number: int) -> Entry | None:
    """Return the entry of a number, None if there is none."""
    return next((entry for entry in _all(data, shelf) if entry.number == number), None)


def worker(data: MemoryData, worker: Worker, lease: float) -> KnownWorker:
    """Return what a run has at hand."""
    held = [number for number, row in data.conversations.items() if row.holder is worker]
    waiting = [row.arrived_at for number in held for row in data.waiting.get(number, {}).values()]
    return KnownWorker(
        worker.id,
        worker.bot,
        platform.node(),
        os.getpid(),
        worker.since,
        lease,
        sorted(_shown(data, role) for role, leader in data.leaders.items() if leader is worker),
        len(held),
        len(waiting),
        min(waiting, default=None),
        dict(worker.versions),
        engine_version(),
    )


def figures(data: MemoryData) -> Figures:
    """Return how much waits in all, is owed, and is dead."""
    waiting = [row.arrived_at for row in data.events.values() if row.done_at is None]
    owed = [entry.at for entry in _all(data, "outbox")]
    dead = list(_all(data, "dead"))
    failed = [entry.at for entry in dead if entry.kind == "event"]
    return Figures(
        len(waiting),
        min(waiting, default=None),
        len(owed),
        min(owed, default=None),
        len(dead),
        max(failed, default=None),
        data.crashed_at,
    )


def _shown(data: MemoryData, role: Role) -> str:
    name = next(name for name, number in data.accounts.items() if number == role.account)
    return role_name(role.duty, *name[1:], role.part)


def _is_wanted(entry: Entry, chosen: Filter) -> bool:
    names = ("bot", "platform", "chat", "person", "account", "tenant")
    wanted = [(getattr(chosen, name), getattr(entry, name)) for name in names]
    if entry.key:
        wanted += [(chosen.scope, entry.key.scope), (chosen.name, entry.key.name)]
    agrees = all(value in (None, there) for value, there in wanted)
    return agrees and entry.number > chosen.after


def _all(data: MemoryData, shelf: Shelf) -> Iterator[Entry]:
    shelves: dict[Shelf, Callable[[MemoryData], Iterator[Entry]]] = {
        "states": _values,
        "inbox": _events,
        "running": _running,
        "outbox": _replies,
        "dead": _letters,
        "timers": _timers,
        "people": _people,
        "chats": _chats,
        "conversations": _conversations,
    }
    return shelves[shelf](data)


def _values(data: MemoryData) -> Iterator[Entry]:
    asked = {request.key: request.verb for request in data.requests.values()}
    for key, row in data.values.items():
        value = row.value
        yield Entry(
            number=row.number,
            bot=key.bot,
            at=row.changed_at,
            body=value.text,
            key=key,
            version=value.version,
            schema=value.schema,
            expires_at=value.expires_at,
            asked=asked.get(key, ""),
            **_ids_of(data, key),
        )


def _events(data: MemoryData) -> Iterator[Entry]:
    for row in data.events.values():
        if row.done_at is None:
            yield Entry(
                number=row.seq,
                bot=data.bot_of(row.account),
                at=row.arrived_at,
                body=row.body,
                crashes=row.crashes,
                **_ids(data, row.conversation, row.person),
            )


def _running(data: MemoryData) -> Iterator[Entry]:
    heads: dict[int, EventRow] = {}
    for row in data.events.values():
        if row.done_at is None and data.conversations[row.conversation].holder:
            first = heads.get(row.conversation)
            if first is None or (row.ahead, -row.seq) > (first.ahead, -first.seq):
                heads[row.conversation] = row
    numbers = {row.seq for row in heads.values()}
    yield from (entry for entry in _events(data) if entry.number in numbers)


def _timers(data: MemoryData) -> Iterator[Entry]:
    for timer in data.timers.values():
        yield Entry(
            number=timer.generation,
            bot=data.bot_of(data.account_of(timer.conversation)),
            at=timer.due_at,
            body=timer.text,
            kind=timer.handler,
            **_ids(data, timer.conversation, timer.person),
        )


def _people(data: MemoryData) -> Iterator[Entry]:
    for number, row in data.people.items():
        ids = _of_account(data, row.account)
        ids["person"] = row.platform_id
        yield Entry(number=number, bot=data.bot_of(row.account), at=0, body=_json(row.name), **ids)


def _chats(data: MemoryData) -> Iterator[Entry]:
    for number, row in _named_chats(data):
        ids = _of_account(data, row.account)
        ids["chat"] = row.platform_id
        if row.person in data.people:
            ids["person"] = data.people[row.person].platform_id
        bot, title = data.bot_of(row.account), _json(row.title)
        yield Entry(number=number, bot=bot, at=0, body=title, kind=row.kind, **ids)


def _named_chats(data: MemoryData) -> list[tuple[int, ChatRow]]:
    """Return the chats that are known: of those that were erased nothing is."""
    return [(number, row) for number, row in data.chats.items() if row.platform_id]


def _conversations(data: MemoryData) -> Iterator[Entry]:
    for number, row in data.conversations.items():
        chat = data.chats[row.chat]
        if not chat.platform_id:
            continue
        bot, title = data.bot_of(chat.account), _json(chat.title)
        ids = _ids(data, number)
        yield Entry(number=number, bot=bot, at=0, body=title, kind=chat.kind, **ids)


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _replies(data: MemoryData) -> Iterator[Entry]:
    for conversation, line in data.lines.items():
        for number, row in line.items():
            yield Entry(
                number=number,
                bot=data.bot_of(data.account_of(conversation)),
                at=row.owed_at,
                body=row.owed.body,
                begun_at=row.owed.begun_at,
                crashes=row.owed.crashes,
                **_ids(data, conversation, row.person if row.person in data.people else 0),
            )


def _letters(data: MemoryData) -> Iterator[Entry]:
    asked = {request.number: request.verb for request in data.requests.values()}
    for row in data.letters.values():
        yield Entry(
            number=row.number,
            bot=row.bot,
            at=row.died_at,
            body=row.body,
            kind=row.kind,
            error=row.error,
            detail=row.detail,
            asked=asked.get(row.number, ""),
            **_ids(data, row.conversation, row.person),
        )


def _ids_of(data: MemoryData, key: Key) -> _Ids:
    """Return the platform's ids of whose value it is."""
    if key.scope in OF_A_CONVERSATION:
        return _ids(data, key.place, key.person)
    account = 0
    ids = _Ids()
    if key.scope == "global":
        ids["tenant"] = data.tenant_name(key.place)
    if key.person:
        person = data.people[key.person]
        ids["person"], account = person.platform_id, person.account
    if key.scope == "chat":
        chat = data.chats[key.place]
        ids["chat"], account = chat.platform_id, chat.account
    if account:
        ids.update(_of_account(data, account))
    return ids


def _ids(data: MemoryData, conversation: int, person: int = 0) -> _Ids:
    row = data.conversations[conversation]
    chat = data.chats[row.chat]
    ids = _of_account(data, chat.account)
    ids["chat"], ids["thread"] = chat.platform_id, row.thread
    ids["person"] = data.people[person].platform_id if person else ""
    return ids


def _of_account(data: MemoryData, account: int) -> _Ids:
    name = next(name for name, number in data.accounts.items() if number == account)
    return _Ids(platform=name[1], account=name[2], tenant=data.tenant_of(account))
