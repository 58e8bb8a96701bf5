"""Where programs call tools: `/mcp`, and where they are told who gives out tokens for it.

1. The library that speaks their protocol is loaded when the bot runs, and has something to serve:
   tools and guests, or somebody who has a token.
2. Whom tools are for is said at start.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatstate import AdapterError
from chatstate.adapter import Host
from chatstate_web.options import WebOptions
from chatstate_web.receive.callers import Callers
from chatstate_web.receive.tools import tools_of

log = logging.getLogger("chatstate.web")

_METADATA = "/.well-known/oauth-protected-resource/mcp"


class Speaking(Protocol):
    """Makes what answers programs of one bot; see `mcp.speaking`."""

    def __call__(
        self, host: Host, options: WebOptions, callers: Callers, resource: str, metadata: str
    ) -> contextlib.AbstractAsyncContextManager[ASGIApp]: ...


class ToolDoor:
    """Lets programs call the tools of one bot, while it runs.

    Raises `AdapterError` if somebody is to, and the library for that is not installed.
    """

    def __init__(self, options: WebOptions, callers: Callers) -> None:
        self._options = options
        self._callers = callers
        self._needs_token = bool(callers.tokens or options.oauth_issuer)
        self._app: ASGIApp = _not_running
        self._resource = ""
        if self._needs_token:
            _speaking()

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Where they call."""
        return [Route("/mcp", self), Route(_METADATA, self._tell_of_issuer, methods=["GET"])]

    @contextlib.asynccontextmanager
    async def serving(self, host: Host, address: str) -> AsyncGenerator[None]:
        """Answer until the end of the block; `address` is the page's, "" if that is not known."""
        self._resource = self._options.oauth_resource or f"{address}mcp"
        metadata = f"{self._resource.removesuffix('/mcp')}{_METADATA}"
        async with contextlib.AsyncExitStack() as opened:
            self._app = _nobodys
            if speaking := self._wanted(host):
                made = speaking(host, self._options, self._callers, self._resource, metadata)
                self._app = await opened.enter_async_context(made)
            try:
                yield
            finally:
                self._app = _not_running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        await self._app(scope, receive, send)

    def _wanted(self, host: Host) -> Speaking | None:
        """Return what speaks with programs, if somebody may call something; say for whom."""
        names = ", ".join(tools_of(host))
        if not self._needs_token and not (names and self._options.lets_guests_in):
            return None
        try:
            speaking = _speaking()
        except AdapterError as error:
            log.warning("there are tools (%s), which nobody can call: %s", names, error)
            return None
        told = names or "none: say @bot.command(tool=True)"
        log.info("tools at /mcp, %s: %s", self._for_whom(), told)
        return speaking

    def _for_whom(self) -> str:
        if not self._needs_token:
            return (
                "for whoever calls, without a token: what they keep is their session's (where the "
                "protocol has none, of each call), and not stored"
            )
        subjects = [f"subjects of {self._options.oauth_issuer}"] * bool(self._options.oauth_issuer)
        return f"for {', '.join([*self._callers.tokens, *subjects])} and nobody without a token"

    async def _tell_of_issuer(self, _: Request) -> Response:
        """Answer who gives out tokens for the tools (RFC 9728)."""
        options = self._options
        if not options.oauth_issuer or not self._resource:
            return PlainTextResponse("no issuer's tokens count here", HTTPStatus.NOT_FOUND)
        told: dict[str, Any] = {
            "resource": self._resource,
            "authorization_servers": [options.oauth_issuer],
            "bearer_methods_supported": ["header"],
        }
        if options.oauth_scopes:
            told["scopes_supported"] = options.oauth_scopes
        return JSONResponse(told)


def _speaking() -> Speaking:
    """Return what speaks the protocol. Raises `AdapterError` if it is not installed."""
    try:
        from chatstate_web.receive.mcp import speaking
    except ImportError as error:
        raise AdapterError(
            f"to call tools {error.name} is needed: pip install 'chatstate[mcp]'"
        ) from error
    return speaking


def _answering(status: HTTPStatus, told: str, headers: dict[str, str] | None = None) -> ASGIApp:
    return PlainTextResponse(told, status, headers)


_not_running = _answering(
    HTTPStatus.SERVICE_UNAVAILABLE, "the bot does not run now", {"Retry-After": "1"}
)
_nobodys = _answering(
    HTTPStatus.NOT_FOUND, "nobody may call tools here: there are none, or nobody has a token"
)
