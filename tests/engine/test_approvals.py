"""Questions that others are asked than the person of a dialogue, maybe elsewhere."""

import asyncio
from typing import Any

import pytest
from support import texts

from chatstate import Interface, Markdown, Reply, StateError, Turn, User
from chatstate.testing import Delivered, Person, TestClient

CAROL = User("carol", "Carol")
CLOSED = "This question is no longer open."


def labels(message: Delivered) -> list[str]:
    return [button.label for row in message.buttons for button in row]


def shown(client: TestClient, person: Person) -> list[str]:
    """Return what a chat shows now."""
    return [message.text for message in client.platform.shown(person.chat.id)]


def buying(of: Any, question: Any = "Buy it?", **options: Any) -> Interface:
    """Return a bot that buys what others approve of, and repeats what else is said."""
    bot = Interface(id="bot")

    @bot.command
    async def buy(turn: Turn, what: str) -> str:
        if await turn.confirm(question, key="ok", of=of, **options):
            by = turn.answer.sender.name if turn.answer else "nobody"
            return f"{turn.user.name} gets {what}, says {by}"
        return f"no {what}"

    @bot.command
    def other() -> str:
        return "other"

    @bot.on_message
    async def echo(message: str) -> str:
        return f"echo {message}"

    return bot


async def test_in_a_group_only_who_is_asked_can_press() -> None:
    """What came of it is shown on the question, which has no buttons any more."""
    async with TestClient(buying(User("bob"))) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        (question,) = await alice.say("/buy tea")
        for person in (alice, client.user("carol", chat="room")):
            refused = await person.press("Yes", on=question)
            assert [reply.text for reply in refused] == ["This question is for somebody else."]
        assert await texts(alice, "yes") == ["echo yes"]
        assert await texts(bob, "yes") == ["echo yes"]
        await bob.press("Yes", on=question)
        await client.advance(0)
        assert shown(client, alice)[0] == "Buy it?\nYes (bob)"
        assert shown(client, alice)[-1] == "alice gets tea, says bob"
        assert not [message for message in client.platform.shown("room") if message.buttons]


async def test_admins_of_a_group_are_asked() -> None:
    """Whoever of them answers first counts."""
    async with TestClient(buying("admins")) as client:
        client.platform.admins["room"] = {"bob"}
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        (question,) = await alice.say("/buy tea")
        refused = await alice.press("Yes", on=question)
        assert [reply.text for reply in refused] == ["This question is for somebody else."]
        await bob.press("No", on=question)
        await client.advance(0)
        assert shown(client, alice)[-1] == "no tea"


async def test_in_private_there_are_no_admins() -> None:
    """The error says where there are."""
    async with TestClient(buying("admins")) as client:
        with pytest.raises(StateError, match="is for groups"):
            await client.user("alice").say("/buy tea")


async def test_who_is_elsewhere_is_asked_in_private() -> None:
    """The dialogue goes on in its own chat, and the question shows what was answered."""
    async with TestClient(buying([User("bob"), CAROL])) as client:
        alice, bob, carol = client.user("alice"), client.user("bob"), client.user("carol")
        await alice.say("/buy tea")
        await client.advance(0)
        assert (shown(client, alice), shown(client, bob)) == ([], ["Buy it?"])
        assert labels(client.platform.shown(carol.chat.id)[0]) == ["Yes", "No"]
        assert await texts(alice, "hello") == ["echo hello"]
        assert await texts(alice, "/other") == ["other"]
        await client.restart()
        await carol.press("Yes")
        await client.advance(0)
        assert shown(client, alice)[-1] == "alice gets tea, says carol"
        assert shown(client, bob) == shown(client, carol) == ["Buy it?\nYes (carol)"]


