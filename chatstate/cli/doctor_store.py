"""What `chatstate doctor` finds in a store: its disk, who runs on it, what waits and is left over.

1. Nothing is changed, and nobody who runs is disturbed.
2. What a bot that runs has told of itself is not told twice (`is_known`).
3. A run is older than the code that is looked at if it has an older version of a state or of
   chatstate, or began before a file of the bot was changed.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

from chatstate.adapter import Finding, fine
from chatstate.adapter.findings import Level
from chatstate.bot.interface import Interface
from chatstate.engine.states import undeclared
from chatstate.engine.states.older_runs import told_versions
from chatstate.errors import LoadError
from chatstate.inspection import Figures, KnownWorker
from chatstate.signature import code_of, short_path
from chatstate.stores import open_store
from chatstate.stores.base import Filter, Store
from chatstate.stores.control import engine_version
from chatstate.stores.records import StoredState
from chatstate.telemetry.standing import of_code, of_figures, of_workers

_MIB = 1 << 20
_FULL, _SCARCE = 50 * _MIB, 1024 * _MIB
_AT_MOST = 1_000


async def of_store(url: str, bot: Interface | None, *, is_known: bool) -> AsyncIterator[Finding]:
    """Yield how the store of a URL is, and what it tells of the bots on it."""
    store = open_store(url)
    yield _of_disk(store.folder)
    found = [finding async for finding in _of_backend(url, store)]
    for finding in found:
        yield finding
    if all(finding.level != "failed" for finding in found):
        async for finding in _of_contents(url, store, bot, is_known=is_known):
            yield finding


async def _of_backend(url: str, store: Store) -> AsyncIterator[Finding]:
    if _is_sqlite(url):
        from chatstate.stores.sqlite import MEMORY, examining

        for finding in examining.findings(MEMORY if url.endswith(MEMORY) else store.location):
            yield finding
    else:
        from chatstate.stores.postgres import examining as examining_postgres

        async for finding in examining_postgres.findings(url):
            yield finding


async def _of_contents(
    url: str, store: Store, bot: Interface | None, *, is_known: bool
) -> AsyncIterator[Finding]:
    """Yield what is told of by what is stored; nothing if nothing has been stored yet."""
    try:
        workers, figures = await store.workers(), await store.figures()
    except LoadError:
        return
    yield _of_processes(workers, figures)
    for finding in _of_runs(workers, bot):
        yield finding
    if not is_known:
        for finding in of_figures(figures, time.time()):
            yield finding
    if workers and not is_known:
        for finding in of_workers(workers):
            yield finding
    async for finding in _of_crashes(store):
        yield finding
    states, timers = await _stored(url, store)
    for finding in (*_of_states(bot, states), *_of_timers(bot, timers)):
        yield finding
    yield _of_letters(figures.dead)


def _of_disk(folder: Path) -> Finding:
    there = next(found for found in (folder, *folder.absolute().parents) if found.is_dir())
    free = shutil.disk_usage(there).free
    told = f"has {free / (1 << 30):.1f} GiB left, at {there}"
    if free > _SCARCE:
        return fine("disk", told)
    level: Level = "failed" if free < _FULL else "warning"
    return Finding(level, "disk", told, "make room: a store on a full disk takes nothing more")


def _of_processes(workers: Sequence[KnownWorker], figures: Figures) -> Finding:
    runs = ", ".join(f"{worker.process} (chatstate {worker.engine})" for worker in workers)
    if runs or not (figures.waiting or figures.owed):
        return fine("processes", f"that run it now: {runs or 'none'}")
    told = f"none runs it: {figures.waiting} events wait, and {figures.owed} replies are owed"
    return Finding("warning", "processes", told, "chatstate run; its log tells why it has ended")


def _of_runs(workers: Sequence[KnownWorker], bot: Interface | None) -> Iterator[Finding]:
    """Yield which runs stand still on this machine, and which have older code than the bot."""
    for worker in workers:
        if worker.host == socket.gethostname() and _is_stopped(worker.pid):
            told = f"{worker.process} is stopped, and does nothing"
            yield Finding("failed", "processes", told, f"kill -CONT {worker.pid}, or end it")
    if bot:
        theirs = [worker for worker in workers if worker.bot == bot.id]
        yield from of_code(told_versions(bot), engine_version(), theirs)
        yield from _of_files(bot, theirs)


def _is_stopped(pid: int) -> bool:
    """Tell whether a process has got SIGSTOP, where the system tells that."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return told.rpartition(")")[2].split()[0] in "Tt"


def _of_files(bot: Interface, workers: Sequence[KnownWorker]) -> Iterator[Finding]:
    codes = [code_of(route.handler.author_fn) for route in bot.routes]
    paths = {Path(code.co_filename) for code in codes if code}
    changed = {path: path.stat().st_mtime for path in paths if path.is_file()}
    for worker in workers:
        newer = sorted(path for path, at in changed.items() if at > worker.started_at)
        if newer and worker.host == socket.gethostname():
            told = f"{worker.process} began before {short_path(str(newer[0]))} was changed"
            yield Finding("warning", "processes", told, "it runs older code: restart it")


async def _of_crashes(store: Store) -> AsyncIterator[Finding]:
    for event in await store.list("inbox", Filter(limit=_AT_MOST)):
        if event.crashes:
            told = f"{event.number} was at its turn when the process crashed, {event.crashes} times"
            remedy = (
                f"the third time it becomes a dead letter by itself; chatstate state show "
                f"{event.number} --shelf inbox tells of it"
            )
            yield Finding("warning", "event", told, remedy)


async def _stored(
    url: str, store: Store
) -> tuple[Sequence[StoredState], Mapping[tuple[str, str], int]]:
    """Return which states have values, and how many timers each handler has, by bot."""
    if _is_sqlite(url):
        from chatstate.stores.sqlite import examining

        return examining.stored_states(store.location), examining.stored_timers(store.location)
    from chatstate.stores.postgres import examining as examining_postgres

    return await examining_postgres.stored_states(url), await examining_postgres.stored_timers(url)


def _of_states(bot: Interface | None, stored: Sequence[StoredState]) -> Iterator[Finding]:
    """Yield what is stored and is read no more."""
    for warning in undeclared.warnings(bot.id, bot.states, stored) if bot else ():
        remedy = "or forget what is stored: chatstate state reset --name NAME"
        yield Finding("warning", "state", warning, remedy)


def _of_timers(bot: Interface | None, stored: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    """Yield timers that nobody hears when they fire."""
    for (its, name), count in stored.items() if bot else ():
        if bot and its == bot.id and name and name not in bot.routes.timers:
            told = f"{count} are set for {name}(), and the bot has no such handler any more"
            remedy = "give it back (@bot.on_timer): each that fires before is a dead letter"
            yield Finding("warning", "timers", told, remedy)


def _of_letters(count: int) -> Finding:
    if not count:
        return fine("dead letters", "are none")
    remedy = "chatstate dead list tells what failed, chatstate dead retry NUMBER does it again"
    return Finding("warning", "dead letters", f"are {count}", remedy)


def _is_sqlite(url: str) -> bool:
    return url.startswith(("sqlite:", ":"))
