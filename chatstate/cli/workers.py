"""`chatstate workers`: which processes run a bot, and what they have at hand."""

from __future__ import annotations

import asyncio
import time

import typer

from chatstate.cli.looking import AsJson, echo_json, view
from chatstate.cli.stores import Url
from chatstate.cli.tables import print_table
from chatstate.inspection import KnownWorker

_HEAD = ("run", "bot", "process", "version", "up", "lease", "roles", "holds", "waiting", "lag")


def workers(*, as_json: AsJson = False, store: Url = None) -> None:
    """Show the workers that run: their roles and leases, what they hold, and what waits there."""
    found = asyncio.run(view(store).workers())
    if as_json:
        echo_json(found)
        return
    if not found:
        typer.echo("no worker runs on this store", err=True)
        return
    now = time.time()
    print_table(_HEAD, [_row(worker, now) for worker in found])


def _row(worker: KnownWorker, now: float) -> tuple[str, ...]:
    return (
        str(worker.id),
        worker.bot,
        worker.process,
        worker.engine or "-",
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
