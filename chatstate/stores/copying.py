"""A store's copy in another store, whichever these are: all its tables, row by row.

1. The source is held meanwhile: no run begins on it. It is stamped at the end, and refuses to run.
2. A target is empty, or holds a part of this very copy: then it is gone on with. It refuses to run
   before the copy is complete.
3. Rows are in the order of their keys in the source, and pages are written whole: so how far a
   table is, is told by how many rows it has.
4. Then both are read once more, and compared by the numbers of their rows and a sum of what is in
   them. Only then is the source stamped.
5. Runs are not copied, but their numbers go on, and so do all others: none is given twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from chatstate.errors import StorageError

Type = Literal["int", "text", "float", "bytes", "bool", "json"]
Row = tuple[Any, ...]
PAGE = 1000


class Table(NamedTuple):
    """A table of every store: its columns with their types, those of its key first."""

    name: str
    keys: int
    columns: Mapping[str, Type]

    @property
    def key(self) -> list[str]:
        """The columns by which its rows are ordered."""
        return list(self.columns)[: self.keys]


def _table(name: str, keys: int, columns: str) -> Table:
    """Return a table whose columns are named with their types; without one it is `int`."""
    pairs = [column.partition(":") for column in columns.split()]
    return Table(name, keys, {column: type_ or "int" for column, _, type_ in pairs})  # type: ignore[misc]  # of this file


TABLES = (
    _table("secrets", 1, "bot:text secret:bytes"),
    _table("tenants", 1, "id bot:text name:text"),
    _table("accounts", 1, "id bot:text platform:text platform_id:text tenant"),
    _table("cursors", 2, "account part:text cursor:text"),
    _table("remembered", 2, "account name:text value:text"),
    _table("chats", 1, "id account platform_id:text kind:text title:text blocked_at:float person"),
    _table("chat_ids", 2, "account platform_id:text chat"),
    _table("people", 1, "id account platform_id:text name:text"),
    _table("person_ids", 2, "account platform_id:text person"),
    _table("conversations", 1, "id chat thread:text"),
    _table(
        "inbox",
        1,
        "seq account event_id:text conversation person body:text arrived_at:float done_at:float "
        "attempt crashes ahead:bool",
    ),
    _table(
        "outbox",
        1,
        "row conversation turn part body:text owed_at:float begun_at:float crashes priority "
        "best_before:float changes:text person",
    ),
    _table(
        "states",
        1,
        "number bot:text scope:text name:text place person value:json version schema "
        "changed_at:float expires_at:float account conversation",
    ),
    _table(
        "timers",
        3,
        "conversation person key:text generation account due_at:float handler:text text:text "
        "slot:text language:text fired",
    ),
    _table("notes", 2, "turn name:text value:text"),
    _table(
        "buttons",
        1,
        "ref:text conversation turn part sends:text command:bool expires_at:float message:text "
        "person",
    ),
    _table(
        "sent",
        1,
        "ref:text conversation turn part message:text content:text is_deleted:bool "
        "expires_at:float sent_after person",
    ),
    _table(
        "dead_letters",
        1,
        "id bot:text kind:text conversation person turn part body:text error:text detail:text "
        "died_at:float",
    ),
    _table("requests", 1, "id verb:text letter asked_at:float body:text account"),
    _table(
        "broadcasts",
        1,
        "id bot:text key:text body:text content:text audience:text standing:text is_paused:bool "
        "begun_at:float gathered total reached blocked failed recalled",
    ),
    _table(
        "forgotten",
        1,
        "id bot:text account person user_id:text mark:text asked_at:float turn erased_at:float "
        "done_at:float",
    ),
    _table("backups", 1, "path:text made_at:float"),
    _table("recipients", 2, "broadcast number account body:text fate:text conversation turn"),
    _table("transcript_chats", 2, "account chat:text revision"),
    _table(
        "transcript",
        3,
        "account chat:text id revision thread:text key:text at:float body:text files:text",
    ),
)
"""In the order in which they are copied."""
NUMBERED = (
    *("runs", "tenants", "accounts", "chats", "people", "conversations", "inbox", "outbox"),
    *("dead_letters", "requests", "broadcasts", "forgotten"),
)
"""The tables whose rows get numbers that are never given again."""


class Side(Protocol):
    """A store that is copied, say, or into which another one is. It is held until it is closed."""

    location: str

    def rows(self, table: Table, skip: int) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a table by pages, in the order of its key."""
        ...

    async def count(self, table: str) -> int:
        """Return how many rows there are."""
        ...

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Add a page of rows, all or none."""
        ...

    async def files(self) -> Sequence[str]:
        """Return the keys of the files that are owed."""
        ...

    async def file(self, key: str) -> bytes:
        """Return what is in one."""
        ...

    async def put_file(self, key: str, data: bytes) -> None:
        """Add one."""
        ...

    async def numbers(self) -> Mapping[str, int]:
        """Return the last number given away in each of `NUMBERED`."""
        ...

    async def begin(self, source: str) -> None:
        """Note that a source is copied into this. Raises `StorageError` if it is not empty."""
        ...

    async def complete(self, numbers: Mapping[str, int]) -> None:
        """Go on with the numbers of the source; the copy may be run from now on."""
        ...

    async def stamp(self, target: str) -> None:
        """Note that it has moved: it does not run any more."""
        ...

    async def rename(self, old: str, new: str) -> None:
        """Let all that is of one bot be of another; see `stores.renaming`."""
        ...


class Copied(NamedTuple):
    """How much a copy is."""

    rows: int
    files: int


async def copy(source: Side, target: Side, tell: Callable[[int, int, str], None]) -> Copied:
    """Copy a store; `tell` is told how many rows are done, of how many, and of which table."""
    await target.begin(source.location)
    every = sum([await source.count(table.name) for table in TABLES])
    done = 0
    for table in TABLES:
        there = await target.count(table.name)
        done += there
        async for rows in source.rows(table, there):
            await target.put(table, rows)
            done += len(rows)
            tell(done, every, table.name)
    kept = await source.files()
    for key in kept:
        await target.put_file(key, await source.file(key))
    for table in TABLES:
        tell(done, every, f"comparing {table.name}")
        await _compare(source, target, table)
    await target.complete(await source.numbers())
    await source.stamp(target.location)
    return Copied(done, len(kept))


async def _compare(source: Side, target: Side, table: Table) -> None:
    """Raise `StorageError` if the rows of a table are not the same on both sides."""
    original, copied = await _sum(source, table), await _sum(target, table)
    if original != copied:
        raise StorageError(
            f"{target.location} has other {table.name} than {source.location} ({copied[0]} rows, "
            f"and {original[0]}): somebody has written into it; empty it, and copy again"
        )


async def _sum(side: Side, table: Table) -> tuple[int, int]:
    count = total = 0
    async for rows in side.rows(table, 0):
        for row in rows:
            count += 1
            digest = hashlib.sha256(msgspec.msgpack.encode(row)).digest()
            total = (total + int.from_bytes(digest)) % 2**256
    return count, total


def refuse_moved(location: str, moved: Sequence[tuple[str, str]]) -> None:
    """Raise `StorageError` if a store has moved, or is no more than a part of a copy."""
    for way, place in moved:
        if way == "to":
            raise StorageError(f"{location} has moved to {place}: run the bot on that")
        raise StorageError(
            f"{location} is a part of a copy of {place}: go on with `chatstate store copy`"
        )


def refuse_target(location: str, source: str, moved: Sequence[tuple[str, str]], rows: int) -> None:
    """Raise `StorageError` if a copy of a source cannot be made, or gone on with, there."""
    if ("from", source) not in moved and (moved or rows):
        raise StorageError(f"{location} is not empty: copy into a store where nothing is")
