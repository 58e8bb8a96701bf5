"""What the adapters' contract is tested with: an engine that runs, and a scripted bot.

1. Engine and store are the real ones; the adapter is watched, the clock stands still.
2. Waiting ends with what is waited for, with the engine, or after `DEADLINE` with a hint of what
   may be wrong.
3. Whatever the adapter did that none may is told at the end of each test.
4. A task that goes on after the session fails its test.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, cast
from unittest import SkipTest

from chatstate.adapter import Adapter, Capabilities
from chatstate.bot.interface import Interface
from chatstate.engine import Engine
from chatstate.errors import ChatstateError
from chatstate.messages import Message
from chatstate.stores.base import Filter
from chatstate.stores.sqlite import SQLiteStore
from chatstate.stores.sqlite.shelves import Shelves
from chatstate.testing.clock import FakeClock
from chatstate.testing.contracts.adapter.driver import AdapterDriver, Shown, Speaker
from chatstate.testing.contracts.adapter.script import Answer, Script, echo
from chatstate.testing.contracts.adapter.watch import WatchedAdapter
from chatstate.testing.delivered import SentFile

DEADLINE = 15.0
"""Seconds after which something that must happen is taken not to."""

PROMPTLY = 1.0
ALICE, BOB = Speaker("alice"), Speaker("bob")


def only(messages: Sequence[Shown]) -> Shown:
    """Return the one message there is."""
    assert len(messages) == 1, f"one message was to be shown for this; it was {list(messages)}"
    return messages[0]


class Clock(FakeClock):
    """A clock that notes what it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Return when the test has moved the clock that far."""
        self.pauses.append(seconds)
        await super().sleep(seconds)


class Session:
    """A bot on the real engine and a real SQLite file, with the adapter under test.

    `is_stopping`: it runs on to its end, and takes nothing more in.
    """

    def __init__(
        self,
        driver: AdapterDriver,
        path: Path,
        script: Script,
        options: dict[str, Any],
        bot: Interface | None = None,
    ) -> None:
        self.driver = driver
        self.script = script
        self._bot = bot or script.bot
        self.clock = Clock()
        self.watched = WatchedAdapter(driver.make_adapter())
        self._path = path
        self._options = options
        self.is_stopping = False
        self._starts = 0
        self._runs = False

    @property
    def capabilities(self) -> Capabilities:
        """What the adapter under test can do."""
        return self.watched.adapter.capabilities

    def needs(self, *capabilities: str) -> None:
        """Skip a test of what the platform lacks."""
        lacking = [name for name in capabilities if not getattr(self.capabilities, name)]
        if lacking:
            raise SkipTest(f"{self.watched.adapter.name} lacks {', '.join(lacking)}")

    # Start and stop

    async def start(self) -> None:
        """Start the bot, on what an earlier one left, with a new adapter."""
        if self._starts:
            self.watched = WatchedAdapter(self.driver.make_adapter())
        self._starts += 1
        self._store = SQLiteStore(self._path, clock=self.clock.time)
        self._engine = Engine(
            self._bot,
            [cast("Adapter", self.watched)],
            self._store,
            clock=self.clock,
            **self._options,
        )
        await self._engine.start()
        self._runs = True
        self._waiting = asyncio.create_task(self._engine.wait())

    async def stop(self, *, hurry: bool = False) -> None:
        """Stop the bot as SIGTERM would; in a `hurry`, as a second one would."""
        if not self._runs:
            return
        self._runs = False
        self._engine.request_stop()
        if hurry:
            self._engine.request_stop()
        await asyncio.wait([self._waiting])
        self.is_stopping = True
        await self._engine.stop()
        self.is_stopping = False
        self._has_ended()

    async def crash(self) -> None:
        """End the bot as SIGKILL would: nothing more is written or sent."""
        self._runs = False
        self._waiting.cancel()
        await self._engine.abandon()
        await self._store.abandon()
        self._has_ended()

    async def restart(self) -> None:
        """Stop the bot, and start it on the same store."""
        await self.stop()
        await self.start()

    def failure(self) -> BaseException | None:
        """Return what has made the engine stop, if it did."""
        waiting = self._waiting
        is_over = waiting.done() and not waiting.cancelled()
        return waiting.exception() if is_over else None

    def _has_ended(self) -> None:
        assert not self.watched.runs, (
            "`run` goes on after it was cancelled: let `CancelledError` through, and let nothing "
            "in its `finally` wait for long"
        )

    # Saying and seeing

    async def say(
        self,
        text: str,
        who: Speaker = ALICE,
        *,
        files: Sequence[SentFile] = (),
        reply_to: str | None = None,
    ) -> list[Shown]:
        """Let somebody say something; return what is shown for it, once it is all there."""
        seen, before = self.watched.taken, self.shown(who)
        await self.driver.say(who, text, files=files, reply_to=reply_to)
        return await self.answers(who, seen, before)

    async def press(self, label: str, message: Shown, who: Speaker = ALICE) -> list[Shown]:
        """Press a button; return what is shown for it."""
        seen, before = self.watched.taken, self.shown(who)
        await self.driver.press(who, message.id, label)
        return await self.answers(who, seen, before)

    async def answers(self, who: Speaker, seen: int, before: Sequence[Shown]) -> list[Shown]:
        """Return what was not shown `before`, once the event after `seen` others is settled."""
        await self.until(
            lambda: self.watched.taken > seen,
            "what was said never reached `host.deliver`: does `run` read what the platform gives?",
        )
        await self.settled()
        return [message for message in self.shown(who) if message not in before]

    def shown(self, who: Speaker = ALICE) -> list[Shown]:
        """Return what somebody is shown."""
        return list(self.driver.shown(who))

    def texts(self, who: Speaker = ALICE) -> list[str]:
        """Return the texts that somebody is shown."""
        return [message.text for message in self.shown(who)]

    async def settled(self, *, advancing: float = 0.0) -> None:
        """Return when the replies to all that was delivered are sent, held or dead."""
        await self.until(
            lambda: not self.watched.delivering, "`deliver` does not return", advancing=advancing
        )
        receipts = asyncio.gather(*(receipt.settled() for receipt in self.watched.receipts))
        try:
            await self.until(
                receipts.done,
                "an event was delivered, but its replies are not sent: does `perform` return when "
                "the platform has accepted the call, and raise a `SendError` otherwise?",
                advancing=advancing,
            )
        finally:
            receipts.cancel()

    async def until(
        self, condition: Callable[[], object], hint: str, *, advancing: float = 0.0
    ) -> None:
        """Return when `condition` holds, or fail with the `hint`.

        `advancing`: seconds by which the engine's clock moves again and again meanwhile.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + DEADLINE
        while not condition():
            self.check()
            assert loop.time() < end, f"{hint}\n{self.report()}"
            if advancing:
                await self.clock.advance(advancing)
            await asyncio.sleep(0.002)
        self.check()

    async def until_it_fails(self, hint: str) -> None:
        """Return when the engine has stopped by itself, or fail with the `hint`."""
        await asyncio.wait([self._waiting], timeout=DEADLINE)
        assert self._waiting.done(), hint
        failure = self._waiting.exception()
        assert isinstance(failure, ChatstateError), f"{hint}; it raised {failure!r}"

    def letters(self) -> list[str]:
        """Return the errors of the dead letters."""
        shelves = Shelves(str(self._path), self.clock.time)
        return [letter.error for letter in shelves.list("dead", Filter())]

    def check(self) -> None:
        """Fail if the engine has stopped, or the adapter did what none may."""
        failure = self.failure()
        if failure:
            raise AssertionError(f"the engine stopped: {failure!r}") from failure
        assert not self.watched.problems, "\n".join(dict.fromkeys(self.watched.problems))

    def report(self) -> str:
        """Return what was delivered and performed so far, for who must find out why."""
        events = [
            f"delivered {event.message.kind} {event.message.text!r}"
            for event in self.watched.events
        ]
        calls = [
            f"performed {call.action.verb} {call.action.part.content}: {call.error or 'accepted'!r}"
            for call in self.watched.calls
        ]
        return "\n".join([*events, *calls])


