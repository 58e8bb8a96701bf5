"""Values as a file carries them: whose each is, in the platform's ids, and what it holds.

1. What is in a file leads back to a store by these ids: to the value that is there, or to where a
   new one belongs, if the store has met whose it is.
2. Two values are the same if their JSON is, however it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from chatstate.errors import LoadError
from chatstate.inspection import Entry, Filter, Inspection, Shelf
from chatstate.scope import Key, Scope, is_ours
from chatstate.stores.view import hashed

_WHERE: dict[Scope, Shelf] = {
    "member": "conversations",
    "thread": "conversations",
    "chat": "chats",
}


class Carried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value and whose it is; `schema` is the version of its state that wrote it."""

    bot: str
    scope: Scope
    name: str
    platform: str = ""
    account: str = ""
    tenant: str = ""
    chat: str = ""
    thread: str = ""
    person: str = ""
    schema: int
    value: msgspec.Raw

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells it from all others."""
        place = (self.platform, self.account, self.tenant, self.chat, self.thread, self.person)
        return (self.bot, self.scope, self.name, *place)

    @property
    def text(self) -> str:
        """What it holds, as JSON without blanks."""
        return msgspec.json.encode(msgspec.json.decode(self.value)).decode()

    def whose(self, secret: bytes | None) -> tuple[str, ...]:
        """Return its state, its scope, and whose it is; with a secret, hashes stand for ids."""
        ids = (self.chat, self.person)
        if secret is not None:
            ids = (hashed(secret, self.platform, ids[0]), hashed(secret, self.platform, ids[1]))
        return (self.name, self.scope, *ids)

    def agrees(self, wanted: Filter, secret: bytes) -> bool:
        """Tell whether it is one of those that a filter chooses, by ids or by their hashes."""
        for name in ("bot", "scope", "name", "platform", "tenant", "account", "chat", "person"):
            given, own = getattr(wanted, name), getattr(self, name)
            account = f"{self.platform}:{own}"
            if given not in (None, own, account, hashed(secret, self.platform, own)):
                return False
        return True


_decode = msgspec.json.Decoder(Carried).decode


def carried(entry: Entry) -> Carried:
    """Return a value as a file carries it. Raises `LoadError` for one that is spoilt."""
    key = entry.key or Key("", "global", "", 0, 0)
    try:
        msgspec.json.decode(entry.body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise LoadError(f"value {entry.number} is spoilt, and cannot be carried: {error}") from None
    return Carried(
        bot=entry.bot,
        scope=key.scope,
        name=key.name,
        platform=entry.platform,
        account=entry.account,
        tenant=entry.tenant,
        chat=entry.chat,
        thread=entry.thread,
        person=entry.person,
        schema=entry.schema,
        value=msgspec.Raw(entry.body.encode()),
    )


def authors(entries: Sequence[Entry]) -> list[Carried]:
    """Return values as a file carries them, without the framework's own.

    These name numbers of their store: who is linked with whom, what is asked in a dialogue.
    """
    return [carried(entry) for entry in entries if entry.key and not is_ours(entry.key.name)]


def read_lines(content: bytes, name: str) -> list[Carried]:
    """Return the values in a file. Raises `LoadError`, with the line, for what is none."""
    values: list[Carried] = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                values.append(_decode(line))
            except (msgspec.DecodeError, UnicodeError) as error:
                raise LoadError(
                    f"{name}, line {number}: no value that was exported ({error})"
                ) from None
    return values


def differences(
    before: Sequence[Carried], after: Sequence[Carried]
) -> Iterator[tuple[str, Carried, Carried | None, Carried | None]]:
    """Yield what differs, with a mark and whose it is: as it was before, and as it is after."""
    now = {value.identity: value for value in after}
    for value in before:
        found = now.pop(value.identity, None)
        if found is None:
            yield "-", value, value, None
        elif (found.text, found.schema) != (value.text, value.schema):
            yield "~", value, value, found
    yield from (("+", value, None, value) for value in now.values())


class Places:
    """Finds where the values of a file belong in a store."""

    def __init__(self, look: Inspection) -> None:
        self._look = look

    async def entry(self, value: Carried) -> Entry:
        """Return what is stored in place of a value; an empty entry if that is a new one.

        Raises `LoadError` if the store does not know whose it is.
        """
        stored = await self._look.list("states", _filter(value, scope=value.scope, name=value.name))
        for entry in stored:
            if carried(entry).identity == value.identity:
                return entry
        place, person = 0, 0
        if value.scope in _WHERE:
            place = await self._number(_WHERE[value.scope], value, chat=value.chat)
        if value.scope in ("member", "user"):
            person = await self._number("people", value, person=value.person)
        if value.tenant and value.scope == "global":
            raise LoadError(f"tenant {value.tenant!r} has no value of state {value.name!r} yet")
        key = Key(value.bot, value.scope, value.name, place, person)
        return Entry(number=0, bot=value.bot, at=0, body="", key=key)

    async def _number(self, shelf: Shelf, value: Carried, **of: str) -> int:
        for entry in await self._look.list(shelf, _filter(value, **of)):
            if shelf != "conversations" or entry.thread == value.thread:
                return entry.number
        ((what, id_),) = of.items()
        raise LoadError(f"the store has met no {what} {id_!r} on {value.platform}")


def _filter(value: Carried, **more: str) -> Filter:
    """Return what chooses entries of the same bot and account, as far as a value has one."""
    of = {"platform": value.platform, "account": value.account}
    chosen = {name: text for name, text in of.items() if text}
    return Filter(bot=value.bot, **chosen, **more)  # type: ignore[arg-type]  # by their names
