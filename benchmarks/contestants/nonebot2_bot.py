"""NoneBot2.

Promised: nothing about events once an adapter has them. Each is handled in a task of its own; none
waits for another of the same chat. What is kept between events is the author's to keep: here in a
dict, as its tutorial does. There is no setting that is durable; the plugin of its makers for
databases leaves when to commit to the author.

1. Writers call `nonebot.message.handle_event`, which is its own dispatch, with an adapter that is
   made here: what is sent ends there. Events are made as chatstate's are: no JSON is parsed.
2. Its log is at WARNING: by default it writes a line for each event.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import nonebot
from nonebot.adapters import Adapter, Bot, Event, Message, MessageSegment
from nonebot.matcher import Matcher
from nonebot.message import handle_event

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait


class _Segment(MessageSegment["_Message"]):
    @classmethod
    def get_message_class(cls) -> type[_Message]:
        return _Message

    def __str__(self) -> str:
        return str(self.data["text"])

    def is_text(self) -> bool:
        return True


class _Message(Message[_Segment]):
    @classmethod
    def get_segment_class(cls) -> type[_Segment]:
        return _Segment

    @staticmethod
    def _construct(msg: str) -> Iterable[_Segment]:
        yield _Segment("text", {"text": msg})


class _Said(Event):
    person: int
    said: str

    def get_type(self) -> str:
        return "message"

    def get_event_name(self) -> str:
        return "said"

    def get_event_description(self) -> str:
        return self.said

    def get_user_id(self) -> str:
        return str(self.person)

    def get_session_id(self) -> str:
        return str(self.person)

    def get_message(self) -> Message[Any]:
        return _Message(self.said)

    def is_tome(self) -> bool:
        return True


class _Counter(Adapter):
    """A platform that only counts."""

    replies: Replies

    @classmethod
    def get_name(cls) -> str:
        return "counter"

    async def _call_api(self, bot: Bot, api: str, **data: Any) -> Any:  # noqa: ARG002 - the library's
        self.replies.take(data["person"], data["text"])


class _Bot(Bot):
    async def send(self, event: Event, message: Any, **_: Any) -> Any:
        return await self.call_api("send", person=int(event.get_user_id()), text=str(message))


def _handler(work: str) -> Any:
    """Return the function that an author writes for a work."""
    histories: dict[str, list[str]] = {}
    counts = {"": 0}

    def changed(event: Event) -> str:
        person = event.get_session_id()
        histories[person] = kept(histories.get(person, []), event.get_plaintext())
        return answer(histories[person])

    async def echo(event: Event, matcher: Matcher) -> None:
        if work == "wait":
            await wait()
        await matcher.send(changed(event))

    async def count(matcher: Matcher) -> None:
        number = counts[""]
        if work == "slow count":
            await wait()
        counts[""] = number + 1
        await matcher.send(str(number + 1))

    return count if work.endswith("count") else echo


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what NoneBot does with events."""
    nonebot.init(driver="~none", log_level="WARNING")
    nonebot.on_message().append_handler(_handler(setup.work))
    adapter = _Counter(nonebot.get_driver())
    adapter.replies = replies
    itself = _Bot(adapter, "1")

    async def say(person: int, number: int) -> None:
        await handle_event(itself, _Said(person=person, said=text(number)))

    yield say
