"""What the bot says, tested as a dialogue."""

from chatstate.cli.templates.echo import bot
from chatstate.testing import TestClient


async def test_everybody_is_counted_alone() -> None:
    """Over a restart, too."""
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert [reply.text for reply in await alice.say("hi")] == ["1. hi"]
        await client.restart()
        assert [reply.text for reply in await alice.say("again")] == ["2. again"]
        assert [reply.text for reply in await bob.say("hello")] == ["1. hello"]


async def test_what_was_counted_is_forgotten() -> None:
    """By /forget."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("hi")
        await alice.say("/forget")
        assert [reply.text for reply in await alice.say("hi")] == ["1. hi"]
