"""What the bot says, tested as a dialogue."""

from chatstate.cli.templates.game import bot
from chatstate.testing import TestClient


async def test_a_game_is_won_by_halving() -> None:
    """In seven guesses at most, and the winner is among the best."""
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("hi")
        (reply,) = await alice.press("Play")
        low, high = 1, 100
        while not reply.labels:
            middle = (low + high) // 2
            (reply,) = await alice.say(str(middle))
            low, high = (middle + 1, high) if reply.text == "Higher!" else (low, middle - 1)
        assert reply.labels == ["Play again"]
        guesses = reply.text.split()[-1]
        assert int(guesses) <= 7
        (reply,) = await bob.say("/top")
        assert reply.text == f"alice: {guesses}"


async def test_what_is_no_number_is_no_guess() -> None:
    """Nothing is counted."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/play")
        (reply,) = await alice.say("seven")
        assert reply.text == "Send a number from 1 to 100."
