"""What is in one message of Telegram's: its text and its files. Pure functions.

1. A text is what is read: what was written, a caption, or words that stand for the rest. What has
   neither is told by the names of its fields.
2. Telegram counts UTF-16 code units, from which `entities` gives code points.
3. A file is sent again as what it was: its id says so, as in "photo:AgAC".
4. The pieces of a text that was too long for one message are one text again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from chatstate import Attachment
from chatstate_telegram.receive.rich import addressed, blocks_of, words_of
from chatstate_telegram.receive.shared import contact_in, location_in, poll_in, sticker_in

Json = dict[str, Any]
_WHO_WHERE_WHEN = {"message_id", "message_thread_id", "date", "chat", "from", "sender_chat"}
_END_OF_IDS = 1 << 63
LONGEST = 4096
"""The longest text of a message, in UTF-16 code units."""


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
    _Kind("voice_note", "audio/ogg", "voice.ogg"),
    _Kind("video", "video/mp4", "video.mp4"),
    _Kind("video_note", "video/mp4", "video_note.mp4"),
    _Kind("photo", "image/jpeg", "photo.jpg"),
    _Kind("live_photo", "video/mp4", "live_photo.mp4"),
)
_SENT_AS = {"voice_note": "voice", "live_photo": ""}
"""What those are sent again as that have no method of their own name; "" if as nothing."""


def attachments(raw: Json) -> list[Attachment]:
    """Return the files of a message: several only if it is a rich one, or they are paid for."""
    holders: Iterable[Json] = [raw]
    if "rich_message" in raw:
        holders = blocks_of(raw["rich_message"])
    elif "paid_media" in raw:
        holders = raw["paid_media"]["paid_media"]
    return [file for holder in holders for file in _file(holder)]


def _file(raw: Json) -> list[Attachment]:
    """Return the file that is here. A photo comes in several sizes: the largest is it."""
    for kind in _FILES:
        if kind.key in raw:
            file = raw[kind.key][-1] if kind.key == "photo" else raw[kind.key]
            name = file.get("file_name") or kind.name
            media_type = file.get("mime_type") or kind.media_type
            is_voice, size = kind.key in ("voice", "voice_note"), file.get("file_size")
            ref, sent_as = str(file["file_id"]), _SENT_AS.get(kind.key, kind.key)
            again = f"{sent_as}:{ref}" if sent_as else ""
            return [Attachment(ref, name, media_type, size, is_voice, again)]
    return []


def text_of(raw: Json) -> str:
    """Return what a message says in words: its text, its caption, or what stands for them."""
    if "text" in raw or "caption" in raw:
        return written(raw.get("text", raw.get("caption")))
    for key, write in _WORDS.items():
        if key in raw:
            return write(raw[key])
    return ""


def content_of(raw: Json) -> str:
    """Return the names of what is in a message, besides who says it when and where."""
    return ", ".join(sorted(raw.keys() - _WHO_WHERE_WHEN)) or "nothing"


def number_of(update: object) -> int | None:
    """Return the id of an update; None if it has none, and so is none."""
    number: object = cast("Json", update).get("update_id") if isinstance(update, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    return number if 0 <= number < _END_OF_IDS else None


def identity(number: object) -> str:
    """Return an id of Telegram's, which is a whole number. Raises `TypeError` for anything else."""
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"an id is a number, not {number!r}")
    return str(number)


def written(text: object) -> str:
    """Return a text. Raises `TypeError` for anything else."""
    if not isinstance(text, str):
        raise TypeError(f"a text is one, not {text!r}")
    return text


def _checklist(raw: Json) -> str:
    return "\n".join([raw["title"], *(task["text"] for task in raw["tasks"])])


def _game(raw: Json) -> str:
    lines = (raw["title"], raw.get("description"), raw.get("text"))
    return "\n".join(line for line in lines if line)


_WORDS: Mapping[str, Callable[[Json], str]] = {  # a venue is shown as a location too
    "venue": lambda raw: location_in(raw).words,
    "location": lambda raw: location_in(raw).words,
    "contact": lambda raw: contact_in(raw).words,
    "sticker": lambda raw: sticker_in(raw).words,
    "dice": lambda raw: str(raw["emoji"]),
    "poll": lambda raw: poll_in(raw).words,
    "rich_message": words_of,
    "checklist": _checklist,
    "game": _game,
    "invoice": _game,
    "web_app_data": lambda raw: str(raw["data"]),
}


def entities(raw: Json, text: str) -> Iterator[tuple[int, int, Json]]:
    """Yield what Telegram found in a text: first and last code point, and the entity.

    Telegram counts UTF-16 code units.
    """
    if "rich_message" in raw:
        for kind, start, end in addressed(text):
            yield start, end, {"type": kind}
    found: list[Json] = raw.get("entities") or raw.get("caption_entities") or []
    for entity in found:
        start, length = entity["offset"], entity["length"]
        yield _code_points(text, start), _code_points(text, start + length), entity


def is_command(raw: Json) -> bool:
    """Tell whether a message begins with a command."""
    found: list[Json] = raw.get("entities") or []
    return any(entity["type"] == "bot_command" and not entity["offset"] for entity in found)


def joined(pieces: Sequence[Json]) -> Json:
    """Return the message that these were before the client of who wrote it cut it.

    A piece that is as long as one can be was cut in the middle of something. Else there was white
    space, which Telegram has dropped.
    """
    text, found, before = "", list[Json](), LONGEST
    for piece in pieces:
        text += "\n" * (before < LONGEST)
        start = units(text)
        found += [
            {**entity, "offset": entity["offset"] + start} for entity in piece.get("entities") or ()
        ]
        text += piece["text"]
        before = units(piece["text"])
    return {**pieces[0], "text": text, "entities": found}


def units(text: str) -> int:
    """Return how many UTF-16 code units a text is."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _code_points(text: str, units: int) -> int:
    """Return how many code points the first `units` code units are."""
    if text.isascii():
        return units
    return len(
        text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "replace")
    )
