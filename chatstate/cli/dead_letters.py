"""`chatstate dead`: look at what failed, and have it done again.

Whose it is and what was said is hidden, unless `--reveal` is given; see `looking`.
"""

from __future__ import annotations

import asyncio
from textwrap import indent
from typing import Annotated, Any, Literal

import msgspec
import typer

from chatstate.cli.looking import AsJson, Reveal, echo_json, found, is_json, view
from chatstate.cli.stores import WHEN, Url
from chatstate.cli.tables import clock_time, print_table
from chatstate.errors import LoadError
from chatstate.inspection import Entry, Filter, Inspection, Request
from chatstate.text import escaped, one_line, visible

app = typer.Typer(help="Events that failed and replies that were refused.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="Its number in the list.")]
_ASKED = {"retry": "to be retried", "drop": "to be dropped"}
_HEAD = ("number", "died", "kind", "person", "chat", "asked", "error")


@app.command("list")
def list_(*, reveal: Reveal = False, as_json: AsJson = False, store: Url = None) -> None:
    """List dead letters, oldest first."""
    letters = asyncio.run(found(view(store, reveal=reveal), Filter(), shelf="dead"))
    if as_json:
        echo_json([_told(letter) for letter in letters])
    elif letters:
        print_table(_HEAD, [_row(letter) for letter in letters])
    else:
        typer.echo("there are no dead letters", err=True)


@app.command()
def show(
    number: Number, *, reveal: Reveal = False, as_json: AsJson = False, store: Url = None
) -> None:
    """Show one: what it was, and why it failed."""
    letter = asyncio.run(_numbered(view(store, reveal=reveal), number))
    if as_json:
        echo_json(_told(letter))
        return
    _, died, kind, person, chat, _, error = _row(letter)
    who = f"{person} in " if person else ""
    typer.echo(one_line(f"{number}: {died}  {kind} {who}{chat}"))
    typer.echo(one_line(error) + "\n")
    if letter.detail:
        typer.echo(indent(visible(letter.detail.rstrip()), "    ") + "\n")
    typer.echo(f"({letter.hides}; --reveal)" if letter.hides else escaped(letter.body))


@app.command()
def retry(number: Number, store: Url = None) -> None:
    """Have one done again: at once if the bot runs, else when it next does."""
    asyncio.run(_ask("retry", number, store))


@app.command()
def drop(number: Number, store: Url = None) -> None:
    """Forget one."""
    asyncio.run(_ask("drop", number, store))


async def _ask(verb: Literal["retry", "drop"], number: int, url: str | None) -> None:
    look = view(url)
    await _numbered(look, number)
    await look.ask(Request(verb=verb, number=number))
    typer.echo(f"{number}: {_ASKED[verb]}, {WHEN}")


async def _numbered(look: Inspection, number: int) -> Entry:
    letter = await look.show("dead", number)
    if letter is None:
        raise LoadError(f"there is no dead letter {number}; see `chatstate dead list`")
    return letter


def _row(letter: Entry) -> tuple[str, ...]:
    asked = _ASKED.get(letter.asked, "")
    died = clock_time(letter.at)
    return str(letter.number), died, letter.kind, letter.person, letter.chat, asked, letter.error


def _told(letter: Entry) -> dict[str, Any]:
    """Return one as JSON tells it; what is hidden of it is null."""
    body = msgspec.Raw(letter.body) if is_json(letter.body) else letter.body
    return {
        **dict(zip(_HEAD, _row(letter), strict=True)),
        "number": letter.number,
        "detail": letter.detail,
        "body": None if letter.hides else body,
        "hides": letter.hides,
    }
