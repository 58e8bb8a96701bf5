"""A bot that is killed while it says something to many says it to each of them, once."""

import os
import random
from pathlib import Path

import pytest
from killing import Platform, rows, worker

from chatstate import Chat
from chatstate.stores.sqlite import SQLiteStore

LONG = bool(os.environ.get("CHATSTATE_LONG"))


async def meet(path: Path, number: int) -> set[str]:
    """Let a bot have met so many groups; return their ids."""
    store = SQLiteStore(path)
    await store.open("kept")
    account = await store.account("pipe", "bot")
    chats = {f"c{n}" for n in range(number)}
    for chat in sorted(chats):
        await store.place(account.id, Chat(chat, "group"), None)
    await store.end(clean=True)
    return chats


@pytest.mark.parametrize(("kills", "groups"), [(60, 600)] if LONG else [(2, 40)])
async def test_each_is_told_once_however_often_the_process_dies(
    kills: int, groups: int, tmp_path: Path
) -> None:
    """What was on its way is sent again under its key; nobody is told under two, or left out."""
    path, platform, chance = tmp_path / "test.db", Platform(), random.Random(kills)
    chats = await meet(path, groups)
    for _ in range(kills):
        async with worker(platform, path, pause=lambda: chance.uniform(0, 0.01)) as life:
            life.tell("News!", "1")
            enough = len(platform.sent) + chance.randint(1, 2 * groups // kills)
            await platform.until(
                lambda: len(platform.sent) >= enough or len(platform.effects()) == groups  # noqa: B023 - at once
            )
            await life.kill()
    async with worker(platform, path) as life:
        life.tell("News!", "1")
        await platform.until(lambda: {sent.lane[0] for sent in platform.sent} == chats)
        assert await life.stop() == 0
    assert sorted(sent.lane[0] for sent in platform.effects()) == sorted(chats)
    assert {sent.text for sent in platform.sent} == {"News!"}
    assert rows(path, "SELECT total, reached, blocked, failed FROM broadcasts") == [
        (groups, groups, 0, 0)
    ]
