"""A Bot API server for tests, on loopback.

A test holds both ends: people write with `server.say(...)`, and `server.messages(chat)` are what
they see of the bot. Each request is held against the Bot API as data; what is wrong with one is
in `server.violations`. To look at it by hand, in `tests`: `python -m servers.telegram_server`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, hdrs, web
from servers.telegram_faults import Fault, Faulty
from servers.telegram_methods import METHODS, unsupported
from servers.telegram_model import ApiError, Chat, Json, StoredFile, Upload
from servers.telegram_sending import FILE_LIMIT
from servers.telegram_spec import method_named, read
from servers.telegram_updates import BrokenPollError
from servers.telegram_world import Call

TOKEN = "123456789:AAF-a-token-for-tests-of-35-letters"  # noqa: S105 - it opens nothing
_T = TypeVar("_T")


class TelegramServer(Faulty):
    """The server, in this process and event loop; `async with` starts and stops it."""

    def __init__(self, token: str = TOKEN) -> None:
        super().__init__(token)
        self._port = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        """What the token is appended to, as python-telegram-bot and the adapter want it."""
        return f"http://127.0.0.1:{self._port}/bot"

    @property
    def base_file_url(self) -> str:
        """The same for files."""
        return f"http://127.0.0.1:{self._port}/file/bot"

    async def start(self) -> None:
        """Listen, after a `stop` on the same port again and with all that was kept."""
        app = web.Application(client_max_size=2 * FILE_LIMIT)
        app.router.add_route("*", "/bot{token}/{method}", self._serve_method)
        app.router.add_route("GET", "/file/bot{token}/{path:.+}", self._serve_file)
        app.on_shutdown.append(self._release)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.updates.open()

    async def stop(self) -> None:
        """Refuse connections, and close those that are open."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
        await self.updates.close()

    async def _release(self, _: web.Application) -> None:
        """Let go of the requests that wait, when no others can come."""
        self.recover()
        self.updates.end_poll()

    async def wait_for(
        self,
        predicate: Callable[[], _T],
        timeout: float = 20,  # noqa: ASYNC109 - its failure tells what was called
    ) -> _T:
        """Return the first value of `predicate` that counts as true; fail after `timeout`."""
        try:
            async with asyncio.timeout(timeout):
                return await self.changes.until(predicate)
        except TimeoutError:
            last = "\n".join(str(call) for call in self.calls[-8:])
            violated = "\n".join(self.violations)
            raise AssertionError(f"not within {timeout} s; called:\n{last}\n{violated}") from None

    def break_polling(self) -> None:
        """Close the connection of the poll that waits, without an answer."""
        self.updates.end_poll(BrokenPollError())

    async def _serve_method(self, request: web.Request) -> web.StreamResponse:
        try:
            method = self._method(request)
            given = await _given(request)
        except ApiError as error:
            return _failure(error)
        params, problems = read(method, given)
        problems += unsupported(params)
        self.violations += [f"{method}: {problem}" for problem in problems]
        call = Call(method, params)
        self.calls.append(call)
        fault = self.fault_for(method, params)
        if fault and not fault.accepted:
            return await self._suffer(fault, request, call)
        answer = await self._answer(request, call, problems)
        if fault:
            answer = await self._suffer(fault, request, call, answer)
        self.changes.tell()
        return answer

    def _method(self, request: web.Request) -> str:
        token = request.match_info["token"]
        if token != self.token:
            is_formed = token.partition(":")[0].isdecimal() and ":" in token
            raise ApiError(401, "Unauthorized") if is_formed else ApiError(404, "Not Found")
        method = method_named(request.match_info["method"])
        if method is None:
            self.violations.append(f"no such method: {request.match_info['method']}")
            raise ApiError(404, "Not Found: method not found")
        return method

    async def _answer(
        self, request: web.Request, call: Call, problems: list[str]
    ) -> web.StreamResponse:
        """Carry out a request and return its answer."""
        try:
            if problems:
                raise ApiError(400, f"Bad Request: {'; '.join(problems)}")
            result = METHODS[call.method](self, call.params)
            if inspect.isawaitable(result):
                result = await result
        except ApiError as error:
            call.status = error.status
            return _failure(error)
        except BrokenPollError:
            return _close(request)
        call.status = 200
        return web.json_response({"ok": True, "result": result})

    async def _suffer(
        self,
        fault: Fault,
        request: web.Request,
        call: Call,
        answer: web.StreamResponse | None = None,
    ) -> web.StreamResponse:
        """Do what a fault says instead of giving an answer."""
        self.changes.tell()
        if fault.kind == "fail":
            call.status = fault.error.status
            return _failure(fault.error, fault.body)
        if fault.kind == "stall":
            await fault.over.wait()
            return answer or _close(request)
        call.status = None
        return _close(request, is_reset=fault.is_reset)

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        file = next((known for known in self.files.values() if known.path == path), None)
        if request.match_info["token"] != self.token or file is None:
            return _failure(ApiError(404, "Not Found"))
        fault = self.fault_for("download", {})
        call = Call("download", {"path": path})
        self.calls.append(call)
        if fault and (fault.kind == "fail" or not fault.accepted):
            return await self._suffer(fault, request, call)
        return await self._stream(request, file, call, fault)

    async def _stream(
        self, request: web.Request, file: StoredFile, call: Call, fault: Fault | None
    ) -> web.StreamResponse:
        """Send a file; with a fault, one half of it before that."""
        data = file.upload.data
        response = web.StreamResponse(headers={hdrs.CONTENT_LENGTH: str(len(data))})
        await response.prepare(request)
        half = len(data) // 2
        await response.write(data[:half])
        if fault and await self._suffer(fault, request, call, response) is not response:
            return response
        await response.write(data[half:])
        call.status = 200
        self.changes.tell()
        return response


