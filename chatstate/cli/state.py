"""`chatstate state`: look at what bots keep, and have it begun anew.

1. Values are shown as they are stored, whether a bot runs or not. Nothing is changed here: what is
   to be reset is asked of the process that runs the bot, else of the next one.
2. Whose a value is and what it holds is hidden, unless `--reveal` is given; see `looking`.
3. In a list values are cut short; what is the same of all is left out. `show` and `--json` tell
   everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from chatstate.cli.looking import (
    After,
    AsJson,
    Limit,
    Reveal,
    Yes,
    confirm,
    echo_json,
    filtered,
    found,
    is_json,
    view,
)
from chatstate.cli.stores import WHEN, Url
from chatstate.cli.tables import clock_time, print_table
from chatstate.errors import LoadError
from chatstate.inspection import Entry, Filter, Inspection, Request, Shelf
from chatstate.text import escaped, one_line, visible

app = typer.Typer(
    help="What bots keep: list it, show it, set it, reset it, carry it elsewhere.",
    no_args_is_help=True,
)
OnShelf = Annotated[
    Shelf, typer.Option("--shelf", help="What to look at: values, or what waits, is owed, is set.")
]
Number = Annotated[int, typer.Argument(help="Its number in the list.")]

_WHERE = ("bot", "platform", "account")
"""What is told in a list only if it tells values apart."""
_ASKED = {"delete": "to be reset", "set": "to be set"}


@app.command("list")
@filtered
def list_(
    *,
    wanted: Filter,
    shelf: OnShelf = "states",
    after: After = 0,
    limit: Limit = 100,
    reveal: Reveal = False,
    as_json: AsJson = False,
    store: Url = None,
) -> None:
    """List values, in the order of their numbers; or what else lies in the store.

    Whose they are and what they hold is hidden: hashes stand for ids, and --person and --chat take
    either.
    """
    look = view(store, reveal=reveal)
    wanted = msgspec.structs.replace(wanted, after=after)
    entries = asyncio.run(found(look, wanted, limit + 1, shelf=shelf))
    shown = entries[:limit]
    if as_json:
        echo_json([told(entry) for entry in shown])
    elif shown:
        print_entries(shown)
    else:
        what = "value is stored" if shelf == "states" else f"entry of {shelf!r} is there"
        typer.echo(f"no {what} that fits", err=True)
    if len(entries) > limit:
        typer.echo(f"there are more: --after {shown[-1].number}", err=True)


@app.command()
def show(
    number: Number,
    *,
    shelf: OnShelf = "states",
    reveal: Reveal = False,
    as_json: AsJson = False,
    store: Url = None,
) -> None:
    """Show one value: whose it is, and with --reveal all of it."""
    entry = asyncio.run(numbered(view(store, reveal=reveal), number, shelf=shelf))
    if as_json:
        echo_json(told(entry))
        return
    for label, text in _details(entry).items():
        if text:
            typer.echo(f"{label:10}{one_line(text)}")
    typer.echo("\n" + (f"({entry.hides}; --reveal)" if entry.hides else _readable(entry.body)))


@app.command()
def delete(
    numbers: Annotated[list[int], typer.Argument(help="Their numbers in the list.")],
    *,
    store: Url = None,
) -> None:
    """Have values deleted: at once if the bot runs, else when it next does."""
    look = view(store)
    entries = asyncio.run(_all_numbered(look, numbers))
    asyncio.run(_ask(look, entries))
    typer.echo(f"{counted(len(entries))} to be deleted, {WHEN}")


@app.command()
@filtered
def reset(
    numbers: Annotated[list[int] | None, typer.Argument(help="Their numbers in the list.")] = None,
    *,
    wanted: Filter,
    yes: Yes = False,
    reveal: Reveal = False,
    store: Url = None,
) -> None:
    """Have values begin anew: at once if the bot runs, else when it next does."""
    if bool(numbers) == (wanted != Filter()):
        raise LoadError(
            "say what to reset: numbers of the list, or what they are by --name and so on"
        )
    look = view(store, reveal=reveal)
    if numbers:
        entries = asyncio.run(_all_numbered(look, numbers))
    else:
        entries = asyncio.run(found(look, wanted))
        if not entries:
            raise LoadError("no value is stored that fits; see `chatstate state list`")
        print_entries(entries)
        if not yes:
            confirm(f"Reset {counted(len(entries))}?")
    asyncio.run(_ask(look, entries))
    typer.echo(f"{counted(len(entries))} to be reset, {WHEN}")


async def _ask(look: Inspection, entries: Sequence[Entry]) -> None:
    for entry in entries:
        await look.ask(Request(verb="delete", key=entry.key))


async def _all_numbered(look: Inspection, numbers: Sequence[int]) -> list[Entry]:
    return [await numbered(look, number) for number in dict.fromkeys(numbers)]


async def numbered(look: Inspection, number: int, *, shelf: Shelf = "states") -> Entry:
    """Return the entry of a number. Raises `LoadError` if there is none."""
    entry = await look.show(shelf, number)
    if entry is None:
        what = "value" if shelf == "states" else f"entry of {shelf!r} with the number"
        raise LoadError(f"there is no {what} {number}; see `chatstate state list`")
    return entry


def told(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON tells it; a value that is spoilt is a text, one hidden is null."""
    value = msgspec.Raw(entry.body) if is_json(entry.body) else entry.body
    return {
        **_details(entry),
        "number": entry.number,
        "version": entry.version,
        "schema": entry.schema,
        "value": None if entry.hides else value,
        "hides": entry.hides,
    }


def print_entries(entries: Sequence[Entry]) -> None:
    """Print a table with a column for whatever is told of any of these entries."""
    rows = [_details(entry) for entry in entries]
    columns = [label for label in rows[0] if _tells(label, [row[label] for row in rows])]
    values = [f"({entry.hides})" if entry.hides else entry.body for entry in entries]
    print_table(
        [*columns, "value"],
        [
            [*(row[label] for label in columns), value]
            for row, value in zip(rows, values, strict=True)
        ],
    )


def counted(number: int) -> str:
    """Return so many values, in words."""
    return f"{number} value" + "s" * (number != 1)


def _details(entry: Entry) -> dict[str, str]:
    """Return whose an entry is and how it is, in words; "" for what it has none of."""
    return {
        "number": str(entry.number),
        "bot": entry.bot,
        "kind": entry.kind,
        "state": entry.key.name if entry.key else "",
        "scope": entry.key.scope if entry.key else "",
        "platform": entry.platform,
        "account": entry.account,
        "tenant": entry.tenant,
        "chat": entry.chat,
        "thread": entry.thread,
        "person": entry.person,
        "changed" if entry.key else "at": clock_time(entry.at),
        "expires": clock_time(entry.expires_at),
        "begun": clock_time(entry.begun_at),
        "crashes": str(entry.crashes or ""),
        "error": entry.error,
        "asked": _ASKED.get(entry.asked, entry.asked),
    }


def _tells(label: str, told: Sequence[str]) -> bool:
    return len({*told} - {""}) > 1 if label in _WHERE else any(told)


def _readable(text: str) -> str:
    """Return a value as people read it, cleaned for a terminal."""
    return msgspec.json.format(escaped(text)) if is_json(text) else visible(text)
