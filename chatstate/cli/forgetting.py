"""`chatstate forget` and `export`: what a person may ask for.

1. What there is of them is counted and has to be confirmed; who it is is shown by a hash.
2. If the bot runs, it forgets them, and this waits for it. Else it is done here; what the author's
   own code has to do for it (`@bot.on_forget`) is done when the bot next runs.
3. What was begun and not ended, since a process has died, is ended with it.
4. What lies beyond the store's reach is named: backups, and values that others share.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from chatstate.bot.cleaning import uncleaned
from chatstate.bot.interface import Interface
from chatstate.cli.loading import load_bot
from chatstate.cli.looking import Reveal, Yes, confirm
from chatstate.cli.stores import Url, chosen_store, url_of
from chatstate.cli.tables import clock_time
from chatstate.errors import StateError, StorageError
from chatstate.inspection import Entry, Request
from chatstate.stores.base import Forgotten, Store
from chatstate.stores.gathering import (
    erase_pages,
    exported,
    gathered,
    identities_of,
    people_named,
    shown,
    summary,
)
from chatstate.stores.ledger import Line, append
from chatstate.text import one_line

Person = Annotated[
    str, typer.Argument(help="platform:id, an id, or a hash from a listing, as in id-3f9a2c41b7e0.")
]
_LOOK_EVERY = 0.2
_PATIENCE = 300.0


def forget(
    person: Person,
    *,
    code: Annotated[
        str | None, typer.Option(help="The bot's code: tells what none of its handlers cleans.")
    ] = None,
    yes: Yes = False,
    reveal: Reveal = False,
    store: Url = None,
) -> None:
    """Erase all that a store has of a person, for good, in the files as well."""
    bot = load_bot(code) if code else None
    asyncio.run(_forget(person, bot, url_of(store), is_sure=yes, reveal=reveal))


def export(
    person: Person,
    file: Annotated[str, typer.Argument(help="A file; - for stdout.")] = "-",
    *,
    store: Url = None,
) -> None:
    """Write all that a store has of a person, as JSON, to be given to them."""
    written = asyncio.run(_exported(person, chosen_store(store)))
    if file == "-":
        sys.stdout.buffer.write(written + b"\n")
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(written + b"\n")
    typer.echo(f"{one_line(file)} holds what there is", err=True)


async def _exported(person: str, store: Store) -> bytes:
    people = await identities_of(store, await people_named(store, person))
    return await exported(store, people)


async def _forget(
    name: str,
    bot: Interface | None,
    url: str,
    *,
    is_sure: bool,
    reveal: bool,
) -> None:
    store = chosen_store(url)
    begun = await store.forgotten(is_open=True)
    try:
        people = await identities_of(store, await people_named(store, name))
    except StateError:
        if not begun:
            raise
        people = []
        typer.echo("going on with what was begun")
    await _tell(store, people, bot, reveal=reveal)
    if not is_sure:
        confirm("Forget them, for good?")
    for person in people:
        await store.ask(Request(verb="forget", number=person.number))
    asked = await store.forgotten(is_open=True)
    for bot_id in sorted({row.bot for row in asked}):
        theirs = [row for row in asked if row.bot == bot_id]
        if any(worker.bot == bot_id for worker in await store.workers()):
            await _wait(store, theirs)
        else:
            await _erase_here(chosen_store(url), bot_id, theirs, bot)
    await _tell_of_backups(store)
    await _offer_vacuum(url, is_sure=is_sure)


async def _tell(
    store: Store, people: Sequence[Entry], bot: Interface | None, *, reveal: bool
) -> None:
    """Say what there is, and what nobody will clean."""
    secrets = await store.secrets()
    for person in people:
        who = shown(person, secrets.get(person.bot, b""), reveal=reveal)
        there = summary(await gathered(store, person))
        typer.echo(one_line(f"{who} with bot {person.bot}: {there}"))
    if bot is None:
        typer.echo("what others share is left to the bot's @bot.on_forget; --code tells if it is")
    elif names := uncleaned(bot):
        typer.echo(f"no @bot.on_forget handler takes what others share: {', '.join(names)}")


async def _wait(store: Store, rows: Sequence[Forgotten]) -> None:
    """Wait until the run that there is has done it."""
    numbers = {row.number for row in rows}
    for _ in range(int(_PATIENCE / _LOOK_EVERY)):
        if not numbers & {row.number for row in await store.forgotten(is_open=True)}:
            typer.echo("forgotten, by the bot that runs")
            return
        await asyncio.sleep(_LOOK_EVERY)
    typer.echo("not done yet: the bot goes on with it, when what runs in it is over", err=True)
    raise typer.Exit(1)


async def _erase_here(
    store: Store, bot_id: str, rows: Sequence[Forgotten], bot: Interface | None
) -> None:
    """Do it as a run of the bot, of which no other one is."""
    has_cleaners = bot is None or bot.id != bot_id or bool(bot.routes.cleaners)
    await store.open(bot_id)
    try:
        for row in rows:
            if row.user:
                await erase_pages(store, row)
                await store.forget(row.number)
                line = Line(row.bot, row.mark, row.asked_at)
                await asyncio.to_thread(append, store.folder / "forgotten", [line])
            if not has_cleaners:
                await store.forgot(row.number)
            await store.scrub(row.number)
    except StorageError as error:
        raise StorageError(
            f"{error}; say it again, or run the bot, which goes on with it"
        ) from error
    finally:
        await store.end(clean=True)
    later = "; what its @bot.on_forget has to do is done when the bot next runs"
    typer.echo(f"forgotten{later if has_cleaners else ''}")


async def _tell_of_backups(store: Store) -> None:
    """Name what holds them still: backups that are there, and what was left beside the store."""
    known = [(b.path, b.made_at) for b in await store.backups() if Path(b.path).exists()]  # noqa: ASYNC240 - nothing else goes on
    beside = Path(store.location).parent.glob(f"{Path(store.location).name}*-of-the-replaced")
    known += [(str(path), path.stat().st_mtime) for path in beside]
    if known:
        typer.echo("older than this, and holding them still:")
        for path, at in known:
            typer.echo(one_line(f"  {clock_time(at)}  {path}"))
        typer.echo("a bot that is run on one forgets them again, by the ledger beside its store")


async def _offer_vacuum(url: str, *, is_sure: bool) -> None:
    if not url.startswith("postgres"):
        return
    from chatstate.stores.postgres.vacuum import vacuum

    question = "The rows are gone. VACUUM, so that their space is?"
    with contextlib.suppress(typer.Abort):  # nobody answers: the rest is done all the same
        if not is_sure and typer.confirm(question, err=True):
            await vacuum(url)
            return
    typer.echo("the rows are gone; VACUUM gives their space back, now or in the server's time")
