"""A store as an operator sees it: nobody is recognised, and nothing that was said is read.

1. In place of the id of a person, a chat or a thread stands a keyed hash of it, which is the same
   wherever the bot shows it. Without the bot's secret it leads nowhere: a plain hash of an id that
   is a number is reversed in hours.
2. In place of a value, an event or a reply stands what it is: `list of 3`. Of an error that a
   handler has raised its type stays, of a refusal all but what it quotes, of a traceback the files
   and lines.
3. What is revealed is as the store has it. Hashes are taken wherever ids are, in either case.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from chatstate.errors import StateError
from chatstate.inspection import (
    Entry,
    Figures,
    Filter,
    Inspection,
    KnownAccount,
    KnownWorker,
    Request,
    Shelf,
)
from chatstate.stores.control import Control

_ALL = Filter()
_DIGITS = 12
_HASH = re.compile(rf"id-[0-9a-f]{{{_DIGITS}}}")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_PLACE = re.compile(r'^ *File ".*$', re.MULTILINE)
_PAGE = 1_000
_KINDS: dict[type[Any], str] = {str: "text", list: "list", dict: "object"}


def hashed(secret: bytes, platform: str, id_: str) -> str:
    """Return what stands in place of an id: `id-3f9a2c41b7e0`; "" for none."""
    if not id_:
        return ""
    told = hmac.digest(secret, f"id\0{platform}\0{id_}".encode(errors="replace"), "sha256")
    return f"id-{told.hex()[:_DIGITS]}"


def is_hash(text: str) -> bool:
    """Tell whether a text looks like one of `hashed`."""
    return _HASH.fullmatch(text) is not None


class View(Inspection):
    """Looks at a store, at all of it or at what is one `bot`'s; ids and texts only to `reveal`."""

    def __init__(self, store: Control, *, bot: str | None = None, reveal: bool = False) -> None:
        self._store = store
        self._bot = bot
        self._reveal = reveal

    async def list(self, shelf: Shelf, chosen: Filter = _ALL) -> Sequence[Entry]:
        """See `Inspection.list`. Raises `StateError` for the hash of an id that nobody has."""
        secrets = await self._store.secrets()
        wanted = replace(chosen, bot=chosen.bot if self._bot is None else self._bot)
        for name, where in (("person", "people"), ("chat", "chats")):
            if (given := getattr(wanted, name)) and is_hash(given):
                wanted = await self._plain(wanted, name, where, secrets)  # type: ignore[arg-type]  # of the two
        return [self._seen(entry, secrets) for entry in await self._store.list(shelf, wanted)]

    async def show(self, shelf: Shelf, number: int) -> Entry | None:
        """See `Inspection.show`."""
        entry = await self._store.show(shelf, number)
        if entry is None or self._bot not in (None, entry.bot):
            return None
        return self._seen(entry, await self._store.secrets())

    async def accounts(self) -> Sequence[KnownAccount]:
        """See `Inspection.accounts`."""
        known = await self._store.accounts()
        return [account for account in known if self._bot in (None, account.bot)]

    async def workers(self) -> Sequence[KnownWorker]:
        """See `Inspection.workers`."""
        return [w for w in await self._store.workers() if self._bot in (None, w.bot)]

    async def figures(self) -> Figures:
        """See `Inspection.figures`."""
        return await self._store.figures()

    async def ask(self, request: Request) -> bool:
        """See `Inspection.ask`."""
        return await self._store.ask(request)

    async def _plain(
        self, wanted: Filter, name: str, where: Shelf, secrets: Mapping[str, bytes]
    ) -> Filter:
        """Return a filter that has an id in place of its hash."""
        given = getattr(wanted, name)
        entries: Sequence[Entry] = ()
        while entries := await self._store.list(
            where, Filter(after=entries[-1].number if entries else 0, limit=_PAGE)
        ):
            for entry in entries:
                id_ = getattr(entry, name)
                if hashed(secrets.get(entry.bot, b""), entry.platform, id_) == given:
                    its = {"bot": entry.bot, "platform": entry.platform, name: id_}
                    return replace(wanted, **its)
        raise StateError(
            f"nothing is known under {given}: it is of another store, or was forgotten"
        )

    def _seen(self, entry: Entry, secrets: Mapping[str, bytes]) -> Entry:
        return entry if self._reveal else veiled(entry, secrets.get(entry.bot, b""))


def veiled(entry: Entry, secret: bytes) -> Entry:
    """Return an entry as it is shown to whoever need not know whose it is, or what it says."""
    ids = {
        name: hashed(secret, entry.platform, getattr(entry, name))
        for name in ("person", "chat", "thread")
    }
    return replace(
        entry,
        **ids,
        body="",
        hides=kind_of(entry.body),
        error=_error_of(entry),
        detail="\n".join(_PLACE.findall(entry.detail)),
    )


def kind_of(text: str) -> str:
    """Return what a JSON text is, and nothing that it says: `list of 3`, `text of 12`."""
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return f"unreadable, of {len(text)}"
    for type_, kind in _KINDS.items():
        if isinstance(value, type_):
            return f"{kind} of {len(value)}"
    return "null" if value is None else "bool" if isinstance(value, bool) else "number"


def _error_of(entry: Entry) -> str:
    if entry.kind == "event":
        return entry.error.partition(":")[0]
    return _QUOTED.sub("…", entry.error)
