"""aiogram.

Promised: nothing about updates after they were fetched. What a conversation keeps is in an FSM
storage, written by the handler before it answers; by default no events of one chat wait for each
other. There is nothing global: handlers may be given a dict (here, in memory), or use the storage
with a key of nobody's (with Redis).

1. As a rule histories are in `MemoryStorage`, and nothing is kept. With the option "redis" they are
   in `RedisStorage`, on a server of which the runner says how it keeps what it has.
2. Writers call `Dispatcher.feed_update` with ready-made objects: no JSON is parsed.
3. Sends are counted at the transport: a `BaseSession` that accepts all and contacts nobody.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.fsm.context import FSMContext
from aiogram.fsm.storage.base import StorageKey
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.types import Chat, Message, Update, User

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait

_NOW = dt.datetime.now(dt.UTC)
_TOKEN = "1:token"  # noqa: S105 - it opens nothing


class _Counter(BaseSession):
    def __init__(self, replies: Replies) -> None:
        super().__init__()
        self._replies = replies

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[Any],
        timeout: int | None = None,  # noqa: ARG002, ASYNC109 - the library's signature
    ) -> Any:
        if isinstance(method, SendMessage):
            self._replies.take(int(method.chat_id) - 1, method.text)
        sent = Message(message_id=1, date=_NOW, chat=Chat(id=1, type="private"))
        return sent.as_(bot)

    async def close(self) -> None:
        """Close nothing."""

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        """Have no files."""
        yield b""


async def _echo(message: Message, state: FSMContext) -> None:
    data = await state.get_data()
    history = kept(data.get("history", []), message.text or "")
    await state.update_data(history=history)
    await message.answer(answer(history))


async def _waiting(message: Message, state: FSMContext) -> None:
    await wait()
    await _echo(message, state)


async def _count(message: Message, everybody: FSMContext, slow: bool) -> None:  # noqa: FBT001 - injected
    count = (await everybody.get_data()).get("count", 0)
    if slow:
        await wait()
    await everybody.update_data(count=count + 1)
    await message.answer(str(count + 1))


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what a dispatcher does with updates."""
    storage = RedisStorage.from_url(setup.url) if "redis" in setup.options else MemoryStorage()
    telegram = Bot(_TOKEN, session=_Counter(replies))
    everybody = FSMContext(storage, StorageKey(telegram.id, 0, 0))
    dispatcher = Dispatcher(storage=storage, everybody=everybody, slow=setup.work == "slow count")
    handlers = {"echo": _echo, "wait": _waiting, "count": _count, "slow count": _count}
    dispatcher.message.register(handlers[setup.work])

    async def say(person: int, number: int) -> None:
        await dispatcher.feed_update(telegram, _update(person, number))

    yield say
    await storage.close()


def fill(setup: Setup, sessions: int) -> None:
    """Have Redis keep so many histories."""
    import redis

    pipe = redis.Redis.from_url(setup.url).pipeline(transaction=False)
    for number in range(sessions):
        person = 1_000_000_000 + number
        pipe.set(f"fsm:{person}:{person}:data", '{"history": ["hello", "how are you"]}')
        if number % 10_000 == 0:
            pipe.execute()
    pipe.execute()


def _update(person: int, number: int) -> Update:
    known = person + 1  # Telegram has no person 0
    chat, user = Chat(id=known, type="private"), User(id=known, is_bot=False, first_name="")
    message = Message(message_id=number, date=_NOW, chat=chat, from_user=user, text=text(number))
    return Update(update_id=number, message=message)
