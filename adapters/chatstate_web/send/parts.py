"""Between replies and what a page shows of them. Pure functions.

1. A part's `content` is what is kept as a message's body, without its files and what happens to it
   later: so what is kept says how it is shown, and pages only build it.
2. A body is JSON of short names; a field that is added has a default.
3. Who wrote it is "bot" or "you": a page is one person's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from chatstate.adapter import Part, Post, PostButton, PostCard, PostSelect, StoredFile
from chatstate_web.send.nodes import Node, nodes_of


class PageFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that hangs on a message. One without a key was too large to be kept."""

    name: str
    type: str
    size: int
    key: str = ""


class PageCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A card as blocks; its picture is the message's first file (`has_picture`), or elsewhere."""

    title: str = ""
    url: str = ""
    text: Sequence[Node] = ()
    fields: Sequence[tuple[str, Sequence[Node]]] = ()
    footer: str = ""
    colour: int | None = None
    image: str = ""
    has_picture: bool = False


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is shown of a message.

    - `text` is its words, `blocks` how they are shown; without blocks they are shown as they stand.
    - `reactions` are by whom: "bot" or "you".
    - `reply_to` is the id of what it answers; `pressed` that of the message whose button it is.
    - `origin` is the key of what was handled when it was said.
    """

    by: Literal["bot", "you"] = "bot"
    text: str = ""
    blocks: Sequence[Node] = ()
    buttons: Sequence[Sequence[PostButton]] = ()
    select: PostSelect | None = None
    suggestions: Sequence[str] = ()
    card: PageCard | None = None
    files: Sequence[PageFile] = ()
    reply_to: str = ""
    pressed: str = ""
    origin: str = ""
    edited: bool = False
    reactions: Mapping[str, str] = {}
    reaction: str | None = None
    keeps: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its files that are kept."""
        return tuple(file.key for file in self.files if file.key)


_read = msgspec.json.Decoder(Body).decode
_write = msgspec.json.Encoder().encode


def body_of(text: str) -> Body:
    """Return a body that was kept."""
    return _read(text)


def json_of(body: Body) -> str:
    """Return a body as it is kept."""
    return _write(body).decode()


def part(post: Post) -> Part:
    """Return a reply as one part."""
    picture = post.card.picture if post.card else None
    files = (*([picture] if picture else ()), *post.files)
    body = Body(
        text=post.text.text,
        blocks=nodes_of(post.text) if post.text.spans else (),
        buttons=post.buttons,
        select=post.select,
        suggestions=[suggestion.label for suggestion in post.suggestions],
        card=_card(post.card) if post.card else None,
        reply_to=post.reply_to or "",
        reaction=post.reaction,
        keeps=post.keeps,
    )
    has_buttons = bool(post.buttons or post.select)
    content: dict[str, Any] = msgspec.to_builtins(body)
    return Part(content, files, has_buttons=has_buttons, keeps=post.keeps)


def body_in(part: Part) -> Body:
    """Return the body that a part is shown as; its files are not kept yet."""
    return msgspec.convert(part.content, Body)


def file_of(stored: StoredFile, key: str) -> PageFile:
    """Return a file that was sent as it is shown, kept under a key."""
    return PageFile(stored.name, stored.media_type, stored.size, key)


def edited(before: Body, now: Body) -> Body:
    """Return a message as it is after an edit: with its reactions, or with all but its buttons."""
    if now.keeps:
        return replace(before, buttons=now.buttons, select=now.select)
    return replace(
        now, edited=True, reactions=before.reactions, reply_to=now.reply_to or before.reply_to
    )


def reacted(before: Body, by: Literal["bot", "you"], emoji: str) -> Body:
    """Return a message with somebody's only reaction, "" for none."""
    others = {who: shown for who, shown in before.reactions.items() if who != by}
    return replace(before, reactions={**others, by: emoji} if emoji else others)


def _card(card: PostCard) -> PageCard:
    return PageCard(
        title=card.title,
        url=card.url,
        text=nodes_of(card.text),
        fields=[(name, nodes_of(value)) for name, value in card.fields],
        footer=card.footer,
        colour=card.colour,
        image=card.image,
        has_picture=card.picture is not None,
    )
