"""The texts in whatever leaves: taken out of it, and others put in their places.

1. Whatever text stands in a thing is one of its pieces, but for what `_OURS` names: that is the
   engine's own, or names what there is already. A field that is added is a piece by itself.
2. What is Markdown, or names somebody, is read as people read it: without markup.
3. What a field cannot be is an error where it is put there: nothing leaves then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec

from chatstate.adapter import StoredFile
from chatstate.bot.outgoing import Piece, PieceKind
from chatstate.content import Location
from chatstate.engine.egress.spans import restyled
from chatstate.engine.outbox.posts import styled
from chatstate.files import File
from chatstate.mentions import START
from chatstate.messages import Chat, MessageRef, User
from chatstate.replies import Delete, Markdown, Native, Reply
from chatstate.text import Span, StyledText, Table

T = TypeVar("T")
Visit = Callable[[PieceKind, str], str]
"""Takes a piece, and returns what is to be in its place."""

_OURS = frozenset(
    (
        # what a press gives back: what that says stands beside it
        *("data", "answers", "mark"),
        # where something lies, or which message and which people are meant
        *("source", "key", "path", "ways", "reply_to", "edit", "to", "ping", "user_id"),
        # one of a few words
        *("style", "share", "chats", "of"),
    )
)
_KINDS: Mapping[str, PieceKind] = {
    **dict.fromkeys(("label", "placeholder", "description", "options", "suggestions"), "label"),
    **dict.fromkeys(("translations", "usage", "choices"), "label"),
    **dict.fromkeys(("value", "command", "sends"), "value"),
    **dict.fromkeys(("url", "image"), "url"),
    **dict.fromkeys(("native", "arguments", "method", "content"), "argument"),
}
_SILENT = bool | bytes | Delete | MessageRef | User | Chat
"""What has no texts, or names what there is already."""
_OF_FILE: Mapping[str, PieceKind] = {"name": "file", "url": "url"}
_ABOUT: Mapping[str, PieceKind] = {"link": "url", "pre": "text"}
"""What a span's value is, where it is a text."""


def pieces_of(thing: object) -> tuple[Piece, ...]:
    """Return the texts of something that leaves, in their order."""
    found: list[Piece] = []

    def visit(kind: PieceKind, text: str) -> str:
        found.append(Piece(kind, text))
        return text

    _walk(thing, visit, "text")
    return tuple(found)


def with_pieces(thing: T, pieces: Sequence[Piece]) -> T:
    """Return the same thing with other texts. Raises what it raises for what it cannot be."""
    left: Iterator[Piece] = iter(pieces)
    return cast("T", _walk(thing, lambda _kind, _text: next(left).text, "text"))


def _walk(value: Any, visit: Visit, kind: PieceKind) -> Any:
    for kinds, walk in _WALKS:
        if isinstance(value, kinds):
            return walk(value, visit, kind)
    return value


def _silent(value: Any, _visit: Visit, _kind: PieceKind) -> Any:
    return value


def _text(text: str, visit: Visit, kind: PieceKind) -> Any:
    if START in text:
        return _styled(text, visit, kind)
    return visit(kind, text) if text else text


def _number(number: float, visit: Visit, kind: PieceKind) -> Any:
    if kind != "argument":
        return number
    text = str(number)
    new = visit("argument", text)
    return number if new == text else new


def _styled(given: str | Markdown | StyledText, visit: Visit, kind: PieceKind) -> Any:
    old = styled(given)
    text = visit(kind, old.text) if old.text else ""
    values = [_value(span, visit) for span in old.spans]
    if text == old.text and values == [span.value for span in old.spans]:
        return given
    return restyled(old, text, values)


def _value(span: Span, visit: Visit) -> str:
    if span.kind == "table" and span.value:
        table = msgspec.json.decode(span.value, type=Table)
        rows = _sequence(table.rows, visit, "text")
        changed = msgspec.structs.replace(table, rows=rows)
        return span.value if changed == table else msgspec.json.encode(changed).decode()
    if span.kind in _ABOUT and span.value:
        return visit(_ABOUT[span.kind], span.value)
    return span.value


def _place(place: Location, visit: Visit, kind: PieceKind) -> Any:
    degrees = f"{place.latitude}, {place.longitude}"
    if visit("place", degrees) != degrees:
        raise ValueError("the degrees of a location cannot be changed: stop it, or let it leave")
    return _struct(place, visit, kind)


def _native(native: Native, visit: Visit, _kind: PieceKind) -> Native:
    method = visit("argument", native.method)
    arguments = _walk(native.arguments, visit, "argument")
    if method == native.method and arguments is native.arguments:
        return native
    return Native(method, native.on, native.otherwise, **arguments)


def _struct(struct: Any, visit: Visit, kind: PieceKind) -> Any:
    is_file = isinstance(struct, File | StoredFile)
    changed: dict[str, Any] = {}
    for name in struct.__struct_fields__:
        old = getattr(struct, name)
        if not old or name in _OURS:
            continue
        its: PieceKind = _OF_FILE.get(name, "value") if is_file else _KINDS.get(name, kind)
        if (new := _walk(old, visit, its)) is not old:
            changed[name] = new
    return _replaced(struct, changed) if changed else struct


def _replaced(struct: Any, changed: dict[str, Any]) -> Any:
    if isinstance(struct, Reply):
        return _reply(struct, changed)
    for name, new in changed.items():
        if isinstance(new, StyledText) and not isinstance(getattr(struct, name), StyledText):
            changed[name] = new.text  # where there is no room for spans
    return msgspec.structs.replace(struct, **changed)


def _reply(reply: Reply, changed: dict[str, Any]) -> Reply:
    """Return a reply with other texts: of those it notifies, those whom it still mentions."""
    new = msgspec.structs.replace(reply, **{"ping": (), **changed})
    text = new.text
    if reply.ping and isinstance(text, StyledText):
        there = {span.value for span in text.spans if span.kind == "mention"}
        pinged = tuple(person for person in reply.ping if f"user {person.id}" in there)
        msgspec.structs.force_setattr(new, "ping", pinged)
    elif text is reply.text:
        msgspec.structs.force_setattr(new, "ping", reply.ping)
    return new


def _mapping(given: Mapping[Any, Any], visit: Visit, kind: PieceKind) -> Mapping[Any, Any]:
    keys = _sequence(list(given), visit, kind)
    values = _sequence(list(given.values()), visit, kind)
    if _are_same(keys, list(given)) and _are_same(values, list(given.values())):
        return given
    words = [value.text if isinstance(value, StyledText) else value for value in values]
    new = dict(zip(keys, words, strict=True))
    if len(new) < len(given):
        raise ValueError("two names became the same")
    return new


def _sequence(given: Sequence[Any], visit: Visit, kind: PieceKind) -> Sequence[Any]:
    new = [_walk(item, visit, kind) for item in given]
    if _are_same(new, given):
        return given
    return new if isinstance(given, list) else tuple(new)


def _are_same(new: Sequence[Any], old: Sequence[Any]) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))


_WALKS: Sequence[tuple[Any, Callable[[Any, Visit, PieceKind], Any]]] = (
    (str, _text),
    (_SILENT, _silent),
    (int | float, _number),
    (Markdown | StyledText, _styled),
    (Location, _place),
    (Native, _native),
    (msgspec.Struct, _struct),
    (Mapping, _mapping),
    ((list, tuple), _sequence),
)
"""What is done with a value: the first that it is."""
