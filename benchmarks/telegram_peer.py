"""python-telegram-bot doing the work and keeping nothing, in an environment of its own.

Run as `python -m benchmarks.telegram_peer MESSAGES AT_ONCE`; prints a `Result` as JSON.

1. Nothing of chatstate is imported.
2. Updates are ready-made objects, as the events that chatstate gets are: no JSON is parsed.
3. Each writer calls `Application.process_update`. That passes by the update queue, and with it
   `concurrent_updates`: of the settings there are, this one costs least.
4. Histories are in `context.user_data`, in memory, without persistence.
5. Sends are counted at the transport: a `BaseRequest` that accepts all and contacts nobody.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from typing import Any

from telegram import Chat, Message, Update, User
from telegram.ext import Application, ApplicationBuilder, ContextTypes, MessageHandler, filters
from telegram.request import BaseRequest, RequestData

from benchmarks.work import KEPT, PEOPLE, Result, answer, text, write_all

_NOW = dt.datetime.now(dt.UTC)
_ME = b'{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"echo","username":"echo"}}'
_SENT = b'{"ok":true,"result":{"message_id":1,"date":0,"chat":{"id":1,"type":"private"}}}'


class _Counter(BaseRequest):
    def __init__(self) -> None:
        self.sent = 0

    @property
    def read_timeout(self) -> float:
        return 5.0

    async def initialize(self) -> None:
        """Open nothing."""

    async def shutdown(self) -> None:
        """Close nothing."""

    async def do_request(
        self,
        url: str,
        method: str,  # noqa: ARG002 - the library's signature
        request_data: RequestData | None = None,
        *_timeouts: Any,
        **_more_timeouts: Any,
    ) -> tuple[int, bytes]:
        if url.endswith("/getMe"):
            return 200, _ME
        self.sent += bool(request_data and request_data.parameters["text"])
        return 200, _SENT


async def _echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    message, kept = update.effective_message, context.user_data
    if message is None or message.text is None or kept is None:
        raise RuntimeError(f"{update} has no text or no person")
    kept["history"] = history = [*kept.get("history", ()), message.text][-KEPT:]
    await message.reply_text(answer(history))


def _update(number: int, application: Application[Any, Any, Any, Any, Any, Any]) -> Update:
    person = number % PEOPLE + 1  # Telegram has no person 0
    message = Message(
        number, _NOW, Chat(person, "private"), User(person, str(person), False), text=text(number)
    )
    message.set_bot(application.bot)
    return Update(number, message=message)


async def _serve(messages: int, at_once: int) -> Result:
    counter = _Counter()
    builder = ApplicationBuilder().token("1:token").updater(None).request(counter)
    application = builder.get_updates_request(_Counter()).build()
    application.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, _echo))

    async def write(number: int) -> None:
        await application.process_update(_update(number, application))

    async with application:
        result = await write_all(messages, at_once, write)
    if counter.sent != messages:
        raise RuntimeError(f"{messages} messages, {counter.sent} replies")
    return result


if __name__ == "__main__":
    measured = asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
    print(json.dumps(measured._asdict()))