async def test_of_two_answers_the_first_counts_and_the_other_is_told() -> None:
    """They come at the same time, from different chats."""
    async with TestClient(buying([User("bob"), CAROL])) as client:
        alice, bob, carol = client.user("alice"), client.user("bob"), client.user("carol")
        await alice.say("/buy tea")
        await client.advance(0)
        await asyncio.gather(bob.press("Yes"), carol.press("Yes"))
        await client.advance(0)
        said = shown(client, alice)
        assert len(said) == 1
        told = [text for person in (bob, carol) for text in shown(client, person)[1:]]
        by = said[0].removeprefix("alice gets tea, says ")
        late = {"bob": "carol", "carol": "bob"}[by]
        assert told == [f"{late}, somebody has answered this before."]


async def test_a_press_on_an_approval_that_is_over_says_so() -> None:
    """From elsewhere, too."""
    async with TestClient(buying(User("bob"))) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/buy tea")
        await client.advance(0)
        (question,) = client.platform.shown(bob.chat.id)
        await alice.say("/cancel")
        assert [reply.text for reply in await bob.press("Yes", on=question)] == [CLOSED]
        assert shown(client, alice) == ["Given up. Nothing was changed."]


async def test_who_does_not_answer_says_no() -> None:
    """After a day; the question shows that."""
    async with TestClient(buying(User("bob"))) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/buy tea")
        await client.advance(24 * 3600)
        assert shown(client, alice) == ["no tea"]
        assert shown(client, bob) == ["Buy it?\n(nobody has answered in time)"]
        assert not client.platform.shown(bob.chat.id)[0].buttons


async def test_who_cannot_be_reached_says_no() -> None:
    """At once, if nobody else is asked."""
    async with TestClient(buying([User("bob"), CAROL])) as client:
        alice, carol = client.user("alice"), client.user("carol")
        client.platform.strangers = {"bob"}
        await alice.say("/buy tea")
        await client.advance(0)
        assert shown(client, carol) == ["Buy it?"]
        await alice.say("/cancel")
        client.platform.strangers = {"bob", "carol"}
        assert await texts(alice, "/buy tea") == ["no tea"]


async def test_markdown_and_its_outcome() -> None:
    """A question keeps its looks."""
    async with TestClient(buying(User("bob"), Reply(Markdown("**Buy** it?")))) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/buy tea")
        await client.advance(0)
        await bob.press("Yes")
        await client.advance(0)
        assert shown(client, bob) == ["Buy it?\n\nYes (bob)"]


@pytest.mark.parametrize("crash", range(8))
async def test_an_approval_survives_a_crash_at_any_moment(crash: int) -> None:
    """The press is delivered again, and counts once."""
    async with TestClient(buying(User("bob"))) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/buy tea")
        await client.advance(0)
        (question,) = client.platform.shown(bob.chat.id)
        press = bob._press(question.buttons[0][0].data, question)
        pressing = asyncio.create_task(client.deliver(press))
        for _ in range(crash * 3):
            await asyncio.sleep(0)
        await client.crash()
        await asyncio.gather(pressing, return_exceptions=True)
        await client.start()
        (receipt,) = await client.deliver_all([press])
        await receipt.settled()
        while len(shown(client, alice)) < 1:
            await asyncio.sleep(0)
        assert shown(client, alice) == ["alice gets tea, says bob"]


@pytest.mark.parametrize("of", [[], "bob", ["bob"], "owners"])
async def test_who_is_asked_is_people_or_admins(of: Any) -> None:
    """Anything else is an error at the call."""
    async with TestClient(buying(of)) as client:
        with pytest.raises(StateError, match='use a User, some of them, or "admins"'):
            await client.user("alice").say("/buy tea")


async def test_others_answer_with_buttons_alone() -> None:
    """A question of theirs that has none is an error."""
    bot = Interface(id="bot")

    @bot.command
    async def ask(turn: Turn) -> str:
        return await turn.ask("Why?", key="why", of=User("bob"))

    async with TestClient(bot) as client:
        with pytest.raises(StateError, match="they answer with a button"):
            await client.user("alice").say("/ask")
