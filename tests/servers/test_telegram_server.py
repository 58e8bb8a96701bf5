"""The Bot API server takes from python-telegram-bot what Telegram takes, and refuses the rest."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from servers.telegram_client import bot_on
from servers.telegram_methods import METHODS
from servers.telegram_model import PNG, Chat, Json, Person
from servers.telegram_server import TelegramServer
from servers.telegram_spec import METHODS as SPECIFIED
from servers.telegram_text import entity
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    MessageEntity,
)
from telegram.error import (
    BadRequest,
)

KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="data of yes")]])


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as running:
        yield running


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with bot_on(server) as connected:
        yield connected


@pytest.fixture
def alice(server: TelegramServer) -> Person:
    return server.person(1001, "Alice", "alice", "de")


@pytest.fixture
def chat(server: TelegramServer, alice: Person) -> Chat:
    return server.private_chat(alice)


# What the bot sends


async def test_edit_replaces_text_and_buttons(server: TelegramServer, bot: Bot, chat: Chat) -> None:
    """An edit shows what it says and nothing else; the same edit again is refused."""
    sent = await bot.send_message(chat.id, "one", reply_markup=KEYBOARD, disable_notification=True)
    (message,) = server.messages(chat)
    assert (message.buttons, message.silent) == ([("Yes", "data of yes")], True)
    await sent.edit_text("two")
    assert (message.text, message.buttons) == ("two", [])
    assert [earlier["text"] for earlier in message.edits] == ["one"]
    with pytest.raises(BadRequest, match="not modified"):
        await sent.edit_text("two")
    await sent.delete()
    assert message.deleted
    assert server.violations == []


async def test_text_is_measured_in_utf16(server: TelegramServer, bot: Bot, chat: Chat) -> None:
    """A text has 4,096 UTF-16 units at most, without the blanks around it."""
    longest = "👍" * 2048
    await bot.send_message(chat.id, f"\n {longest} \n")
    assert server.messages(chat)[0].text == longest
    with pytest.raises(BadRequest, match="too long"):
        await bot.send_message(chat.id, f"{longest}x")
    with pytest.raises(BadRequest, match="non-empty"):
        await bot.send_message(chat.id, " \n")


async def test_entities_follow_the_text(server: TelegramServer, bot: Bot, chat: Chat) -> None:
    """Entities cover the same part when blanks and control characters are taken out."""
    bold = MessageEntity(**entity("\n 👍\r bold", "bold", "bold"))
    await bot.send_message(chat.id, "\n 👍\r bold", entities=[bold])
    (message,) = server.messages(chat)
    assert message.text == "👍 bold"
    assert message.entities == [entity(message.text, "bold", "bold")]


@pytest.mark.parametrize(
    "entities",
    [
        pytest.param([("bold", 1, 3)], id="ends behind the text"),
        pytest.param([("bold", 1, 1)], id="begins within a surrogate pair"),
        pytest.param([("bold", 0, 1)], id="ends within a surrogate pair"),
        pytest.param([("bold", 0, 2), ("code", 0, 2)], id="code is bold"),
        pytest.param([("pre", 0, 3), ("italic", 2, 1)], id="pre contains another"),
        pytest.param([("blockquote", 0, 3), ("blockquote", 2, 1)], id="quote in quote"),
    ],
)
async def test_entities_that_fit_nothing_are_refused(
    server: TelegramServer, bot: Bot, chat: Chat, entities: list[tuple[str, int, int]]
) -> None:
    """Entities must lie on the text's characters and be nested rightly."""
    with pytest.raises(BadRequest, match=r"(?i)entit"):
        await bot.send_message(
            chat.id, "👍x", entities=[MessageEntity(*entity) for entity in entities]
        )
    assert server.messages(chat) == []


async def test_buttons_hold_64_bytes(server: TelegramServer, bot: Bot, chat: Chat) -> None:
    """Callback data has 1 to 64 bytes in UTF-8."""
    for data in ("ä" * 32, "ä" * 33):
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data=data)]])
        if data == "ä" * 32:
            await bot.send_message(chat.id, "x", reply_markup=keyboard)
        else:
            with pytest.raises(BadRequest, match="Button_data_invalid"):
                await bot.send_message(chat.id, "x", reply_markup=keyboard)


