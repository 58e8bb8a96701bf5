"""The engine's place taken, so that tests see what the Telegram adapter delivers."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from servers.telegram_server import TelegramServer

from chatstate import Command, Event, Message
from chatstate.adapter import About, Action, Host, Part, ReceiptStatus
from chatstate.adapter.transcript import Transcript
from chatstate.inspection import Inspection, Seen
from chatstate_telegram import TelegramAdapter
from chatstate_telegram.send.pace import Limit, Limits, Pace

DEADLINE = 10.0
QUICK = Limits(*[Limit(1000, 0.001)] * 4)
"""As fast as can be: the pace has tests of its own."""


class Turn:
    """The receipt of an event, whose turn ends when a test says so."""

    status: ReceiptStatus = "stored"

    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def settled(self) -> None:
        await self.done.wait()


class FakeHost(Host):
    """Keeps what is delivered. While `accepts` is cleared, nothing becomes durable."""

    def __init__(
        self,
        cursor: str | None = None,
        commands: Sequence[Command] = (),
        updates: Iterable[str] = (),
        kinds: Iterable[str] = (),
    ) -> None:
        self._cursor = cursor
        self._commands = commands
        self._updates = frozenset(updates)
        self._kinds = frozenset(("message", "press", *kinds))
        self.events: list[Event] = []
        self.batches: list[list[str]] = []
        self.turns: list[Turn] = []
        self.moves: list[tuple[str, str]] = []
        self.remembered: dict[str, str | None] = {}
        self.names: list[str] = []
        self.lost_by: list[str] = []
        self.times: list[float] = []
        self.asked: list[Event] = []
        self.answers: Callable[[Event], Sequence[Action] | None] = lambda _: ()
        self.accepts = asyncio.Event()
        self.accepts.set()
        self.failure: Exception | None = None
        self.changed = asyncio.Event()

    @property
    def about(self) -> About:
        return About("bot", "Bot", "", "in memory")

    def interrupt(self, chat: str, thread: str | None = None) -> bool:  # noqa: ARG002 - the contract's
        return False

    def sentences(self, language: str | None) -> Mapping[str, str]:
        raise NotImplementedError("this adapter has no page")

    def inspect(self, *, reveal: bool = False) -> Inspection:
        raise NotImplementedError("this adapter has no page")

    def witness(self, told: Callable[[Seen], None]) -> AbstractContextManager[None]:
        raise NotImplementedError("this adapter has no page")

    def guest(self, user: str) -> AbstractAsyncContextManager[None]:
        raise NotImplementedError("this adapter has no guests")

    @property
    def transcript(self) -> Transcript:
        raise NotImplementedError("this adapter has no page")

    def lost(self, why: str) -> None:
        self.lost_by.append(why)

    def time_there(self, seconds: float) -> None:
        self.times.append(seconds)

    def connected(self, name: str) -> None:
        self.names.append(name)

    @property
    def commands(self) -> Sequence[Command]:
        return self._commands

    @property
    def kinds(self) -> frozenset[str]:
        return self._kinds

    @property
    def updates(self) -> frozenset[str]:
        return self._updates

    @property
    def cursor(self) -> str | None:
        return self._cursor

    def refusal(self, message: Message) -> str | None:  # noqa: ARG002 - the contract's
        return None

    async def assure(self) -> None:
        pass

    @property
    def peers(self) -> int:
        return 1

    async def lead(self) -> None:
        pass

    async def pass_on(self, name: str, text: str) -> None:
        raise NotImplementedError("this worker is alone")

    def share(self, parts: Sequence[str], *, evenly: bool = True) -> AsyncGenerator[Sequence[str]]:
        raise NotImplementedError("Telegram's accounts have no parts")

    async def passed(self) -> AsyncGenerator[Mapping[str, str]]:
        await asyncio.Event().wait()
        yield {}

    def cursor_of(self, part: str) -> str | None:
        return None if part else self._cursor

    async def remember(self, name: str, text: str | None) -> None:
        self.remembered[name] = text

    async def recall(self, name: str) -> str | None:
        return self.remembered.get(name)

    async def deliver(
        self,
        events: Sequence[Event],
        cursor: str | None = None,
        part: str = "",  # noqa: ARG002 - the contract's
    ) -> list[Turn]:
        await self.accepts.wait()
        if self.failure:
            raise self.failure
        self._cursor = self._cursor if cursor is None else cursor
        self.batches.append([event.id for event in events])
        known = {event.id for event in self.events}
        self.events += [event for event in events if event.id not in known]
        turns = [Turn() for _ in events]
        self.turns += turns
        self._tell()
        return turns

    async def complete(self, event: Event) -> Sequence[str] | None:  # noqa: ARG002 - the contract's
        return []

    def form(self, event: Event) -> None:  # noqa: ARG002 - the contract's
        return None

    async def ask(self, event: Event) -> Sequence[Action] | None:
        self.asked.append(event)
        self._tell()
        return self.answers(event)

    async def moved(self, old: str, new: str) -> None:
        self.moves.append((old, new))
        self._tell()

    def _tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    @property
    def texts(self) -> list[str]:
        """What was said, in the order of delivery."""
        return [event.message.text for event in self.events]

    async def until(self, condition: Callable[[], object]) -> None:
        """Return when `condition` holds after a delivery."""
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await self.changed.wait()


def adapter_on(server: TelegramServer, **options: Any) -> TelegramAdapter:
    """Return an adapter for a server."""
    given = {"api": server.base_url, "pace": Pace(QUICK), **options}
    return TelegramAdapter(token=server.token, **given)


@contextlib.asynccontextmanager
async def received(adapter: TelegramAdapter, host: Host) -> AsyncGenerator[asyncio.Task[None]]:
    """Let an adapter run until the end of the block."""
    running = asyncio.create_task(adapter.run(host))
    try:
        yield running
    finally:
        if not running.done():
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


def action(chat: int | str, content: dict[str, Any], **more: Any) -> Action:
    """Return the action that shows a part."""
    part = Part(content, more.pop("files", ()), more.pop("has_buttons", False))
    return Action("1-1-0", str(chat), part=part, **more)
