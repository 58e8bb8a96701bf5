"""What no request may do, whatever it is for: an ASGI app around the page's own.

1. The `Host` is one by which the page is known: a name that somebody lets lead here opens nothing
   (DNS rebinding).
2. What is no GET comes from a page of this origin, by its `Origin`: no other site's form or script
   does anything, cookies or not. At `FOR_MACHINES` programs prove who they are, and say no origin.
3. It is small enough for what it is, it goes on coming, and its address does not too much. Who has
   an address of IPv6 has all of its network: 2^64 of them.
4. Every answer says what a browser may do with it: no script but the page's own files, nothing from
   elsewhere, no frame around it, no guessing of types.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatstate_web.options import WebOptions
from chatstate_web.receive.rates import Rates
from chatstate_web.receive.wire import number_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
FOR_MACHINES = ("/events", "/mcp")
"""What no cookie opens: whoever posts there proves who it is by each request."""
_ROOM = 1 << 20  # for what is posted with files
_WITH_FILES = "/say"
_LARGEST = 1 << 19
"""How many bytes are taken of all else; machines are told by what they speak to of less."""
_PIECE_SECONDS = 60.0
"""For how long the next piece of what is posted is waited for."""


class TooMuchError(MultiPartException):
    """More was posted than is taken: whoever reads a form lets go of its files then."""

    def __init__(self) -> None:
        super().__init__("this is too large")


class Guard:
    """Lets requests through to `app` that may be asked."""

    def __init__(self, app: ASGIApp, options: WebOptions, clock: Callable[[], float]) -> None:
        self._app = app
        self._options = options
        self._rates = Rates(options.rate, clock)
        self._most = options.received_bytes + _ROOM

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal:
            await refusal(scope, receive, _with_headers(send))
            return
        await self._app(scope, _at_most(receive, self._limit(scope)), _with_headers(send))

    def _limit(self, scope: Scope) -> int:
        return self._most if _path_of(scope) == _WITH_FILES else _LARGEST

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = _name_in(host)
        if not self._options.allows(name):
            told = (
                f"this page is not known as {name!r}; if it should be, run it with --hosts {name}"
            )
            return PlainTextResponse(told, 421)
        if scope["method"] in ("GET", "HEAD"):
            return None
        origin = headers.get("origin")
        is_machine = origin is None and _path_of(scope) in FOR_MACHINES
        if not (is_machine or _is_own(origin or "", host, scope)):
            return PlainTextResponse("this comes from another page", 403)
        length = number_of(headers.get("content-length", "0"))
        if length is None or length > self._limit(scope):
            return PlainTextResponse("this is too large", 413)
        wait = self._rates.wait(network_of(scope))
        if wait:
            seconds = str(math.ceil(wait))
            return PlainTextResponse("this is too often", 429, {"Retry-After": seconds})
        return None


def _path_of(scope: Scope) -> str:
    """Return what is asked for, below where the page is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _name_in(host: str) -> str:
    """Return the name in a `Host`, without the port; "" if there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_own(origin: str, host: str, scope: Scope) -> bool:
    """Tell whether an origin is the page's: one of http is none of a page that came by https."""
    scheme, _, where = origin.partition("://")
    return where == host and (scheme == "https" or scope.get("scheme") != "https")


def network_of(scope: Scope) -> str:
    """Return the address that asks; of IPv6 the network, which is as many as one likes."""
    client: tuple[str, int] | None = scope.get("client")
    try:
        address = ip_address(client[0] if client else "")
    except ValueError:
        return client[0] if client else ""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address) >> 64 << 64, 64)))


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _at_most(receive: Receive, limit: int) -> Receive:
    """Return what receives so many bytes, and raises `TooMuchError` beyond.

    Who sends nothing for long, and has more to send, counts as gone.
    """
    size, has_more = 0, True

    async def receiving() -> Message:
        nonlocal size, has_more
        if not has_more:
            return await receive()  # that somebody goes
        try:
            async with asyncio.timeout(_PIECE_SECONDS):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        size, has_more = size + len(message.get("body", b"")), message.get("more_body", False)
        if size > limit:
            raise TooMuchError
        return message

    return receiving
