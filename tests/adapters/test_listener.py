"""The listener of adapters that are spoken to over HTTP."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from chatstate import AdapterError
from chatstate.adapter import http
from chatstate.adapter.http import Listener


async def greet(scope: Scope, receive: Receive, send: Send) -> None:
    """Say who asks; for ever, if that is asked for."""
    if scope["path"] == "/wait":
        await asyncio.Event().wait()
    await PlainTextResponse(scope["client"][0])(scope, receive, send)


@contextlib.asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[httpx.AsyncClient]:
    serving = asyncio.create_task(listener.run())
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            yield client
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        listener.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
async def test_it_listens_where_it_is_told_to(host: str) -> None:
    """At a free port, if it is told none; an address of IPv6 stands in brackets."""
    listener = Listener(greet, f"{host}:0")
    async with listening(listener) as client:
        answer = await client.get(f"http://{host}:{listener.port}/")
        assert answer.text in ("127.0.0.1", "::1")
        assert "server" not in answer.headers
        assert "date" in answer.headers


@pytest.mark.parametrize("address", ["8080", ":8080", "localhost", "localhost:http", "a:99999"])
def test_what_is_no_address_is_told(address: str) -> None:
    """By the name of the option, with an example."""
    with pytest.raises(AdapterError, match="address to listen at is HOST:PORT"):
        Listener(greet, address)


def test_an_address_in_use_is_told_at_once() -> None:
    """Before anything runs."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AdapterError, match=f"cannot listen on {address}"):
            Listener(greet, address)


async def test_who_is_behind_a_proxy_is_believed_of_known_ones_alone() -> None:
    """Else anybody could pretend to be somebody else."""
    for proxies, told in (((), "127.0.0.1"), (("127.0.0.1",), "10.1.2.3")):
        listener = Listener(greet, "127.0.0.1:0", proxies)
        async with listening(listener) as client:
            headers = {"X-Forwarded-For": "10.1.2.3"}
            answer = await client.get(f"http://127.0.0.1:{listener.port}/", headers=headers)
            assert answer.text == told


async def test_what_does_not_end_is_cut_off_when_it_stops() -> None:
    """Whoever asked hears that, and nothing of it goes on."""
    listener = Listener(greet, "127.0.0.1:0")
    async with listening(listener) as client:
        asking = asyncio.create_task(client.get(f"http://127.0.0.1:{listener.port}/wait"))
        while not listener._server.server_state.tasks:
            await asyncio.sleep(0)
    with pytest.raises(httpx.HTTPError):
        await asking


async def test_who_asks_nothing_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs a file; who has asked something waits for the answer."""
    monkeypatch.setattr(http, "_TICK_SECONDS", 0.001)
    monkeypatch.setattr(http, "_SILENT_TICKS", 3)
    listener = Listener(greet, "127.0.0.1:0")
    async with listening(listener) as client:
        asking = asyncio.create_task(client.get(f"http://127.0.0.1:{listener.port}/wait"))
        for begun in (b"", b"GET / HTTP/1.1\r\nHost:"):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(begun)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        assert not asking.done()
        asking.cancel()
