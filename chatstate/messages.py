"""What travels: people, chats, messages in, replies out. Frozen data, no behaviour.

Ids are the platform's own, as strings, and unique within one bot account. The structs are
`msgspec` ones because each is built once or more per message and written to the inbox as JSON.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

MessageKind = Literal["message", "edit", "press", "join", "leave"]
ChatKind = Literal["private", "group", "channel"]


class User(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person (or bot) on a platform.

    `id` is the platform's id as a string; `name` is what to call them; `language` is a
    BCP 47 tag, if the platform tells.
    """

    id: str
    name: str = ""
    language: str | None = None


class Chat(msgspec.Struct, frozen=True, omit_defaults=True):
    """A private chat, a group or a channel; `id` is the platform's id as a string."""

    id: str
    kind: ChatKind = "private"
    title: str = ""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody did in a chat: wrote, edited, pressed a button, joined or left.

    `thread` is the platform's id of a thread or topic in the chat. `mentions` are the people
    named in the text, in its order. `time` is timezone-aware. `raw` is the platform's own
    payload, as JSON types.
    """

    text: str
    sender: User
    chat: Chat
    kind: MessageKind = "message"
    thread: str | None = None
    id: str | None = None
    mentions: tuple[User, ...] = ()
    time: datetime | None = None
    raw: dict[str, Any] | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message as an adapter delivers it.

    `id` is unique within the bot's account and the same when the platform delivers again.
    `origin` is the adapter's own note (an interaction's token, say): it is stored with the
    event and handed back with each of its replies.
    """

    id: str
    message: Message
    origin: str | None = None


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer. `text` is plain: no character in it is ever read as markup.

    Raises `TypeError` if `text` is no string.
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"Reply.text must be a str, not {type(self.text).__name__}")


class Command(msgspec.Struct, frozen=True):
    """A command a bot answers to, for help texts and platforms' menus."""

    name: str
    description: str
    usage: str = ""
