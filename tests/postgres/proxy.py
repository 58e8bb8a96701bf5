"""A proxy before PostgreSQL that cuts connections: after a while, or in the answer to a commit."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncGenerator

_COMMIT = b"COMMIT\0"


class Proxy:
    """Passes bytes on. `loses`: the answer of each so many-th commit is lost, 0 for none."""

    def __init__(self, port: int, loses: int = 0) -> None:
        self.port = 0
        self.lost = 0
        self._server_port = port
        self._loses = loses
        self._commits = 0
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Cut all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes on a connection, and what the server answers."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
            self._writers |= {writer, to_server}
            answering = asyncio.create_task(_copy(server, writer))
            try:
                await self._ask(reader, to_server, writer)
            finally:
                answering.cancel()
                self._writers -= {writer, to_server}
                writer.transport.abort()
                to_server.close()

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Pass on messages; the first has no type."""
        (length,) = struct.unpack("!i", head := await reader.readexactly(4))
        to_server.write(head + await reader.readexactly(length - 4))
        while True:
            head = await reader.readexactly(5)
            (length,) = struct.unpack("!i", head[1:])
            body = await reader.readexactly(length - 4)
            is_lost = self._is_lost(head[:1], body)
            if is_lost:
                writer.transport.abort()
            to_server.write(head + body)
            if is_lost:
                await to_server.drain()
                return

    def _is_lost(self, kind: bytes, body: bytes) -> bool:
        if not (self._loses and kind == b"Q" and body == _COMMIT):
            return False
        self._commits += 1
        is_lost = self._commits % self._loses == 0
        self.lost += is_lost
        return is_lost


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.transport.abort()


@contextlib.asynccontextmanager
async def proxy(port: int, loses: int = 0) -> AsyncGenerator[Proxy]:
    """Serve one before the server at a port."""
    made = Proxy(port, loses)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
