"""What Telegram tells of besides messages and presses, end to end: polls, inline mode, payments."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from adapters.telegram_host import adapter_on
from servers.telegram_model import Chat, Json, Person
from servers.telegram_server import TelegramServer

from chatstate import (
    Interface,
    Markdown,
    Message,
    Native,
    PerMember,
    PerUser,
    Ref,
    Turn,
    UserError,
)
from chatstate.engine import Engine
from chatstate.stores.sqlite import SQLiteStore

OK = Native("answerPreCheckoutQuery", ok=True)


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


@pytest.fixture
def alice(server: TelegramServer) -> Person:
    return server.person(1001, "Alice", "alice")


@pytest.fixture
def chat(server: TelegramServer, alice: Person) -> Chat:
    return server.private_chat(alice)


@contextlib.asynccontextmanager
async def running(
    server: TelegramServer, bot: Interface, folder: Path, **options: Any
) -> AsyncIterator[Engine]:
    """Run a bot until the end of the block."""
    engine = Engine(bot, [adapter_on(server, **options)], SQLiteStore(folder / "bot.db"))
    await engine.start()
    waiting = asyncio.create_task(engine.wait())
    try:
        yield engine
    finally:
        engine.request_stop()
        await asyncio.wait([waiting])
        await engine.stop()


async def answered(server: TelegramServer, query: str) -> Json:
    """Return what the bot answered to a query."""
    await server.wait_for(lambda: query in server.answered)
    return server.answered[query]


def texts(server: TelegramServer, chat: Chat) -> list[str]:
    """Return what the bot has said."""
    return [message.text for message in server.messages(chat)]


async def test_a_vote_is_a_turn(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """In private with whoever voted, whose states are there."""
    bot = Interface(id="polls")

    @bot.on("telegram:poll_answer")
    def voted(message: Message, votes: PerMember[Ref[int]]) -> str:
        votes.value += 1
        return f"{votes.value}: {(message.raw or {})['option_ids']}"

    @bot.on_message
    def asked(_: str, votes: PerMember[Ref[int]]) -> str:
        return f"{votes.value} so far"

    async with running(server, bot, tmp_path):
        for option in (2, 0):
            server.vote(alice, "3", option)
        await server.wait_for(lambda: len(server.messages(chat)) == 2)
        server.say(alice, chat, "how many?")
        await server.wait_for(lambda: len(server.messages(chat)) == 3)
        assert texts(server, chat) == ["1: [2]", "2: [0]", "2 so far"]


# Inline mode


def notes() -> Interface:
    """Return a bot that keeps notes, and finds them."""
    bot = Interface(id="notes")

    @bot.on_message
    def keep(text: str, kept: PerUser[list[str]]) -> str:
        kept.append(text)
        return "kept"

    @bot.on("telegram:inline_query")
    def find(message: Message, kept: PerUser[list[str]]) -> Any:
        if message.text == "mine":
            article = {"type": "article", "id": "m", "title": "Mine"}
            content = {"message_text": f"{len(kept)} notes"}
            results = [{**article, "input_message_content": content}]
            return Native("answerInlineQuery", results=results, cache_time=60)
        if message.text == "fail":
            raise RuntimeError(message.text)
        return [Markdown(f"**{note}**\nof yours") for note in kept if message.text in note]

    return bot


async def test_an_inline_query_is_answered_with_texts(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """Each is a result; none is an answer too. Telegram shows them to nobody else."""
    async with running(server, notes(), tmp_path):
        server.say(alice, chat, "teapot")
        await server.wait_for(lambda: server.messages(chat))
        found = await answered(server, server.ask_inline(alice, "tea"))
        (result,) = found["results"]
        assert (result["title"], result["description"]) == ("teapot", "of yours")
        content = result["input_message_content"]
        assert content["message_text"] == "teapot\nof yours"
        assert [entity["type"] for entity in content["entities"]] == ["bold"]
        assert (found["cache_time"], found["is_personal"]) == (0, True)
        assert (await answered(server, server.ask_inline(alice, "cup")))["results"] == []


async def test_an_inline_query_is_answered_by_a_call_of_its_own(
    server: TelegramServer, alice: Person, tmp_path: Path
) -> None:
    """Which is told the query it answers."""
    async with running(server, notes(), tmp_path):
        found = await answered(server, server.ask_inline(alice, "mine"))
        assert (found["results"][0]["title"], found["cache_time"]) == ("Mine", 60)


async def test_a_query_that_fails_is_answered_by_nothing(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """And stops nothing else; nothing of it is said in private."""
    async with running(server, notes(), tmp_path):
        assert (await answered(server, server.ask_inline(alice, "fail")))["results"] == []
        server.say(alice, chat, "hi")
        await server.wait_for(lambda: server.messages(chat))
        assert texts(server, chat) == ["kept"]


async def test_a_query_that_is_too_old_is_told(
    server: TelegramServer, alice: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for it: the bot goes on."""
    async with running(server, notes(), tmp_path):
        query = server.ask_inline(alice, "tea")
        server.open_queries.clear()
        await server.wait_for(lambda: server.called("answerInlineQuery"))
        assert query not in server.answered
        await answered(server, server.ask_inline(alice, "tea"))
    assert "an inline query could not be answered" in caplog.text