class AdapterSuite:
    """What every part of the contract needs; see `AdapterContract`."""

    def make_driver(self, folder: Path) -> AdapterDriver:
        """Return a driver of a platform that nobody has used yet; `folder` is for its files."""
        raise NotImplementedError("a subclass of AdapterContract makes the driver of its platform")

    @contextlib.asynccontextmanager
    async def session(
        self,
        folder: Path,
        answer: Answer = echo,
        *,
        hear_bots: bool = False,
        named: Callable[[Message], None] | None = None,
        bot: Interface | None = None,
        **options: Any,
    ) -> AsyncGenerator[Session]:
        """Run a bot that gives `answer` to each message, until the end of the block.

        `named` handles what the driver's platform tells of by a name of its own. Or it runs another
        `bot`.
        """
        before = asyncio.all_tasks()
        driver = self.make_driver(folder)
        await driver.open()
        try:
            script = Script(answer, hear_bots=hear_bots)
            if named:
                script.listen(driver.named, named)
            session = Session(driver, folder / "contract.db", script, options, bot)
            await session.start()
            try:
                yield session
                session.check()
            finally:
                await session.stop(hurry=True)
        finally:
            await driver.close()
        await all_ended(asyncio.all_tasks() - before)


async def all_ended(tasks: AbstractSet[asyncio.Task[Any]]) -> None:
    """Fail if some of `tasks` go on."""
    left = (await asyncio.wait(tasks, timeout=PROMPTLY))[1] if tasks else ()
    assert not left, f"tasks go on after the adapter's `run` has ended; end them in it: {left}"
