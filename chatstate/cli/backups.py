"""`chatstate backup`: a copy of a store that can be run on, made while the bot runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from chatstate.cli.stores import Url, chosen_store, url_of
from chatstate.errors import LoadError
from chatstate.stores.sqlite import backup as sqlite
from chatstate.text import one_line


def backup(
    file: Annotated[Path, typer.Argument(help="Where to: a file that is not there yet.")],
    *,
    store: Url = None,
) -> None:
    """Write a backup while the bot runs, and read it through; it is a store on SQLite."""
    target = file.expanduser().resolve()
    if not target.parent.is_dir():
        raise LoadError(f"there is no folder {target.parent}")
    if any(path.exists() for path in (target, target.with_name(f"{target.name}-files"))):
        raise LoadError(f"{file} is there already: give each backup a name of its own")
    rows = asyncio.run(_back_up(url_of(store), target))
    typer.echo(one_line(f"{rows} rows are in {file}, and were read again"))


async def _back_up(url: str, target: Path) -> int:
    store = chosen_store(url)
    if url.startswith("sqlite:"):
        rows = await asyncio.to_thread(sqlite.back_up, store.location, target)
    elif url.startswith(":"):
        raise LoadError(f"{url} is nowhere that another process can see")
    else:
        from chatstate.stores.postgres import backup as postgres

        rows = await postgres.back_up(url, target)
    await store.backed_up(str(target))
    return rows
