"""A chat's history: what messages and answers add to it, and how a function is shown it.

1. A message is one entry, with its files. They stay on the platform: an entry has what they are
   fetched by.
2. A file that was not fetched, or that the bot has sent itself, is named in the text.
3. Where several people share a history, an entry says who spoke.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from chatstate.bot.returns import Answers, MessageReply
from chatstate.files import Attachment, File
from chatstate.mentions import spoken
from chatstate.messages import User
from chatstate.replies import Reply

Entry = dict[str, Any]
"""A message of the history: role, content (a text), metadata, options, as in Gradio.

If it has files, also `files`; in a history of several people, `name`: whose it is.
"""
HistoryForm = Literal["text", "list"]
Fetched = Mapping[Attachment, File]
"""The files that a turn has fetched, by what they came as."""


def entries_of(text: str, files: Sequence[Attachment], speaker: User | None) -> list[Entry]:
    """Return what a person's message adds to the history; `speaker` if several share it."""
    if not (text or files):
        return []
    entry = _entry("user", text)
    if files:
        entry["files"] = msgspec.to_builtins(files)
    return [entry if speaker is None else {**entry, "name": speaker.name}]


def entries_for(answer: Answers, *, named: bool) -> list[Entry]:
    """Return what an answer adds to the history; `named` if several people share it."""
    entries = [_answered(reply) for reply in answer if isinstance(reply, Reply)]
    return [{**entry, "name": None} for entry in entries] if named else entries


def _answered(reply: Reply) -> Entry:
    names = [
        *([reply.card.words] if reply.card else []),
        *([reply.shared.words] if reply.shared else []),
        *map(_named, reply.all_files),
    ]
    if isinstance(reply, MessageReply):
        content = _joined(reply.content, names)
        return _entry("assistant", content, reply.metadata, reply.options)
    text = reply.text if isinstance(reply.text, str) else reply.text.text
    return _entry("assistant", _joined(spoken(text), names))


def _entry(role: str, content: str, metadata: Any = None, options: Any = None) -> Entry:
    return {"role": role, "content": content, "metadata": metadata, "options": options}


def _named(file: File | Attachment) -> str:
    return f"[file {file.name}]"


def _joined(text: str, names: Sequence[str]) -> str:
    return "\n".join([text, *names] if text else names)


def files_of(entry: Entry) -> list[Attachment]:
    """Return the files of an entry, as they came."""
    return msgspec.convert(entry.get("files", []), list[Attachment])


def shown(history: Sequence[Entry], form: HistoryForm, fetched: Fetched) -> list[Entry]:
    """Return a copy of the history as a function takes it."""
    show = _in_parts if form == "list" else _as_text
    return [show(copy.deepcopy(entry), files_of(entry), fetched) for entry in history]


def _as_text(entry: Entry, files: Sequence[Attachment], fetched: Fetched) -> Entry:
    if files:
        entry["content"] = _joined(entry["content"], [_named(file) for file in files])
        entry["files"] = [str(fetched[file].path) for file in files if file in fetched]
    return entry


def _in_parts(entry: Entry, files: Sequence[Attachment], fetched: Fetched) -> Entry:
    entry.pop("files", None)
    parts = [_part(file, fetched.get(file)) for file in files]
    if entry["content"]:
        parts.append({"type": "text", "text": entry["content"]})
    entry["content"] = parts
    return entry


def _part(attachment: Attachment, file: File | None) -> Entry:
    """Return a file as Gradio has it in a message."""
    if file is None:
        return {"type": "text", "text": _named(attachment)}
    told = {"orig_name": file.name, "mime_type": file.media_type, "size": attachment.size}
    return {"type": "file", "file": {"path": str(file.path), **told}, "alt_text": None}


def shorten(history: list[Entry], messages: int | None, characters: int | None) -> list[Entry]:
    """Drop the oldest entries of `history` beyond its limits, and return them."""
    keep = len(history) if messages is None else min(messages, len(history))
    if characters is not None:
        total = 0
        for number, entry in enumerate(reversed(history[len(history) - keep :])):
            total += len(entry["content"])
            if total > characters:
                keep = number
                break
    cut = len(history) - keep
    dropped, history[:cut] = history[:cut], []
    return dropped
