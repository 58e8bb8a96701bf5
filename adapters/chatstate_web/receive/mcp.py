"""The bot's tools over the Model Context Protocol, at `/mcp`: by the official library.

1. Of whom a call is tells its token, or else its session; see `identifying` and `guests`. So what
   is kept is that caller's.
2. Callers who have tokens need no session of the protocol's: there is none, and nothing is lost
   with a connection, or with a restart.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chatstate import Command
from chatstate.adapter import Host
from chatstate_web.options import WebOptions
from chatstate_web.receive import guests
from chatstate_web.receive.answers import Answer
from chatstate_web.receive.callers import Caller, Callers
from chatstate_web.receive.guests import Guests
from chatstate_web.receive.identifying import Identifying, NotIdentifiedError
from chatstate_web.receive.oauth import Issuer
from chatstate_web.receive.tools import CallError, call, schema_of, tools_of
from chatstate_web.send.parts import PageFile

LARGEST = 1 << 18
"""How many bytes a call has at most."""
_CALLER = "chatstate_web.caller"
_SESSION = "mcp-session-id"
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_LARGEST_PICTURE = 1 << 22


@contextlib.asynccontextmanager
async def speaking(
    host: Host, options: WebOptions, callers: Callers, resource: str, metadata: str
) -> AsyncGenerator[ASGIApp]:
    """Give what answers programs, until the end of the block.

    `resource` is the address at which they call, `metadata` that of what tells of the issuer.
    """
    async with contextlib.AsyncExitStack() as opened:
        if not (callers.tokens or options.oauth_issuer):
            visiting = Guests(host, time.monotonic)
            opened.push_async_callback(visiting.close)
            manager = _manager(_Answering(host, visiting).server, stateless=False)
            await opened.enter_async_context(manager.run())
            yield _ForGuests(manager, visiting)
            return
        issuer = Issuer(options, resource) if options.oauth_issuer else None
        if issuer:
            opened.push_async_callback(issuer.close)
        identifying = Identifying(
            callers,
            issuer,
            issuer=options.oauth_issuer,
            scopes=options.oauth_scopes,
            metadata=metadata,
        )
        manager = _manager(_Answering(host, None).server, stateless=True)
        await opened.enter_async_context(manager.run())
        yield _ForCallers(manager, identifying)


def _manager(server: Server[Any], *, stateless: bool) -> StreamableHTTPSessionManager:
    return StreamableHTTPSessionManager(
        server,
        json_response=True,
        stateless=stateless,
        max_request_body_size=LARGEST,
        session_idle_timeout=None if stateless else guests.LASTS,
        max_sessions=guests.MOST,
    )


class _ForCallers:
    """Answers those who say who they are."""

    def __init__(self, manager: StreamableHTTPSessionManager, identifying: Identifying) -> None:
        self._manager = manager
        self._identifying = identifying

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            caller = await self._identifying.who(Headers(scope=scope))
        except NotIdentifiedError as error:
            await error.response(scope, receive, send)
            return
        await self._manager.handle_request({**scope, _CALLER: caller}, receive, send)


class _ForGuests:
    """Answers those who do not."""

    def __init__(self, manager: StreamableHTTPSessionManager, visiting: Guests) -> None:
        self._manager = manager
        self._visiting = visiting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)
        if scope["method"] == "DELETE":
            await self._visiting.leave(Headers(scope=scope).get(_SESSION, ""))


class _Answering:
    """What the library asks, answered by one bot; `visiting` are those whom it does not know."""

    def __init__(self, host: Host, visiting: Guests | None) -> None:
        self._host = host
        self._visiting = visiting
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
        try:
            if command is None:
                raise CallError(f"there is no tool {asked.name!r}")
            async with self._caller_of(context) as caller:
                answers = await call(self._host, caller, command, asked.arguments or {})
                content = [block for answer in answers for block in await self._blocks(answer)]
        except CallError as error:
            told = types.TextContent(type="text", text=str(error))
            return types.CallToolResult(content=[told], is_error=True)
        return types.CallToolResult(content=content)

    def _caller_of(
        self, context: ServerRequestContext[Any]
    ) -> contextlib.AbstractAsyncContextManager[Caller]:
        request: Any = context.request  # over HTTP there is always one
        if self._visiting:
            return self._visiting.calling(request.headers.get(_SESSION))
        return contextlib.nullcontext(request.scope[_CALLER])

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
