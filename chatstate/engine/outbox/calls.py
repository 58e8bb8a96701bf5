"""Calls by a platform's own names (`Native`), on their way to the platform they are for.

1. Where an argument is a file, None stands there. Where it is a message that has no id yet, there
   is a mark, which is replaced once it is the call's turn. No author's text is one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

from chatstate.adapter import Adapter, NativeCall, StoredFile
from chatstate.errors import ReplyError
from chatstate.files import File, readable_size
from chatstate.mentions import START
from chatstate.messages import MessageRef
from chatstate.replies import AnyReply, Native, files_in

log = logging.getLogger("chatstate.sender")

_MARK = f"{START}message "


def chosen(answer: Sequence[AnyReply], adapter: Adapter) -> list[AnyReply]:
    """Return an answer without the calls of other platforms: with what they have for this one."""
    return [
        reply
        for given in answer
        for reply in (_instead(given, adapter) if isinstance(given, Native) else (given,))
    ]


def call_of(native: Native, stored: Sequence[StoredFile], adapter: Adapter) -> NativeCall:
    """Return a call as its adapter gets it; `stored` are its files as they lie in the spool.

    Raises `ReplyError` for a file that is too large, or has an id where there are none.
    """
    most = adapter.capabilities.file_bytes
    for file in stored:
        if file.id and not adapter.capabilities.file_ids:
            raise ReplyError(
                f"Native({native.method!r}): File(id={file.id!r}) is none of {adapter.name}, where "
                "no file is sent by an id; give what turn.download gives"
            )
        if file.size > most:
            raise ReplyError(
                f"Native({native.method!r}): file {file.name!r} has {readable_size(file.size)}, "
                f"and {adapter.name} takes {readable_size(most)}"
            )
    ways = [way for way, _ in files_in(native.arguments)]
    return NativeCall(native.method, _plain(native.arguments), stored, ways)


def with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    """Return what a call holds, with the ids of messages in place of their references' marks."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {name: with_ids(member, ids) for name, member in members.items()}
    if isinstance(value, list | tuple):
        return [with_ids(item, ids) for item in cast("Sequence[Any]", value)]
    if isinstance(value, str) and value.startswith(_MARK):
        return ids[value.removeprefix(_MARK)]
    return value


def _instead(native: Native, adapter: Adapter) -> list[AnyReply]:
    """Return what a call is on this platform: itself, or what is said in its place."""
    if native.on == adapter.name and adapter.capabilities.native:
        return [native]
    if not native.otherwise:
        log.info(
            "Native(%r, on=%r) is not for %s, and has nothing as otherwise=: nothing is sent",
            native.method,
            native.on,
            adapter.name,
        )
    return chosen(native.otherwise or (), adapter)


def _plain(value: Any) -> Any:
    """Return what JSON knows of an argument."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {name: _plain(member) for name, member in members.items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, MessageRef):
        return _MARK + value.sent
    return None if isinstance(value, File) else value
