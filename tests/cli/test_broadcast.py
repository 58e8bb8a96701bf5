"""`chatstate broadcast`: to say something to many from the command line, and to steer that."""

import asyncio
import functools
from pathlib import Path
from typing import Annotated

import pytest
from support import query
from typer.testing import CliRunner

from chatstate import Interface, Ref, State
from chatstate.cli.broadcasts import app
from chatstate.errors import ChatstateError
from chatstate.stores import open_store
from chatstate.testing import TestClient

WANTS = State(default=0, scope="user", name="wants")
bot = Interface(id="bot")


@bot.on_message
def echo(message: str, wants: Annotated[Ref[int], WANTS]) -> str:
    wants.value += message == "want"
    return message


async def broadcast(*arguments: str, said: str = "") -> str:
    """Return what the command writes. Raises what is refused."""
    run = functools.partial(CliRunner().invoke, app, arguments, input=said)
    ran = await asyncio.to_thread(run)
    if ran.exception:
        raise ran.exception
    return ran.stdout


async def met(path: Path) -> str:
    """Return a store in which a bot has met three people, of whom one wants something."""
    url = f"sqlite:///{path / 'a.db'}"
    async with TestClient(bot, store=url) as client:
        for name, said in (("ann", "hi"), ("ben", "want"), ("cat", "hi")):
            await client.user(name).say(said)
    return url


async def over(client: TestClient) -> list[str]:
    """Return who was told what, once all that is noted is over."""
    while query(client, "SELECT 1 FROM broadcasts WHERE standing IN ('gathering', 'running')"):
        await client.advance(1)
    return sorted(f"{sent.chat} {sent.text}" for sent in client.platform.delivered)


async def test_it_is_shown_counted_and_then_said(tmp_path: Path) -> None:
    """By the bot that runs, or by the next one; and what is said again is the same."""
    url = await met(tmp_path)
    shown = await broadcast(
        "start", "News\nand more", "--to", "private", "--preview", "--store", url
    )
    assert shown == "    News\n    and more\n\nto 3 recipients, as bot\n"
    assert await broadcast("list", "--store", url) == ""
    for _ in range(2):
        told = await broadcast(
            "start", "-", "--to", "private", "--yes", "--store", url, said="News\n"
        )
        assert told.endswith("broadcast 1: at once if the bot runs, else when it next does\n")
    _, row = (await broadcast("list", "--reveal", "--store", url)).splitlines()
    assert row.split(maxsplit=2) == ["1", "bot", "gathering, 0 of 0 reached  News"]
    hidden = await broadcast("list", "--store", url)
    assert ("(text of 4)" in hidden, "News" in hidden) == (True, False)
    async with TestClient(bot, store=url) as client:
        assert await over(client) == [f"private-{name} News" for name in ("ann", "ben", "cat")]
    watched = await broadcast("watch", "1", "--store", url)
    assert watched == "broadcast 1: done, 3 of 3 reached\n"


async def test_those_who_have_a_value_are_told(tmp_path: Path) -> None:
    """Those of the state of a name, by one account alone if that is said."""
    url = await met(tmp_path)
    to = ("--state", "wants", "--account", "test:bot", "--store", url, "--yes", "--markdown")
    told = await broadcast("start", "**News**", "--silent", *to, "--key", "k")
    assert told.startswith("    **News**\n\nto 1 recipient, as bot\n")
    with pytest.raises(ChatstateError, match="under the key 'k' broadcast 1 says something else"):
        await broadcast("start", "Other", *to, "--key", "k")
    async with TestClient(bot, store=url) as client:
        assert await over(client) == ["private-ben News"]
        assert client.platform.delivered[0].silent
    assert "1 of 1 reached  **News**" in await broadcast("list", "--reveal", "--store", url)


async def test_it_is_steered(tmp_path: Path) -> None:
    """Paused, resumed, cancelled, recalled; each tells how it stands then."""
    url = await met(tmp_path)
    await broadcast("start", "News", "--to", "private", "--yes", "--store", url)
    told = [await broadcast(o, "1", "--store", url) for o in ("pause", "resume", "cancel")]
    assert told == [
        "broadcast 1: gathering (paused), 0 of 0 reached\n",
        "broadcast 1: gathering, 0 of 0 reached\n",
        "broadcast 1: cancelled, 0 of 0 reached\n",
    ]
    async with TestClient(bot, store=url) as client:
        receipt = await bot.broadcast("Other", to="private", key="2")
        await over(client)
        assert (await broadcast("recall", "2", "--store", url)).startswith("broadcast 2: recalling")
        while (await receipt.progress()).standing != "recalled":
            await client.advance(1)
    assert "recalled, 3 of 3 reached, 3 taken back" in await broadcast("list", "--store", url)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["start", "hi"], "say to whom"),
        (["start", "hi", "--to", "all", "--state", "a"], "say to whom"),
        (["start", "hi", "--state", "a", "--scope", "global"], "say to whom"),
        (["start", " ", "--to", "all"], "nothing to say"),
        (["start", "hi", "--to", "all"], "nobody is there to confirm it"),
        (["start", "hi", "--to", "all", "--account", "test:other"], "is none of test:bot"),
        (["start", "hi", "--to", "all", "--bot", "other"], "no bot 'other'"),
        (["pause", "7"], "there is no broadcast 7"),
        (["watch", "7"], "there is no broadcast 7"),
    ],
)
async def test_what_cannot_be_done_is_refused(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    """Nothing is noted."""
    url = await met(tmp_path)
    with pytest.raises(ChatstateError, match=said):
        await broadcast(*arguments, "--store", url)
    assert list(await open_store(url).broadcasts()) == []


async def test_a_store_of_an_older_version_is_told(tmp_path: Path) -> None:
    """What has no table for it becomes current when the bot runs."""
    url = await met(tmp_path)
    async with TestClient(bot, store=url) as client:
        for table in ("recipients", "broadcasts"):
            query(client, f"DROP TABLE {table}")
    with pytest.raises(ChatstateError, match="is of an older chatstate"):
        await broadcast("list", "--store", url)
