"""/undo, /retry and /clear take back history and state, and nobody else's changes."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from support import query, texts

from chatstate import ChatInterface, PerThread, Ref, State, Turn, User, UserError
from chatstate.testing import Person, TestClient

History = list[dict[str, Any]]


def recall(message: str, history: History) -> str:
    """Answer with all that was said before."""
    return " ".join([*(entry["content"] for entry in history), f"<{message}>"])


def count(_message: str, history: History) -> str:
    return str(len(history))


def ledger(scope: str) -> ChatInterface:
    """Return a bot that adds what it is sent to a state of this scope."""
    total = State(0, name="total", scope=scope)  # type: ignore[arg-type]  # one of the literals

    def add(message: str, history: History, total: int) -> tuple[str, int]:
        total += int(message)
        return f"{total} after {len(history)}", total

    return ChatInterface(add, id="bot", additional_inputs=[total], additional_outputs=[total])


async def test_undo_restores_history_and_state() -> None:
    """/undo takes one turn after the other back, also after a restart."""
    async with TestClient(ledger("member")) as client:
        alice = client.user("alice")
        for number in ("1", "2", "3"):
            await alice.say(number)
        assert await texts(alice, "/undo") == ["Taken back."]
        await client.restart()
        assert await texts(alice, "/undo") == ["Taken back."]
        assert await texts(alice, "10") == ["11 after 2"]


async def test_undo_ends_at_the_first_turn() -> None:
    """When nothing is left to take back, that is said, and nothing changes."""
    async with TestClient(ledger("member")) as client:
        alice = client.user("alice")
        await alice.say("1")
        assert await texts(alice, "/undo") == ["Taken back."]
        assert await texts(alice, "/undo") == ["There is nothing to take back."]
        assert await texts(alice, "5") == ["5 after 0"]


async def test_only_the_last_turns_can_be_undone() -> None:
    """`undo` is how many."""
    bot = ChatInterface(count, id="bot", undo=2)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        for _ in range(4):
            await alice.say("a")
        answers = [(await texts(alice, "/undo"))[0] for _ in range(3)]
        assert answers == ["Taken back.", "Taken back.", "There is nothing to take back."]
        assert await texts(alice, "a") == ["4"]


async def test_undo_brings_back_what_the_cap_had_dropped() -> None:
    """History that fell out of a capped history is there again."""
    bot = ChatInterface(recall, id="bot", max_messages=2)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        await alice.say("b")
        await alice.say("/undo")
        assert await texts(alice, "c") == ["a <a> <c>"]


async def test_retry_answers_anew() -> None:
    """/retry takes the last turn back and handles its message again."""
    answers = iter("xyz")

    def draw(message: str, history: History) -> str:
        return f"{message} {next(answers)} {len(history)}"

    async with TestClient(ChatInterface(draw, id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a x 0"]
        assert await texts(alice, "/retry") == ["a y 0"]
        assert await texts(alice, "b") == ["b z 2"]


async def test_retry_has_the_files_again() -> None:
    """A message's files are fetched anew."""

    def read(message: dict[str, Any], _history: History) -> str:
        return f"{[Path(path).read_text() for path in message['files']]}"

    async with TestClient(ChatInterface(read, id="bot", multimodal=True)) as client:
        alice = client.user("alice")
        await alice.say("", files=[client.platform.upload("a.txt", b"data", "text/plain")])
        assert await texts(alice, "/retry") == ["['data']"]


async def test_a_retry_that_fails_changes_nothing() -> None:
    """The turn to be retried stays as it was."""
    calls: list[str] = []

    def once(message: str, history: History) -> str:
        calls.append(message)
        if len(calls) == 2:
            raise UserError("not now")
        return count(message, history)

    async with TestClient(ChatInterface(once, id="bot")) as client:
        alice = client.user("alice")
        await alice.say("a")
        assert await texts(alice, "/retry") == ["not now"]
        assert await texts(alice, "b") == ["2"]


