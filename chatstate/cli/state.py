"""`chatstate state`: look at what bots keep, and have it begun anew.

1. Values are shown as they are stored, whether a bot runs or not. Nothing is changed here: what is
   to be reset is asked of the process that runs the bot, else of the next one.
2. In a list values are cut short, at a terminal to what is left of the line; ids never are, since
   somebody copies them. What is the same of all is left out. `show` and `--json` tell everything.
3. What people have said is in values and names: it goes to the terminal cleaned.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size

from chatstate.cli.accounts import with_label
from chatstate.cli.stores import WHEN, chosen_store
from chatstate.errors import LoadError
from chatstate.scope import Scope
from chatstate.stores.accounts import called, named
from chatstate.stores.base import Entry, Filter, Request, Store
from chatstate.text import escaped, one_line, visible

app = typer.Typer(help="What bots keep: list it, show it, reset it.", no_args_is_help=True)
Url = Annotated[
    str | None, typer.Option("--store", help="A store URL; default: the one store in the folder.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for a program.")]
ForScope = Annotated[Scope | None, typer.Option("--scope", help="Only of this scope.")]
ForName = Annotated[str | None, typer.Option("--name", help="Only of the state of this name.")]
ForChat = Annotated[str | None, typer.Option("--chat", help="Only of this chat, by its id.")]
ForPerson = Annotated[str | None, typer.Option("--person", help="Only of this person, by the id.")]
ForPlatform = Annotated[str | None, typer.Option("--platform", help="Only on this platform.")]
ForAccount = Annotated[
    str | None, typer.Option("--account", help="Only of this account, as in telegram:123456.")
]
ForTenant = Annotated[str | None, typer.Option("--tenant", help="Only of this tenant, by name.")]
ForBot = Annotated[str | None, typer.Option("--bot", help="Only of this bot.")]

_SHORT, _SHORTEST = 60, 20
_PAGE = 1_000
_GAP = 2
_WHERE = ("bot", "platform", "account")
"""What is told in a list only if it tells values apart."""
_ASKED = {"delete": "to be reset", "set": "to be set"}


@app.command("list")
def list_(
    *,
    scope: ForScope = None,
    name: ForName = None,
    chat: ForChat = None,
    person: ForPerson = None,
    platform: ForPlatform = None,
    account: ForAccount = None,
    tenant: ForTenant = None,
    bot: ForBot = None,
    after: Annotated[int, typer.Option(help="Only values with higher numbers.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
    store: Url = None,
) -> None:
    """List values, in the order of their numbers."""
    wanted = Filter(
        bot=bot,
        platform=platform,
        scope=scope,
        name=name,
        chat=chat,
        person=person,
        account=account,
        tenant=tenant,
        after=after,
    )
    found = asyncio.run(_found(chosen_store(store), wanted, limit + 1))
    shown = found[:limit]
    if as_json:
        typer.echo(escaped(_encode([_told(entry) for entry in shown])))
    elif shown:
        _print(shown)
    else:
        typer.echo("no value is stored that fits", err=True)
    if len(found) > limit:
        typer.echo(f"there are more: --after {shown[-1].number}", err=True)


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="Its number in the list.")],
    *,
    as_json: AsJson = False,
    store: Url = None,
) -> None:
    """Show one value: whose it is, and all of it."""
    entry = asyncio.run(_numbered(chosen_store(store), number))
    if as_json:
        typer.echo(escaped(_encode(_told(entry))))
        return
    for label, told in _details(entry).items():
        if told:
            typer.echo(f"{label:10}{one_line(told)}")
    typer.echo("\n" + _readable(entry.body))


@app.command()
def reset(
    numbers: Annotated[list[int] | None, typer.Argument(help="Their numbers in the list.")] = None,
    *,
    scope: ForScope = None,
    name: ForName = None,
    chat: ForChat = None,
    person: ForPerson = None,
    platform: ForPlatform = None,
    account: ForAccount = None,
    tenant: ForTenant = None,
    bot: ForBot = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: Url = None,
) -> None:
    """Have values begin anew: at once if the bot runs, else when it next does."""
    wanted = Filter(
        bot=bot,
        platform=platform,
        scope=scope,
        name=name,
        chat=chat,
        person=person,
        account=account,
        tenant=tenant,
    )
    if bool(numbers) == (wanted != Filter()):
        raise LoadError(
            "say what to reset: numbers of the list, or what they are by --name and so on"
        )
    opened = chosen_store(store)
    if numbers:
        entries = asyncio.run(_all_numbered(opened, numbers))
    else:
        entries = asyncio.run(_found(opened, wanted))
        if not entries:
            raise LoadError("no value is stored that fits; see `chatstate state list`")
        _print(entries)
        if not yes:
            typer.confirm(f"Reset {_counted(len(entries))}?", abort=True, err=True)
    asyncio.run(_ask(opened, entries))
    typer.echo(f"{_counted(len(entries))} to be reset, {WHEN}")


async def _ask(store: Store, entries: Sequence[Entry]) -> None:
    for entry in entries:
        await store.ask(Request(verb="delete", key=entry.key))


async def _found(store: Store, wanted: Filter, limit: int | None = None) -> list[Entry]:
    """Return the values that are wanted, however many; no more than `limit`.

    Raises `LoadError` for an account that the store does not know.
    """
    if wanted.account:
        wanted = await _of_account(store, wanted, wanted.account)
    entries: list[Entry] = []
    while limit is None or len(entries) < limit:
        room = _PAGE if limit is None else min(_PAGE, limit - len(entries))
        after = entries[-1].number if entries else wanted.after
        page = await store.list("states", replace(wanted, after=after, limit=room))
        entries += page
        if len(page) < room:
            break
    return entries


async def _of_account(store: Store, wanted: Filter, account: str) -> Filter:
    """Return a filter with the platform and its id of an account that is named as people do."""
    known = await store.accounts()
    found = [a for a in known if a.platform_id == account]
    found = found or named(account, with_label(known, account))
    if not found:
        raise LoadError(f"the store has no account {account!r}; it has {called(known)}")
    platform = found[0].platform if ":" in account else wanted.platform
    return replace(wanted, platform=platform, account=found[0].platform_id)


async def _all_numbered(store: Store, numbers: Sequence[int]) -> list[Entry]:
    return [await _numbered(store, number) for number in dict.fromkeys(numbers)]


async def _numbered(store: Store, number: int) -> Entry:
    entry = await store.show("states", number)
    if entry is None:
        raise LoadError(f"there is no value {number}; see `chatstate state list`")
    return entry


def _details(entry: Entry) -> dict[str, str]:
    """Return whose a value is, in words; "" for what is not of its scope."""
    return {
        "number": str(entry.number),
        "bot": entry.bot,
        "state": entry.key.name if entry.key else "",
        "scope": entry.key.scope if entry.key else "",
        "platform": entry.platform,
        "account": entry.account,
        "tenant": entry.tenant,
        "chat": entry.chat,
        "thread": entry.thread,
        "person": entry.person,
        "changed": _time(entry.at),
        "expires": _time(entry.expires_at),
        "asked": _ASKED.get(entry.asked, ""),
    }


def _told(entry: Entry) -> dict[str, Any]:
    """Return a value as JSON tells it; one that is spoilt is a text."""
    return {
        **_details(entry),
        "number": entry.number,
        "version": entry.version,
        "schema": entry.schema,
        "value": msgspec.Raw(entry.body) if _is_json(entry.body) else entry.body,
    }


def _print(entries: Sequence[Entry]) -> None:
    """Print a table with a column for whatever is told of any of these values."""
    rows = [_details(entry) for entry in entries]
    columns = [label for label in rows[0] if _tells(label, [row[label] for row in rows])]
    table = [columns, *([one_line(row[label]) for label in columns] for row in rows)]
    widths = [max(cell_len(row[column]) for row in table) for column in range(len(columns))]
    room = _room(sum(widths) + _GAP * len(widths))
    for row, value in zip(table, ["value", *(entry.body for entry in entries)], strict=True):
        cells = [set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True)]
        cells[0] = row[0].rjust(widths[0])  # the number
        typer.echo((" " * _GAP).join([*cells, one_line(_shortened(value, room))]))


def _tells(label: str, told: Sequence[str]) -> bool:
    return len({*told} - {""}) > 1 if label in _WHERE else any(told)


def _room(taken: int) -> int:
    """Return how long a value may be behind what takes so much of a line."""
    if not sys.stdout.isatty():
        return _SHORT
    return max(shutil.get_terminal_size().columns - taken, _SHORTEST)


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _readable(text: str) -> str:
    """Return a value as people read it, cleaned for a terminal."""
    return msgspec.json.format(escaped(text)) if _is_json(text) else visible(text)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True


def _encode(told: object) -> str:
    return msgspec.json.encode(told).decode()


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"


def _counted(number: int) -> str:
    return f"{number} value" + "s" * (number != 1)
