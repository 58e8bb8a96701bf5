"""score-tracker: global state, one list for everybody."""

from pathlib import Path

import pytest

import chatstate_bots.score_tracker as module
from chatstate.testing import Person, TestClient
from chatstate_bots.score_tracker import bot


async def said(person: Person, *texts: str) -> str:
    """Say all of it, and return the last answer."""
    for text in texts:
        (reply,) = await person.say(text)
    return reply.text


@pytest.mark.parametrize(
    ("scores", "answer"),
    [
        (["7"], "Top scores: 7"),
        (["5", "9"], "Top scores: 9, 5"),
        (["5", "9", "1", "7", "7.5"], "Top scores: 9, 7.5, 7"),
        (["9", "9", "9", "9"], "Top scores: 9, 9, 9"),
        (["-1", "-2.5", "0", "-3"], "Top scores: 0, -1, -2.5"),
        (["7.0", "7"], "Top scores: 7.0, 7"),
        (["9" * 30, "1e3"], f"Top scores: {'9' * 30}, 1000.0"),
    ],
)
async def test_the_best_three_are_shown(scores: list[str], answer: str) -> None:
    """Best first, as they were sent; the same score twice counts twice."""
    async with TestClient(bot) as client:
        assert await said(client.user("alice"), *scores) == answer


async def test_everybody_shares_one_list() -> None:
    """Wherever a score is sent, and whoever sends it."""
    async with TestClient(bot) as client:
        await said(client.user("alice"), "5")
        await said(client.user("bob", chat="room"), "9")
        assert await said(client.user("carol", chat="room", thread="topic"), "7") == (
            "Top scores: 9, 7, 5"
        )


async def test_the_list_survives_a_restart() -> None:
    """It is kept in the store, not in memory."""
    async with TestClient(bot) as client:
        await said(client.user("alice"), "5", "9.5")
        await client.restart()
        assert await said(client.user("bob"), "7") == "Top scores: 9.5, 7, 5"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("abc", "“abc” is not a number. Send one like 7 or 7.5."),
        ("", "An empty message is not a number. Send one like 7 or 7.5."),
        ("nan", "“nan” is not a number. Send one like 7 or 7.5."),
        ("inf", "“inf” is not a number. Send one like 7 or 7.5."),
        ("1e999", "“1e999” is not a number. Send one like 7 or 7.5."),
        ("9" * 400, f"“{'9' * 39}…” is not a number. Send one like 7 or 7.5."),
        ("7 8", "“7 8” is not a number. Send one like 7 or 7.5."),
    ],
)
async def test_what_is_no_number_changes_nothing(text: str, answer: str) -> None:
    """The person is told what is wrong, with an example; nobody's list is touched."""
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await said(alice, "5")
        assert await said(bob, text) == answer
        assert await said(alice, "7") == "Top scores: 7, 5"


async def test_a_score_counts_once_however_often_it_is_delivered() -> None:
    """A redelivery and an edit add nothing."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("9", event_id="once")
        assert await alice.say("9", event_id="once") == []
        assert await alice.say("10", kind="edit") == []
        assert await said(alice, "1") == "Top scores: 9, 1"


def test_the_file_is_short() -> None:
    """A bot is a function and one call."""
    assert len(Path(module.__file__).read_text().splitlines()) <= 40
