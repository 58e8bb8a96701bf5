"""How long the event loop stands still while 2,000 conversations change at once."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contestants.chatstate_bot import bot_for
from benchmarks.work import text
from chatstate import Chat, Event, Message, User
from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.engine import Engine
from chatstate.stores import open_store


def _event(number: int, person: int) -> Event:
    message = Message(text(person), User(str(person)), Chat(str(person)))
    return Event(f"{number}-{person}", message)


class Burst(Adapter):
    """A platform on which everybody writes at once, one message to a call, or all in one."""

    name = "burst"
    account = "bench"
    capabilities = Capabilities()

    def __init__(self, people: int, *, together: bool) -> None:
        self._bursts = [[_event(number, n) for n in range(people)] for number in range(3)]
        self._together = together
        self.longest = 0.0

    async def run(self, host: Host) -> None:
        """Deliver the burst three times, and watch the loop."""
        watch = asyncio.create_task(self._watch())
        for events in self._bursts:
            await self._burst(host, events)
        watch.cancel()

    async def _burst(self, host: Host, events: list[Event]) -> None:
        if self._together:
            receipts = await host.deliver(events)
        else:
            each = await asyncio.gather(*(host.deliver([event]) for event in events))
            receipts = [receipt for (receipt,) in each]
        for receipt in receipts:
            await receipt.settled()

    async def _watch(self) -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - begun - 0.001)

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        return (Part({"text": post.text.text}),)

    async def perform(self, _action: Action) -> Sent:
        """Do nothing."""
        return Sent()


def run(folder: Path, people: int = 2_000) -> None:
    """Measure and print."""
    gc.collect()  # as `chatstate run` does: what is loaded by now is looked at no more
    gc.freeze()
    print(f"\n{people} conversations at once: the longest the loop stood still")
    for together in (False, True):
        burst = Burst(people, together=together)
        store = open_store(f"sqlite:///{folder / f'stall-{together}.db'}")
        asyncio.run(Engine(bot_for("echo"), [burst], store).run())
        how = "one call of deliver" if together else "a call of deliver for each"
        print(f"{how:30} {burst.longest * 1e3:8.1f} ms")
