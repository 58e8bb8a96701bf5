"""What the server keeps: people, chats, messages, files, and a log of what the bot did."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from servers.telegram_model import (
    ApiError,
    Chat,
    FileKind,
    Json,
    Message,
    Person,
    StoredFile,
    Upload,
    describe,
)
from servers.telegram_updates import Changes, Updates

_THUMBNAIL = Upload("thumbnail.jpg", "image/jpeg", b"\xff\xd8\xff\xe0 a small picture")


@dataclass
class Call:
    """A request of the bot. `status` is what it was answered with, None while it is not."""

    method: str
    params: Json
    status: int | None = None


class Typing(NamedTuple):
    """A chat action that the bot showed."""

    chat: int
    thread: int | None
    action: str


class Draft(NamedTuple):
    """A preview that the bot showed. `can_stop`: there is a button below it that ends it."""

    chat: int
    thread: int | None
    id: int
    text: str
    can_stop: bool = False


class Answer(NamedTuple):
    """What the bot answered to a press."""

    query: str
    text: str
    alert: bool


@dataclass(frozen=True)
class Press:
    """A press of a button, which the bot has to answer."""

    id: str
    update: Json


class World:
    """The state that people and the bot share. `changes` tells of everything that happens."""

    def __init__(self, token: str, *, clock: Callable[[], float] = time.time) -> None:
        self.token = token
        self.clock = clock
        self.bot = Person(int(token.partition(":")[0]), "Test Bot", "test_bot", is_bot=True)
        self.has_privacy_mode = False
        self.people: dict[int, Person] = {self.bot.id: self.bot}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.web: dict[str, Upload] = {}
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.typing: list[Typing] = []
        self.drafts: list[Draft] = []
        self.shown_drafts: dict[tuple[int, int | None], Draft] = {}
        self.pinned: dict[int, Message] = {}
        self.answers: list[Answer] = []
        self.open_presses: set[str] = set()
        self.open_queries: dict[str, str] = {}
        self.refunded: dict[str, int] = {}
        self.answered: dict[str, Json] = {}
        self.command_lists: dict[str, list[Json]] = {}
        self.changes = Changes()
        self.updates = Updates(self.changes)
        self._message_ids = itertools.count(1001)
        self.numbers = itertools.count(1)

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The bot's menu for everybody: names and descriptions."""
        listed = self.command_lists.get(command_key({}), [])
        return [(command["command"], command["description"]) for command in listed]

    def messages(self, chat: Chat) -> list[Message]:
        """Return what the bot has sent to a chat, also what it has deleted since."""
        return [message for message in chat.messages.values() if message.by_bot]

    def called(self, method: str) -> list[Json]:
        """Return the parameters of all calls of a method."""
        return [call.params for call in self.calls if call.method == method]

    def now(self) -> int:
        return int(self.clock())

    def add_chat(self, chat: Chat, people: Iterable[Person]) -> Chat:
        chat.members = {person.id: person for person in people}
        self.chats[chat.id] = chat
        return chat

    def store(self, kind: str, upload: Upload) -> StoredFile:
        """Keep a file, so that it can be sent again and downloaded."""
        number = next(self.numbers)
        suffix = upload.name.rpartition(".")[2] if "." in upload.name else "bin"
        path = f"{kind}s/file_{number}.{suffix}"
        file = StoredFile(f"FILE{number:08}", f"UNIQUE{number:06}", path, upload)
        self.files[file.id] = file
        return file

    def media(self, kind: FileKind, file: StoredFile) -> Json:
        """Return the part of a message that shows a file; a photo is shown in two sizes."""
        shown = describe(kind, file)
        if kind != "photo":
            return {kind: shown}
        small = describe("photo", self.store("thumbnail", _THUMBNAIL))
        return {"photo": [small | {"width": 90, "height": 90}, shown]}

    def post(
        self,
        chat: Chat,
        sender: Person | None,
        content: Json,
        *,
        thread: int | None = None,
        reply_to: Message | None = None,
        files: tuple[Upload, ...] = (),
    ) -> Message:
        """Put a message into a chat. In a channel it is the channel's own."""
        raw: Json = {"message_id": self._message_id(chat)}
        if chat.type == "channel":
            raw["sender_chat"] = chat.raw
        elif sender:
            raw["from"] = sender.raw
        raw |= {"chat": chat.raw, "date": self.now(), **_place(chat, thread, reply_to), **content}
        message = Message(chat, raw, by_bot=sender is self.bot, files=files)
        chat.messages[message.id] = message
        if message.by_bot:
            self.shown_drafts.pop((chat.id, message.thread), None)
        self.changes.tell()
        return message

    def change(self, message: Message, raw: Json) -> None:
        """Replace what a message shows."""
        message.edits.append(message.raw)
        message.raw = raw
        self.changes.tell()

    def _message_id(self, chat: Chat) -> int:
        """Return the next number; supergroups and channels count for themselves."""
        if chat.type in ("supergroup", "channel"):
            return max(chat.messages, default=0) + 1
        return next(self._message_ids)


def command_key(params: Json) -> str:
    """Return whose list of commands is meant."""
    scope = params.get("scope", {"type": "default"})
    where = [str(scope[key]) for key in ("type", "chat_id", "user_id") if key in scope]
    return "/".join([*where, params.get("language_code", "")])


def _place(chat: Chat, thread: int | None, reply_to: Message | None) -> Json:
    """Return what tells of a message's topic and of what it answers.

    A message in a topic that answers nothing shows the topic's beginning as answered. Answers
    in a supergroup without topics have a thread too, of which `is_topic_message` tells nothing.
    """
    if thread is None and reply_to:
        thread = reply_to.thread
    shown: Json = {}
    if thread is not None:
        shown = {"message_thread_id": thread, "is_topic_message": True}
        reply_to = reply_to or chat.topics[thread]
    elif reply_to and chat.type == "supergroup":
        shown["message_thread_id"] = reply_to.raw.get("message_thread_id", reply_to.id)
    if reply_to:
        shown["reply_to_message"] = without(reply_to.raw, "reply_to_message")
    return shown


def without(raw: Json, *keys: str) -> Json:
    """Return an object without some of its fields."""
    return {key: value for key, value in raw.items() if key not in keys}


def found(chat: Chat, message_id: Any, what: str) -> Message:
    """Return a message of a chat, or refuse because there is none."""
    message = chat.messages.get(message_id)
    if message is None or message.deleted:
        raise ApiError(400, f"Bad Request: {what} not found")
    return message