async def test_topics_hold_what_is_sent_there(
    server: TelegramServer, bot: Bot, alice: Person
) -> None:
    """A message goes to the topic it names, and an answer to that of what it answers."""
    forum = server.supergroup(-1007, "Forum", alice, is_forum=True)
    thread = server.topic(forum, "Here")
    asked = server.say(alice, forum, "anybody?", thread=thread)
    await bot.send_message(forum.id, "I", message_thread_id=thread)
    await bot.send_message(forum.id, "me", reply_to_message_id=asked.id)
    await bot.send_message(forum.id, "to all")
    shown = [(message.text, message.thread, message.reply_to) for message in server.messages(forum)]
    assert shown == [("I", thread, None), ("me", thread, asked.id), ("to all", None, None)]
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(forum.id, "x", message_thread_id=999)


# Files


async def test_received_files_are_downloaded(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """The bytes that a person sent can be streamed from the file's address."""
    data = os.urandom(300_000)
    server.send(alice, chat, "document", data, name="a b.bin", caption="see")
    message = (await bot.get_updates())[-1].effective_message
    assert message is not None
    assert message.document is not None
    file = await message.document.get_file()
    async with httpx.AsyncClient() as client, client.stream("GET", str(file.file_path)) as answer:
        chunks = [chunk async for chunk in answer.aiter_bytes(65_536)]
    assert (len(chunks), b"".join(chunks)) == (5, data)
    assert (message.document.file_name, message.caption) == ("a b.bin", "see")


async def test_sent_files_are_kept(
    server: TelegramServer, bot: Bot, chat: Chat, tmp_path: Path
) -> None:
    """What the bot uploads is shown with its name, type and bytes, streamed or not."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"some notes")
    with path.open("rb") as opened:
        await bot.send_document(chat.id, InputFile(opened, "n.txt", read_file_handle=False))
    await bot.send_photo(chat.id, PNG, caption="a picture", filename="p.png")
    document, photo = server.messages(chat)
    assert document.files == (("n.txt", "text/plain", b"some notes"),)
    assert (photo.text, photo.files) == ("a picture", (("p.png", "image/png", PNG),))
    assert server.violations == []


async def test_album_is_several_messages(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """Files sent together share a group id, in both directions."""
    media = [InputMediaPhoto(PNG, caption="first"), InputMediaPhoto(PNG)]
    sent = await bot.send_media_group(chat.id, media)
    server.album(alice, chat, [("photo", None), ("photo", None)], caption="mine")
    came = [update.effective_message for update in await bot.get_updates()]
    assert len({message.media_group_id for message in sent}) == 1
    assert len({message.media_group_id for message in came if message}) == 1
    assert [message.caption for message in came if message] == ["mine", None]
    assert [(message.text, len(message.files)) for message in server.messages(chat)] == [
        ("first", 1),
        ("", 1),
    ]
    with pytest.raises(BadRequest, match="can't be mixed"):
        await bot.send_media_group(chat.id, [media[0], InputMediaDocument(b"text")])


async def test_each_kind_of_file_is_sent(server: TelegramServer, bot: Bot, chat: Chat) -> None:
    """A file is shown as what it was sent as, and can be sent again by its id."""
    await bot.send_audio(chat.id, b"song")
    await bot.send_voice(chat.id, b"voice")
    await bot.send_video(chat.id, b"video")
    document = (await bot.send_document(chat.id, b"text")).document
    assert document is not None
    await bot.send_document(chat.id, document.file_id)
    kinds = ("audio", "voice", "video", "document", "document")
    for kind, message in zip(kinds, server.messages(chat), strict=True):
        assert kind in message.raw
    assert server.messages(chat)[-1].files[0].data == b"text"
    with pytest.raises(BadRequest, match="Image_process_failed"):
        await bot.send_photo(chat.id, b"no picture")


async def test_edits_of_files_keep_the_rest(server: TelegramServer, bot: Bot, chat: Chat) -> None:
    """A caption, the file itself and the buttons can be edited each."""
    sent = await bot.send_document(chat.id, b"old", caption="one")
    (message,) = server.messages(chat)
    await sent.edit_caption("two", reply_markup=KEYBOARD)
    assert (message.text, "document" in message.raw, len(message.buttons)) == ("two", True, 1)
    await sent.edit_reply_markup(None)
    assert (message.text, "document" in message.raw, message.buttons) == ("two", True, [])
    await sent.edit_media(InputMediaDocument(b"new", caption="three"))
    assert (message.text, message.files[0].data, len(message.edits)) == ("three", b"new", 3)
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await sent.edit_text("text")


async def test_chats_and_members_are_told(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """A bot may ask who is where."""
    group = server.group(-5, "Friends")
    assert (await bot.get_chat(chat.id)).first_name == "Alice"
    assert (await bot.get_chat(group.id)).title == "Friends"
    assert (await bot.get_chat_member(group.id, alice.id)).status == "left"
    assert (await bot.get_chat_member(group.id, bot.id)).status == "member"
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.get_chat("@nobody")


# Requests


@pytest.mark.parametrize(
    ("params", "violation"),
    [
        ({"chat_id": 1001}, "text is required"),
        ({"chat_id": 1001, "text": "x", "sound": 1}, "there is no parameter sound"),
        ({"chat_id": 1001, "text": "x", "message_thread_id": "x"}, "must be Integer: 'x'"),
        ({"chat_id": 1001, "text": "x", "entities": [{"type": "bold"}]}, "offset is required"),
        ({"chat_id": 1001, "text": "x", "parse_mode": "HTML"}, "knows no parse_mode"),
    ],
)
async def test_requests_are_held_against_the_bot_api(
    server: TelegramServer, bot: Bot, chat: Chat, params: Json, violation: str
) -> None:
    """A parameter that the Bot API does not know, needs or reads so is noted and refused."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{bot.base_url}/sendMessage", json=params)
    assert answer.status_code == 400
    assert violation in server.violations[0]
    assert server.messages(chat) == []