async def test_clear_forgets_history_and_state() -> None:
    """/clear leaves nothing of the member's, and nothing to undo."""
    async with TestClient(ledger("member")) as client:
        alice = client.user("alice")
        await alice.say("1")
        await alice.say("2")
        assert await texts(alice, "/clear") == ["Forgotten."]
        assert await texts(alice, "/undo") == ["There is nothing to take back."]
        assert await texts(alice, "5") == ["5 after 0"]


async def room(client: TestClient) -> tuple[Person, Person]:
    return client.user("alice", chat="room"), client.user("bob", chat="room")


@pytest.mark.parametrize("scope", ["thread", "chat"])
async def test_a_shared_value_is_restored_if_nobody_changed_it_since(scope: str) -> None:
    """A chat's value goes back only while it is what the turn had left."""
    async with TestClient(ledger(scope)) as client:
        alice, bob = await room(client)
        await bob.say("1")
        await alice.say("10")
        await alice.say("/undo")
        assert await texts(bob, "1") == ["2 after 2"]
        await alice.say("10")
        await bob.say("1")
        await alice.say("/undo")
        assert await texts(bob, "0") == ["13 after 6"]


@pytest.mark.parametrize("scope", ["user", "global"])
async def test_a_persons_and_global_values_are_never_taken_back(scope: str) -> None:
    """What reaches beyond the chat stays."""
    async with TestClient(ledger(scope)) as client:
        alice = client.user("alice")
        await alice.say("1")
        await alice.say("/undo")
        assert await texts(alice, "1") == ["2 after 0"]


async def test_a_state_by_annotation_is_undone_too() -> None:
    """What a function changes in place is taken back as what it returns."""

    def note(message: str, _history: History, seen: PerThread[list[str]]) -> str:
        seen.append(message)
        return ",".join(seen)

    async with TestClient(ChatInterface(note, id="bot")) as client:
        alice = client.user("alice")
        await alice.say("a")
        await alice.say("b")
        await alice.say("/undo")
        assert await texts(alice, "c") == ["a,c"]


async def test_a_ref_is_undone_too() -> None:
    """A value in a `Ref` is restored as a whole."""

    def add(message: str, _history: History, total: PerThread[Ref[int]]) -> str:
        total.value += int(message)
        return str(total.value)

    async with TestClient(ChatInterface(add, id="bot")) as client:
        alice = client.user("alice")
        await alice.say("1")
        await alice.say("2")
        await alice.say("/undo")
        assert await texts(alice, "5") == ["6"]


async def test_another_persons_value_is_never_taken_for_ones_own() -> None:
    """What a turn did to it stays, and is not put in the place of the own one."""
    points = State(5, name="points", type=int)

    async def give(_message: str, _history: History, turn: Turn) -> str:
        theirs = await turn.state(points, of=User("bob", "bob"))
        theirs.value += 1
        return "given"

    bot = ChatInterface(give, id="bot")

    @bot.command
    def more(mine: Annotated[Ref[int], points]) -> str:
        mine.value += 10
        return str(mine.value)

    async with TestClient(bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        await alice.say("/more")
        await alice.say("x")
        await alice.say("/undo")
        assert [await texts(person, "/more") for person in (alice, bob)] == [["25"], ["16"]]


async def test_what_is_in_memory_alone_is_not_undone_and_never_stored() -> None:
    """The log is on disk, and such a value may be anything."""
    kept = State([], name="kept", durable=False)

    def note(message: str, _history: History, kept: list[Any]) -> tuple[str, list[Any]]:
        return str(len(kept)), [*kept, object(), f"secret {message}"]

    bot = ChatInterface(note, id="bot", additional_inputs=[kept], additional_outputs=[kept])
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        assert await texts(alice, "/undo") == ["Taken back."]
        assert await texts(alice, "b") == ["2"]
        assert "secret" not in str(query(client, "SELECT value FROM states"))
