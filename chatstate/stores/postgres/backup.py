"""A backup of a schema, while workers run on it: a store on SQLite, of one state of the server."""

from __future__ import annotations

from pathlib import Path

from chatstate.errors import LoadError
from chatstate.stores.copying import copy
from chatstate.stores.postgres.address import parsed
from chatstate.stores.postgres.connection import Connections
from chatstate.stores.postgres.copying import PostgresSide
from chatstate.stores.postgres.errors import TROUBLE, storage_error
from chatstate.stores.postgres.schema import is_there
from chatstate.stores.sqlite import copying as sqlite


class _Snapshot(PostgresSide):
    """A schema as it is in a transaction, which goes on being used."""

    async def stamp(self, target: str) -> None:
        """Leave it as it is: it has not moved."""


async def back_up(url: str, file: Path) -> int:
    """Write a backup of the store of a URL; return how many rows are in it, which were compared.

    Raises `LoadError` if there is no store.
    """
    address = parsed(url)
    try:
        async with Connections(address).single() as connection:
            if not await is_there(connection):
                raise LoadError(f"there is no store in {address.shown}")
            async with (
                connection.transaction(isolation="repeatable_read", readonly=True),
                sqlite.held(str(file), makes=True) as target,
            ):
                copied = await copy(_Snapshot(address, connection), target, _say_nothing)
                return copied.rows
    except TROUBLE as error:
        raise storage_error(error, address.shown) from error


def _say_nothing(_done: int, _every: int, _what: str) -> None:
    """Tell nobody how far it is."""
