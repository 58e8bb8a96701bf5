"""One real app, on a page of the web and on Telegram at once."""

import asyncio
from typing import Any

import pytest

from chatstate.engine import Engine
from chatstate.testing import MemoryStore

gr = pytest.importorskip("gradio", reason="the extra gradio is not installed")
pytest.importorskip("telegram", reason="python-telegram-bot is not installed")
pytest.importorskip("multipart", reason="python-multipart is not installed")


UNAVAILABLE = 503


async def test_a_conversation_on_both(load: Any) -> None:
    """Each person has a history of their own there, and the app stays as it is."""
    from adapters.telegram_host import adapter_on
    from adapters.web_page import TOKEN, visiting
    from servers.telegram_server import TelegramServer

    from chatstate_web import WebAdapter

    messages = ', type="messages"' if gr.__version__.startswith("5.") else ""
    bot = load(f"demo = gr.ChatInterface(lambda m, h: f'{{m}} {{len(h)}}'{messages})\n")
    telegram, page = TelegramServer(), WebAdapter(listen=None, page_token=TOKEN)
    await telegram.start()
    engine = Engine(bot, [page, adapter_on(telegram)], MemoryStore())
    await engine.start()
    ends = asyncio.create_task(engine.wait())
    try:
        async with visiting(page.app, "10.0.0.1") as (visitor,):
            bob = telegram.person(1000, "Bob", "bob")
            there = telegram.private_chat(bob)
            while await visitor.enter() == UNAVAILABLE:
                await asyncio.sleep(0)
            await visitor.say("hi")
            await visitor.until(2)
            telegram.say(bob, there, "hello")
            await telegram.wait_for(lambda: telegram.messages(there))
            await visitor.say("again")
            await visitor.until(4)
            assert await visitor.texts() == ["hi", "hi 0", "again", "again 2"]
            assert telegram.messages(there)[-1].text == "hello 0"
    finally:
        engine.request_stop()
        await asyncio.wait([ends])
        await engine.stop()
        await telegram.stop()
