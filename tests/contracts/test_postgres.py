"""The store on PostgreSQL passes the suite for stores, on a real server."""

import os
from pathlib import Path
from typing import Any

import pytest
from stores.schemas import Schemas

from chatstate.stores.postgres import PostgresStore
from chatstate.testing import StoreContract

LONG = bool(os.environ.get("CHATSTATE_LONG"))


class TestPostgres(StoreContract):
    seeds = 60 if LONG else 2

    @pytest.fixture(autouse=True)
    def _on_a_server(self, schemas: Schemas) -> None:
        self.schemas = schemas

    def make_store(self, folder: Path, **options: Any) -> PostgresStore:
        return PostgresStore(self.schemas.url_of(folder), **options)


if LONG:

    class TestPostgresAmongThreeRuns(TestPostgres):
        runs = 3