# Payments


def shop() -> Interface:
    """Return a bot that sells, and counts what it has sold."""
    bot = Interface(id="shop")

    @bot.on("telegram:pre_checkout_query")
    def check(message: Message) -> Any:
        match (message.raw or {})["invoice_payload"]:
            case "tea":
                return OK
            case "gold":
                raise UserError("There is no gold left.")
            case "nothing":
                return None
            case wanted:
                raise RuntimeError(wanted)

    @bot.on("telegram:shipping_query")
    def ship(message: Message) -> Any:
        if (message.raw or {})["shipping_address"]["country_code"] != "DE":
            return "We do not send so far."
        option = {"id": "post", "title": "Post", "prices": [{"label": "Post", "amount": 5}]}
        return Native("answerShippingQuery", ok=True, shipping_options=[option])

    @bot.on("telegram:successful_payment")
    async def paid(message: Message, turn: Turn, sold: PerMember[Ref[int]]) -> str:
        sold.value += (message.raw or {})["successful_payment"]["total_amount"]
        return f"{sold.value} of {turn.user.name}"

    return bot


async def test_a_payment_from_its_check_to_its_end(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """What is paid is counted once, though Telegram tells of it again, and after a restart."""
    async with running(server, shop(), tmp_path):
        consent = await answered(server, server.check_out(alice, "tea"))
        assert (consent["ok"], "chat_id" in consent) == (True, False)
        server.pay(alice, chat, "tea")
        payment = server.updates.all[-1]
        await server.wait_for(lambda: server.messages(chat))
    async with running(server, shop(), tmp_path):
        server.redeliver(payment)
        server.pay(alice, chat, "tea")
        await server.wait_for(lambda: len(server.messages(chat)) == 2)
        assert texts(server, chat) == ["5 of Alice", "10 of Alice"]


async def test_a_payment_is_refused_by_what_is_said(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """A `UserError` is the reason; so is the sentence of a handler that failed."""
    async with running(server, shop(), tmp_path):
        refusal = await answered(server, server.check_out(alice, "gold"))
        assert (refusal["ok"], refusal["error_message"]) == (False, "There is no gold left.")
        failure = await answered(server, server.check_out(alice, "a bug"))
        assert failure["ok"] is False
        assert "went wrong" in failure["error_message"]
        assert texts(server, chat) == []


async def test_nothing_is_no_consent(server: TelegramServer, alice: Person, tmp_path: Path) -> None:
    """Telegram gives up a payment that nobody has answered."""
    async with running(server, shop(), tmp_path):
        silent = server.check_out(alice, "nothing")
        await answered(server, server.check_out(alice, "tea"))
        assert silent not in server.answered


async def test_where_to_send_is_answered(
    server: TelegramServer, alice: Person, tmp_path: Path
) -> None:
    """With what it costs, or why it cannot be."""
    async with running(server, shop(), tmp_path):
        offer = await answered(server, server.ship_to(alice, "tea"))
        assert (offer["ok"], offer["shipping_options"][0]["id"]) == (True, "post")
        refusal = await answered(server, server.ship_to(alice, "tea", "FR"))
        assert (refusal["ok"], refusal["error_message"]) == (False, "We do not send so far.")
