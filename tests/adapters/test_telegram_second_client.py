"""Another client library agrees with the test server, so that it is right not only for ours.

pyTelegramBotAPI reads every answer into classes of its own. (Of the stand-ins, `telemelya` has no
polling and brings a cloud SDK, `tg-auto-test` needs a newer Python; aiogram an older pydantic.)
"""

import io
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from servers.telegram_model import PNG
from servers.telegram_server import TelegramServer
from telebot import asyncio_helper
from telebot.async_telebot import AsyncTeleBot
from telebot.asyncio_helper import ApiTelegramException
from telebot.types import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaPhoto,
    MessageEntity,
    ReplyParameters,
)


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


@pytest.fixture
async def bot(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AsyncTeleBot]:
    base = server.base_url
    monkeypatch.setattr(asyncio_helper, "API_URL", base + "{0}/{1}")
    monkeypatch.setattr(asyncio_helper, "FILE_URL", server.base_file_url + "{0}/{1}")
    client = AsyncTeleBot(server.token)
    yield client
    await cast("Any", client).close_session()


async def test_what_people_do_is_read(server: TelegramServer, bot: AsyncTeleBot) -> None:
    """Messages with entities, topics, answers, albums, places, newcomers, edits, presses."""
    alice, bob = server.person(1001, "Alice", "alice", "de"), server.person(1002, "Bob")
    chat = server.private_chat(alice)
    forum = server.supergroup(-1007, "Forum", alice, is_forum=True)
    topic = server.topic(forum, "Red")
    said = server.say(alice, chat, "/start now")
    server.say(alice, forum, "in a topic", thread=topic)
    server.album(alice, chat, [("photo", None), ("video", None)], caption="look")
    server.location(alice, chat, 52.5, 13.25)
    server.join(bob, forum)
    server.edit(said, "/start later")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="v1")]])
    asked = await bot.send_message(chat.id, "?", reply_markup=keyboard)
    server.press(alice, chat.messages[asked.message_id], "Yes")
    updates: Any = await bot.get_updates(timeout=1)
    start, in_topic, photo, video, place, joined, edited, pressed = updates
    assert (start.message.text, start.message.entities[0].type) == ("/start now", "bot_command")
    assert (in_topic.message.message_thread_id, in_topic.message.is_topic_message) == (topic, True)
    assert photo.message.media_group_id == video.message.media_group_id
    assert place.message.location.latitude == 52.5
    assert joined.message.new_chat_members[0].first_name == "Bob"
    assert edited.edited_message.text == "/start later"
    assert (pressed.callback_query.data, pressed.callback_query.message.text) == ("v1", "?")
    assert await bot.get_updates(offset=updates[-1].update_id + 1, timeout=0) == []


async def test_what_it_sends_is_shown(server: TelegramServer, bot: AsyncTeleBot) -> None:
    """Texts with entities, answers, files, albums, edits, deletions."""
    chat = server.private_chat(server.person(1001, "Alice"))
    bold = [MessageEntity("bold", 0, 5)]
    first = await bot.send_message(chat.id, "hello you", entities=bold)
    answered = ReplyParameters(first.message_id)
    await bot.send_document(
        chat.id, InputFile(io.BytesIO(b"data"), "a.txt"), caption="file", reply_parameters=answered
    )
    await bot.send_media_group(
        chat.id, [InputMediaPhoto(InputFile(io.BytesIO(PNG), "a.png")) for _ in range(2)]
    )
    await bot.edit_message_text("bye", chat.id, first.message_id)
    text, document, *album = server.messages(chat)
    assert (text.text, text.edits[0]["entities"][0]["type"]) == ("bye", "bold")
    assert (document.text, document.reply_to) == ("file", text.id)
    assert len(album) == 2
    await bot.delete_message(chat.id, text.id)
    assert text.deleted


async def test_what_is_set_can_be_asked_for(server: TelegramServer, bot: AsyncTeleBot) -> None:
    """Itself, its commands, its webhook, a file, a member."""
    alice = server.person(1001, "Alice")
    group = server.group(-7, "Friends", alice)
    assert (await bot.get_me()).username == "test_bot"
    await bot.set_my_commands([BotCommand("vote", "Vote.")])
    assert [
        (command.command, command.description) for command in await bot.get_my_commands(None, None)
    ] == [("vote", "Vote.")]
    assert (await bot.get_webhook_info()).url == ""
    sent = server.send(alice, server.private_chat(alice), "document", b"data")
    file = await bot.get_file(sent.raw["document"]["file_id"])
    assert await bot.download_file(file.file_path) == b"data"
    server.promote(alice, group)
    assert (await bot.get_chat_member(-7, 1001)).status == "administrator"


async def test_refusals_are_read(server: TelegramServer, bot: AsyncTeleBot) -> None:
    """With their numbers, texts and waits."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    server.block(alice)
    with pytest.raises(ApiTelegramException) as blocked:
        await bot.send_message(chat.id, "hi")
    assert (blocked.value.error_code, "blocked" in blocked.value.description) == (403, True)
    server.unblock(alice)
    server.fail("sendMessage", 429, retry_after=7)
    with pytest.raises(ApiTelegramException) as slow:
        await bot.send_message(chat.id, "hi")
    assert slow.value.result_json["parameters"] == {"retry_after": 7}
