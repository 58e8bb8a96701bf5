"""What arrived at a platform made for tests, as tests look at it.

1. It is what the platform was given, and no more: nothing is looked up.
2. Files are read when they arrive, since the spool lets go of them then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from chatstate.adapter import (
    Action,
    Post,
    PostButton,
    PostCard,
    PostSelect,
    PostSuggestion,
    StoredFile,
)
from chatstate.content import Content
from chatstate.text import StyledText


class SentFile(msgspec.Struct, frozen=True):
    """A file as it arrived: its bytes; or the id, or the address, by which it was sent."""

    name: str
    media_type: str
    data: bytes
    is_voice: bool = False
    id: str = ""
    url: str = ""
    is_sticker: bool = False


class Called(msgspec.Struct, frozen=True):
    """A call by the platform's own name, as it arrived: its files in the order of its arguments.

    `event` is the id of the event it answers, `key` its own.
    """

    method: str
    arguments: Mapping[str, Any]
    chat: str
    thread: str | None
    event: str | None
    key: str
    files: Sequence[SentFile] = ()


class Delivered(msgspec.Struct, frozen=True):
    """A reply as it arrived.

    `event` is the id of the event it answers; `key` its own; `id` the message's. `styled` is its
    text with markup, `buttons` its rows. `edits` is the id of the message it replaced. `preview`:
    the answer was still being written.
    """

    text: str
    chat: str
    thread: str | None
    event: str | None
    key: str
    id: str = ""
    styled: StyledText = StyledText("")
    buttons: Sequence[Sequence[PostButton]] = ()
    files: Sequence[SentFile] = ()
    reply_to: str | None = None
    silent: bool = False
    ephemeral: bool = False
    edits: str | None = None
    preview: bool = False
    card: PostCard | None = None
    select: PostSelect | None = None
    suggestions: Sequence[PostSuggestion] = ()
    native: Mapping[str, Any] = {}
    shared: Content | None = None

    @property
    def labels(self) -> list[str]:
        """What its buttons show."""
        return [button.label for row in self.buttons for button in row]


def with_buttons_of(change: Delivered, before: Delivered) -> Delivered:
    """Return a message that nothing but its buttons has changed of."""
    told = {"id": change.id, "key": change.key, "event": change.event, "edits": change.edits}
    buttons = {"buttons": change.buttons, "select": change.select}
    return msgspec.structs.replace(before, **told, **buttons)


def continued(before: StyledText, news: StyledText) -> StyledText:
    """Return a text that begins with what was shown `before`, and goes on with `news` as it is."""
    end = len(before.text)
    spans = [msgspec.structs.replace(s, start=s.start + end, end=s.end + end) for s in news.spans]
    return StyledText(before.text + news.text, (*before.spans, *spans))


def _files(action: Action) -> list[SentFile]:
    return [_file(file) for file in action.part.files]


def _file(file: StoredFile) -> SentFile:
    data = Path(file.path).read_bytes() if file.key else b""
    is_voice, is_sticker = file.is_voice, file.is_sticker
    return SentFile(file.name, file.media_type, data, is_voice, file.id, file.url, is_sticker)


def called_of(action: Action) -> Called:
    """Return the call that an action makes by the platform's own name."""
    content = action.part.content
    method, arguments = content["method"], content["arguments"]
    where = (action.chat, action.thread, action.origin, action.key)
    return Called(method, arguments, *where, _files(action))


def delivered_of(action: Action, identity: str) -> Delivered:
    """Return what an action shows, as a message with this id."""
    post = msgspec.convert(action.part.content, Post)
    return Delivered(
        post.text.text,
        action.chat,
        action.thread,
        action.origin,
        action.key,
        identity,
        post.text,
        post.buttons,
        _files(action),
        post.reply_to,
        post.silent,
        post.ephemeral,
        action.message if action.verb == "edit" else None,
        action.preview,
        post.card,
        post.select,
        post.suggestions,
        post.native,
        post.shared,
    )
