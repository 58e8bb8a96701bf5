"""What answers over HTTP: `/live`, `/ready`, and `/metrics` if figures are counted.

1. `/live` asks nobody: whoever answers lives. An orchestrator ends a process that does not.
2. `/ready` is 200 as long as what comes is handled, else 503; why stands in its JSON.
3. It is bound before the bot begins, so that an address in use is told at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatstate.adapter.http import Listener
from chatstate.clock import SystemClock
from chatstate.engine import Engine
from chatstate.inspection import Inspection
from chatstate.telemetry.health import Health, Verdict

if TYPE_CHECKING:
    from chatstate.telemetry.metrics import Metrics

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Doors:
    """Answers for an engine on a store, at an address such as 127.0.0.1:9000.

    Raises `AdapterError` if it cannot listen there.
    """

    def __init__(
        self, address: str, engine: Engine, store: Inspection, metrics: Metrics | None
    ) -> None:
        self._clock = SystemClock()
        self._store = store
        self._metrics = metrics
        self._health = Health(engine, store, self._clock)
        routes = [Route("/live", self._live), Route("/ready", self._ready)]
        if metrics:
            routes.append(Route("/metrics", self._figures))
        self._listener = Listener(Starlette(routes=routes), address)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    async def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Answer as long as something else is done, to its end."""
        serving = asyncio.create_task(self._listener.run())
        try:
            await work
        finally:
            serving.cancel()
            await asyncio.wait([serving])
            self._listener.close()

    async def _live(self, _: Request) -> Response:
        return Response('{"status":"alive"}', media_type="application/json")

    async def _ready(self, _: Request) -> Response:
        verdict = await self._health.judge()
        return _told(verdict, 200 if verdict.serves else 503)

    async def _figures(self, _: Request) -> Response:
        if self._metrics is None:
            raise RuntimeError("nobody counts")
        figures, workers = await self._store.figures(), await self._store.workers()
        told = self._metrics.text(figures, workers, self._clock.time())
        return Response(told, media_type=_PROMETHEUS)


def _told(verdict: Verdict, status: int) -> Response:
    return Response(msgspec.json.encode(verdict), status, media_type="application/json")
