"""Threads of handlers: when the loop hears of what they did."""

import asyncio
import gc
import threading
from typing import Any
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


async def test_a_busy_machine_is_given_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """While those that were woken have yet to run: more would only take time from them."""
    late: list[mock.Mock] = []

    def not_yet(**options: Any) -> mock.Mock:
        late.append(mock.Mock(**options))
        return late[-1]

    monkeypatch.setattr(threads, "_CHECK_EVERY", 0.0)
    handlers = HandlerThreads()
    with mock.patch.object(threading, "Thread", not_yet):
        jobs = [handlers.run(threading.get_ident) for _ in range(500)]
        for _ in range(50):
            await asyncio.sleep(0)
    assert len(late) == 1
    threading.Thread(target=late[0].target, daemon=True).start()
    assert len(set(await asyncio.gather(*jobs))) == 1


async def test_a_wake_up_that_nobody_heard_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the thread that was to hear it had waited for long, and ended just then."""
    monkeypatch.setattr(threads, "_CHECK_EVERY", 0.0)
    handlers = HandlerThreads()
    with mock.patch.object(threading, "Thread"):
        job = handlers.run(threading.get_ident)
        await asyncio.sleep(0)
    handlers._count_idle(-1)
    assert await job


async def test_nothing_keeps_what_a_call_has_raised() -> None:
    """Its traceback knows the frame that made the call, which must not lead back to it."""

    class FailureError(Exception): ...

    def fail() -> None:
        raise FailureError

    handlers = HandlerThreads()
    for _ in range(3):
        with pytest.raises(FailureError):
            await handlers.run(fail)
    assert await handlers.run(lambda: "done") == "done"
    gc.collect()
    assert not [left for left in gc.get_objects() if isinstance(left, FailureError)]
