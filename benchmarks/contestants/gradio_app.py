"""Gradio in this process: no page, no HTTP, no browser. Nothing is kept.

Promised: `gr.State` is one session's, in memory. What is global is a variable of the module. By
default the queue lets one call of a function run at a time.

1. As a rule writers call `Blocks.process_api`, with a session for each person: what the queue does
   when it is an event's turn. Any number of calls run at once, so of what Gradio does this costs
   least.
2. With the option "queue" events go by the queue (`Queue.push`) with its defaults, and the reply is
   read from the session's own queue, as the stream of a browser would.
3. There is no transport: a reply is counted when it is in what the page would be sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from fastapi import Request
from gradio.data_classes import PredictBodyInternal
from gradio.routes import App
from gradio.state_holder import StateHolder

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait

# what the button does is an interface's function 0
_DONE = "process_completed"
_SCOPE = {
    "type": "http",
    "method": "POST",
    "scheme": "http",
    "server": ("localhost", 80),
    "path": "/gradio_api/queue/join",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
}


def _function(work: str) -> Any:
    """Return the function that an author writes for a work."""
    count = 0

    def sync_echo(message: str, history: list[str]) -> tuple[str, list[str]]:
        history = kept(history, message)
        return answer(history), history

    async def echo(message: str, history: list[str]) -> tuple[str, list[str]]:
        if work == "wait":
            await wait()
        return sync_echo(message, history)

    async def counted(_: str, history: list[str]) -> tuple[str, list[str]]:
        nonlocal count
        number = count
        if work == "slow count":
            await wait()
        count = number + 1
        return str(count), history

    if work.endswith("count"):
        return counted
    return sync_echo if work == "sync" else echo


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what an interface does with calls."""
    function = _function(setup.work)
    interface = gr.Interface(function, ["text", gr.State([])], ["text", "state"])
    if "queue" in setup.options:
        async with _queued(interface, replies) as say:
            yield say
        return
    sessions = StateHolder()
    sessions.set_blocks(interface)

    async def call(person: int, number: int) -> None:
        session = sessions[str(person)]
        done = await interface.process_api(0, [text(number), None], session)
        replies.take(person, done["data"][0])

    yield call


@contextlib.asynccontextmanager
async def _queued(interface: Any, replies: Replies) -> AsyncIterator[Say]:
    interface.queue()
    queue = interface._queue  # noqa: SLF001 - it has no public name
    queue.set_server_app(App.create_app(interface))
    interface.run_startup_events()

    async def say(person: int, number: int) -> None:
        session, data = str(person), [text(number), None]
        body = PredictBodyInternal(
            session_hash=session, fn_index=0, data=data, request=Request(_SCOPE)
        )
        is_taken, event, _ = await queue.push(body, body.request, None)
        if not is_taken:
            raise RuntimeError(str(event))
        messages = queue.pending_messages_per_session[session]
        while (message := await messages.get()).msg != _DONE:
            pass
        if not message.success:
            raise RuntimeError(str(message.output))
        replies.take(person, message.output["data"][0])

    yield say
    queue.close()
    await asyncio.sleep(0)
