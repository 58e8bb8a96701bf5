"""Giving back the space of rows that are gone, which the server does in its own time else."""

from __future__ import annotations

from chatstate.stores.copying import TABLES
from chatstate.stores.postgres.address import parsed
from chatstate.stores.postgres.connection import Connections
from chatstate.stores.postgres.errors import TROUBLE, storage_error


async def vacuum(url: str) -> None:
    """Vacuum the tables of a store. Raises `StorageError` if that cannot be done."""
    address = parsed(url)
    try:
        async with Connections(address).single() as connection:
            for table in TABLES:
                await connection.execute(f"VACUUM {table.name}")
    except TROUBLE as error:
        raise storage_error(error, address.shown) from error
