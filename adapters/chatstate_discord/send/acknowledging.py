"""Slash commands and presses, as they are acknowledged.

1. An interaction is acknowledged within three seconds of its arrival, or never. That is done once
   it is stored; but if the store takes longer than `PATIENCE`, before: who waits for an answer
   gets none otherwise, and the event is stored all the same unless the process dies meanwhile.
2. A command that cannot be handled is answered at once, for the person alone.
3. A failure is told in the log: the event is stored, and is answered all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from discord.http import HTTPClient, Route

from chatstate.markup import StyledText
from chatstate_discord.receive.content import Json
from chatstate_discord.receive.wire import Origin
from chatstate_discord.send import errors, parts
from chatstate_discord.send.errors import code_of, meaning
from chatstate_discord.send.markup import markdown

log = logging.getLogger("chatstate.discord")

PATIENCE = 1.5
_TRIES, _PAUSE = 4, 0.2


async def acknowledge(http: HTTPClient, origin: Origin) -> None:
    """Tell Discord that an answer will come."""
    await _call_back(http, origin, {"type": 6 if origin.is_press else 5})


async def refuse(http: HTTPClient, origin: Origin, text: str) -> None:
    """Answer at once, for the person alone."""
    shown = markdown(StyledText(text))[: parts.TEXT_LIMIT]
    data = {"content": shown, "flags": parts.EPHEMERAL, "allowed_mentions": parts.NOBODY}
    await _call_back(http, origin, {"type": 4, "data": data})


async def _call_back(http: HTTPClient, origin: Origin, body: Json) -> None:
    path = "/interactions/{webhook_id}/{webhook_token}/callback"
    route = Route("POST", path, webhook_id=int(origin.id), webhook_token=origin.token)
    for left in reversed(range(_TRIES)):
        try:
            await http.request(route, json=body)
        except Exception as error:  # noqa: BLE001 - whatever it is, the event is stored and is answered
            code = code_of(error)
            if code == errors.ACKNOWLEDGED:
                return  # an earlier try arrived, and only its answer was lost
            if not left or code:
                log.warning("an interaction could not be acknowledged: %s", meaning(error))
                return
            await asyncio.sleep(_PAUSE)
        else:
            return


class Acknowledging:
    """Acknowledges each interaction when it is stored, or when `PATIENCE` is over."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, http: HTTPClient, origin: Origin) -> asyncio.Event:
        """Return what is to be set once the interaction is stored."""
        stored = asyncio.Event()
        self._start(self._when_stored(http, origin, stored))
        return stored

    def refuse(self, http: HTTPClient, origin: Origin, text: str) -> None:
        """Answer it at once."""
        self._start(refuse(http, origin, text))

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _when_stored(self, http: HTTPClient, origin: Origin, stored: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await stored.wait()
        except TimeoutError:
            log.warning("an interaction is acknowledged before it is stored: the store is slow")
        await acknowledge(http, origin)
