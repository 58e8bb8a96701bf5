"""The token is nowhere but in requests: not in logs, tracebacks, texts of errors or the store."""

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from adapters.telegram_host import FakeHost, action, adapter_on, received
from servers.telegram_server import TelegramServer

from chatstate import Attachment, Interface, SendError
from chatstate.engine import Engine
from chatstate.stores.sqlite import SQLiteStore
from chatstate_telegram import TelegramAdapter
from chatstate_telegram.receive.webhook import secret_of

SECRET = "AAF-sentinel-that-nobody-may-see"  # noqa: S105 - it opens nothing
TOKEN = f"123456789:{SECRET}"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that anybody logs, as a formatter writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


async def test_no_log_shows_it(logged: io.StringIO, tmp_path: Path) -> None:
    """At DEBUG, of all libraries: a conversation, a file, outages and refusals; nor the store."""
    bot = Interface(lambda message: message, id="echo")
    async with TelegramServer(TOKEN) as server:
        alice = server.person(1001, "Alice")
        chat = server.private_chat(alice)
        server.fail("getUpdates", 502, body="<html></html>")
        server.fail("sendMessage", 429, retry_after=1)
        server.fail("sendMessage", 200, body="no JSON", accepted=True)
        adapter = adapter_on(server)
        engine = Engine(bot, [adapter], SQLiteStore(tmp_path / "store.db"))
        await engine.start()
        message = server.send(alice, chat, "document", b"data", caption="hi")
        await server.wait_for(lambda: len(server.messages(chat)) == 2)
        async for _ in adapter.open(Attachment(message.raw["document"]["file_id"])):
            pass
        await server.stop()
        server.say(alice, chat, "again")
        while "cannot be reached" not in logged.getvalue():
            await asyncio.sleep(0.01)
        await server.start()
        await server.wait_for(lambda: len(server.messages(chat)) == 3)
        await engine.stop()
    text = logged.getvalue()
    assert "httpx INFO HTTP Request: POST" in text
    assert "getUpdates" in text
    assert SECRET not in text
    assert not [path for path in _files_in(tmp_path) if SECRET.encode() in path.read_bytes()]


def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_no_log_shows_the_secret_of_a_webhook(logged: io.StringIO) -> None:
    """At DEBUG, where the libraries tell what they ask for, and how it is answered."""
    async with TelegramServer(TOKEN) as server:
        adapter = adapter_on(server, webhook="https://bot.example.org/hook", listen=None)
        async with received(adapter, FakeHost()):
            await server.wait_for(lambda: server.called("setWebhook"))
        assert server.called("setWebhook")[0]["secret_token"] == secret_of(TOKEN)
    assert "setWebhook" in logged.getvalue()
    assert secret_of(TOKEN) not in logged.getvalue()


@pytest.mark.parametrize("method", ["sendMessage", "getFile", "download"])
async def test_no_traceback_shows_it(method: str) -> None:
    """Whatever a call fails with."""
    async with TelegramServer(TOKEN) as server:
        alice = server.person(1001, "Alice")
        sent = server.send(alice, server.private_chat(alice), "document", bytes(300_000))
        attachment = Attachment(sent.raw["document"]["file_id"])
        adapter = adapter_on(server)
        async with received(adapter, FakeHost()):
            await server.wait_for(lambda: server.updates.is_polled)
            for fault in (401, 403, 404, 500, 0, -1):
                if fault > 0:
                    server.fail(method, fault)
                elif fault == 0:
                    server.drop(method, accepted=True)
                else:
                    await server.stop()
                with pytest.raises(SendError) as failed:
                    if method == "sendMessage":
                        await adapter.perform(action(1001, {"text": "hi"}))
                    else:
                        [_ async for _ in adapter.open(attachment)]
                assert SECRET not in "".join(traceback.format_exception(failed.value))


def test_nothing_shows_it_when_it_is_printed() -> None:
    """Neither the adapter nor what it is made of."""
    adapter = TelegramAdapter(token=TOKEN)
    assert SECRET not in repr(adapter) + repr(adapter._client) + str(adapter.__dict__["_client"])
