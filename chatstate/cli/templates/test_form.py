"""What the bot says, tested as a dialogue."""

from chatstate.cli.templates.form import bot
from chatstate.testing import TestClient


async def test_an_order_survives_a_restart() -> None:
    """The next question is put as if nothing had happened."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (question,) = await alice.say("/order")
        assert (question.text, question.labels) == ("Which size?", ["S", "M", "L"])
        await alice.press("M")
        await client.restart()
        (question,) = await alice.say("12")
        assert question.text == "From 1 to 9, please.\nHow many?"
        await alice.say("2")
        (told,) = await alice.press("Yes")
        assert told.text == "It is on its way."
        (told,) = await alice.say("and?")
        assert told.text == "You have 2 in size M."


async def test_nothing_is_ordered_without_a_yes() -> None:
    """A no is the end of it."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/order")
        await alice.press("S")
        await alice.say("1")
        assert [reply.text for reply in await alice.press("No")] == ["Then not."]
        assert [reply.text for reply in await alice.say("and?")] == ["/order begins."]
