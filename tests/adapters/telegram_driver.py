"""The adapters' contract's driver for Telegram: the real `Bot` against the test server."""

import itertools
import socket
from collections.abc import Mapping, Sequence

from adapters.telegram_host import adapter_on
from servers.telegram_model import Chat, Json, Message, Person, Upload
from servers.telegram_server import TelegramServer
from servers.telegram_updates import Updates

from chatstate import MessageRef, Native
from chatstate.adapter import Adapter, NativeCall
from chatstate.testing import AdapterDriver, Fault, Shown, Speaker
from chatstate.testing.delivered import SentFile
from chatstate.text import SpanKind
from chatstate_telegram.receive.shared import shared

_STYLES: Mapping[str, SpanKind] = {
    "bold": "bold",
    "italic": "italic",
    "strikethrough": "strike",
    "underline": "underline",
    "spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "text_link": "link",
    "blockquote": "quote",
}


class TelegramDriver(AdapterDriver):
    """People on the test server. In groups they speak to the bot, which listens to all."""

    named = "telegram:poll_answer"

    def __init__(self) -> None:
        self.server = TelegramServer()
        self.people: dict[str, Person] = {}
        self.chats: dict[str, Chat] = {}
        self.topics: dict[tuple[str, str], int] = {}
        self.said: dict[str, Json] = {}
        self.presses: dict[str, Speaker] = {}
        self.numbers = itertools.count(1)

    def make_adapter(self) -> Adapter:
        return adapter_on(self.server, groups="all")

    def account_name(self) -> str:
        return f"@{self.server.bot.username}"

    async def open(self) -> None:
        await self.server.start()

    async def close(self) -> None:
        await self.server.stop()
        assert not self.server.violations, self.server.violations

    async def say(
        self,
        who: Speaker,
        text: str,
        *,
        files: Sequence[SentFile] = (),
        reply_to: str | None = None,
    ) -> str:
        person, chat, thread = self._place(who)
        answered = chat.messages[int(reply_to)] if reply_to else None
        for file in files:
            message = self.server.send(
                person,
                chat,
                "document",
                file.data,
                name=file.name,
                media_type=file.media_type,
                caption=text,
                thread=thread,
            )
        if not files:
            message = self.server.say(person, chat, text, thread=thread, reply_to=answered)
        self.said[str(message.id)] = self.server.updates.all[-1]
        return str(message.id)

    def shown(self, who: Speaker) -> Sequence[Shown]:
        _, chat, thread = self._place(who)
        messages = [
            _shown(message)
            for message in self.server.messages(chat)
            if message.thread == thread and not message.deleted
        ]
        return [*messages, *self._toasts(who)]

    def mention(self, who: Speaker | None) -> str:
        return f"@{(self._person(who) if who else self.server.bot).username}"

    async def say_formatted(self, who: Speaker) -> str:
        person, chat, thread = self._place(who)
        styles = ((0, 4, "bold"), (5, 6, "spoiler"), (12, 5, "underline"))
        entities = [{"offset": at, "length": n, "type": kind} for at, n, kind in styles]
        content = {"text": "bold hidden under", "entities": entities}
        return str(self.server.tell(person, chat, content, thread=thread).id)

    async def edit(self, who: Speaker, message: str, text: str) -> None:
        _, chat, _ = self._place(who)
        self.server.edit(chat.messages[int(message)], text)

    async def other(self, who: Speaker) -> None:
        person, chat, thread = self._place(who)
        self.server.tell(person, chat, {"hologram": {"depth": 3}}, thread=thread)

    async def react(self, who: Speaker, message: str, emoji: str) -> None:
        person, chat, _ = self._place(who)
        self.server.react(person, chat.messages[int(message)], emoji)

    async def send_sticker(self, who: Speaker) -> str:
        person, chat, thread = self._place(who)
        message = self.server.send(person, chat, "sticker", thread=thread)
        return str(message.raw["sticker"]["file_id"])

    async def happen(self, who: Speaker) -> None:
        self.server.vote(self._person(who), "3", 0)

    async def press(self, who: Speaker, message: str, label: str) -> None:
        person, chat, _ = self._place(who)
        press = self.server.press(person, chat.messages[int(message)], label)
        self.presses[press.id] = who

    async def tap(self, who: Speaker, message: str, label: str) -> None:
        person, chat, _ = self._place(who)
        self.server.tap(person, chat.messages[int(message)], label)

    async def remove(self, who: Speaker, message: str) -> None:
        _, chat, _ = self._place(who)
        chat.messages[int(message)].deleted = True

    async def forge(self, who: Speaker, message: str, data: str) -> None:
        person, chat, _ = self._place(who)
        press = self.server.forge(person, chat.messages[int(message)], data)
        self.presses[press.id] = who

    def reactions(self, who: Speaker, message: str) -> Sequence[str]:
        _, chat, _ = self._place(who)
        own = chat.messages[int(message)].reactions.get(self.server.bot.id, [])
        return [reaction["emoji"] for reaction in own]

    def publish(self, address: str, data: bytes) -> None:
        self.server.web[address] = Upload("sky.png", "image/png", data)

    def typing(self, who: Speaker) -> int:
        _, chat, thread = self._place(who)
        return sum(shown[:2] == (chat.id, thread) for shown in self.server.typing)

    def waiting(self) -> int:
        return len(self.server.open_presses)

    async def redeliver(self, message: str) -> None:
        self.server.redeliver(self.said[message])

    async def garble(self, who: Speaker) -> None:
        person, chat, _ = self._place(who)
        odd = {"message_id": 1, "date": 10**18, "from": person.raw, "chat": chat.raw, "text": "hi"}
        self.server.push_raw({"message": odd})

    async def echo(self, who: Speaker, text: str) -> None:
        _, chat, thread = self._place(who)
        own = self.server.post(chat, self.server.bot, {"text": text}, thread=thread)
        own.deleted = True  # it is not shown: it was said only for the adapter to hear
        self.server.push_raw({"message": own.raw})

    def is_acknowledged(self, message: str) -> bool:
        updates: Updates = self.server.updates
        return self.said[message] not in updates.pending

    def fail(self, fault: Fault, seconds: float = 0.0) -> None:
        if fault == "wait":
            self.server.fail("send*", 429, retry_after=int(seconds))
        elif fault == "refuse":
            self.server.fail("send*", 400, "Bad Request: message is too long")
        elif fault == "block":
            self.server.fail("send*", 403, "Forbidden: bot was blocked by the user")
        else:
            self.server.drop("send*", accepted=True)

    def native(self, text: str) -> Native:
        return Native("sendMessage", text=text)

    def native_deletion(self, message: MessageRef) -> Native:
        return Native("deleteMessage", message_id=message)

    def native_elsewhere(self) -> NativeCall:
        return NativeCall("sendMessage", {"chat_id": 7, "text": "hi"})

    def withhold(self) -> None:
        self.server.fail("getFile", 500, "Internal Server Error")
        self.server.drop("download", accepted=True)  # after one half of it

    async def disconnect(self) -> None:
        await self.server.stop()

    async def reconnect(self) -> None:
        await self.server.start()

    async def move(self, who: Speaker, chat: str, *, told: bool) -> None:
        _, group, _ = self._place(who)
        self.chats[chat] = self.server.migrate(group, quietly=not told)

    async def promote(self, who: Speaker) -> None:
        person, chat, _ = self._place(who)
        self.server.promote(person, chat)

    def _toasts(self, who: Speaker) -> list[Shown]:
        """Return the texts that were shown to somebody who had pressed."""
        answers = self.server.answers
        return [
            Shown(f"answer {answer.query}", answer.text)
            for answer in answers
            if answer.text and self.presses[answer.query] == who
        ]

    def _place(self, who: Speaker) -> tuple[Person, Chat, int | None]:
        person = self._person(who)
        if who.chat is None:
            chat = self.server.private_chat(person)
            if who.thread is None:
                return person, chat, None
        else:
            chat = self._group(who)
        return person, chat, self._topic(chat, who.thread) if who.thread else None

    def _person(self, who: Speaker) -> Person:
        name = who.user
        if name not in self.people:
            number = 1000 + next(self.numbers)
            self.people[name] = self.server.person(number, name.title(), name, is_bot=who.is_bot)
        return self.people[name]

    def _group(self, who: Speaker) -> Chat:
        name = str(who.chat)
        if name not in self.chats:
            if who.thread is None:
                self.chats[name] = self.server.group(-next(self.numbers), name)
            else:
                number = -1_000_000_000_000 - next(self.numbers)
                chat = self.chats[name] = self.server.supergroup(number, name, is_forum=True)
                self.server.post(chat, None, {"supergroup_chat_created": True})  # number 1
        return self.chats[name]

    def _topic(self, chat: Chat, name: str) -> int:
        key = (chat.title, name)
        if key not in self.topics:
            self.topics[key] = self.server.topic(chat, name)
        return self.topics[key]


def _shown(message: Message) -> Shown:
    text = message.text
    return Shown(
        id=str(message.id),
        text=text,
        styles=frozenset(
            _STYLES[entity["type"]] for entity in message.entities if entity["type"] in _STYLES
        ),
        labels=[label for label, _ in message.buttons],
        files=[SentFile(*file) for file in message.files],
        reply_to=None if message.reply_to is None else str(message.reply_to),
        edited=bool(message.edits),
        links=message.links,
        suggestions=[suggestion["text"] for suggestion in message.suggestions],
        pictures=[message.picture] if message.picture else (),
        shared=next(iter(shared(message.raw).values()), None),
    )


class WebhookDriver(TelegramDriver):
    """The same, to whom the server posts."""

    def make_adapter(self) -> Adapter:
        """Return an adapter that listens at a port of its own."""
        port = _free_port()
        url = f"http://127.0.0.1:{port}/telegram"
        return adapter_on(self.server, groups="all", webhook=url, listen=f"127.0.0.1:{port}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
