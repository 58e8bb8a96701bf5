"""The listener of an adapter that is spoken to over HTTP: one address, one ASGI app.

1. It is bound when it is made: an address that is in use is told before anything runs.
2. Signals are left to who runs the bot. Whoever cancels `run` has it end at once, though requests
   go on; the app ends those that would not end by themselves.
3. No request is logged, and no header tells what serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

from chatstate.errors import AdapterError

_STOP_SECONDS = 0.5


class _Server(uvicorn.Server):
    """Leaves the signals to who runs the bot."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


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
        self._server = _Server(config)

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._socket.getsockname()[1]
        return port

    async def run(self) -> None:
        """Serve until cancelled."""
        serving = asyncio.ensure_future(self._server.serve(sockets=[self._socket]))
        try:
            await asyncio.shield(serving)
        finally:
            self._server.should_exit = self._server.force_exit = True
            await asyncio.wait([serving], timeout=_STOP_SECONDS)
            serving.cancel()

    def close(self) -> None:
        """Let go of the address."""
        self._socket.close()


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT. Raises `AdapterError` for what is none."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise AdapterError(f"--listen takes HOST:PORT, such as 127.0.0.1:8080, not {address!r}")
    return host.strip("[]"), int(port)


def _listening(address: str) -> socket.socket:
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise AdapterError(f"cannot listen on {address}: {error.strerror or error}") from error
