"""python-telegram-bot.

Promised: without `concurrent_updates` handlers see updates in order. Not promised: anything of an
update once it is fetched. `context.user_data` and `bot_data` are dicts in memory.

1. As a rule each writer calls `Application.process_update`. That passes by the update queue, and
   with it `concurrent_updates`: of the settings there are, this one costs least. Nothing is kept.
2. With the option "pickle" it is as the documentation sets up a bot that remembers: updates go by
   the queue, one after the other, and `PicklePersistence` writes all data to one file every 60 s
   and when the bot is stopped. What a killed process had changed since is lost.
3. Updates are ready-made objects, as the events that chatstate gets are: no JSON is parsed.
4. Sends are counted at the transport: a `BaseRequest` that accepts all and contacts nobody.
5. Handlers are coroutines: there are no sync ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from telegram import Chat, Message, Update, User
from telegram.ext import (
    Application,
    ApplicationBuilder,
    ContextTypes,
    MessageHandler,
    PicklePersistence,
    filters,
)
from telegram.request import BaseRequest, RequestData

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait

_NOW = dt.datetime.now(dt.UTC)
_ME = b'{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"echo","username":"echo"}}'
_SENT = b'{"ok":true,"result":{"message_id":1,"date":0,"chat":{"id":1,"type":"private"}}}'


class _Counter(BaseRequest):
    def __init__(self, replies: Replies) -> None:
        self._replies = replies

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
        if url.endswith("/sendMessage") and request_data:
            parameters = request_data.parameters
            self._replies.take(int(str(parameters["chat_id"])) - 1, str(parameters["text"]))
        return 200, _ME if url.endswith("/getMe") else _SENT


class _Bot:
    """The handlers; who waits for an update that goes by the queue is told when it is answered."""

    def __init__(self, work: str) -> None:
        self.answered: dict[int, asyncio.Future[None]] = {}
        self._work = work

    async def handle(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Answer, as the work says."""
        message = update.effective_message
        if message is None or message.text is None:
            raise RuntimeError(f"{update} has no text")
        if self._work.endswith("count"):
            reply = str(await self._counted(context.bot_data))
        else:
            reply = answer(await self._history(context, message.text))
        await message.reply_text(reply)
        if update.update_id in self.answered:
            self.answered.pop(update.update_id).set_result(None)

    async def _history(self, context: ContextTypes.DEFAULT_TYPE, message: str) -> list[str]:
        data: dict[Any, Any] = context.user_data if context.user_data is not None else {}
        if self._work == "wait":
            await wait()
        data["history"] = history = kept(data.get("history", []), message)
        return history

    async def _counted(self, data: dict[Any, Any]) -> int:
        count: int = data.get("count", 0)
        if self._work == "slow count":
            await wait()
        data["count"] = count + 1
        return count + 1


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what an application does with updates."""
    counter, made = _Counter(replies), _Bot(setup.work)
    builder = ApplicationBuilder().token("1:token").updater(None).request(counter)
    builder = builder.get_updates_request(_Counter(replies))
    if by_queue := "pickle" in setup.options:
        builder = builder.persistence(PicklePersistence(_file(setup)))
    application = builder.build()
    application.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, made.handle))

    async def say(person: int, number: int) -> None:
        update = _update(person, number, application)
        if by_queue:
            answered = made.answered[number] = asyncio.get_running_loop().create_future()
            await application.update_queue.put(update)
            await answered
        else:
            await application.process_update(update)

    async with application:
        if by_queue:
            await application.start()
        yield say
        if by_queue:
            await application.stop()


def fill(setup: Setup, sessions: int) -> None:
    """Write the file that so many people left."""
    import pickle

    histories = {1_000_000_000 + n: {"history": ["hello", "how are you"]} for n in range(sessions)}
    empty: dict[Any, Any] = {}
    data = {"conversations": empty, "user_data": histories, "chat_data": empty, "bot_data": empty}
    _file(setup).write_bytes(pickle.dumps({**data, "callback_data": None}))


def _file(setup: Setup) -> Path:
    return setup.folder / "bot.pickle"


def _update(
    person: int, number: int, application: Application[Any, Any, Any, Any, Any, Any]
) -> Update:
    known = person + 1  # Telegram has no person 0
    user = User(known, str(known), is_bot=False)
    message = Message(number, _NOW, Chat(known, "private"), user, text=text(number))
    message.set_bot(application.bot)
    return Update(number, message=message)
