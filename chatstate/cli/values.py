"""`chatstate state set`, `export`, `import` and `diff`: values from elsewhere, and to there.

1. A value that comes in is checked against the bot's own code (`--code`): its type, and its
   migrations, if it is of an older version. Nothing is asked for unless all of a file fits.
2. It is asked of the process that runs the bot, else of the next one, as `reset` is.
3. A file holds a value a line, as JSON, with whose it is in the platform's ids: it is no listing,
   so nothing in it is hidden. It is for its owner alone to read.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from chatstate.bot.interface import Interface
from chatstate.cli.carrying import Carried, Places, authors, carried, differences, read_lines
from chatstate.cli.loading import load_bot
from chatstate.cli.looking import Reveal, Yes, confirm, filtered, found, view
from chatstate.cli.state import counted, numbered
from chatstate.cli.stores import WHEN, Url, chosen_store
from chatstate.cli.tables import print_table
from chatstate.errors import LoadError, StateError
from chatstate.inspection import Entry, Filter, Inspection, KnownWorker, Request
from chatstate.stores.base import Value
from chatstate.stores.view import kind_of

Code = Annotated[
    str, typer.Option("--code", help="The bot's code: a name, bot.py, or package.module:name.")
]
File = Annotated[str, typer.Argument(help="A file; - for stdin or stdout.")]
DIFFERENT = 1
"""The status of `diff` if anything differs."""


def set_(
    number: Annotated[int, typer.Argument(help="Its number in the list.")],
    value: Annotated[str, typer.Argument(help="The new value, as JSON.")],
    *,
    code: Code,
    schema: Annotated[
        int | None, typer.Option(help="The version of the state it is written in, if older.")
    ] = None,
    store: Url = None,
) -> None:
    """Have a value be another: at once if the bot runs, else when it next does."""
    look, bot = view(store), load_bot(code)
    entry = asyncio.run(numbered(look, number))
    asyncio.run(_ask(look, [_request(bot, entry, value, schema, asyncio.run(look.workers()))]))
    typer.echo(f"1 value to be set, {WHEN}")


@filtered
def export(file: File, *, wanted: Filter, store: Url = None) -> None:
    """Write values into a file, a line each: all there are, or those that are chosen."""
    values = authors(asyncio.run(found(view(store), wanted)))
    lines = b"".join(msgspec.json.encode(value) + b"\n" for value in values)
    if file == "-":
        sys.stdout.buffer.write(lines)
    else:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(lines)
    typer.echo(f"{counted(len(values))} exported", err=True)


def import_(file: File, *, code: Code, yes: Yes = False, store: Url = None) -> None:
    """Have the values of a file be what is stored; those it does not have stay as they are."""
    look, bot = view(store), load_bot(code)
    values = _values_in(file)
    requests = asyncio.run(_requests(look, bot, values))
    if not requests:
        typer.echo("nothing is to be done: all of it is stored as it is there", err=True)
        return
    if not yes:
        confirm(f"Set {counted(len(requests))}?")
    asyncio.run(_ask(look, requests))
    typer.echo(f"{counted(len(requests))} to be set, {WHEN}")


@filtered
def diff(file: File, *, wanted: Filter, reveal: Reveal = False, store: Url = None) -> None:
    """Compare a file with what is stored; the status is 1 if anything differs.

    A - marks what is in the file alone, a + what is in the store alone, a ~ what is another.
    """
    secrets = asyncio.run(chosen_store(store).secrets())
    stored = authors(asyncio.run(found(view(store), wanted)))
    there = [v for v in _values_in(file) if v.agrees(wanted, secrets.get(v.bot, b""))]
    rows = [
        (
            mark,
            *it.whose(None if reveal else secrets.get(it.bot, b"")),
            *(_shown(v, reveal=reveal) for v in both),
        )
        for mark, it, *both in differences(there, stored)
    ]
    if rows:
        print_table(("", "state", "scope", "chat", "person", "file", "store"), rows)
        raise typer.Exit(DIFFERENT)


def _shown(value: Carried | None, *, reveal: bool) -> str:
    if value is None:
        return ""
    return value.text if reveal else f"({kind_of(value.text)})"


def _values_in(file: str) -> list[Carried]:
    """Return the values in a file. Raises `LoadError` for one that cannot be read."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise LoadError(f"{file} cannot be read: {error.strerror}") from error
    return read_lines(content, file)


async def _requests(look: Inspection, bot: Interface, values: Sequence[Carried]) -> list[Request]:
    places = Places(look)
    workers = await look.workers()
    requests: list[Request] = []
    for value in values:
        entry = await places.entry(value)
        is_there = entry.body and carried(entry).text == value.text
        if not (is_there and entry.schema == value.schema):
            requests.append(_request(bot, entry, value.text, value.schema, workers))
    return requests


def _request(
    bot: Interface, entry: Entry, text: str, schema: int | None, workers: Sequence[KnownWorker]
) -> Request:
    """Return what asks for a value, which is as the bot's code wants it.

    Raises `LoadError` and `StateError` if it is not, or if a worker could not read it.
    """
    key = entry.key
    if key is None or key.bot != bot.id:
        raise LoadError(f"this is a value of bot {entry.bot!r}, and the code is that of {bot.id!r}")
    state = next((s for s in bot.states if (s.scope, s.name) == (key.scope, key.name)), None)
    if state is None or not state.lifecycle.durable:
        raise LoadError(f"bot {bot.id!r} stores no state {key.name!r} of the scope {key.scope!r}")
    if any(w.versions.get(key.name, state.version) < state.version for w in workers):
        raise StateError(
            f"a worker runs whose code knows no version {state.version} of state {key.name!r}: "
            "stop that first"
        )
    _, written = state.read(Value(text, 0, state.version if schema is None else schema))
    return Request(verb="set", key=key, text=written, schema=state.version)


async def _ask(look: Inspection, requests: Sequence[Request]) -> None:
    for request in requests:
        await look.ask(request)


def add_to(app: typer.Typer) -> None:
    """Add the commands to those about what bots keep."""
    app.command("set")(set_)
    app.command("export")(export)
    app.command("import")(import_)
    app.command("diff")(diff)
