"""What several test files use."""

import contextlib
import logging
import sqlite3
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from chatstate import Interface
from chatstate.cli.main import main
from chatstate.engine.parts import Parts
from chatstate.testing import Person, TestClient
from chatstate.text import revealed

FAILED = "Sorry, something went wrong. Nothing was changed."


def call(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    """Run the command line in this process, and return its status."""
    monkeypatch.setattr(sys, "argv", ["chatstate", *args])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def in_full(record: logging.LogRecord) -> str:
    """Return what a record says, with what people have said."""
    args = record.args if isinstance(record.args, tuple) else ()
    shown = tuple(revealed(arg) if isinstance(arg, str) else arg for arg in args)
    return record.msg % shown if shown else record.getMessage()


async def texts(person: Person, text: str) -> list[str]:
    """Say something and return the texts of the replies."""
    return [reply.text for reply in await person.say(text)]


def query(client: TestClient, statement: str, *values: object) -> list[Any]:
    """Run a statement on the client's store, as another program would."""
    connection = sqlite3.connect(client.store_url.removeprefix("sqlite:///"))
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def parts_of(client: TestClient) -> Parts:
    """Return the parts of the engine that runs for a client."""
    engine = client._engine
    assert engine
    assert engine._parts
    return engine._parts


@contextlib.asynccontextmanager
async def client_at(
    now: float, bot: Interface, path: Path, **options: Any
) -> AsyncGenerator[TestClient]:
    """Run a bot on the store at `path` as if it were `now`."""
    client = TestClient(bot, store=f"sqlite:///{path}", **options)
    client.clock.set(now)
    async with client:
        yield client
