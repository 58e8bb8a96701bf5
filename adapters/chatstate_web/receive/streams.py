"""What an open page is told, as server-sent events ("text/event-stream", HTML Living Standard).

1. A `message` event has its revision as its id: a browser that connects again says the last one it
   has seen, and gets what came after.
2. Drafts and typing have no id: they are told as they are now.
3. `ready` says that all that was there is told.
4. A page that says nothing hears something now and then, so that a lost connection is noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from chatstate.adapter import PageMessage, Transcript
from chatstate_web.live import Live, Watcher

_ALIVE_SECONDS = 15.0
_OTHERS_SECONDS = 1.0
"""How often to look for what other processes have written."""
_AT_ONCE = 100
_encode = msgspec.json.Encoder().encode


def shown(message: PageMessage) -> dict[str, Any]:
    """Return a message as pages get it; its `body` is None once it is deleted."""
    return {
        "id": str(message.id),
        "revision": message.revision,
        "thread": message.thread,
        "key": message.key,
        "at": message.at,
        "body": None if message.body is None else msgspec.Raw(message.body.encode()),
    }


class Stream:
    """What one open page is told of a chat, from a revision on, until it or the bot ends."""

    def __init__(self, transcript: Transcript, live: Live, chat: str, after: int) -> None:
        self._transcript = transcript
        self._live = live
        self._chat = chat
        self._after = after

    async def events(self) -> AsyncIterator[bytes]:
        """Yield events as they are sent."""
        watcher = self._live.watch(self._chat)
        try:
            yield b"retry: 1000\n\n"
            is_ready = False
            while not self._live.is_over:
                watcher.changed.clear()
                if watcher.has_more:
                    watcher.has_more = False
                    async for event in self._written():
                        yield event
                for news in watcher.news():
                    yield _event("live", _encode(news))
                if not is_ready:
                    is_ready = True
                    yield _event("ready", b"{}")
                if not await self._waited(watcher):
                    yield b": alive\n\n"
        finally:
            self._live.leave(self._chat, watcher)

    async def _written(self) -> AsyncIterator[bytes]:
        while found := await self._transcript.read(self._chat, after=self._after, limit=_AT_ONCE):
            for message in found:
                self._after = message.revision
                yield _event("message", _encode(shown(message)), message.revision)

    async def _waited(self, watcher: Watcher) -> bool:
        """Return when there may be news; False if nothing was said for long."""
        is_sole = self._transcript.is_sole
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ALIVE_SECONDS if is_sole else _OTHERS_SECONDS):
                await watcher.changed.wait()
                return True
        watcher.has_more = True  # others may have written something
        return False


def _event(name: str, data: bytes, number: int | None = None) -> bytes:
    told = b"" if number is None else f"id: {number}\n".encode()
    return b"%sevent: %s\ndata: %s\n\n" % (told, name.encode(), data)
