"""A reply as a platform is to get it, before what it lacks is taken from it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from chatstate.adapter import Post, PostCard, StoredFile
from chatstate.engine.outbox.hanging import Hanging
from chatstate.engine.outbox.marks import MarkedReply
from chatstate.files import File
from chatstate.mentions import START, put_back, set_apart
from chatstate.messages import Message, MessageRef
from chatstate.replies import Card, Markdown, React, Reply
from chatstate.text import StyledText


def post_of(reply: Reply, hanging: Hanging, files: Iterator[StoredFile], platform: str) -> Post:
    """Return a reply with what hangs on it; for one platform.

    `files` are those that lie in the spool for it.
    """
    card = _card(reply.card, next(files) if reply.card.file else None) if reply.card else None
    stored = [next(files) for _ in reply.files]
    if isinstance(reply.sticker, File):
        stored.append(replace(next(files), is_sticker=True))
    return Post(
        styled(reply.text),
        hanging.rows,
        stored,
        id_of(reply.reply_to),
        reply.silent,
        reply.ephemeral,
        card,
        hanging.select,
        hanging.suggestions,
        isinstance(reply, MarkedReply),
        native=reply.native.get(platform, {}) if reply.native else {},
        ping=tuple(person.id for person in reply.ping),
        shared=reply.shared,
    )


def reaction_of(react: React, message: Message) -> Post:
    """Return a reaction to what it names, else to what `message` is about: pressed, or said."""
    about = message.pressed.id if message.pressed else message.id
    target = about if react.to is None else id_of(react.to)
    return Post(StyledText(""), reply_to=target, reaction=react.emoji or "")


def _card(card: Card, picture: StoredFile | None) -> PostCard:
    return PostCard(
        card.title,
        styled(card.text),
        [(name, styled(value)) for name, value in card.fields.items()],
        picture,
        card.image if isinstance(card.image, str) else "",
        card.url or "",
        card.colour if isinstance(card.colour, int) else None,
        card.footer,
    )


def styled(text: str | Markdown | StyledText) -> StyledText:
    """Return a text, plain or with what its Markdown says, and with those whom it names."""
    source = text if isinstance(text, str) else text.text
    if START in source:
        apart, names = set_apart(source)
        return put_back(_styled(apart, text), names)
    return _styled(source, text)


def _styled(source: str, text: str | Markdown | StyledText) -> StyledText:
    if isinstance(text, str):
        return StyledText(source)
    if isinstance(text, StyledText):
        return text
    from chatstate.markup import parse

    return parse(source)


def id_of(message: MessageRef | str | None) -> str | None:
    """Return the id of a message that is named by it, or by itself; None if it has none yet."""
    return (message.id or None) if isinstance(message, MessageRef) else message
