"""Threads of handlers: when the loop hears of what they did."""

import asyncio
import threading
from unittest import mock

import pytest

from chatstate.engine import threads
from chatstate.engine.threads import HandlerThreads


async def test_quick_jobs_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is woken once for all of them."""
    monkeypatch.setattr(threads, "_WORTH_A_THREAD", float("inf"))
    monkeypatch.setattr(threads, "_CHECK_EVERY", 3600.0)
    loop = asyncio.get_running_loop()
    wake = mock.Mock(wraps=loop.call_soon_threadsafe)
    monkeypatch.setattr(loop, "call_soon_threadsafe", wake)
    handlers = HandlerThreads()
    done = await asyncio.gather(*(handlers.run(threading.get_ident) for _ in range(50)))
    assert len(set(done)) == 1
    assert wake.call_count == 1


async def test_what_is_done_is_told_though_the_next_job_blocks() -> None:
    """However quick those before it were."""
    handlers = HandlerThreads()
    gate = threading.Event()
    quick, blocked = handlers.run(lambda: "done"), handlers.run(gate.wait)
    assert await quick == "done"
    assert not blocked.done()
    gate.set()
    await blocked


async def test_a_slow_job_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until the loop looks after the line."""
    monkeypatch.setattr(threads, "_WORTH_A_THREAD", -1.0)
    monkeypatch.setattr(HandlerThreads, "_watch", lambda *_: None)
    handlers = HandlerThreads()
    gate = threading.Event()
    first, blocked = handlers.run(lambda: "done"), handlers.run(gate.wait)
    assert await first == "done"
    gate.set()
    await blocked
