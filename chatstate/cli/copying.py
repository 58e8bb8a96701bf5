"""`chatstate store copy`: move house, from one store to another."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from chatstate.errors import LoadError
from chatstate.progress import line
from chatstate.stores import open_store
from chatstate.stores.copying import Copied, Side, copy
from chatstate.stores.sqlite import copying as sqlite

app = typer.Typer(help="Stores: copy one into another.", no_args_is_help=True)


@app.callback()
def _stores() -> None:
    """Let `copy` be a command of its own, though there is no other."""


@app.command("copy")
def copy_(
    source: Annotated[str, typer.Argument(help="The URL of the store that is there.")],
    target: Annotated[str, typer.Argument(help="The URL of one where nothing is, or this copy.")],
) -> None:
    """Copy a store into another one, which goes on in its place; the bot is stopped meanwhile.

    If it is interrupted, the same command goes on with it. In the end both are compared, and the
    source is stamped: it does not run any more.
    """
    copied = asyncio.run(_copied(source, target))
    typer.echo(
        f"{copied.rows} rows and {copied.files} files are copied and compared; run the bot with "
        f"--store {open_store(target).location}"
    )


async def _copied(source: str, target: str) -> Copied:
    async with contextlib.AsyncExitStack() as opened:
        from_ = await opened.enter_async_context(held(source, makes=False))
        into = await opened.enter_async_context(held(target, makes=True))
        try:
            return await copy(from_, into, _tell)
        finally:
            if sys.stderr.isatty():
                typer.echo(err=True)


def held(url: str, *, makes: bool) -> AbstractAsyncContextManager[Side]:
    """Return a store by its URL, which nobody else may run on meanwhile."""
    store = open_store(url)
    if url.startswith("sqlite:"):
        return sqlite.held(store.location, makes=makes)
    if url.startswith(":"):
        raise LoadError(f"{url} is nowhere that another process can see")
    from chatstate.stores.postgres import copying as postgres

    return postgres.held(url, makes=makes)


def _tell(done: int, every: int, what: str) -> None:
    """Show at a terminal how far it is."""
    if sys.stderr.isatty():
        typer.echo(f"\r\x1b[K{line((done, every), what, None, 'rows')}", nl=False, err=True)
