"""The Bot API server refuses and fails as Telegram and networks do."""

import io
import os
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from servers.telegram_client import bot_on
from servers.telegram_model import Chat, Person
from servers.telegram_server import TelegramServer
from telegram import (
    Bot,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)


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


async def test_migrated_group_tells_its_new_id(
    server: TelegramServer, bot: Bot, alice: Person
) -> None:
    """A group that became a supergroup refuses messages and says where to."""
    group = server.group(-5, "Friends", alice)
    new = server.migrate(group)
    old_message, new_message = (update.message for update in await bot.get_updates())
    assert old_message is not None
    assert new_message is not None
    assert (old_message.migrate_to_chat_id, new_message.migrate_from_chat_id) == (new.id, -5)
    with pytest.raises(ChatMigrated) as refused:
        await bot.send_message(-5, "hi")
    assert refused.value.new_chat_id == new.id


async def test_blocked_bot_is_refused(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """Who blocked the bot gets nothing until they start it again."""
    server.block(alice)
    with pytest.raises(Forbidden, match="blocked by the user"):
        await bot.send_message(chat.id, "hi")
    server.unblock(alice)
    await bot.send_message(chat.id, "hi")
    assert len(server.messages(chat)) == 1


async def test_wrong_token_is_refused(server: TelegramServer) -> None:
    """A token that the server does not know is unauthorized."""
    with pytest.raises(InvalidToken):
        async with Bot("1:other", base_url=server.base_url):
            pass
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.base_url}1:other/getMe")
    shown = {"ok": False, "error_code": 401, "description": "Unauthorized"}
    assert (answer.status_code, answer.json()) == (401, shown)


Break = Callable[[TelegramServer], None]


@pytest.fixture(autouse=True)
def timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    """`RetryAfter.retry_after` warns without this."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.mark.parametrize(
    ("break_it", "error", "cause", "effects"),
    [
        pytest.param(lambda s: s.fail("send*", 429), RetryAfter, None, 0, id="429"),
        pytest.param(lambda s: s.fail("sendMessage", 403), Forbidden, None, 0, id="403"),
        pytest.param(lambda s: s.fail("sendMessage", 400), BadRequest, None, 0, id="400"),
        pytest.param(lambda s: s.fail("sendMessage", 500), NetworkError, None, 0, id="500"),
        pytest.param(
            lambda s: s.fail("sendMessage", 500, accepted=True),
            NetworkError,
            None,
            1,
            id="500 and accepted",
        ),
        pytest.param(
            lambda s: s.fail("sendMessage", 502, body="<html>"),
            NetworkError,
            TelegramError,
            0,
            id="502 from a proxy",
        ),
        pytest.param(
            lambda s: s.drop("sendMessage", accepted=False),
            NetworkError,
            httpx.RemoteProtocolError,
            0,
            id="closed",
        ),
        pytest.param(
            lambda s: s.drop("sendMessage", accepted=True),
            NetworkError,
            httpx.RemoteProtocolError,
            1,
            id="closed and accepted",
        ),
        pytest.param(
            lambda s: s.drop("sendMessage", accepted=True, reset=True),
            NetworkError,
            httpx.ReadError,
            1,
            id="reset and accepted",
        ),
        pytest.param(
            lambda s: s.stall("sendMessage"), TimedOut, httpx.ReadTimeout, 0, id="stalled"
        ),
        pytest.param(
            lambda s: s.stall("sendMessage", accepted=True),
            TimedOut,
            httpx.ReadTimeout,
            1,
            id="stalled and accepted",
        ),
    ],
)
async def test_faults_are_what_they_are_to_the_library(
    server: TelegramServer,
    chat: Chat,
    break_it: Break,
    error: type[TelegramError],
    cause: type[Exception] | None,
    effects: int,
) -> None:
    """Each fault has its error and cause, takes effect if accepted, and is over when it is."""
    async with bot_on(server, read_timeout=0.3) as bot:
        break_it(server)
        with pytest.raises(error) as raised:
            await bot.send_message(chat.id, "hi")
        assert type(raised.value) is error
        assert type(raised.value.__cause__) is (cause or type(None))
        assert len(server.messages(chat)) == effects
        server.recover()
        await bot.send_message(chat.id, "hi")
        assert len(server.messages(chat)) == effects + 1


async def test_faults_keep_to_their_chat(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """A fault of one chat leaves the others alone."""
    group = server.group(-5, "Friends", alice)
    server.fail("sendMessage", 429, retry_after=3, chat=group)
    await bot.send_message(chat.id, "hi")
    with pytest.raises(RetryAfter, match="Retry in 0:00:03"):
        await bot.send_message(group.id, "hi")


async def test_download_can_be_cut_off(
    server: TelegramServer, bot: Bot, alice: Person, chat: Chat
) -> None:
    """A download that breaks in its middle is an error, and whole the next time."""
    data = os.urandom(300_000)
    sent = server.send(alice, chat, "document", data)
    file = await bot.get_file(sent.raw["document"]["file_id"])
    server.drop("download", accepted=True)
    with pytest.raises(NetworkError, match="without sending complete message body"):
        await file.download_to_memory(io.BytesIO())
    assert bytes(await file.download_as_bytearray()) == data


async def test_server_comes_back_as_it_was(server: TelegramServer, bot: Bot, chat: Chat) -> None:
    """Connections are refused while it is stopped; then all is there, at the same address."""
    await bot.send_message(chat.id, "one")
    await server.stop()
    with pytest.raises(NetworkError) as raised:
        await bot.send_message(chat.id, "lost")
    assert isinstance(raised.value.__cause__, httpx.ConnectError)
    await server.start()
    await bot.send_message(chat.id, "two")
    assert [message.text for message in server.messages(chat)] == ["one", "two"]


async def test_wait_for_says_what_was_called(server: TelegramServer, bot: Bot) -> None:
    """What never comes true fails with the last calls."""
    with pytest.raises(AssertionError, match=r"called:\n.*getMe"):
        await server.wait_for(lambda: server.messages(Chat(1, "private", "")), timeout=0.01)
