"""The bot's tools over the Model Context Protocol, at `/mcp`: by the official library.

1. Each request has a token, which says who calls (`Authorization: Bearer`): so what is kept is
   that caller's, on whatever connection and after a restart. Who has none is refused.
2. The protocol's own sessions keep nothing: there are none.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from chatstate import Command
from chatstate.adapter import Host
from chatstate_web.receive.answers import Answer
from chatstate_web.receive.callers import Callers
from chatstate_web.receive.tools import CallError, call, schema_of, tools_of
from chatstate_web.send.parts import PageFile

log = logging.getLogger("chatstate.web")

LARGEST = 1 << 18
"""How many bytes a call has at most."""
_CALLER = "chatstate_web.caller"
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_LARGEST_PICTURE = 1 << 22


class MCPTools:
    """Answers callers who have tokens."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._manager: StreamableHTTPSessionManager | None = None

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """See `Tools.routes`."""
        return [Route("/mcp", self)]

    @contextlib.asynccontextmanager
    async def serving(self, host: Host) -> AsyncGenerator[None]:
        """See `Tools.serving`."""
        names = ", ".join(tools_of(host)) or "none: say @bot.command(tool=True)"
        callers = ", ".join(self._callers.tokens)
        log.info("tools at /mcp, for %s and nobody without a token: %s", callers, names)
        manager = StreamableHTTPSessionManager(
            _Answering(host).server,
            json_response=True,
            stateless=True,
            max_request_body_size=LARGEST,
        )
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        if self._manager is None:
            refusal = PlainTextResponse("the bot does not run now", 503, {"Retry-After": "1"})
            await refusal(scope, receive, send)
            return
        kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        caller = self._callers.who_has(token.strip()) if kind.lower() == "bearer" else None
        if caller is None:
            told = "call this with a token: Authorization: Bearer TOKEN"
            refusal = PlainTextResponse(told, 401, {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
            return
        await self._manager.handle_request({**scope, _CALLER: caller}, receive, send)


class _Answering:
    """What the library asks, answered by one bot."""

    def __init__(self, host: Host) -> None:
        self._host = host
        about = host.about
        self.server: Server[Any] = Server(
            about.id,
            title=about.title,
            instructions=about.description or None,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    async def _list(
        self, _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        found = tools_of(self._host).items()
        return types.ListToolsResult(tools=[_tool(name, command) for name, command in found])

    async def _call(
        self, context: ServerRequestContext[Any], asked: types.CallToolRequestParams
    ) -> types.CallToolResult:
        command = tools_of(self._host).get(asked.name)
        caller = context.request.scope[_CALLER] if context.request else ""
        try:
            if command is None:
                raise CallError(f"there is no tool {asked.name!r}")
            answers = await call(self._host, caller, command, asked.arguments or {})
        except CallError as error:
            told = types.TextContent(type="text", text=str(error))
            return types.CallToolResult(content=[told], is_error=True)
        content = [block for answer in answers for block in await self._blocks(answer)]
        return types.CallToolResult(content=content)

    async def _blocks(self, answer: Answer) -> list[types.ContentBlock]:
        """Return a reply: its words, its pictures, and the names of other files."""
        words: list[types.ContentBlock] = []
        if answer.text:
            words.append(types.TextContent(type="text", text=answer.text))
        return [*words, *[await self._file(file) for file in answer.files]]

    async def _file(self, file: PageFile) -> types.ContentBlock:
        is_picture = file.type in _PICTURES and file.size <= _LARGEST_PICTURE
        path = await self._host.transcript.fetch(file.key) if is_picture and file.key else None
        if path is None:
            return types.TextContent(type="text", text=f"[{file.name}, {file.size} bytes]")
        data = base64.b64encode(await asyncio.to_thread(path.read_bytes)).decode()
        return types.ImageContent(type="image", data=data, mime_type=file.type)


def _tool(name: str, command: Command) -> types.Tool:
    return types.Tool(
        name=name,
        description=command.description or None,
        input_schema=schema_of(command),
    )
