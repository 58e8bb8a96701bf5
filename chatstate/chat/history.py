"""A chat's history: what messages and answers add to it."""

from __future__ import annotations

from typing import Any

from chatstate.bot.returns import Answers, MessageReply
from chatstate.messages import Markdown, Message, Reply

Entry = dict[str, Any]
"""A message of the history: role, content, metadata, options, as in Gradio."""


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
