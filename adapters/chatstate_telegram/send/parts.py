"""A reply as calls of the Bot API: which texts, captions, albums. Pure functions.

What a part's `content` holds, and the limits ("sendMessage", "sendMediaGroup", "Sending files"):

1. `text` of at most 4,096 UTF-16 code units with its `entities`, or 1,024 if it is a caption.
2. `buttons` and `suggestions`, rows of what the Bot API calls them; a message has one of the two.
   `keeps`: nothing but the buttons is changed. `reply_to`, `silent`, `ephemeral`. The first part
   answers. A `reaction` is alone: one of those that Telegram has, without U+FE0F.
3. `media`, the kind of each file. Two to ten of photos and videos, of documents, or of audio files
   are an album. Albums have no buttons. Others are never in one; video notes and stickers have no
   caption.
   Telegram fetches only some files from an address: of others the address is shown.
4. What is `shared` is the last part: the name of its method, and the `arguments` of that.
5. A card is formatted text. Its picture is the first file; one that lies elsewhere is shown above
   the text, as a link's preview is: that cannot be refused, whatever lies there (`picture`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from msgspec.structs import replace
from telegram.constants import ReactionEmoji

from chatstate import Contact, Location, Poll, Sticker
from chatstate.adapter import Part, Post, PostButton, PostSuggestion, StoredFile
from chatstate.markup import joined, pages, written
from chatstate.text import StyledText
from chatstate_telegram.send.extras import checked
from chatstate_telegram.send.markup import measure, message, written_out
from chatstate_telegram.send.rich import rich

REACTIONS = frozenset(emoji.value.replace("\ufe0f", "") for emoji in ReactionEmoji)
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
PHOTO_BYTES = 10_000_000
ALBUM = 10
ROW_WIDTH = 8
MAX_ROWS = 100
_BESIDE = 20  # characters of labels, up to which two suggestions stand beside each other
_SURROGATE = re.compile("[\ud800-\udfff]")
_KINDS = {
    "image/jpeg": "photo",
    "image/png": "photo",
    "image/webp": "photo",
    "video/mp4": "video",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "audio/x-m4a": "audio",
}
_SPOKEN = ("audio/ogg", "audio/opus", "application/ogg")
_TOGETHER = {"photo": "pictures", "video": "pictures"}
_SINGLE = ("voice", "animation", "video_note", "sticker")
_WITHOUT_CAPTION = ("video_note", "sticker")
_NO_STICKERS = ("image/jpeg", "image/png")
_FETCHED = ("application/pdf", "application/zip", "image/gif")
"""The documents that Telegram fetches from an address."""


def render(post: Post) -> Sequence[Part]:
    """Return the calls that show a post: texts, then files; or one file with a caption."""
    if post.reaction is not None:
        return [Part({"reaction": post.reaction.replace("\ufe0f", "")})]
    if post.native:
        post = replace(post, native=checked(post))
    picture = _picture(post)
    post = _with_addresses(_with_card(post))
    post = replace(post, text=written_out(_clean(_notifying(post.text, post.ping))))
    says = post.text.text.strip() or post.files or not post.shared
    parts = list(_parts(post)) if says else []
    if post.shared:
        parts.append(_shared(post.shared, post if not says else replace(post, reply_to=None)))
    first, *others = parts
    if picture:
        first = replace(first, content={**first.content, "picture": picture})
    return [first, *others]


def _shared(shared: Location | Contact | Poll | Sticker, post: Post) -> Part:
    """Return the part that shows a place, a contact, a poll or a sticker: by its own method."""
    bare = replace(post, text=StyledText(""), buttons=(), suggestions=(), files=())
    kind, arguments = _call(shared)
    return Part({**_part(bare).content, "shared": kind, "arguments": arguments})


def _call(shared: Location | Contact | Poll | Sticker) -> tuple[str, dict[str, Any]]:
    """Return the name of what is shared, as methods have it, and what its method takes."""
    if isinstance(shared, Location):
        place = {"latitude": shared.latitude, "longitude": shared.longitude}
        if not shared.title:
            return "location", place
        address = shared.address or f"{shared.latitude}, {shared.longitude}"
        return "venue", {**place, "title": shared.title, "address": address}
    if isinstance(shared, Contact):
        return "contact", {"phone_number": shared.phone, "first_name": shared.name}
    if isinstance(shared, Sticker):
        return "sticker", {"sticker": shared.id}
    asked = {"question": shared.question, "options": list(shared.options)}
    how = {"is_anonymous": shared.anonymous, "allows_multiple_answers": shared.several}
    return "poll", {**asked, **how}


def _notifying(text: StyledText, people: Sequence[str]) -> StyledText:
    """Return a text that mentions those alone who are to be notified: Telegram always does."""
    wanted = {f"user {person}" for person in people}
    spans = [span for span in text.spans if span.kind != "mention" or span.value in wanted]
    return StyledText(text.text, tuple(spans)) if len(spans) < len(text.spans) else text


def _picture(post: Post) -> str:
    """Return the address of a card's picture, if it can be shown above the text."""
    has_text = post.card and joined([post.text, written(post.card, shows_image=False)], " ").text
    is_file = post.files or not post.card or post.card.picture
    return post.card.image if post.card and has_text and not is_file else ""


