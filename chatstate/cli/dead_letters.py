"""`chatstate dead`: look at what failed, and have it done again."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent
from typing import Annotated

import typer

from chatstate.errors import LoadError
from chatstate.stores import DEFAULT_URL, open_store
from chatstate.stores.base import Letter
from chatstate.stores.sqlite import MEMORY, SQLiteStore
from chatstate.stores.sqlite.letters import LetterBox, Verb
from chatstate.text import escaped, one_line, visible

app = typer.Typer(help="Events that failed and replies that were refused.", no_args_is_help=True)
Url = Annotated[str, typer.Option("--store", help="A store URL.")]
Number = Annotated[int, typer.Argument(help="Its number in the list.")]
_ASKED = {"retry": "to be retried", "drop": "to be dropped"}


@app.command("list")
def list_(store: Url = DEFAULT_URL) -> None:
    """List dead letters, oldest first."""
    for letter, asked in _box(store).list():
        note = f" ({_ASKED[asked]})" if asked else ""
        typer.echo(one_line(f"{letter.id:>5}  {_summary(letter)}  {letter.error}{note}"))


@app.command()
def show(number: Number, store: Url = DEFAULT_URL) -> None:
    """Show one: what it was, and why it failed."""
    letter = _box(store).show(number)
    typer.echo(one_line(f"{letter.id}: {_summary(letter)}"))
    typer.echo(one_line(letter.error) + "\n")
    if letter.detail:
        typer.echo(indent(visible(letter.detail.rstrip()), "    ") + "\n")
    typer.echo(escaped(letter.body))


@app.command()
def retry(number: Number, store: Url = DEFAULT_URL) -> None:
    """Have one done again: at once if the bot runs, else when it next does."""
    _ask("retry", number, store)


@app.command()
def drop(number: Number, store: Url = DEFAULT_URL) -> None:
    """Forget one."""
    _ask("drop", number, store)


def _ask(verb: Verb, number: int, store: str) -> None:
    _box(store).request(verb, number, time.time())
    typer.echo(f"{number}: {_ASKED[verb]}, at once if the bot runs")


def _box(url: str) -> LetterBox:
    store = open_store(url)
    if not isinstance(store, SQLiteStore) or store.path == MEMORY:
        raise LoadError(f"{url} keeps no dead letters that another process can read")
    if not Path(store.path).is_file():
        raise LoadError(f"there is no store {store.path}; name it with --store")
    return LetterBox(store.path)


def _summary(letter: Letter) -> str:
    died = datetime.fromtimestamp(letter.died_at, UTC)
    who = f"{letter.person} in " if letter.person else ""
    return f"{died:%Y-%m-%d %H:%M:%S}Z  {letter.kind} {who}{letter.chat}"
