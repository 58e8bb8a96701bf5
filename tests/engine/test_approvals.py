"""Questions that others are asked than the person of a dialogue, maybe elsewhere."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support import texts

from chatstate import Event, File, Interface, Location, Markdown, Reply, StateError, Turn, User
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


async def test_an_approval_whose_turn_fails_may_be_given_again() -> None:
    """The question stays where it is: nobody else is asked it."""
    bot, broken = Interface(id="bot"), [True]

    @bot.command
    async def buy(turn: Turn) -> str:
        await turn.confirm("Buy it?", key="ok", of=User("bob"))
        if broken:
            raise RuntimeError("the shop is shut")
        return "bought"

    async with TestClient(bot, raise_errors=False) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/buy")
        await client.advance(0)
        await bob.press("Yes")
        await client.advance(0)
        failed = "Sorry, something went wrong. Nothing was changed."
        assert (shown(client, alice), shown(client, bob)) == ([failed], ["Buy it?"])
        broken.clear()
        await bob.press("Yes")
        await client.advance(0)
        assert shown(client, alice) == [failed, "bought"]
        assert shown(client, bob) == ["Buy it?\nYes (bob)"]


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
        await crash_while(client, bob._press(question.buttons[0][0].data, question), crash * 3)
        while len(shown(client, alice)) < 1:
            await asyncio.sleep(0)
        assert shown(client, alice) == ["alice gets tea, says bob"]


async def crash_while(client: TestClient, event: Event, steps: int) -> None:
    """Crash when an event has come so far, and deliver it again."""
    delivering = asyncio.create_task(client.deliver(event))
    for _ in range(steps):
        await asyncio.sleep(0)
    await client.crash()
    await asyncio.gather(delivering, return_exceptions=True)
    await client.start()
    (receipt,) = await client.deliver_all([event])
    await receipt.settled()


@pytest.mark.parametrize("of", [[], "bob", ["bob"], "owners"])
async def test_who_is_asked_is_people_or_admins(of: Any) -> None:
    """Anything else is an error at the call."""
    async with TestClient(buying(of)) as client:
        with pytest.raises(StateError, match='use a User, some of them, or "admins"'):
            await client.user("alice").say("/buy tea")


# In words


def guessing(of: Any, **options: Any) -> Interface:
    """Return a bot that asks others for a number, and repeats what else is said."""
    bot = Interface(id="bot")

    @bot.command
    async def guess(turn: Turn) -> str:
        number = await turn.ask("How many?", key="many", of=of, type=int, **options)
        by = turn.answer.sender.name if turn.answer else "nobody"
        return f"{number}, says {by}"

    @bot.on_message
    async def echo(message: str) -> str:
        return f"echo {message}"

    return bot


async def test_who_is_elsewhere_answers_in_words() -> None:
    """In the private chat where they were asked; the question shows what they have said."""
    async with TestClient(guessing(User("bob"))) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/guess")
        await client.advance(0)
        assert await texts(alice, "5") == ["echo 5"]
        await client.restart()
        assert await texts(bob, "7") == []
        await client.advance(0)
        assert shown(client, alice)[-1] == "7, says bob"
        assert shown(client, bob) == ["How many?\n7 (bob)"]
        assert await texts(bob, "8") == ["echo 8"]


async def test_what_does_not_fit_is_told_to_whoever_has_said_it() -> None:
    """And asked of them once more; it is open for all, and shows the outcome to all."""
    bot = guessing([User("bob"), CAROL], check=lambda number: number > 3 or "More!")
    async with TestClient(bot) as client:
        alice, bob, carol = client.user("alice"), client.user("bob", language="de"), CAROL
        await alice.say("/guess")
        await client.advance(0)
        for said, told in (("many", "ist keine Zahl"), ("2", "More!")):
            assert await texts(bob, said) == []
            await client.advance(0)
            assert told in shown(client, bob)[-1]
            assert shown(client, bob)[-1].endswith("\nHow many?")
        assert [message.text for message in client.platform.shown("private-carol")] == ["How many?"]
        await client.user(carol.id).say("4")
        await client.advance(0)
        assert shown(client, alice) == ["4, says carol"]
        assert [text.splitlines()[-1] for text in shown(client, bob)] == ["4 (carol)"] * 3


async def test_of_two_things_said_the_first_that_fits_counts() -> None:
    """Whoever comes later is told so; who has said what does not fit is not in the way."""
    async with TestClient(guessing([User("bob"), CAROL])) as client:
        alice, bob, carol = client.user("alice"), client.user("bob"), client.user("carol")
        await alice.say("/guess")
        await client.advance(0)
        await asyncio.gather(bob.say("x"), bob.say("4"), carol.say("5"))
        await client.advance(0)
        (said,) = shown(client, alice)
        by = said.partition("says ")[2]
        late = {"bob": carol, "carol": bob}[by]
        told = f"{late.chat.id.removeprefix('private-')}, somebody has answered this before."
        assert shown(client, late)[-1] == told


async def test_in_a_group_an_answer_is_for_the_bot_or_answers_visibly() -> None:
    """Of those who are asked; what others say is handled as ever."""
    async with TestClient(guessing("admins")) as client:
        client.platform.admins["room"] = {"bob"}
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        for is_addressed in (True, False):
            (question,) = await alice.say("/guess")
            assert await texts(alice, "5") == ["echo 5"]
            (aside,) = await bob.say("6", addressed=False)
            (other,) = await bob.say("8", addressed=is_addressed, reply_to=aside)
            assert (aside.text, other.text) == ("echo 6", "echo 8")
            await bob.say("7", addressed=is_addressed, reply_to=None if is_addressed else question)
            await client.advance(0)
            assert shown(client, alice)[-1] == "7, says bob"


async def test_who_is_asked_twice_answers_what_they_answer_visibly_or_the_newest() -> None:
    """And a question of their own before all that they do not answer visibly."""
    bot = guessing(User("bob"))

    @bot.command
    async def own(turn: Turn) -> str:
        return f"own {await turn.ask('Own?', key='own')}"

    async with TestClient(bot) as client:
        names = ("alice", "carol", "dan")
        people = [client.user(name) for name in names]
        bob = client.user("bob")
        for person in people:
            await person.say("/guess")
            await client.advance(0)
        first, *_ = client.platform.shown("private-bob")
        await bob.say("/own")
        await bob.say("1", reply_to=first)
        assert await texts(bob, "2") == ["own 2"]
        for said in ("3", "4"):
            await bob.say(said)
            await client.advance(0)
        assert [shown(client, person)[-1] for person in people] == [
            "1, says bob",
            "4, says bob",
            "3, says bob",
        ]


@pytest.mark.parametrize("crash", range(6))
async def test_an_answer_in_words_survives_a_crash_at_any_moment(crash: int) -> None:
    """It is delivered again, and counts once."""
    async with TestClient(guessing(User("bob"))) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/guess")
        await client.advance(0)
        await crash_while(client, bob.event("7"), crash * 4)
        while len(shown(client, alice)) < 1:
            await asyncio.sleep(0)
        assert shown(client, alice) == ["7, says bob"]


def size_of(file: File) -> int:
    return len(Path(str(file.path)).read_bytes())


async def test_others_answer_with_files_and_places() -> None:
    """Whoever has asked gets them."""
    bot = Interface(id="bot")

    @bot.command
    async def ask(turn: Turn) -> str:
        file = await turn.ask("A file?", key="file", of=User("bob"), type=File)
        where = await turn.ask("Where?", key="where", of=User("bob"), type=Location)
        return f"{file.name} {size_of(file)} {where.words}"

    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/ask")
        await client.advance(0)
        await bob.say("", files=[client.platform.upload("a.txt", b"abc", "text/plain")])
        await client.advance(0)
        await bob.choose("Share where I am", shared=Location(1.0, 2.0))
        await client.advance(0)
        assert shown(client, alice) == ["a.txt 3 1.0, 2.0"]
        assert shown(client, bob)[0] == "A file?\na.txt (bob)"


async def test_a_press_that_a_check_refuses_may_be_followed_by_another() -> None:
    """Whoever has pressed is told, and their second press counts."""
    bot = Interface(id="bot")

    def is_b(letter: str) -> bool | str:
        return letter == "B" or "No!"

    @bot.command
    async def ask(turn: Turn) -> str:
        return await turn.ask("?", key="of", choices=["A", "B"], check=is_b, of=User("bob"))

    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/ask")
        await client.advance(0)
        for label in ("A", "A", "B"):
            await bob.press(label)
            await client.advance(0)
        assert shown(client, alice) == ["B"]
        assert shown(client, bob) == ["?\nB (bob)"] * 3
