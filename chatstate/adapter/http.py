"""The listener of an adapter that is spoken to over HTTP: one address, one ASGI app.

1. It is bound when it is made: an address that is in use is told before anything runs.
2. Signals are left to who runs the bot. Whoever cancels `run` lets requests end that do so soon;
   the others are cut off. (`uvicorn.Server.serve` does so too, but looks ten times a second
   whether it should, and waits.)
3. No request is logged, and no header tells what serves.
4. A connection on which nothing is asked for a while is ended: it costs a file each.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from chatstate.errors import AdapterError

_STOP_SECONDS = 0.3
_TICK_SECONDS = 1.0
_SILENT_TICKS = 20
"""After how many ticks a connection is ended on which no request has begun."""


class Listener:
    """Serves an app at an address such as `127.0.0.1:8080`; with port 0 at one that is free.

    `proxies` are the addresses of those in front of it whose word counts for who is behind them
    (`X-Forwarded-For`). Raises `AdapterError` if it cannot listen there.
    """

    def __init__(self, app: ASGIApp, address: str, proxies: tuple[str, ...] = ()) -> None:
        self._socket = _listening(address)
        config = uvicorn.Config(
            app,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
        )
        self._server = uvicorn.Server(config)
        self._silent: dict[Any, int] = {}

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._socket.getsockname()[1]
        return port

    async def run(self) -> None:
        """Serve until cancelled."""
        server = self._server
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[self._socket])
        try:
            while True:
                await server.on_tick(0)  # what answers are dated with
                self._end_silent()
                await asyncio.sleep(_TICK_SECONDS)
        finally:
            await self._stop()

    def _end_silent(self) -> None:
        """End connections that were opened, and on which no request has come.

        uvicorn does so only between two requests.
        """
        silent: list[Any] = [
            connection
            for connection in self._server.server_state.connections
            if getattr(connection, "cycle", None) is None
        ]
        self._silent = {connection: self._silent.get(connection, 0) + 1 for connection in silent}
        for connection, ticks in self._silent.items():
            if ticks > _SILENT_TICKS:
                connection.transport.close()

    async def _stop(self) -> None:
        """Let nobody in, and requests end; cut off those that take long."""
        for listening in self._server.servers:
            listening.close()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()
        if running := set(self._server.server_state.tasks):
            _, late = await asyncio.wait(running, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.wait(running)

    def close(self) -> None:
        """Let go of the address."""
        self._socket.close()


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT. Raises `AdapterError` for what is none."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise AdapterError(
            f"an address to listen at is HOST:PORT, such as 127.0.0.1:8080, not {address!r}"
        )
    return host.strip("[]"), int(port)


def _listening(address: str) -> socket.socket:
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise AdapterError(f"cannot listen on {address}: {error.strerror or error}") from error
