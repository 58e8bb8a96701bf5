"""A bot with its adapters and its store by their names, ready to run; and where it cannot."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from chatstate.adapter import Adapter
from chatstate.bot.interface import Interface
from chatstate.cli.accounts import load_adapters
from chatstate.engine import Engine
from chatstate.engine.observing import Observer
from chatstate.engine.outbox.sender import OnAmbiguous
from chatstate.stores import default_url, open_store

log = logging.getLogger("chatstate")

_ONCE_DEFAULT = "chatstate.db"  # the store of every bot, up to 0.1


def engine_for(
    bot: Interface,
    on: Sequence[str | Adapter],
    *,
    store: str | None = None,
    on_ambiguous: OnAmbiguous = "repeat",
    options: Mapping[str, object] | None = None,
    stay: bool = False,
    observer: Observer | None = None,
    connected: Callable[[str], None] = lambda _told: None,
) -> Engine:
    """Return the engine that runs `bot` on adapters, by name or made, and on a store by its URL.

    `connected` is given a line for each platform that is reached: as whom, and where the store is.
    Raises `LoadError` for names that are none, and `AdapterError` for options that cannot be.
    """
    adapters = load_adapters(on, options or {})
    opened = open_store(_default_store(bot) if store is None else store)

    def tell(adapter: Adapter, name: str) -> None:
        connected(f"{bot.id} on {adapter.name.capitalize()} as {name} · store {opened.location}")

    return Engine(
        bot,
        adapters,
        opened,
        on_ambiguous=on_ambiguous,
        stay=stay,
        connected=tell,
        observer=observer,
    )


def _default_store(bot: Interface) -> str:
    url = default_url(bot.id)
    if Path(_ONCE_DEFAULT).exists() and not Path(url.removeprefix("sqlite:///")).exists():
        log.warning(
            "the store is %s, by the bot's id; what %s holds is not used: to go on with that, "
            "rename it, or run with --store sqlite:///%s",
            *(url.removeprefix("sqlite:///"), _ONCE_DEFAULT, _ONCE_DEFAULT),
        )
    return url


def refuse_where_others_run(on: Sequence[str | Adapter]) -> None:
    """Raise `RuntimeError` where `bot.run` can make no loop, or would never be told to stop."""
    told = [repr(entry) if isinstance(entry, str) else type(entry).__name__ for entry in on]
    serve = f"bot.serve({', '.join(told)})"
    if _in_loop():
        raise RuntimeError(
            "bot.run() makes an event loop of its own, and there is one here already (of an async "
            f"function, of Jupyter, of FastAPI): write `await {serve}`, or beside what else "
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
