"""What a model thinks, in tags within its text: messages of their own, as in Gradio."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from chatstate.bot.returns import Answers, MessageReply, Returns, message_reply
from chatstate.errors import BindingError
from chatstate.replies import AnyReply, Markdown, Reply

TITLE = "Reasoning"


class _Part(NamedTuple):
    """A stretch of text. `status` is that of a thought, "done" or "pending"; None for the rest."""

    text: str
    status: str | None


class Reasoning:
    """Takes what stands between tags, pairs such as `("<think>", "</think>")`, out of answers.

    Raises `BindingError` for what is no such pair.
    """

    def __init__(self, tags: Sequence[tuple[str, str]]) -> None:
        for pair in tags:
            _check(pair)
        blocks = (f"{re.escape(begin)}(.*?)({re.escape(end)}|\\Z)" for begin, end in tags)
        self._blocks = re.compile("|".join(blocks), re.DOTALL)

    def apart(self, answer: Answers) -> Answers:
        """Return an answer whose thoughts are messages of their own, where they stood."""
        return [part for reply in answer for part in self._apart(reply)]

    def _apart(self, reply: AnyReply) -> Answers:
        if not isinstance(reply, Reply):
            return [reply]
        said = _said(reply)
        if not self._blocks.search(said):
            return [reply]
        parts = list(self._parts(said))
        replies = [_as_reply(reply, part) for part in parts or [_Part("", None)]]
        replies[0] = replace(replies[0], edit=reply.edit)
        replies[-1] = replace(replies[-1], files=reply.files, card=reply.card)
        if replies[-1].says_something:  # what buttons hang on
            hanging = {name: getattr(reply, name) for name in ("buttons", "select", "suggestions")}
            replies[-1] = replace(replies[-1], **hanging)
        return [*replies]

    def _parts(self, text: str) -> Iterator[_Part]:
        end = 0
        for block in self._blocks.finditer(text):
            said, thought, closed = text[end : block.start()], *_groups(block)
            yield from _stripped(said, None)
            yield from _stripped(thought, "done" if closed else "pending")
            end = block.end()
        yield from _stripped(text[end:], None)


def _check(pair: Any) -> None:
    tags = cast("Sequence[Any]", pair) if isinstance(pair, tuple | list) else ()
    if [isinstance(tag, str) and tag != "" for tag in tags] != [True, True]:
        raise BindingError(
            f'reasoning_tags= has {pair!r}; use pairs such as ("<think>", "</think>")'
        )


def _groups(block: re.Match[str]) -> tuple[str, str]:
    """Return what stands between the tags of whichever pair has matched, and what closes it."""
    pairs = zip(block.groups()[::2], block.groups()[1::2], strict=True)
    return next(pair for pair in pairs if pair[0] is not None)


def _stripped(text: str, status: str | None) -> Iterator[_Part]:
    if text.strip():
        yield _Part(text.strip(), status)


def _said(reply: Reply) -> str:
    if isinstance(reply, MessageReply):
        return reply.content
    return reply.text if isinstance(reply.text, str) else reply.text.text


def _as_reply(reply: Reply, part: _Part) -> Reply:
    """Return a part of a reply, without what hangs on the reply."""
    returns = Returns(markdown=isinstance(reply.text, Markdown))
    if part.status is not None:
        made: Reply = message_reply(part.text, returns, {"title": TITLE, "status": part.status})
    elif isinstance(reply, MessageReply):
        made = message_reply(part.text, returns, reply.metadata, options=reply.options)
    else:
        made = Reply(returns.text(part.text))
    return replace(made, reply_to=reply.reply_to, silent=reply.silent, ephemeral=reply.ephemeral)
