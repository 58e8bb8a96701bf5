"""`chatstate doctor`: whether all is well with a bot, and what to do about what is not.

1. What runs is not disturbed and nothing is changed: platforms are asked, stores are read.
2. Each part tells of itself: an adapter of its account, a store of its database. Here they are
   asked one after the other, for a while each, and none keeps the next from being asked.
3. A bot that runs knows most of itself: it is asked at the address of its `--health`. What it does
   not answer is told by its store.
4. The status is 1 if something has failed, which is what keeps a bot from running, or from what it
   promises. A warning does not.
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
import sqlite3
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from chatstate.adapter import Finding, fine
from chatstate.adapter.findings import Level
from chatstate.adapter.installing import ADAPTERS
from chatstate.bot.interface import Interface
from chatstate.cli.accounts import load_adapters, wanted_account
from chatstate.cli.adapter_options import DEFAULT_ADAPTER
from chatstate.cli.doctor_store import of_store
from chatstate.cli.loading import load_bot
from chatstate.cli.settings import adapters_set, variable
from chatstate.engine.describing import describe
from chatstate.errors import AdapterError, ChatstateError, LoadError
from chatstate.stores import default_url
from chatstate.text import one_line

_PATIENCE = 30.0
_ANSWERS_WITHIN = 5.0
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
    health: Annotated[
        str | None,
        typer.Option(
            help="HOST:PORT at which the bot answers that runs, as `run` takes it.",
            envvar=variable("health"),
        ),
    ] = None,
    **options: object,
) -> None:
    """Look whether all is well with a bot: tokens, intents, webhook, database, clock, disk."""
    accounts = on or adapters_set() or [DEFAULT_ADAPTER]
    given = {name: value for name, value in options.items() if value is not None}
    if not asyncio.run(_all_is_well(bot, accounts, store, health, given)):
        raise typer.Exit(1)


async def _all_is_well(
    spec: str | None,
    accounts: Sequence[str],
    url: str | None,
    health: str | None,
    options: Mapping[str, object],
) -> bool:
    levels = [_tell("", finding) for finding in (*_of_versions(), *_of_settings(Path.cwd()))]
    bot, finding = _loaded(spec)
    levels.append(_tell("", finding))
    told = await asyncio.to_thread(_of_health, health) if health else ()
    levels += [_tell("", finding) for finding in told]
    url = url or (default_url(bot.id) if bot else None)
    if url:
        store = of_store(url, bot, is_known=any(f.level != "failed" for f in told))
        levels += [_tell("", found) for found in await _asked(store)]
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


class _Verdict(msgspec.Struct, frozen=True):
    """What `/ready` answers."""

    status: str
    reasons: Sequence[str] = ()


def _of_health(address: str) -> Sequence[Finding]:
    """Return what the bot that runs says of itself."""
    try:
        with urllib.request.urlopen(f"http://{address}/ready", timeout=_ANSWERS_WITHIN) as answer:
            said = answer.read()
    except urllib.error.HTTPError as error:  # it is not ready, and says why
        said = error.read()
    except (OSError, ValueError) as error:
        told = f"is not told at {address}: {getattr(error, 'reason', error)}"
        remedy = (
            "nothing runs there, it is frozen, or code blocks its event loop, which its log names: "
            "end the process and start it again; it goes on where it was"
        )
        return [Finding("failed", "health", told, remedy)]
    verdict = msgspec.json.decode(said, type=_Verdict)
    if verdict.status == "ready":
        return [fine("health", f"of the bot at {address}: all is well")]
    level: Level = "warning" if verdict.status == "degraded" else "failed"
    return [
        Finding(level, "health", f"{verdict.status}: {told}", remedy)
        for told, _, remedy in (reason.partition("; ") for reason in verdict.reasons or [""])
    ]


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
