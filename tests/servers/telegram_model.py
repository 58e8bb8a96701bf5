"""What a Telegram chat consists of: people, chats, messages, files; as the Bot API shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Json = dict[str, Any]

ChatType = Literal["private", "group", "supergroup", "channel"]
FileKind = Literal[
    "photo", "document", "audio", "voice", "video", "animation", "video_note", "sticker"
]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "000000050001a5f645400000000049454e44ae426082"
)
"""The smallest picture, for whoever needs one that is accepted as a photo."""


class ApiError(Exception):
    """What the server answers instead of a result."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


class Upload(NamedTuple):
    """A file as it is sent."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class StoredFile:
    """A file as the server keeps it."""

    id: str
    unique_id: str
    path: str
    upload: Upload


@dataclass(frozen=True)
class Person:
    """A user of Telegram, or a bot."""

    id: int
    name: str
    username: str | None = None
    language: str | None = None
    is_bot: bool = False

    @property
    def raw(self) -> Json:
        shown: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        if self.username:
            shown["username"] = self.username
        if self.language:
            shown["language_code"] = self.language
        return shown


@dataclass(eq=False)
class Chat:
    """A chat that the bot can see. `closed`: it was blocked there, or is no member any more."""

    id: int
    type: ChatType
    title: str
    username: str | None = None
    is_forum: bool = False
    members: dict[int, Person] = field(default_factory=dict, repr=False)
    admins: set[int] = field(default_factory=set, repr=False)
    topics: dict[int, Message] = field(default_factory=dict, repr=False)
    messages: dict[int, Message] = field(default_factory=dict, repr=False)
    migrated_to: Chat | None = None
    refused_reactions: frozenset[str] = frozenset()
    closed: bool = False

    @property
    def raw(self) -> Json:
        name = "first_name" if self.type == "private" else "title"
        shown: Json = {"id": self.id, "type": self.type, name: self.title}
        if self.username:
            shown["username"] = self.username
        if self.is_forum:
            shown["is_forum"] = True
        return shown


@dataclass(eq=False)
class Message:
    """A message in a chat. `raw` is replaced, never changed; earlier ones are in `edits`.

    `reactions` are by whom they are.
    """

    chat: Chat = field(repr=False)
    raw: Json
    by_bot: bool
    files: tuple[Upload, ...] = field(default=(), repr=False)
    silent: bool = False
    markup: Json | None = None
    edits: list[Json] = field(default_factory=list, repr=False)
    reactions: dict[int, list[Json]] = field(default_factory=dict, repr=False)
    deleted: bool = False

    @property
    def id(self) -> int:
        return int(self.raw["message_id"])

    @property
    def text(self) -> str:
        """Its text, or the caption of its file; of a rich message the words of its blocks."""
        blocks = self.raw.get("rich_message", {}).get("blocks", ())
        rich = "\n".join(block["text"] for block in blocks if "text" in block)
        return str(self.raw.get("text", self.raw.get("caption", rich)))

    @property
    def entities(self) -> list[Json]:
        kept: list[Json] | None = self.raw.get("entities", self.raw.get("caption_entities"))
        return kept or []

    @property
    def rows(self) -> list[list[tuple[str, str | None]]]:
        """The buttons below it, row by row: label and callback data."""
        keyboard = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return [
            [(button["text"], button.get("callback_data")) for button in row] for row in keyboard
        ]

    @property
    def buttons(self) -> list[tuple[str, str | None]]:
        return [button for row in self.rows for button in row]

    @property
    def links(self) -> list[str]:
        """The addresses that its buttons open."""
        keyboard = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return [button["url"] for row in keyboard for button in row if "url" in button]

    @property
    def suggestions(self) -> list[Json]:
        """The quick answers that came with it."""
        return [button for row in (self.markup or {}).get("keyboard", ()) for button in row]

    @property
    def picture(self) -> str | None:
        """The address of the picture that is shown above its text."""
        shown: str | None = self.raw.get("link_preview_options", {}).get("url")
        return shown

    @property
    def thread(self) -> int | None:
        """The topic it is in. A thread of replies in a supergroup is none."""
        return self.raw["message_thread_id"] if self.raw.get("is_topic_message") else None

    @property
    def reply_to(self) -> int | None:
        """The message it answers. What begins a topic shows in each message there and is none."""
        answered: int | None = self.raw.get("reply_to_message", {}).get("message_id")
        return None if answered == self.thread else answered


def describe(kind: FileKind, file: StoredFile) -> Json:
    """Return a file as a message shows it; of a photo, one of its sizes."""
    shown: Json = {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "file_size": len(file.upload.data),
        **_EXTRAS[kind],
    }
    if kind in _NAMED:
        shown["file_name"] = file.upload.name
    if kind in (*_NAMED, "voice"):
        shown["mime_type"] = file.upload.media_type
    return shown


_NAMED = ("document", "audio", "video", "animation")
_PICTURE: Json = {"width": 512, "height": 512}
_EXTRAS: dict[FileKind, Json] = {
    "photo": _PICTURE,
    "document": {},
    "audio": {"duration": 1},
    "voice": {"duration": 1},
    "video": {**_PICTURE, "duration": 1},
    "animation": {**_PICTURE, "duration": 1},
    "video_note": {"length": 240, "duration": 1},
    "sticker": {**_PICTURE, "type": "regular", "is_animated": False, "is_video": False},
}
