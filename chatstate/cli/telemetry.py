"""What `chatstate run` tells an operator's systems: `--health`, `--metrics` and `--trace`."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine, Generator
from typing import TYPE_CHECKING, Any

from chatstate.adapter.installing import pip_line
from chatstate.engine import Engine
from chatstate.engine.observing import Observer, Observers
from chatstate.errors import LoadError

if TYPE_CHECKING:
    from chatstate.telemetry.metrics import Metrics


class Telemetry:
    """What is told, at the address `health` and by traces.

    Raises `LoadError` for what needs a library that is missing, or an address.
    """

    def __init__(self, *, health: str | None, metrics: bool, trace: bool) -> None:
        if metrics and not health:
            raise LoadError(
                "--metrics are told at the address of --health HOST:PORT: give that too"
            )
        self._health = health
        self._metrics = _metrics() if metrics else None
        observers: list[Observer] = [self._metrics] if self._metrics else []
        if trace:
            observers.append(_traces())
        self.observer = Observers(observers) if observers else None

    async def beside(self, engine: Engine, work: Coroutine[Any, Any, None]) -> None:
        """Tell it while an engine is at work.

        Raises `AdapterError` if it cannot listen at the address.
        """
        if self._health is None:
            await work
            return
        with _needs("starlette", "uvicorn"):
            from chatstate.telemetry.doors import Doors
        try:
            doors = Doors(self._health, engine, engine.inspection, self._metrics)
        except BaseException:
            work.close()
            raise
        await doors.beside(work)


def _metrics() -> Metrics:
    with _needs("prometheus_client"):
        from chatstate.telemetry.metrics import Metrics
    return Metrics()


def _traces() -> Observer:
    with _needs("opentelemetry"):
        from chatstate.telemetry.traces import Traces
    return Traces()


@contextlib.contextmanager
def _needs(*libraries: str) -> Generator[None]:
    """Say what to type for a library that is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in libraries:
            raise
        line = pip_line("chatstate", "telemetry")
        raise LoadError(f"{error.name} is not installed: {line}") from None
