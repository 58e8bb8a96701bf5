"""Sessions of the gateway, which outlive the connections they are told over.

1. A session numbers what it tells, from 1, and keeps it: RESUME gets what came after the number
   that the client names.
2. A session without a connection goes on collecting, until its client ended it (1000, 1001).
3. Frames leave a connection in the order in which they were queued, by one writer.
"""

import asyncio
import json
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from servers.discord_world import Guild, Json

LONGEST_FRAME = 4096
"""Bytes that a client may send in one frame."""


class Closing(Exception):  # noqa: N818 - no error of ours: the end of a connection
    """The connection is to be closed with a code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Connection:
    """One WebSocket, and the frames that wait to leave by it; `ours`: the server ended it."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.socket, self.transport = socket, transport
        self.session: Session | None = None
        self.ours = False
        self._gone = False
        self._waiting: deque[str] = deque()
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def send(self, op: int, data: object = None) -> None:
        self.send_raw(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    def send_raw(self, frame: str) -> None:
        if not self._gone:
            self._waiting.append(frame)
            self._idle.clear()
            self._filled.set()

    async def close(self, code: int, reason: str = "") -> None:
        self.ours = True
        await self.flushed()
        await self.socket.close(code=code, message=reason.encode())

    async def flushed(self) -> None:
        """Return when all that was queued has left, or never will."""
        await self._idle.wait()

    async def write(self) -> None:
        """Send what is queued until cancelled, or until the connection is gone."""
        try:
            while True:
                while self._waiting:
                    await self.socket.send_str(self._waiting.popleft())
                self._idle.set()
                self._filled.clear()
                await self._filled.wait()
        except ConnectionError:
            pass  # its session keeps what was queued
        finally:
            self._gone = True
            self._idle.set()


@dataclass(eq=False)
class Session:
    """What one IDENTIFY began; `frames[n]` is the one numbered n + 1."""

    id: str
    intents: int
    shard: tuple[int, int] | None
    connection: Connection | None = None
    frames: list[str] = field(default_factory=list)

    @property
    def connected(self) -> bool:
        return self.connection is not None

    def tell(self, event: str, data: Json) -> None:
        number = len(self.frames) + 1
        self.frames.append(json.dumps({"op": 0, "t": event, "s": number, "d": data}))
        if self.connection:
            self.connection.send_raw(self.frames[-1])

    def hears_of(self, guild: Guild | None) -> bool:
        """Tell whether a guild is on its shard; what is in no guild is on shard 0."""
        number, count = self.shard or (0, 1)
        return number == (int(guild.id) >> 22) % count if guild else number == 0


def parsed(kind: WSMsgType, data: Any) -> Json:
    """Return what a client sent; what cannot be read ends the connection."""
    frame = None
    if kind is WSMsgType.TEXT and len(data.encode()) <= LONGEST_FRAME:
        with suppress(ValueError):
            frame = json.loads(data)
    if not isinstance(frame, dict):
        raise Closing(4002, "Error while decoding payload.")
    return frame
