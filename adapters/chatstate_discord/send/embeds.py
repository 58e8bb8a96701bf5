"""A card as an embed. Pure functions.

The limits are those of Discord's page "Message", "Embed Limits", and count what is written in
Discord's Markdown. A picture that is a file is named by `attachment://`, for which its name must be
a plain one.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from chatstate.adapter import PostCard, StoredFile
from chatstate.markup import StyledText
from chatstate_discord.send.markup import markdown

TITLE_LIMIT = 256
TEXT_LIMIT = 4096
VALUE_LIMIT = 1024
EMBED_LIMIT = 6000
_SHORT = 40  # characters of a field's text, up to which it stands beside others
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}


def embed_of(card: PostCard) -> dict[str, Any] | None:
    """Return a card as an embed; None if Discord would refuse it, or not show its picture."""
    if card.picture and card.picture.media_type not in _ENDINGS:
        return None
    embed: dict[str, Any] = {
        "title": _written(StyledText(card.title)),
        "description": _written(card.text),
        "fields": [_field(name, value) for name, value in card.fields],
        "footer": {"text": _clean(card.footer)} if card.footer else None,
        "image": _image(card),
        "url": card.url,
        "color": card.colour,
    }
    embed = {name: value for name, value in embed.items() if value or name == "color"}
    if embed["color"] is None:
        del embed["color"]
    return embed if _fits(embed) else None


def shown_picture(file: StoredFile) -> StoredFile:
    """Return a card's picture under the name that its embed names it by."""
    ending = _ENDINGS.get(file.media_type)
    return replace(file, name=f"card.{ending}") if ending else file


def _field(name: str, value: StyledText) -> dict[str, Any]:
    is_short = len(value.text) <= _SHORT and "\n" not in value.text
    return {"name": _written(StyledText(name)), "value": _written(value), "inline": is_short}


def _image(card: PostCard) -> dict[str, str] | None:
    if card.picture:
        return {"url": f"attachment://{shown_picture(card.picture).name}"}
    return {"url": card.image} if card.image else None


def _fits(embed: dict[str, Any]) -> bool:
    title, text = embed.get("title", ""), embed.get("description", "")
    fields = embed.get("fields", ())
    named = [field["name"] for field in fields]
    values = [field["value"] for field in fields]
    texts = [title, text, *named, *values, embed.get("footer", {}).get("text", "")]
    return (
        len(text) <= TEXT_LIMIT
        and all(len(part) <= TITLE_LIMIT for part in (title, *named))
        and all(0 < len(part) <= VALUE_LIMIT for part in values)
        and sum(map(len, texts)) <= EMBED_LIMIT
    )


def _written(text: StyledText) -> str:
    return markdown(StyledText(_clean(text.text), text.spans))


def _clean(text: str) -> str:
    """Return a text without lone surrogates, which no platform takes."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
