"""What a bot is given to send, as it waits in the store: to whom, and replies as JSON.

1. Each kind of a reply's parts is written by its name, so that it comes back as what it was. What
   `chatstate.replies` comes to have is among them.
2. Files are not in it: they lie in the spool, under the keys that are. Those that are elsewhere
   have an id or an address.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

import chatstate.replies
from chatstate.bot.returns import FittedReply
from chatstate.content import Contact, Location, Poll, Sticker
from chatstate.engine.outbox.addressing import KEPT_SECONDS
from chatstate.errors import ReplyError
from chatstate.files import File
from chatstate.messages import Chat, Event, Message, MessageRef, User
from chatstate.replies import AnyReply, Native
from chatstate.stores.base import KnownAccount, Request
from chatstate.text import Span, StyledText

_HELD = (
    *(FittedReply, MessageRef, User, Chat),
    *(Contact, Location, Poll, Sticker, StyledText, Span),
)
_exported = [getattr(chatstate.replies, name) for name in chatstate.replies.__all__]
KINDS: Mapping[str, type[msgspec.Struct]] = {
    kind.__name__: kind
    for kind in (*_exported, *_HELD)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
}
_KIND = "$"
_TIMES: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "datetime": lambda fields: datetime.fromisoformat(fields["time"]),
    "timedelta": lambda fields: timedelta(seconds=fields["seconds"]),
}
_OF_NATIVE = ("method", "on", "otherwise", "arguments")


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something to send: to a `chat` (and its `thread`), or to a person whose chat is not known.

    `ref` leads to its first message; if it `is_whole`, further references to each that follows.
    `files` are the keys of those that its replies have, in their order. `priority` is that of what
    is owed then; see `Owed`. In place of all that, it `takes_back` what was sent under another
    letter's reference that is whole.
    """

    ref: str
    said: list[Any]
    chat: Chat | None = None
    thread: str | None = None
    user: User | None = None
    files: Sequence[str] = ()
    priority: int = 0
    is_whole: bool = False
    takes_back: str = ""


def ref_of(sender: KnownAccount, key: str | None) -> str:
    """Return the reference of something to send: under one key it is always the same."""
    if key is None:
        return f"s{secrets.token_hex(16)}"
    told = f"{sender.id} {key}".encode(errors="replace")
    return f"k{hashlib.blake2b(told, digest_size=16).hexdigest()}"


def request_for(letter: Letter, sender: KnownAccount, now: float) -> Request:
    """Return what a store is asked, to have a letter sent."""
    text = msgspec.json.encode(letter).decode()
    ends = now + KEPT_SECONDS
    return Request(verb="send", account=sender.id, ref=letter.ref, text=text, expires_at=ends)


def event_of(letter: Letter, sender: User | None = None) -> Event:
    """Return the event that a letter becomes; one without a chat is in one named by its person."""
    user = sender or letter.user or User("")
    chat = letter.chat or Chat(user.id)
    raw = msgspec.to_builtins(letter)
    message = Message("", user, chat, "send", letter.thread, raw=raw)
    return Event(f"send-{letter.ref}", message)


def priority_of(event: Event) -> int:
    """Return the priority of what is owed for an event; see `Owed`."""
    if event.message.kind != "send":
        return 0
    return msgspec.convert(event.message.raw, Letter).priority


def written(replies: Sequence[AnyReply]) -> tuple[list[Any], list[File]]:
    """Return replies as JSON types, and their files. Raises `ReplyError` for what is none."""
    files: list[File] = []
    return [_written(reply, files) for reply in replies], files


def read(said: Sequence[Any], paths: Sequence[str]) -> list[Any]:
    """Return the replies that were written; `paths` are where their files lie now."""
    return [_read(reply, paths) for reply in said]


def _written(value: Any, files: list[File]) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, File):
        return _written_file(value, files)
    if isinstance(value, datetime | timedelta):
        return _written_time(value)
    if isinstance(value, list | tuple):
        return [_written(part, files) for part in cast("Sequence[Any]", value)]
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {_KIND: "dict", "of": {name: _written(fields[name], files) for name in fields}}
    return _written_object(value, files)


def _written_file(file: File, files: list[File]) -> dict[str, Any]:
    told = {_KIND: "File", "name": file.name, "media_type": file.media_type, "voice": file.voice}
    if file.is_elsewhere:
        return {**told, "id": file.id, "url": file.url}
    files.append(file)
    return {**told, "number": len(files) - 1}


def _written_time(value: datetime | timedelta) -> dict[str, Any]:
    if isinstance(value, timedelta):
        return {_KIND: "timedelta", "seconds": value.total_seconds()}
    return {_KIND: "datetime", "time": value.isoformat()}


def _written_object(value: Any, files: list[File]) -> dict[str, Any]:
    if isinstance(value, Native):
        told = {name: getattr(value, name) for name in _OF_NATIVE}
        return {_KIND: "Native", **{name: _written(told[name], files) for name in told}}
    for kind in type(value).__mro__:  # of a kind that adds something, what it is made of
        if KINDS.get(kind.__name__) is kind:
            struct: Any = kind
            names: tuple[str, ...] = struct.__struct_fields__
            fields = [(name, getattr(value, name)) for name in names]
            told = {name: _written(field, files) for name, field in fields if field is not None}
            return {_KIND: kind.__name__, **told}
    raise ReplyError(f"{type(value).__name__} cannot be kept until it is sent")


def _read(value: Any, paths: Sequence[str]) -> Any:
    if isinstance(value, list):
        return tuple(_read(part, paths) for part in cast("list[Any]", value))
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    name = fields[_KIND]
    if name == "File":
        path = paths[int(fields["number"])] if "number" in fields else None
        told = (fields["name"], fields["media_type"], bool(fields.get("voice")))
        return File(path, *told, fields.get("id", ""), fields.get("url", ""))
    if name in _TIMES:
        return _TIMES[name](fields)
    if name == "dict":
        return {key: _read(part, paths) for key, part in fields["of"].items()}
    return _read_object(name, fields, paths)


def _read_object(name: str, fields: Mapping[str, Any], paths: Sequence[str]) -> Any:
    if name == "Native":
        method, on, otherwise, given = (_read(fields[key], paths) for key in _OF_NATIVE)
        return Native(method, on, list(otherwise or ()), **given)
    return KINDS[name](**{key: _read(fields[key], paths) for key in fields if key != _KIND})
