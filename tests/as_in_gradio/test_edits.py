"""A message that is edited is answered anew, from where it stood."""

from typing import Any

import pytest
from msgspec.structs import replace
from support import texts

from chatstate import ChatInterface, Event, Interface, Reply, State
from chatstate.testing import Person, TestClient

History = list[dict[str, Any]]


def recall(message: str, history: History) -> str:
    """Answer with all that was said before."""
    return " ".join([*(entry["content"] for entry in history), f"<{message}>"])


def edited(client: TestClient, said: Event, text: str) -> Event:
    """Return how a platform tells that somebody has changed what was said."""
    identity = client.new_event_id()
    return Event(identity, replace(said.message, text=text, kind="edit"), origin=identity)


async def edit(client: TestClient, said: Event, text: str) -> list[str]:
    """Change what somebody said; return the texts of the replies."""
    return [reply.text for reply in await client.deliver(edited(client, said, text))]


async def say(client: TestClient, person: Person, text: str) -> Event:
    """Say something, and return it as it was delivered."""
    event = person.event(text)
    await client.deliver(event)
    return event


def bot(**options: Any) -> ChatInterface:
    return ChatInterface(recall, id="bot", markdown=False, **options)


async def test_an_edited_message_is_answered_from_where_it_stood() -> None:
    """What came of it, and after it, is taken back; also after a restart."""
    async with TestClient(bot()) as client:
        alice = client.user("alice")
        await alice.say("a")
        second = await say(client, alice, "b")
        await alice.say("c")
        await client.restart()
        assert await edit(client, second, "B") == ["a <a> <B>"]
        assert await texts(alice, "d") == ["a <a> B a <a> <B> <d>"]


async def test_an_edited_message_may_be_edited_again() -> None:
    """As often as somebody likes, and taken back after that."""
    async with TestClient(bot()) as client:
        alice = client.user("alice")
        first = await say(client, alice, "a")
        for text in ("b", "c"):
            assert await edit(client, first, text) == [f"<{text}>"]
        assert await texts(alice, "/undo") == ["Taken back."]
        assert await texts(alice, "d") == ["<d>"]


async def test_a_message_that_was_retried_may_be_edited() -> None:
    """It is still the one that is answered."""
    async with TestClient(bot()) as client:
        alice = client.user("alice")
        first = await say(client, alice, "a")
        assert await texts(alice, "/retry") == ["<a>"]
        assert await edit(client, first, "b") == ["<b>"]
        assert await texts(alice, "c") == ["b <b> <c>"]


async def test_state_is_taken_back_with_it() -> None:
    """What the turns had added to it."""
    total = State(0, name="total")

    def add(message: str, _history: History, total: int) -> tuple[str, int]:
        return str(total + int(message)), total + int(message)

    counted = ChatInterface(add, id="bot", additional_inputs=[total], additional_outputs=[total])
    async with TestClient(counted) as client:
        alice = client.user("alice")
        first = await say(client, alice, "1")
        await alice.say("10")
        assert await edit(client, first, "2") == ["2"]


@pytest.mark.parametrize("options", [{"editable": False}, {"undo": 1}])
async def test_what_cannot_be_taken_back_is_left(options: dict[str, Any]) -> None:
    """If nobody wants that, or it is too long ago."""
    async with TestClient(bot(**options)) as client:
        alice = client.user("alice")
        first = await say(client, alice, "a")
        await alice.say("b")
        assert await edit(client, first, "c") == []
        assert await texts(alice, "d") == ["a <a> b a <a> <b> <d>"]


async def test_an_edit_that_changes_nothing_is_left() -> None:
    """Platforms tell of one when a preview of a link was added."""
    async with TestClient(bot()) as client:
        alice = client.user("alice")
        first = await say(client, alice, "a")
        assert await edit(client, first, "a") == []
        assert await texts(alice, "b") == ["a <a> <b>"]


async def test_a_message_of_another_person_is_left() -> None:
    """A command and what others said are in nobody's log."""
    async with TestClient(bot()) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        first = await say(client, alice, "a")
        help_ = await say(client, alice, "/help")
        assert await edit(client, help_, "help") == []
        stolen = replace(first, message=replace(first.message, sender=bob.user))
        assert await edit(client, stolen, "b") == []
        assert await texts(alice, "c") == ["a <a> <c>"]


async def test_a_shared_history_is_edited_while_nobody_else_has_spoken() -> None:
    """Nobody's words after it are taken back."""
    async with TestClient(bot(scope="chat")) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        first = await say(client, alice, "a")
        second = await say(client, alice, "b")
        assert await edit(client, first, "A") == ["<A>"]
        assert await edit(client, second, "B") == []
        await bob.say("c")
        assert await edit(client, first, "x") == []
        assert await texts(alice, "d") == ["A <A> c A <A> <c> <d>"]


async def test_an_edit_waits_for_the_answer_that_it_takes_back() -> None:
    """Also where a new message would end it."""
    async with TestClient(bot(overlap="interrupt")) as client:
        alice = client.user("alice")
        first = alice.event("a")
        for receipt in await client.deliver_all([first, edited(client, first, "b")]):
            await receipt.settled()
        assert await texts(alice, "c") == ["b <b> <c>"]


async def test_an_authors_own_handler_of_edits_takes_its_place() -> None:
    """Whether it is of the bot itself, or of one that includes it."""
    own, outer = bot(), Interface(id="outer")
    outer.include(bot())
    for made in (own, outer):

        @made.on_edit
        def changed(message: str) -> Reply:
            return Reply(f"edited: {message}")

        async with TestClient(made) as client:
            alice = client.user("alice")
            first = await say(client, alice, "a")
            assert await edit(client, first, "b") == ["edited: b"]


async def test_own_commands_give_way_to_those_of_a_bot_that_includes_it() -> None:
    """The author's /undo stays."""
    outer = Interface(id="outer")

    @outer.command
    def undo() -> str:
        return "mine"

    @outer.on_edit
    def changed(message: str) -> str:
        return f"edited: {message}"

    outer.include(bot())
    async with TestClient(outer) as client:
        alice = client.user("alice")
        first = await say(client, alice, "a")
        assert await texts(alice, "/undo") == ["mine"]
        assert await edit(client, first, "b") == ["edited: b"]
