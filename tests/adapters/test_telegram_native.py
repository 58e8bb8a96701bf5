"""Methods of the Bot API that are called by their own names."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from adapters.telegram_host import adapter_on
from adapters.test_telegram_conversations import talk
from msgspec.structs import replace
from servers.telegram_model import PNG, Chat
from servers.telegram_server import TelegramServer
from telegram import Bot

from chatstate import Ambiguous, Interface, Rejected, ReplyError, RetryAfter, Turn
from chatstate.adapter import Action, NativeCall, Post, PostButton, Sent, StoredFile
from chatstate.text import StyledText
from chatstate_telegram.natives import is_repeatable
from chatstate_telegram.receive.content import attachments
from chatstate_telegram.send.native import _place

TEA: dict[str, Any] = {"question": "Tea?", "options": [{"text": "Yes"}, {"text": "No"}]}


class Calling:
    """An adapter that makes calls."""

    def __init__(self, server: TelegramServer, folder: Path) -> None:
        self.server = server
        self.adapter = adapter_on(server)
        self.folder = folder
        self.alice = server.person(1001, "Alice")
        self.chat = server.private_chat(self.alice)

    def file(self, name: str, data: bytes = PNG) -> StoredFile:
        path = self.folder / name
        path.write_bytes(data)
        return StoredFile(name, name, "image/png", len(data), str(path))

    async def call(
        self,
        method: str,
        *files: StoredFile,
        chat: Chat | None = None,
        thread: str | None = None,
        ways: Any = (),
        **arguments: Any,
    ) -> Sent:
        part = self.adapter.native(NativeCall(method, arguments, files, ways))
        there = str((chat or self.chat).id)
        return await self.adapter.perform(Action("1-1-0", there, thread, part, verb="native"))


@pytest.fixture
async def calling(tmp_path: Path) -> AsyncIterator[Calling]:
    async with TelegramServer() as server:
        prepared = Calling(server, tmp_path)
        await prepared.adapter._client.open()
        yield prepared
        await prepared.adapter._client.close()
    assert server.violations == []


async def test_the_chat_is_filled_in(calling: Calling) -> None:
    """A call goes to the chat in which it is owed, and the id of its message is told."""
    sent = await calling.call("sendPoll", **TEA)
    (message,) = calling.server.messages(calling.chat)
    assert message.raw["poll"]["question"] == "Tea?"
    assert sent.message_id == str(message.id)


async def test_the_topic_is_filled_in(calling: Calling) -> None:
    """A call goes to the topic in which it is owed, but for the one that is none."""
    forum = calling.server.supergroup(-1002, "Tea", calling.alice, is_forum=True)
    calling.server.say(calling.alice, forum, "hi")  # the first thread is the one that is none
    topic = calling.server.topic(forum, "Tea")
    await calling.call("sendPoll", chat=forum, thread=str(topic), **TEA)
    await calling.call("sendPoll", chat=forum, thread="1", **TEA)
    assert [message.thread for message in calling.server.messages(forum) if message.by_bot] == [
        topic,
        None,
    ]


async def test_what_takes_no_chat_gets_none(calling: Calling) -> None:
    """A method that takes neither chat nor topic is not given them, which the server would tell."""
    prices = [{"label": "Tea", "amount": 1}]
    await calling.call(
        "createInvoiceLink", title="Tea", description="A cup", payload="t", currency="XTR",
        prices=prices,
    )  # fmt: skip
    assert "chat_id" not in calling.server.calls[-1].params


@pytest.mark.parametrize(
    ("method", "arguments", "is_there"),
    [
        ("setGameScore", {"user_id": 7, "score": 5, "message_id": 9}, True),
        ("setGameScore", {"user_id": 7, "score": 5, "inline_message_id": "9"}, False),
        ("sendGift", {"user_id": 7, "gift_id": "1"}, False),
        ("sendGift", {"gift_id": "1"}, True),
        ("banChatMember", {"user_id": 7}, True),
        ("refundStarPayment", {"user_id": 7, "telegram_payment_charge_id": "1"}, False),
    ],
)
def test_who_is_named_instead_of_a_chat(
    calling: Calling, method: str, arguments: dict[str, Any], is_there: bool
) -> None:
    """A person is, unless the method needs a chat, or a message that is in one is named."""
    part = calling.adapter.native(NativeCall(method, arguments))
    place = _place(method, arguments, Action("1-1-0", "5", None, part, verb="native"))
    assert place == ({"chat_id": "5"} if is_there else {})


async def test_a_pinned_message_has_no_topic_named(calling: Calling) -> None:
    """A method that takes a chat alone is given that alone."""
    sent = await calling.call("sendPoll", **TEA)
    await calling.call("pinChatMessage", thread="7", message_id=int(sent.message_id or ""))
    assert calling.server.calls[-1].params.keys() == {"chat_id", "message_id"}


async def test_a_chat_is_not_named_by_an_argument(calling: Calling) -> None:
    """To another chat leads `to=`, so that what is owed there keeps its order."""
    with pytest.raises(ReplyError, match="leave out chat_id"):
        calling.adapter.native(NativeCall("sendPoll", {"chat_id": 7}))


async def test_a_file_is_an_argument(calling: Calling) -> None:
    """A file that is an argument itself is sent under its name."""
    await calling.call("sendPhoto", calling.file("a.png"), ways=[("photo",)], photo=None)
    (message,) = calling.server.messages(calling.chat)
    assert [file.data for file in message.files] == [PNG]


async def test_a_file_that_telegram_has_is_named_by_its_id(calling: Calling) -> None:
    """As an argument, and within one; without the kind that chatstate knows it by."""
    (held,) = attachments(calling.server.send(calling.alice, calling.chat, "photo").raw)
    there = StoredFile("", "photo.jpg", "image/jpeg", 0, id=held.id)
    await calling.call("sendPhoto", there, ways=[("photo",)], photo=None)
    media = [{"type": "photo", "media": None}, {"type": "photo", "media": held.ref}]
    await calling.call("sendMediaGroup", there, ways=[("media", 0, "media")], media=media)
    messages = calling.server.messages(calling.chat)
    assert [len(message.files) for message in messages] == [1, 1, 1]


async def test_a_file_within_an_argument_is_attached(calling: Calling) -> None:
    """A file within a list of an argument is sent beside it, and the first message is told."""
    media = [{"type": "photo", "media": None}, {"type": "photo", "media": None}]
    files = [calling.file("a.png"), calling.file("b.png")]
    ways = [("media", 0, "media"), ("media", 1, "media")]
    sent = await calling.call("sendMediaGroup", *files, ways=ways, media=media)
    messages = calling.server.messages(calling.chat)
    assert [file.name for message in messages for file in message.files] == ["a.png", "b.png"]
    assert sent.message_id == str(messages[0].id)
    assert media == [{"type": "photo", "media": None}] * 2


async def test_what_happens_to_a_call_is_told_apart(calling: Calling) -> None:
    """A refusal, a limit, a lost answer and a chat that has moved mean what they do for replies."""
    with pytest.raises(Rejected, match="message to pin not found"):
        await calling.call("pinChatMessage", message_id=77)
    with pytest.raises(Rejected, match="Not Found"):
        await calling.call("sendNothing")
    assert calling.server.violations.pop() == "no such method: sendNothing"
    calling.server.fail("sendPoll", 429, retry_after=3)
    with pytest.raises(RetryAfter):
        await calling.call("sendPoll", **TEA)
    calling.server.drop("sendPoll", accepted=True)
    with pytest.raises(Ambiguous):
        await calling.call("sendPoll", **TEA)


@pytest.mark.parametrize(
    ("method", "harmless"),
    [
        ("pinChatMessage", True),
        ("banChatMember", True),
        ("setChatTitle", True),
        ("answerPreCheckoutQuery", True),
        ("sendChatAction", True),
        ("sendPoll", False),
        ("sendGift", False),
        ("refundStarPayment", False),
        ("transferGift", False),
        ("createInvoiceLink", False),
        ("copyMessage", False),
        ("approval", False),
    ],
)
def test_what_may_be_repeated(method: str, harmless: bool) -> None:
    """What asks, or brings about what may be so already, may be repeated; gifts must not double."""
    assert is_repeatable(method) is harmless


async def test_a_turn_has_the_librarys_own_client(tmp_path: Path) -> None:
    """`turn.client` is python-telegram-bot's `Bot`, ready to be asked."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(turn: Turn) -> str:
        async def title() -> str | None:
            client: Bot = turn.client
            return (await client.get_chat(turn.chat.id)).title

        return str(await turn.step("title", title))

    async with talk(bot, ("polling", "group"), tmp_path) as person:
        assert [message.text for message in await person.say("hi")] == ["Friends"]


