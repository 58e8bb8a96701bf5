"""`chatstate workers`, and what else looks into a store that workers share."""

import asyncio
import os
from importlib.metadata import version
from pathlib import Path

import pytest
from stores.schemas import Schemas
from typer.testing import CliRunner, Result

from chatstate import Chat, Event, Message, User
from chatstate.cli.main import app
from chatstate.errors import StorageError
from chatstate.stores import open_store
from chatstate.stores.base import Role


def chatstate(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


async def shown_while_it_runs(url: str, *arguments: str) -> Result:
    """Return what is shown while a run has stored an event."""
    store = open_store(url)
    await store.open("bot")
    account = await store.account("test", "1")
    await store.ingest(account.id, [Event("1", Message("hi", User("u"), Chat("c")))])
    await store.lead([Role("clock", account.id)])
    shown = await asyncio.to_thread(chatstate, *arguments, "--store", url)
    await store.end(clean=True)
    return shown


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_it_shows_who_runs_and_what_they_have_at_hand(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The process, its roles and its lease; how many events wait, and since when."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'a.db'}"
    else:
        schemas: Schemas = request.getfixturevalue("schemas")
        url = schemas.url_of(tmp_path)
    shown = asyncio.run(shown_while_it_runs(url, "workers"))
    assert shown.exit_code == 0, shown.output
    head, worker = shown.stdout.splitlines()
    assert " ".join(head.split()) == "run bot process version up lease roles holds waiting lag"
    assert f" bot  {os.getpid()}@" in worker
    assert f"  {version('chatstate')}  " in worker
    assert ("clock:test:1" if kind == "postgres" else "clock poller") in worker
    assert " 1 " in worker
    again = chatstate("workers", "--store", url)
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr == "no worker runs on this store\n"


def test_other_commands_look_into_a_shared_store_too(schemas: Schemas, tmp_path: Path) -> None:
    """While a worker runs."""
    url = schemas.url_of(tmp_path)
    shown = asyncio.run(shown_while_it_runs(url, "state", "list"))
    assert shown.exit_code == 0, shown.output
    assert "no value is stored that fits" in shown.stderr
    assert chatstate("dead", "list", "--store", url).exit_code == 0


def test_a_server_that_is_not_there_is_told() -> None:
    """With what to do."""
    told = chatstate(
        "workers", "--store", "postgresql://127.0.0.1:1/bots?sslmode=disable"
    ).exception
    assert isinstance(told, StorageError)
    assert "postgresql://127.0.0.1:1/bots cannot be reached; see that the server runs" in str(told)
