"""A bot with its adapters and its store by their names, ready to run; and where it cannot."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence

from chatstate.bot.interface import Interface
from chatstate.cli.loading import load_adapters
from chatstate.engine import Engine
from chatstate.engine.outbox.sender import OnAmbiguous
from chatstate.stores import DEFAULT_URL, open_store


def engine_for(
    bot: Interface,
    on: Sequence[str],
    *,
    store: str | None = None,
    on_ambiguous: OnAmbiguous = "repeat",
    options: Mapping[str, object] | None = None,
) -> Engine:
    """Return the engine that runs `bot` on adapters by name, and on a store by its URL.

    Raises `LoadError` for names that are none, and `AdapterError` for options that cannot be.
    """
    adapters = load_adapters(on, options or {})
    opened = open_store(DEFAULT_URL if store is None else store)
    return Engine(bot, adapters, opened, on_ambiguous=on_ambiguous)


def refuse_where_others_run(on: Sequence[str]) -> None:
    """Raise `RuntimeError` where `bot.run` can make no loop, or would never be told to stop."""
    serve = f"bot.serve({', '.join(map(repr, on))})"
    if _in_loop():
        raise RuntimeError(
            "bot.run() makes an event loop of its own, and there is one here already (of an async "
            f"function, a notebook, a web server): write `await {serve}`, or beside what else "
            f"runs, `task = asyncio.create_task({serve})`"
        )
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(
            "bot.run() must be called in the main thread, which is told of Ctrl-C and SIGTERM; in "
            f"another one write `asyncio.run({serve})`"
        )


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
