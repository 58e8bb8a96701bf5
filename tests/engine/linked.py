"""One bot on two platforms, and people who may be the same on both."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from chatstate import Chat, Event, Interface, Message, MessageRef, User
from chatstate.engine import Engine
from chatstate.engine.parts import Parts
from chatstate.messages import MessageKind
from chatstate.stores.base import Store
from chatstate.testing import Delivered, FakeClock, FakePlatform, MemoryData, MemoryStore


class Someone:
    """Somebody in private on one of the platforms."""

    def __init__(self, platform: FakePlatform, name: str, numbers: Iterator[int]) -> None:
        self.platform = platform
        self.user = User(name, name.title())
        self.chat = Chat(f"private-{name}")
        self._numbers = numbers

    def event(self, text: str, kind: MessageKind = "message", **more: Any) -> Event:
        """Return what the platform delivers if they say something."""
        identity = f"event-{next(self._numbers)}"
        time = datetime.now(UTC)
        message = Message(text, self.user, self.chat, kind, id=identity, time=time, **more)
        return Event(identity, message, origin=identity)

    async def say(self, text: str) -> list[str]:
        """Say something; return what is answered here."""
        return await self.do(self.event(text))

    async def press(self, label: str) -> list[str]:
        """Press a button of the newest message that has it."""
        for shown in reversed(self.platform.shown(self.chat.id)):
            for button in (button for row in shown.buttons for button in row):
                if button.label == label:
                    return await self.press_data(button.data, shown)
        raise LookupError(label)

    async def press_data(self, data: str, on: Delivered) -> list[str]:
        """Press a button of a message that carries `data`."""
        pressed = MessageRef(on.edits or on.id)
        return await self.do(self.event(data, "press", pressed=pressed))

    async def do(self, event: Event) -> list[str]:
        """Let an event come; return what is answered here."""
        before = len(self.platform.delivered)
        (receipt,) = await (await self.platform.connected()).deliver([event])
        await receipt.settled()
        new = self.platform.delivered[before:]
        return [sent.text for sent in new if sent.event == event.id]

    @property
    def shown(self) -> list[str]:
        """What the chat shows now."""
        return [message.text for message in self.platform.shown(self.chat.id)]

    async def told(self, count: int) -> str:
        """Return what is shown last, once there is so much."""
        while len(self.shown) < count:
            await asyncio.sleep(0)
        return self.shown[-1]


class Linked:
    """The bot, which runs on "telegram" and "discord"."""

    def __init__(self, bot: Interface, store: Store, clock: FakeClock) -> None:
        self.bot = bot
        self.store = store
        self.clock = clock
        self.telegram, self.discord = FakePlatform("telegram"), FakePlatform("discord")
        self.engine = Engine(bot, [self.telegram, self.discord], store, clock=clock)
        self.numbers = itertools.count(1)

    @property
    def parts(self) -> Parts:
        """The parts of the engine."""
        assert self.engine._parts
        return self.engine._parts

    def eve(self) -> Someone:
        """Return Eve on the first platform."""
        return Someone(self.telegram, "eve", self.numbers)

    def evelyn(self) -> Someone:
        """Return who may be her on the other one."""
        return Someone(self.discord, "evelyn", self.numbers)

    async def settle(self) -> None:
        """Return once what one has answered has come to the other."""
        await self.parts.approvals.settle(5)
        while self.parts.lanes.activity or self.parts.sender.activity:
            await asyncio.sleep(0)

    async def link(self, first: Someone, second: Someone) -> None:
        """Let two be one person."""
        code = await code_of(first)
        await second.say(f"/link {code}")
        await second.press("Yes")
        await self.until(lambda: first.shown[-1].startswith("Link to"))
        await first.press("Yes")
        await self.until(lambda: "You are linked with" in second.shown[-1])
        await self.until(lambda: "You are linked with" in first.shown[-1])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let others run until a condition holds."""
        while not condition():
            await asyncio.sleep(0)


async def code_of(person: Someone) -> str:
    """Return the code that somebody is shown."""
    (shown,) = await person.say("/link")
    return shown.rpartition(" ")[2]


@contextlib.asynccontextmanager
async def linked(
    bot: Interface, store: Store | None = None, clock: FakeClock | None = None
) -> AsyncGenerator[Linked]:
    """Let the bot run, on a store in memory if none is given."""
    clock = clock or FakeClock()
    made = Linked(bot, store or MemoryStore(MemoryData(), clock=clock.time), clock)
    task = asyncio.create_task(made.engine.run())
    for platform in (made.telegram, made.discord):
        await platform.connected()
    try:
        yield made
    finally:
        made.engine.request_stop()
        await task
