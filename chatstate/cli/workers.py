"""`chatstate workers`: which processes run a bot, and what they have at hand."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from chatstate.cli.stores import chosen_store
from chatstate.stores.base import KnownWorker
from chatstate.text import one_line

Url = Annotated[
    str | None, typer.Option("--store", help="A store URL; default: the one store in the folder.")
]
_HEAD = ("run", "bot", "process", "up", "lease", "roles", "holds", "waiting", "lag")


def workers(store: Url = None) -> None:
    """Show the workers that run: their roles and leases, what they hold, and what waits there."""
    found = asyncio.run(chosen_store(store).workers())
    if not found:
        typer.echo("no worker runs on this store", err=True)
        return
    now = time.time()
    rows = [_HEAD, *(_row(worker, now) for worker in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


def _row(worker: KnownWorker, now: float) -> tuple[str, ...]:
    return (
        str(worker.id),
        one_line(worker.bot),
        one_line(f"{worker.pid}@{worker.host}"),
        _seconds(now - worker.started_at),
        "until it ends" if not worker.lease else _lease(worker.lease),
        " ".join(worker.roles) or "-",
        str(worker.holds),
        str(worker.waiting),
        "-" if worker.oldest_at is None else _seconds(now - worker.oldest_at),
    )


def _lease(left: float) -> str:
    return _seconds(left) if left > 0 else "over"


def _seconds(seconds: float) -> str:
    return f"{max(seconds, 0):.0f} s"
