"""What is in one message of Telegram's: its text and its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from chatstate import Attachment

Json = dict[str, Any]


class _Kind(NamedTuple):
    """A kind of file: the media type and the name of one that tells none."""

    key: str
    media_type: str
    name: str


_FILES = (  # an animation is shown as a document too, so it comes first
    _Kind("animation", "video/mp4", "animation.mp4"),
    _Kind("document", "application/octet-stream", "document"),
    _Kind("audio", "audio/mpeg", "audio.mp3"),
    _Kind("voice", "audio/ogg", "voice.ogg"),
    _Kind("video", "video/mp4", "video.mp4"),
    _Kind("video_note", "video/mp4", "video_note.mp4"),
    _Kind("photo", "image/jpeg", "photo.jpg"),
)


def attachments(raw: Json) -> list[Attachment]:
    """Return the file of a message. A photo comes in several sizes: the largest is it."""
    for kind in _FILES:
        if kind.key in raw:
            file = raw[kind.key][-1] if kind.key == "photo" else raw[kind.key]
            name = file.get("file_name") or kind.name
            media_type = file.get("mime_type") or kind.media_type
            return [Attachment(str(file["file_id"]), name, media_type, file.get("file_size"))]
    return []


def text_of(raw: Json) -> str:
    """Return what a message says in words: its text, its caption, or what stands for them."""
    if "text" in raw or "caption" in raw:
        return str(raw.get("text", raw.get("caption")))
    for key, write in _WORDS.items():
        if key in raw:
            return write(raw[key])
    return ""


def _contact(raw: Json) -> str:
    names = (raw["first_name"], raw.get("last_name"), raw["phone_number"])
    return " ".join(name for name in names if name)


def _place(raw: Json) -> str:
    return f"{raw['latitude']}, {raw['longitude']}"


def _venue(raw: Json) -> str:
    return f"{raw['title']}, {raw['address']} ({_place(raw['location'])})"


def _sticker(raw: Json) -> str:
    return str(raw.get("emoji", "🖼"))


_WORDS: Mapping[str, Callable[[Json], str]] = {  # a venue is shown as a location too
    "venue": _venue,
    "location": _place,
    "contact": _contact,
    "sticker": _sticker,
    "dice": lambda raw: str(raw["emoji"]),
    "poll": lambda raw: str(raw["question"]),
}


def entities(raw: Json, text: str) -> Iterator[tuple[int, int, Json]]:
    """Yield what Telegram found in a text: first and last code point, and the entity.

    Telegram counts UTF-16 code units.
    """
    found: list[Json] = raw.get("entities") or raw.get("caption_entities") or []
    for entity in found:
        start, length = entity["offset"], entity["length"]
        yield _code_points(text, start), _code_points(text, start + length), entity


def _code_points(text: str, units: int) -> int:
    """Return how many code points the first `units` code units are."""
    if text.isascii():
        return units
    return len(
        text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "replace")
    )
