"""The Bot API server tells the bot of what people do, as Telegram does."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import telegram
from aiohttp import web
from servers.telegram_client import bot_on
from servers.telegram_model import Chat, Person
from servers.telegram_server import TelegramServer
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Update,
)
from telegram.error import (
    BadRequest,
    Conflict,
    NetworkError,
)

KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="data of yes")]])
SIGN = "sent-by-telegram"


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


def said(updates: Iterable[Update]) -> list[str | None]:
    messages = [update.effective_message for update in updates]
    return [message.text for message in messages if message]


# Updates


async def test_updates_wait_for_a_later_offset(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """An update is given again until an offset behind it confirms it."""
    for text in ("one", "two", "three"):
        server.say(alice, chat, text)
    first = await bot.get_updates(limit=2)
    again = await bot.get_updates()
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert (said(first), said(again), said(rest)) == (
        ["one", "two"],
        ["one", "two", "three"],
        ["three"],
    )
    assert server.violations == []


async def test_poll_waits_until_something_is_said(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """A long poll is answered when there is an update, and empty when its time is over."""
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await server.wait_for(lambda: server.updates.is_polled)
    server.say(alice, chat, "hi")
    (update,) = await poll
    assert said((update,)) == ["hi"]
    assert await bot.get_updates(offset=update.update_id + 1, timeout=1) == ()


async def test_second_poll_ends_the_first(server: TelegramServer, bot: Bot) -> None:
    """A bot that is polled for twice learns so."""
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await server.wait_for(lambda: server.updates.is_polled)
    async with bot_on(server) as other:
        second = asyncio.create_task(other.get_updates(timeout=30))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await first
        await server.wait_for(lambda: server.updates.is_polled)
        server.break_polling()
        with pytest.raises(NetworkError, match="Server disconnected"):
            await second


async def test_unasked_kinds_are_not_queued(
    server: TelegramServer, bot: Bot, alice: Person
) -> None:
    """Only what `allowed_updates` names is told; who comes and goes only if it is named."""
    group = server.group(-5, "Friends")
    server.join(alice, group)
    await bot.get_updates(allowed_updates=["chat_member"])
    server.leave(alice, group)
    updates = await bot.get_updates()
    assert [("chat_member" in update.to_dict(), bool(update.message)) for update in updates] == [
        (False, True),
        (True, False),
    ]


async def test_redelivered_update_comes_once_more(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """An update that was confirmed can come again under its id."""
    server.say(alice, chat, "hi")
    (update,) = await bot.get_updates()
    offset = update.update_id + 1
    assert await bot.get_updates(offset=offset) == ()
    server.redeliver(server.updates.all[-1])
    (again,) = await bot.get_updates(offset=offset)
    assert again.update_id == update.update_id
    assert await bot.get_updates(offset=offset) == ()


@asynccontextmanager
async def webhook(statuses: list[int]) -> AsyncIterator[tuple[str, list[tuple[str, str]]]]:
    """Listen for updates, answering with these statuses; give the URL, and what came."""
    came: list[tuple[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        came.append((secret, (await request.json())["message"]["text"]))
        return web.Response(status=statuses.pop(0) if statuses else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", came
    finally:
        await runner.cleanup()


async def test_webhook_gets_updates_in_order_until_it_takes_them(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """Updates are posted one after the other, with the secret, again after an error."""
    async with webhook([200, 503]) as (url, came):
        await bot.set_webhook(url, secret_token=SIGN)
        for text in ("one", "two", "three"):
            server.say(alice, chat, text)
        await server.wait_for(lambda: not server.updates.pending)
        with pytest.raises(Conflict, match="while webhook is active"):
            await bot.get_updates()
        info = await bot.get_webhook_info()
        await bot.delete_webhook()
    assert came == [(SIGN, text) for text in ("one", "two", "two", "three")]
    assert (info.url, info.last_error_message) == (
        url,
        "Wrong response from the webhook: 503 Service Unavailable",
    )


# What people do


def unknown_fields(value: Any) -> list[str]:
    """Return the fields that python-telegram-bot does not know, in all that is in an object."""
    if isinstance(value, list | tuple):
        return [name for item in value for name in unknown_fields(item)]
    if not isinstance(value, telegram.TelegramObject):
        return []
    fields = [getattr(value, name, None) for name in value.to_dict(recursive=False)]
    return [*value.api_kwargs, *unknown_fields(fields)]


def everything_happens(server: TelegramServer) -> None:
    alice, bob = server.person(1, "Alice", "alice"), server.person(2, "Bob")
    private, group = server.private_chat(alice), server.group(-5, "Friends", alice)
    forum = server.supergroup(-1007, "Forum", alice, is_forum=True)
    first = server.say(alice, group, "/start@test_bot #now @alice https://example.org")
    server.edit(server.say(bob, group, "Hello", reply_to=first), "Bye")
    server.say(alice, forum, "in here", thread=server.topic(forum, "Here"))
    for kind in ("photo", "document", "audio", "voice", "video", "animation", "sticker"):
        server.send(alice, private, kind, caption="" if kind == "sticker" else "look, @bob_b")
    server.album(alice, private, [("photo", None), ("video", None)], caption="both")
    server.contact(alice, private, "+491234", "Carl")
    server.location(alice, private, 48.1, 11.5)
    server.say(alice, server.channel(-1008, "News", "news"), "posted")
    server.join(bob, group)
    server.leave(bob, group)
    server.block(alice)
    server.migrate(group)


async def test_updates_are_what_python_telegram_bot_reads(
    server: TelegramServer, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each update has all fields which the library needs, and none that it does not know."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # without it durations warn of their future
    await bot.get_updates(allowed_updates=Update.ALL_TYPES)
    everything_happens(server)
    updates = await bot.get_updates(limit=100)
    assert len(updates) == len(server.updates.all)
    assert unknown_fields(updates) == []


async def test_press_is_answered_once(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """A press carries the button's data and its message, and takes one answer."""
    await bot.send_message(chat.id, "Sure?", reply_markup=KEYBOARD)
    (message,) = server.messages(chat)
    press = server.press(alice, message, "Yes")
    query = (await bot.get_updates())[-1].callback_query
    assert query is not None
    assert query.message is not None
    assert (query.data, query.message.message_id) == ("data of yes", message.id)
    await query.answer("Thanks")
    assert server.answer_to(press) == "Thanks"
    with pytest.raises(BadRequest, match="Query is too old"):
        await query.answer("Thanks")


async def test_press_can_be_forged(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """Data that no button has can come, below a deleted message too."""
    sent = await bot.send_message(chat.id, "Sure?")
    await sent.delete()
    server.forge(alice, server.messages(chat)[0], "forged")
    query = (await bot.get_updates())[-1].callback_query
    assert query is not None
    assert query.message is not None
    assert (query.data, query.message.is_accessible) == ("forged", False)
