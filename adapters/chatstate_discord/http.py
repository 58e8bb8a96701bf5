"""discord.py's HTTP client, at addresses of its own.

discord.py has one address of the API and one of the gateway for all clients of a process. Here each
client has its own, so that one process may talk with several servers.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import yarl
from discord.http import HTTPClient, Route

from chatstate_discord.clock import DiscordClock
from chatstate_discord.options import DiscordOptions

LONGEST_WAIT = 30.0
_GATEWAYS = ".discord.gg"


class Http(HTTPClient):
    """Talks with the server that the options name, through their proxy or the environment's."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, options: DiscordOptions, clock: DiscordClock
    ) -> None:
        super().__init__(
            loop,
            proxy=proxy_of(options),
            http_trace=clock.trace(),
            max_ratelimit_timeout=LONGEST_WAIT,
        )
        self._api = options.api.rstrip("/")
        self._gateway = options.gateway

    async def request(self, route: Route, **more: Any) -> Any:
        """See `HTTPClient.request`."""
        if self._api and route.url.startswith(Route.BASE):  # a route may be used again
            route.url = self._api + route.url.removeprefix(Route.BASE)
        return await super().request(route, **more)

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """See `HTTPClient.ws_connect`."""
        wanted = yarl.URL(url)
        if self._gateway and f".{wanted.host}".endswith(_GATEWAYS):
            wanted = yarl.URL(self._gateway).with_query(wanted.query)
        return await super().ws_connect(str(wanted), compress=compress)


def proxy_of(options: DiscordOptions) -> str | None:
    """Return the proxy to go through: the one that is set, or as the environment says."""
    if options.proxy:
        return options.proxy
    url = yarl.URL(options.api or Route.BASE)
    return None if proxy_bypass(url.host or "") else getproxies().get(url.scheme)
