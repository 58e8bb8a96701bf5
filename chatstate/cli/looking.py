"""What the commands that look at a store have in common: their options, and what they look at.

1. Ids are shown as keyed hashes, and what was said is hidden, unless `--reveal` is given; see
   `stores.view`. Hashes and ids are taken alike.
2. `filtered` gives a command the options that choose entries, as one `Filter`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import typer
from msgspec.structs import replace

from chatstate.cli.accounts import with_label
from chatstate.cli.stores import Url, chosen_store
from chatstate.errors import LoadError
from chatstate.inspection import Entry, Filter, Inspection, Shelf
from chatstate.scope import Scope
from chatstate.stores.accounts import called, named
from chatstate.stores.view import View
from chatstate.text import escaped

AsJson = Annotated[bool, typer.Option("--json", help="JSON, for a program.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show ids and texts, which are hidden.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
After = Annotated[int, typer.Option(help="Only those with higher numbers.")]
__all__ = ["After", "AsJson", "Limit", "Reveal", "Url", "Yes"]

_PAGE = 1_000
_CHOOSING: dict[str, Any] = {
    "scope": Annotated[Scope | None, typer.Option(help="Only of this scope.")],
    "name": Annotated[str | None, typer.Option(help="Only of the state of this name.")],
    "chat": Annotated[str | None, typer.Option(help="Only of this chat: its id, or the hash.")],
    "person": Annotated[str | None, typer.Option(help="Only of this person: the id, or the hash.")],
    "platform": Annotated[str | None, typer.Option(help="Only on this platform.")],
    "account": Annotated[
        str | None, typer.Option(help="Only of this account, as in telegram:123456.")
    ],
    "tenant": Annotated[str | None, typer.Option(help="Only of this tenant, by name.")],
    "bot": Annotated[str | None, typer.Option(help="Only of this bot.")],
}


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes `wanted`, with an option for each field of that instead."""
    own = inspect.signature(command, eval_str=True)
    kept = [given for given in own.parameters.values() if given.name != "wanted"]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _CHOOSING.items()
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        chosen = {name: given.pop(name) for name in _CHOOSING}
        command(wanted=Filter(**chosen), **given)

    every = [*kept, *options]
    run.__signature__ = own.replace(parameters=every)  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess] - read by `inspect`
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
    return run


def view(url: str | None, *, reveal: bool = True) -> View:
    """Return what is seen of the store of a URL, or of the one in the folder."""
    return View(chosen_store(url), reveal=reveal)


async def found(
    look: Inspection, wanted: Filter, limit: int | None = None, *, shelf: Shelf = "states"
) -> list[Entry]:
    """Return the entries that are wanted, however many; no more than `limit`.

    Raises `LoadError` for an account that the store does not know.
    """
    if wanted.account:
        wanted = await _of_account(look, wanted, wanted.account)
    entries: list[Entry] = []
    while limit is None or len(entries) < limit:
        room = _PAGE if limit is None else min(_PAGE, limit - len(entries))
        after = entries[-1].number if entries else wanted.after
        page = await look.list(shelf, replace(wanted, after=after, limit=room))
        entries += page
        if len(page) < room:
            break
    return entries


def confirm(question: str) -> None:
    """Ask whether to go on, and end with the status 1 if that is not confirmed."""
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        typer.echo("\nnothing is changed; --yes goes on without asking", err=True)
        raise typer.Exit(1) from None


def echo_json(told: object) -> None:
    """Print something as JSON, cleaned for a terminal."""
    typer.echo(escaped(msgspec.json.encode(told).decode()))


def is_json(text: str) -> bool:
    """Tell whether a text is JSON; one that is spoilt is not."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True


async def _of_account(look: Inspection, wanted: Filter, account: str) -> Filter:
    """Return a filter with the platform and its id of an account that is named as people do."""
    known = await look.accounts()
    its = [a for a in known if a.platform_id == account]
    its = its or named(account, with_label(known, account))
    if not its:
        raise LoadError(f"the store has no account {account!r}; it has {called(known)}")
    platform = its[0].platform if ":" in account else wanted.platform
    return replace(wanted, platform=platform, account=its[0].platform_id)