async def test_a_reply_adds_to_the_call_that_sends_it(calling: Calling) -> None:
    """On a text, a file, an album and an edit, as far as the method takes it."""
    added = {"protect_content": True, "link_preview_options": {"is_disabled": True}}
    text = Post(StyledText("hi"), native=added)
    files = [calling.file("a.png"), calling.file("b.png")]
    posts = [text, replace(text, files=files[:1]), replace(text, files=files)]
    for post in posts:
        for part in calling.adapter.render(post):
            await calling.adapter.perform(Action("1-1-0", str(calling.chat.id), part=part))
    (part,) = calling.adapter.render(replace(text, text=StyledText("ho")))
    first = str(calling.server.messages(calling.chat)[0].id)
    edit = Action("1-2-0", str(calling.chat.id), part=part, verb="edit", message=first)
    await calling.adapter.perform(edit)
    calls = [call.params for call in calling.server.calls]
    assert [call.get("protect_content") for call in calls] == [True, True, True, None]
    assert ["link_preview_options" in call for call in calls] == [True, False, False, True]


async def test_a_reply_brings_buttons_of_telegrams_own(calling: Calling) -> None:
    """One without buttons of ours may have any keyboard that Telegram knows."""
    keyboard = {"inline_keyboard": [[{"text": "Copy", "copy_text": {"text": "tea"}}]]}
    (part,) = calling.adapter.render(Post(StyledText("hi"), native={"reply_markup": keyboard}))
    await calling.adapter.perform(Action("1-1-0", str(calling.chat.id), part=part))
    (message,) = calling.server.messages(calling.chat)
    assert message.raw["reply_markup"] == keyboard


def test_a_reply_replaces_nothing_of_itself(calling: Calling) -> None:
    """Where it goes, what it says, and the buttons it has, are no additions."""
    buttons = [[PostButton("Yes", "v1", "yes")]]
    for post in (
        Post(StyledText("hi"), native={"chat_id": 7}),
        Post(StyledText("hi"), native={"text": "ho"}),
        Post(StyledText("hi"), buttons, native={"reply_markup": {"force_reply": True}}),
    ):
        with pytest.raises(ReplyError, match="is told by the reply itself"):
            calling.adapter.render(post)
