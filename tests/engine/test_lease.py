"""A run's lease: held by asking in time, and unsure once nobody can know."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest
from engine.workers import until

from chatstate.clock import since_boot
from chatstate.engine.lease import Lease
from chatstate.testing import FakeClock, MemoryStore

SECONDS = 30.0


class Counted(MemoryStore):
    """A store that counts beats."""

    beats = 0

    async def beat(self) -> None:
        self.beats += 1
        await super().beat()


@contextlib.asynccontextmanager
async def held() -> AsyncGenerator[tuple[Lease, Counted, FakeClock]]:
    """Hold the lease of a run."""
    clock = FakeClock()
    store = Counted(lease=SECONDS, clock=clock.time)
    await store.open("bot")
    lease = Lease(store, clock, SECONDS)
    holding = asyncio.create_task(lease.hold())
    await until(lambda: not lease.is_unsure)
    try:
        yield lease, store, clock
    finally:
        holding.cancel()
        await asyncio.wait([holding])


async def test_it_is_asked_for_three_times_in_its_seconds() -> None:
    """The first time at once; so it stays sure."""
    async with held() as (lease, store, clock):
        for _ in range(6):
            await clock.advance(SECONDS / 3)
            assert not lease.is_unsure
        assert store.beats == 7


async def test_an_answer_that_takes_long_leaves_less_time() -> None:
    """The next one is due so long after the question, not after the answer."""
    async with held() as (lease, store, clock):
        await clock.advance(SECONDS / 3 - 1)
        store.stall()
        await clock.advance(SECONDS - 2)
        assert store.beats == 2
        store.recover()
        await until(lambda: store.beats > 2)
        await clock.advance(0.1)
        assert not lease.is_unsure


async def test_it_is_unsure_while_what_is_begun_may_outlast_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By either clock: one stands still while the machine is asleep."""
    async with held() as (lease, store, clock):
        store.stall()
        await clock.advance(SECONDS * 2 / 3 - 1)
        assert not lease.is_unsure
        await clock.advance(1)
        assert lease.is_unsure
        store.recover()
        await until(lambda: not lease.is_unsure)
        clock.set(clock.time() + SECONDS)
        assert lease.is_unsure
        await lease.assure()
        assert not lease.is_unsure
        slept = since_boot() + SECONDS
        monkeypatch.setattr("chatstate.engine.lease.since_boot", lambda: slept)
        assert lease.is_unsure
