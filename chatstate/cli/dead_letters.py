"""`chatstate dead`: look at what failed, and have it done again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from textwrap import indent
from typing import Annotated, Literal

import typer

from chatstate.cli.stores import WHEN, chosen_store
from chatstate.errors import LoadError
from chatstate.stores.base import Entry, Request
from chatstate.text import escaped, one_line, visible

app = typer.Typer(help="Events that failed and replies that were refused.", no_args_is_help=True)
Url = Annotated[
    str | None, typer.Option("--store", help="A store URL; default: the one store in the folder.")
]
Number = Annotated[int, typer.Argument(help="Its number in the list.")]
_ASKED = {"retry": "to be retried", "drop": "to be dropped"}


@app.command("list")
def list_(store: Url = None) -> None:
    """List dead letters, oldest first."""
    for letter in asyncio.run(chosen_store(store).list("dead")):
        note = f" ({_ASKED[letter.asked]})" if letter.asked else ""
        typer.echo(one_line(f"{letter.number:>5}  {_summary(letter)}  {letter.error}{note}"))


@app.command()
def show(number: Number, store: Url = None) -> None:
    """Show one: what it was, and why it failed."""
    letter = asyncio.run(_found(number, store))
    typer.echo(one_line(f"{letter.number}: {_summary(letter)}"))
    typer.echo(one_line(letter.error) + "\n")
    if letter.detail:
        typer.echo(indent(visible(letter.detail.rstrip()), "    ") + "\n")
    typer.echo(escaped(letter.body))


@app.command()
def retry(number: Number, store: Url = None) -> None:
    """Have one done again: at once if the bot runs, else when it next does."""
    asyncio.run(_ask("retry", number, store))


@app.command()
def drop(number: Number, store: Url = None) -> None:
    """Forget one."""
    asyncio.run(_ask("drop", number, store))


async def _ask(verb: Literal["retry", "drop"], number: int, url: str | None) -> None:
    await _found(number, url)
    await chosen_store(url).ask(Request(verb=verb, number=number))
    typer.echo(f"{number}: {_ASKED[verb]}, {WHEN}")


async def _found(number: int, url: str | None) -> Entry:
    letter = await chosen_store(url).show("dead", number)
    if letter is None:
        raise LoadError(f"there is no dead letter {number}; see `chatstate dead list`")
    return letter


def _summary(letter: Entry) -> str:
    died = datetime.fromtimestamp(letter.at, UTC)
    who = f"{letter.person} in " if letter.person else ""
    return f"{died:%Y-%m-%d %H:%M:%S}Z  {letter.kind} {who}{letter.chat}"
