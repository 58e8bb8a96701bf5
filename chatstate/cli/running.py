"""A bot that is run to its end: what `chatstate run` and `Interface.run` do.

1. What cannot be done is one line on stderr and status 2; what fails on the way has status 1.
2. Logs and refusals go to stderr: stdout is the console's.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Mapping, Sequence
from typing import NoReturn

import typer

from chatstate.adapter import Adapter
from chatstate.bot.interface import Interface
from chatstate.cli.logs import LogFormat, log_to_stderr
from chatstate.cli.loops import loop_factory
from chatstate.cli.starting import engine_for
from chatstate.cli.stopping import Stopping
from chatstate.cli.telemetry import Telemetry
from chatstate.engine.outbox.sender import OnAmbiguous
from chatstate.errors import AdapterError, ChatstateError, LoadError, StoreLockedError
from chatstate.text import one_line

log = logging.getLogger("chatstate")


def pair(text: str) -> tuple[str, str]:
    """Return the name and the value of a setting. Raises `LoadError` for what is none."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise LoadError(f"--set {text!r}: give it as NAME=VALUE")
    label, dot, option = name.strip().rpartition(".")
    return f"{label}{dot}{option.replace('-', '_')}", value


def run_bot(
    bot: Interface,
    on: Sequence[str | Adapter],
    *,
    store: str | None = None,
    on_ambiguous: OnAmbiguous = "repeat",
    log_level: str = "warning",
    log_format: LogFormat = "auto",
    log_texts: bool | None = None,
    health: str | None = None,
    metrics: bool = False,
    trace: bool = False,
    options: Mapping[str, object] | None = None,
) -> None:
    """Run `bot` on adapters by name; the body of `chatstate run` and of `Interface.run`."""
    try:
        form = log_to_stderr(log_level, log_format, texts=log_texts)
        factory = loop_factory()
        telemetry = Telemetry(health=health, metrics=metrics, trace=trace)
        engine = engine_for(
            bot,
            on,
            store=store,
            on_ambiguous=on_ambiguous,
            options=options,
            observer=telemetry.observer,
            connected=lambda told: typer.echo(one_line(told), err=True),
        )
        form.adapter = engine.name_of
        stopping = Stopping(engine)
        with stopping.heard(), asyncio.Runner(loop_factory=factory) as runner:
            spare_the_collector()
            runner.run(telemetry.beside(engine, stopping.run()))
    except (LoadError, AdapterError, StoreLockedError) as error:
        refuse(error)
    except ChatstateError as error:
        end(error, 1)
    except Exception:  # of an adapter, say: its text may hold anybody's words
        log.critical("bot %r has stopped", bot.id, exc_info=True)
        raise SystemExit(1) from None


def spare_the_collector() -> None:
    """Take what is loaded by now out of garbage collection, which stops the loop to look at it."""
    gc.collect()
    gc.freeze()


def refuse(error: ChatstateError) -> NoReturn:
    """End the process: what was wanted cannot be."""
    end(error, 2)


def end(error: ChatstateError, status: int) -> NoReturn:
    """End the process with a line that says why."""
    typer.echo(f"chatstate: {one_line(str(error))}", err=True)
    raise SystemExit(status) from None
