"""A chat's history, and what is needed to take its last turns back.

1. A member's own values are always restored. A thread's or a chat's only if they still are what
   the turn left: nobody's later change is undone. A user's and global ones never.
2. History that is a member's own is kept as a difference, so that the log stays small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from chatstate.bot.returns import Answers, MessageReply
from chatstate.bot.turn import HeldValue
from chatstate.files import Attachment
from chatstate.messages import Markdown, Message, Reply
from chatstate.scope import Scope

Entry = dict[str, Any]
"""A message of the history: role, content, metadata, options, as in Gradio."""


class Before(msgspec.Struct, frozen=True):
    """A value before a turn, as text, and a digest of what the turn made of it."""

    text: str | None
    after: str


class Undo(msgspec.Struct, frozen=True):
    """How to take one turn back.

    `text` and `files` are what the person sent; `added` is the number of entries it put at the
    end of the history, `dropped` are those that had to go at its beginning; `states` by name.
    """

    text: str
    files: list[Attachment] = []
    added: int = 0
    dropped: list[Entry] = []
    states: dict[str, Before] = {}


def digest(text: str) -> str:
    """Return what a value's text is recognised by."""
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def entries_of(message: Message, text: str) -> list[Entry]:
    """Return what a person's message adds to the history."""
    said = [text] if text else []
    said += [f"[file {file.name}]" for file in message.attachments]
    return [_entry("user", content) for content in said]


def entries_for(answer: Answers) -> list[Entry]:
    """Return what an answer adds to the history."""
    return [_answered(reply) for reply in answer if isinstance(reply, Reply)]


def _answered(reply: Reply) -> Entry:
    if isinstance(reply, MessageReply):
        return _entry("assistant", reply.content, reply.metadata, reply.options)
    text = reply.text.text if isinstance(reply.text, Markdown) else reply.text
    names = [f"[file {file.name}]" for file in reply.files]
    return _entry("assistant", "\n".join([text, *names] if text else names))


def _entry(role: str, content: str, metadata: Any = None, options: Any = None) -> Entry:
    return {"role": role, "content": content, "metadata": metadata, "options": options}


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


def before_values(held: Iterable[HeldValue]) -> dict[str, Before]:
    """Return what a turn changed that can be taken back, by the state's name."""
    changed: dict[str, Before] = {}
    for value in held:
        if can_be_undone(value.state.scope):
            now = value.state.encode(value.value)
            if now != value.before:
                changed[value.state.name] = Before(value.before, digest(now))
    return changed


def can_be_undone(scope: Scope) -> bool:
    """Tell whether values of this scope may be taken back at all."""
    return scope not in ("user", "global")