def test_each_method_is_specified() -> None:
    """The server knows the methods that its extract of the Bot API has, and no others."""
    assert METHODS.keys() == SPECIFIED.keys()


async def test_menu_is_kept(server: TelegramServer, bot: Bot) -> None:
    """The commands that the bot sets are its menu."""
    await bot.set_my_commands([("vote", "Vote for an option.")])
    await bot.set_my_commands([("vote", "Abstimmen.")], language_code="de")
    assert server.commands == [("vote", "Vote for an option.")]
    german = await bot.get_my_commands(language_code="de")
    assert [command.description for command in german] == ["Abstimmen."]
    await bot.delete_my_commands()
    assert server.commands == []
    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await bot.set_my_commands([("Vote", "Vote for an option.")])


async def test_signs_of_work_are_kept(server: TelegramServer, bot: Bot, chat: Chat) -> None:
    """Typing and drafts are noted."""
    await bot.send_chat_action(chat.id, "typing")
    await bot.send_message_draft(chat.id, 7, "so f")
    assert [tuple(typing) for typing in server.typing] == [(chat.id, None, "typing")]
    assert [tuple(draft) for draft in server.drafts] == [(chat.id, None, 7, "so f", False)]


async def test_lines_are_said_and_answers_printed() -> None:
    """Run as a program, it tells its address; lines go to the bot and its messages come out."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "servers.telegram_server",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    async with Bot(told["token"], base_url=told["api"]) as bot:
        process.stdin.write(b"hi\n")
        (update,) = await bot.get_updates(timeout=5)
        assert update.effective_message is not None
        await update.effective_message.reply_text("hello", reply_markup=KEYBOARD)
        assert await process.stdout.readline() == b"hello [('Yes', 'data of yes')]\n"
    process.stdin.close()
    assert await process.wait() == 0