async def _given(request: web.Request) -> Json:
    """Return the parameters of a request, from wherever a Bot API server takes them."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        sent: Json = await request.json()
        return given | sent
    if request.content_type == "application/x-www-form-urlencoded":
        return given | dict(parse_qsl(await request.text(), keep_blank_values=True))
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            given[part.name or ""] = await _part(part)
    return given


async def _part(part: BodyPartReader) -> str | Upload:
    if part.filename is None:
        return await part.text()
    media_type = part.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream")
    return Upload(part.filename, media_type, bytes(await part.read()))


def _failure(error: ApiError, body: str | None = None) -> web.Response:
    """Return an error as the Bot API gives it."""
    shown: Json = {"ok": False, "error_code": error.status, "description": error.description}
    if error.parameters:
        shown["parameters"] = error.parameters
    headers: Mapping[str, str] = {}
    if "retry_after" in error.parameters:
        headers = {hdrs.RETRY_AFTER: str(error.parameters["retry_after"])}
    if body is not None:
        return web.Response(text=body, status=error.status, content_type="text/html")
    return web.json_response(shown, status=error.status, headers=headers)


def _close(request: web.Request, *, is_reset: bool = False) -> web.Response:
    """Close the connection, so that what is returned here reaches nobody."""
    if request.transport and is_reset:
        connection: socket.socket = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    elif request.transport:
        request.transport.close()
    return web.Response()


async def _converse() -> None:
    """Be a person in a terminal: lines go to the bot, and what it sends is printed."""
    async with TelegramServer() as server:
        alice = server.person(1001, "Alice", "alice")
        chat = server.private_chat(alice)
        told = {"token": server.token, "api": server.base_url}
        print(json.dumps(told), flush=True)  # noqa: T201 - it prints
        printing = asyncio.create_task(_print(server, chat))
        while line := await asyncio.to_thread(sys.stdin.readline):
            server.say(alice, chat, line.rstrip("\n"))
        printing.cancel()


async def _print(server: TelegramServer, chat: Chat) -> None:
    printed: set[int] = set()
    while True:
        messages = await server.changes.until(
            lambda: [message for message in server.messages(chat) if message.id not in printed]
        )
        for message in messages:
            print(message.text, message.buttons or "", flush=True)  # noqa: T201 - it prints
            printed.add(message.id)


if __name__ == "__main__":
    asyncio.run(_converse())
