"""What becomes of a reply on a platform that lacks something, or has no room for it.

1. What a platform lacks is told by one table, which says what is shown instead.
2. What people choose from is always there to be chosen: see `choices`.
3. A reaction that the platform has not is written as an answer to what it was for; so is one to
   nothing that can be reacted to. To take away what is not there is nothing.
4. What is too large to be sent is told with its name and size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from chatstate.adapter import Capabilities, Post, PostButton, StoredFile
from chatstate.content import Contact, Content, Location, Poll, Sticker
from chatstate.engine.outbox.choices import (
    buttons_as_list,
    links_as_lines,
    select_as_buttons,
    suggestions_as_buttons,
    with_room,
    without_disabled,
    without_shares,
    without_styles,
)
from chatstate.engine.outbox.lines import with_lines
from chatstate.files import readable_size
from chatstate.language.sentences import say
from chatstate.markup import joined, written
from chatstate.messages import ChatKind
from chatstate.text import StyledText

_PRESENTATION = "\ufe0f"  # asks for the picture of an emoji, which all reactions are


@dataclass(frozen=True)
class Degradation:
    """A post that wants `capability`, and what it becomes where that is missing."""

    capability: str
    wants: Callable[[Post], object]
    instead: Callable[[Post, Mapping[str, str]], Post]


def degrade(post: Post, capabilities: Capabilities, sentences: Mapping[str, str]) -> Post:
    """Return `post` without what the platform lacks, and with that written out instead.

    `sentences` are the framework's, by name (see `chatstate.language.sentences`).
    """
    if post.reaction is not None and _is_unknown(post, capabilities):
        post = _reaction_as_text(post, sentences)
    for degradation in DEGRADATIONS:
        if degradation.wants(post) and not getattr(capabilities, degradation.capability):
            post = degradation.instead(post, sentences)
    if post.buttons or post.select:
        post = with_room(post, capabilities, sentences)
    large = [file for file in _files(post) if file.size > capabilities.file_bytes]
    return _noted(post, large, "file_too_large", sentences) if large else post


def there(capabilities: Capabilities, chat: ChatKind) -> Capabilities:
    """Return what a platform can do about suggestions in a chat of this kind."""
    if chat == "private":
        return capabilities
    suggests = capabilities.suggestions and chat != "channel"
    return replace(capabilities, suggestions=suggests, shares=False)


def _is_unknown(post: Post, capabilities: Capabilities) -> bool:
    """Tell whether a platform lacks a reaction, or what it is for."""
    known, emoji = capabilities.reaction_emoji, (post.reaction or "").replace(_PRESENTATION, "")
    return post.reply_to is None or bool(emoji and known and emoji not in known)


def _reaction_as_text(post: Post, _: Mapping[str, str]) -> Post:
    return replace(post, text=StyledText(post.reaction or ""), reaction=None)


def _answers_visibly(post: Post) -> bool:
    return post.reply_to is not None and post.reaction is None


def _files_as_notes(post: Post, sentences: Mapping[str, str]) -> Post:
    return _noted(post, _files(post), "file", sentences)


def _noted(
    post: Post, files: Sequence[StoredFile], sentence: str, sentences: Mapping[str, str]
) -> Post:
    """Return the post without some files, which are named below its text."""
    lines = [
        say(sentences, sentence, file=file.name, size=readable_size(file.size)) for file in files
    ]
    return with_lines(_without(post, files), lines)


def _without(post: Post, files: Sequence[StoredFile]) -> Post:
    kept = [file for file in post.files if file not in files]
    card = post.card
    if card and card.picture in files:
        card = replace(card, picture=None)
    return replace(post, files=kept or (), card=card)


def _files(post: Post) -> Sequence[StoredFile]:
    """Return all files of a post: the picture of its card is one."""
    picture = post.card.picture if post.card else None
    return post.files if picture is None else [picture, *post.files]


def _without_ids(post: Post, sentences: Mapping[str, str]) -> Post:
    return _noted(post, [file for file in _files(post) if file.id], "file_elsewhere", sentences)


def _addresses_as_lines(post: Post, _: Mapping[str, str]) -> Post:
    files = [file for file in _files(post) if file.url]
    return with_lines(_without(post, files), [file.url for file in files])


def _any_file(is_so: Callable[[StoredFile], object]) -> Callable[[Post], bool]:
    """Return what tells whether a post has a file of which something is so."""
    return lambda post: any(is_so(file) for file in _files(post))


def _card_as_text(post: Post, _sentences: Mapping[str, str]) -> Post:
    card = post.card
    if card is None:
        return post
    files = post.files if card.picture is None else [card.picture, *post.files]
    text = joined([post.text, written(card)], "\n\n")
    return replace(post, text=text, files=files, card=None)


def _shared_as_text(post: Post, _sentences: Mapping[str, str]) -> Post:
    lines = [post.shared.words] if post.shared else ()
    return with_lines(replace(post, shared=None), lines)


def _shares(kind: type[Content]) -> Callable[[Post], bool]:
    return lambda post: isinstance(post.shared, kind)


def _has(is_so: Callable[[PostButton], object]) -> Callable[[Post], bool]:
    """Return what tells whether a post has a button of which something is so."""
    return lambda post: any(is_so(button) for row in post.buttons for button in row)


DEGRADATIONS: Sequence[Degradation] = (
    Degradation("reactions", lambda post: post.reaction is not None, _reaction_as_text),
    Degradation("suggestions", lambda post: post.suggestions, suggestions_as_buttons),
    Degradation("shares", lambda post: any(s.share for s in post.suggestions), without_shares),
    Degradation("buttons", lambda post: post.buttons or post.select, buttons_as_list),
    Degradation("select", lambda post: post.select, select_as_buttons),
    Degradation("link_buttons", _has(lambda button: button.url), links_as_lines),
    Degradation("button_styles", _has(lambda b: b.style != "secondary"), without_styles),
    Degradation("disabled_buttons", _has(lambda button: button.disabled), without_disabled),
    Degradation("cards", lambda post: post.card, _card_as_text),
    Degradation("locations", _shares(Location), _shared_as_text),
    Degradation("contacts", _shares(Contact), _shared_as_text),
    Degradation("polls", _shares(Poll), _shared_as_text),
    Degradation("stickers", _shares(Sticker), _shared_as_text),
    Degradation("file_ids", _any_file(lambda file: file.id), _without_ids),
    Degradation("file_urls", _any_file(lambda file: file.url), _addresses_as_lines),
    Degradation("files", _files, _files_as_notes),
    Degradation("reply_to", _answers_visibly, lambda p, _: replace(p, reply_to=None)),
    Degradation("silent", lambda post: post.silent, lambda p, _: replace(p, silent=False)),
    Degradation("native", lambda post: post.native, lambda p, _: replace(p, native={})),
    Degradation("pings", lambda post: post.ping, lambda p, _: replace(p, ping=())),
    Degradation("ephemeral", lambda post: post.ephemeral, lambda p, _: replace(p, ephemeral=False)),
)
"""In the order in which they are applied.

Three more degrade where they arise: an edit becomes a new message (see `rendering`); a table is
laid out in a monospaced block when Markdown is parsed, for every platform; and markup is written
out by an adapter whose platform has none (`chatstate.markup.plain`), after the text is cut.
"""
