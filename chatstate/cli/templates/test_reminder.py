"""What the bot says, tested as a dialogue; the test moves the clock."""

from chatstate.cli.templates.reminder import bot
from chatstate.testing import TestClient


async def test_a_reminder_comes_in_time_though_the_bot_was_down() -> None:
    """Once, and it can be put off."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/remind 10m tea")
        assert [reply.text for reply in await alice.say("/coming")] == ["tea"]
        await client.crash()
        await client.clock.jump(600)
        await client.start()
        await client.advance(1)
        assert client.platform.shown(alice.chat.id)[-1].text == "⏰ tea"
        await alice.press("In an hour")
        await client.advance(3600)
        said = [message.text for message in client.platform.shown(alice.chat.id)]
        assert said[-2:] == ["tea: in an hour", "⏰ tea"]


async def test_nothing_is_to_come_at_first() -> None:
    """And that is said."""
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("/coming")
        assert reply.text == "Nothing is to come."
