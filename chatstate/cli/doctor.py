"""`chatstate doctor`: whether all is well with a bot, and what to do about what is not.

1. What runs is not disturbed and nothing is changed: platforms are asked, stores are read.
2. Each part tells of itself: an adapter of its account, a store of its database. Here they are
   asked one after the other, for a while each, and none keeps the next from being asked.
3. The status is 1 if something has failed, which is what keeps a bot from running, or from what it
   promises. A warning does not.
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shutil
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Annotated

import typer

from chatstate.adapter import Finding, fine
from chatstate.adapter.findings import Level
from chatstate.adapter.installing import ADAPTERS
from chatstate.bot.interface import Interface
from chatstate.cli.accounts import load_adapters, wanted_account
from chatstate.cli.adapter_options import DEFAULT_ADAPTER
from chatstate.cli.loading import load_bot
from chatstate.cli.settings import adapters_set, variable
from chatstate.engine.describing import describe
from chatstate.engine.states import undeclared
from chatstate.errors import AdapterError, ChatstateError, LoadError
from chatstate.stores import default_url, open_store
from chatstate.stores.base import Filter, Store, StoredState
from chatstate.text import one_line

_PATIENCE = 30.0
_MIB = 1 << 20
_FULL, _SCARCE = 50 * _MIB, 1024 * _MIB
_LETTERS = 1_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WIDTH = 8
_LIBRARY = re.compile(r"([\w.-]+)")

Findings = AsyncIterator[Finding]


def doctor(
    bot: Annotated[
        str | None,
        typer.Argument(help="The bot, as `run` takes it.", envvar=variable("bot")),
    ] = None,
    *,
    on: Annotated[
        list[str] | None, typer.Option(help="An adapter, or ADAPTER:LABEL; repeatable.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="A store URL, as `run` takes it.", envvar=variable("store"))
    ] = None,
    **options: object,
) -> None:
    """Look whether all is well with a bot: tokens, intents, webhook, database, clock, disk."""
    accounts = on or adapters_set() or [DEFAULT_ADAPTER]
    given = {name: value for name, value in options.items() if value is not None}
    if not asyncio.run(_all_is_well(bot, accounts, store, given)):
        raise typer.Exit(1)


async def _all_is_well(
    spec: str | None, accounts: Sequence[str], url: str | None, options: Mapping[str, object]
) -> bool:
    levels = [_tell("", finding) for finding in (*_of_versions(), *_of_settings(Path.cwd()))]
    bot, finding = _loaded(spec)
    levels.append(_tell("", finding))
    url = url or (default_url(bot.id) if bot else None)
    if url:
        levels += [_tell("", found) for found in await _asked(_of_store(url, bot))]
    for account in accounts:
        asked = await _asked(_of_account(account, bot, options))
        levels += [_tell(f"{account}: ", found) for found in asked]
    return "failed" not in levels


def _tell(whose: str, finding: Finding) -> str:
    """Print a finding; return how it is."""
    told = one_line(f"{whose}{finding.what} {finding.told}")
    typer.echo(f"{finding.level:{_WIDTH}}{told}")
    if finding.remedy:
        typer.echo(f"{'':{_WIDTH}}→ {one_line(finding.remedy)}")
    return finding.level


async def _asked(findings: Findings) -> list[Finding]:
    """Return findings, and what kept the next one from being found."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout(_PATIENCE):
            async for finding in findings:
                found.append(finding)  # noqa: PERF401 - to have them if the next one fails
    except TimeoutError:
        told = f"has not come within {_PATIENCE:g} s"
        found.append(Finding("failed", "answer", told, "see whether that is reached"))
    except Exception as error:  # noqa: BLE001 - an adapter's, say: it is told, and the next is asked
        told = str(error) if isinstance(error, ChatstateError) else describe(error)
        found.append(Finding("failed", "look", f"failed: {told}", "mend that, and look again"))
    return found


def _of_versions() -> Iterator[Finding]:
    python, sqlite = platform.python_version(), sqlite3.sqlite_version
    told = f"chatstate {version('chatstate')}, Python {python}, SQLite {sqlite}, {sys.platform}"
    yield fine("versions", told)


def _of_settings(folder: Path) -> Iterator[Finding]:
    """Yield whether others can read what is secret."""
    path = folder / ".env"
    if not path.is_file() or os.name != "posix":
        return
    if path.stat().st_mode & _OTHERS:
        told = "can be read by others on this machine, and may hold tokens"
        yield Finding("warning", ".env", told, "chmod 600 .env")
    else:
        yield fine(".env", "is read, and is its owner's alone")