def _with_card(post: Post) -> Post:
    """Return the post with its card as text and as a file."""
    card = post.card
    if card is None:
        return post
    text = joined([post.text, written(card, shows_image=not _picture(post))], "\n\n")
    files = post.files if card.picture is None else [card.picture, *post.files]
    return replace(post, text=text, files=files, card=None)


def _with_addresses(post: Post) -> Post:
    """Return the post with the addresses of files that Telegram does not fetch below its text."""
    not_fetched = [file for file in post.files if file.url and not _is_fetched(file)]
    if not not_fetched:
        return post
    files = [file for file in post.files if file not in not_fetched]
    lines = StyledText("\n".join(file.url for file in not_fetched))
    return replace(post, text=joined([post.text, lines], "\n\n"), files=files)


def _is_fetched(file: StoredFile) -> bool:
    return kind_of(file) != "document" or file.media_type in _FETCHED


def _parts(post: Post) -> Sequence[Part]:
    runs = _runs(post.files)
    if not runs:
        return [_part(page) for page in pages(post, TEXT_LIMIT, measure)]
    if len(runs) == 1 and _is_caption(post, runs[0]):
        return [_part(post, runs[0])]
    posts: list[tuple[Post, Sequence[StoredFile]]] = []
    if post.text.text.strip():
        posts += [(page, ()) for page in pages(replace(post, files=()), TEXT_LIMIT, measure)]
    bare = replace(post, text=StyledText(""), buttons=(), suggestions=())
    posts += [(bare, run) for run in runs]
    answers = [post.reply_to, *[None] * len(posts)]  # the first one answers
    return [
        _part(replace(shown, reply_to=to), run)
        for (shown, run), to in zip(posts, answers, strict=False)
    ]


def kind_of(file: StoredFile) -> str:
    """Return the kind of message that shows a file; an id of Telegram's names its own."""
    kind, colon, _ = file.id.partition(":")
    if colon and kind in (*_TOGETHER, *_SINGLE, "audio", "document"):
        return kind
    media_type = file.media_type.partition(";")[0].strip().lower()
    if file.is_sticker and media_type not in _NO_STICKERS:
        return "sticker"
    kind = _KINDS.get(media_type, "document")
    if file.is_voice and (kind == "audio" or media_type in _SPOKEN):
        return "voice"
    return "document" if kind == "photo" and file.size > PHOTO_BYTES else kind


def _runs(files: Sequence[StoredFile]) -> list[list[StoredFile]]:
    """Return files in the groups in which they can be sent, in their order."""
    groups = [list(run) for _, run in groupby(files, _family_of)]
    return [
        run[start : start + size]
        for run in groups
        for size in (1 if kind_of(run[0]) in _SINGLE else ALBUM,)
        for start in range(0, len(run), size)
    ]


def _family(kind: str) -> str:
    return _TOGETHER.get(kind, kind)


def _family_of(file: StoredFile) -> tuple[str, bool]:
    """Return what files of one album have in common: all are fetched from addresses, or none."""
    return _family(kind_of(file)), bool(file.url)


def _is_caption(post: Post, run: Sequence[StoredFile]) -> bool:
    """Tell whether the text may hang on the files; below an album only pictures show it well."""
    is_album = len(run) > 1
    is_of_pictures = _family(kind_of(run[0])) == "pictures"
    fits = measure(post.text) <= (0 if kind_of(run[0]) in _WITHOUT_CAPTION else CAPTION_LIMIT)
    has_keyboard = bool(post.buttons or post.suggestions)
    return fits and (not is_album or (is_of_pictures and not has_keyboard))


def _part(post: Post, files: Sequence[StoredFile] = ()) -> Part:
    text, entities = message(post.text)
    content: dict[str, Any] = {"text": text}
    if entities:
        content["entities"] = entities
    is_usual = files or post.native or post.suggestions or post.keeps
    if not is_usual and (html := rich(post.text)):
        content["rich"] = html
    if post.buttons:
        content["buttons"] = [[_button(button) for button in row] for row in post.buttons]
    if post.suggestions:
        content["suggestions"] = _suggestions(post.suggestions)
    if post.reply_to is not None:
        content["reply_to"] = post.reply_to
    if files:
        content["media"] = [kind_of(file) for file in files]
    if post.native:
        content["native"] = post.native
    flags = {"silent": post.silent, "ephemeral": post.ephemeral, "keeps": post.keeps}
    content |= {name: True for name, is_set in flags.items() if is_set}
    return Part(content, list(files), has_buttons=bool(post.buttons), keeps=post.keeps)


def _button(button: PostButton) -> dict[str, str]:
    shown = {"text": _SURROGATE.sub("\ufffd", button.label)}
    shown |= {"url": button.url} if button.url else {"callback_data": button.data}
    return shown if button.style == "secondary" else {**shown, "style": button.style}


def _suggestions(suggestions: Sequence[PostSuggestion]) -> list[list[dict[str, Any]]]:
    """Return suggestions in rows, short ones two beside each other."""
    shown: list[dict[str, Any]] = [
        {"text": given.label, **({f"request_{given.share}": True} if given.share else {})}
        for given in suggestions
    ]
    beside = 2 if all(len(given.label) <= _BESIDE for given in suggestions) else 1
    return [shown[first : first + beside] for first in range(0, len(shown), beside)]


def _clean(text: StyledText) -> StyledText:
    """Return a text without lone surrogates, which no platform takes."""
    if not _SURROGATE.search(text.text):
        return text
    return StyledText(_SURROGATE.sub("\ufffd", text.text), text.spans)
