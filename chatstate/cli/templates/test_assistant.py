"""What the bot says, tested as a dialogue; the stand-in answers."""

from chatstate.cli.templates.assistant import bot
from chatstate.testing import TestClient


async def test_an_answer_grows_word_by_word() -> None:
    """The last that is shown is the whole answer."""
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("hello")
        assert reply.text.startswith("You said: hello.")


async def test_an_answer_can_be_taken_back() -> None:
    """By /undo, after a restart, too."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("hello")
        await client.restart()
        (reply,) = await alice.say("/undo")
        assert reply.text == "Taken back."