def _loaded(spec: str | None) -> tuple[Interface | None, Finding]:
    if spec is None:
        return None, Finding("warning", "bot", "none is named", "chatstate doctor bot.py")
    try:
        bot = load_bot(spec)
    except LoadError as error:
        return None, Finding("failed", "bot", str(error), "mend it, and look again")
    return bot, fine("bot", f"{bot.id} can be loaded from {spec}")


async def _of_store(url: str, bot: Interface | None) -> Findings:
    store = open_store(url)
    yield _of_disk(store.folder)
    if url.startswith(("sqlite:", ":")):
        from chatstate.stores.sqlite import MEMORY, examining

        found = list(examining.findings(MEMORY if url.endswith(MEMORY) else store.location))
    else:
        from chatstate.stores.postgres import examining as examining_postgres

        found = [finding async for finding in examining_postgres.findings(url)]
    for finding in found:
        yield finding
    if all(finding.level != "failed" for finding in found):
        async for finding in _of_contents(url, store, bot):
            yield finding


async def _of_contents(url: str, store: Store, bot: Interface | None) -> Findings:
    """Yield what is told of by what is stored; nothing if nothing has been stored yet."""
    try:
        yield await _of_workers(store)
    except LoadError:
        return
    if url.startswith("sqlite:"):
        from chatstate.stores.sqlite import examining

        stored = examining.stored_states(store.location)
    else:
        from chatstate.stores.postgres import examining as examining_postgres

        stored = await examining_postgres.stored_states(url)
    for finding in _of_states(bot, stored):
        yield finding
    yield await _of_letters(store)


def _of_disk(folder: Path) -> Finding:
    there = next(found for found in (folder, *folder.absolute().parents) if found.is_dir())
    free = shutil.disk_usage(there).free
    told = f"has {free / (1 << 30):.1f} GiB left, at {there}"
    if free > _SCARCE:
        return fine("disk", told)
    level: Level = "failed" if free < _FULL else "warning"
    return Finding(level, "disk", told, "make room: a store on a full disk takes nothing more")


def _of_states(bot: Interface | None, stored: Sequence[StoredState]) -> Iterable[Finding]:
    """Yield what is stored and is read no more."""
    if bot is None:
        return
    for warning in undeclared.warnings(bot.id, bot.states, stored):
        remedy = "or forget what is stored: chatstate state reset --name NAME"
        yield Finding("warning", "state", warning, remedy)


async def _of_workers(store: Store) -> Finding:
    runs = [f"{worker.pid}@{worker.host}" for worker in await store.workers()]
    return fine("processes", f"that run it now: {', '.join(runs) or 'none'}")


async def _of_letters(store: Store) -> Finding:
    count = len(await store.list("dead", Filter(limit=_LETTERS)))
    if not count:
        return fine("dead letters", "are none")
    many = f"{count} or more" if count == _LETTERS else str(count)
    remedy = "chatstate dead list tells what failed, chatstate dead retry NUMBER does it again"
    return Finding("warning", "dead letters", f"are {many}", remedy)


def _of_libraries(account: str) -> Finding:
    """Return which versions an adapter has of what its package needs for it."""
    name = wanted_account(account).adapter
    needed = [
        library[1]
        for point in entry_points(group=ADAPTERS, name=name)
        for line in (point.dist.requires if point.dist else None) or ()
        if f'extra == "{name}"' in line.replace("'", '"') and (library := _LIBRARY.match(line))
    ]
    told = ", ".join(f"{library} {version(library)}" for library in needed)
    return fine("libraries", told or "are none but chatstate's own")


async def _of_account(
    account: str, bot: Interface | None, options: Mapping[str, object]
) -> Findings:
    try:
        (adapter,) = load_adapters([account], options)
        yield _of_libraries(account)
    except (AdapterError, LoadError) as error:
        told = f"do not suffice: {error}"
        yield Finding("failed", "settings", told, "set it in .env, or in the environment")
        return
    prefix = f"{adapter.name}:"
    kinds = {kind.removeprefix(prefix) for kind in bot.routes.kinds} if bot else set[str]()
    found = await adapter.examine(frozenset(kinds))
    for finding in found or [fine("account", "can be used; there is nobody to ask about it")]:
        yield finding
