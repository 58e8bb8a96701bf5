"""One chat under two of the platform's ids."""

import logging
import sqlite3

import pytest

from chatstate import Interface, Moved, PerChat, PerMember
from chatstate.testing import TestClient

bot = Interface(id="bot")


@bot.on_message
def keep(message: str, mine: PerMember[list[str]], ours: PerChat[list[str]]) -> str:
    mine.append(message)
    ours.append(message)
    return f"{' '.join(mine)} | {' '.join(ours)}"


async def test_a_chat_that_moved_keeps_its_state_under_the_new_id() -> None:
    """A group that became another one on the platform is the same chat, after a restart too."""
    async with TestClient(bot) as client:
        await client.user("alice", chat="old").say("a")
        client.platform.fail_next(Moved("new"))
        await client.user("alice", chat="old").say("b")
        await client.restart()
        (reply,) = await client.user("alice", chat="new").say("c")
        assert reply.text == "a b c | a b c"
        (reply,) = await client.user("bob", chat="new").say("d")
        assert reply.text == "d | a b c d"
        assert client.platform.delivered[-1].chat == "new"


async def test_of_two_chats_that_become_one_the_older_keeps_its_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What only the younger has is moved; what both have is kept aside and told of."""
    async with TestClient(bot) as client:
        await client.user("alice", chat="old").say("a")
        await client.user("alice", chat="new").say("x")
        await client.user("bob", chat="new").say("y")
        client.platform.fail_next(Moved("new"))
        with caplog.at_level(logging.WARNING):
            await client.user("alice", chat="old").say("b")
        (reply,) = await client.user("bob", chat="new").say("z")
        assert reply.text == "y z | a b z"
        (reply,) = await client.user("alice", chat="new").say("c")
        assert reply.text == "a b c | a b z c"
        aside = [record for record in caplog.records if "kept aside" in record.message]
        assert len(aside) == 2
        connection = sqlite3.connect(client.store_url.removeprefix("sqlite:///"))
        values = {row[0] for row in connection.execute("SELECT value FROM states")}
        connection.close()
        assert {'["x"]', '["x","y"]'} <= values
