"""`chatstate state rename-bot`: a bot's new id, for all that a store has of it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from chatstate.cli.copying import held
from chatstate.cli.stores import Url, url_of


def rename_bot(
    old: Annotated[str, typer.Argument(help="Its id up to now.")],
    new: Annotated[str, typer.Argument(help="Its id from now on, as in Interface(id=...).")],
    *,
    store: Url = None,
) -> None:
    """Give a bot another id, so that it finds what it has kept; it is stopped meanwhile."""
    asyncio.run(_rename(url_of(store), old, new))
    typer.echo(f"bot {old!r} is {new!r} from now on: run it with Interface(id={new!r})")


async def _rename(url: str, old: str, new: str) -> None:
    async with held(url, makes=False) as side:
        await side.rename(old, new)


def add_to(app: typer.Typer) -> None:
    """Add the command to those about what bots keep."""
    app.command("rename-bot")(rename_bot)
