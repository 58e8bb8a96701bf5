"""What is answered at once, beside the conversation, and stored nowhere: `Host.ask`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec.structs import replace

from chatstate import (
    File,
    Global,
    Interface,
    Location,
    Message,
    PerMember,
    PerUser,
    Ref,
    Reply,
    State,
    Turn,
    UserError,
)
from chatstate.errors import ReplyError, StateError
from chatstate.messages import Event
from chatstate.stores.base import Filter
from chatstate.testing import Delivered, TestClient

QUERY = "test:query"


def texts(answers: list[Delivered] | None) -> list[str]:
    assert answers is not None
    return [answer.text for answer in answers]


def searching(fn: Callable[..., Any]) -> Interface:
    """Return a bot with a handler of queries, and one of messages that are kept."""
    bot = Interface(id="search")
    bot.on(QUERY)(fn)

    @bot.on_message
    def keep(message: str, notes: PerMember[list[str]], total: Global[Ref[int]]) -> str:
        notes.append(message)
        total.value += 1
        return "kept"

    return bot


async def test_it_is_answered_from_what_is_kept() -> None:
    """In the person's private chat, with the states of that."""

    def found(message: Message, notes: PerMember[list[str]], total: Global[Ref[int]]) -> list[str]:
        return [f"{note} of {total.value}" for note in notes if message.text in note]

    async with TestClient(searching(found)) as client:
        alice = client.user("alice")
        for note in ("tea", "teapot", "cup"):
            await alice.say(note)
        assert texts(await alice.ask(QUERY, "tea")) == ["tea of 3", "teapot of 3"]
        assert texts(await client.user("bob").ask(QUERY, "tea")) == []
        await client.restart()
        assert texts(await alice.ask(QUERY, "cup")) == ["cup of 3"]


async def test_it_does_not_wait_for_the_conversation() -> None:
    """Though a turn of the same person's takes its time."""
    begun, go = asyncio.Event(), asyncio.Event()
    bot = searching(lambda text: f"found {text}")

    @bot.command
    async def slow() -> str:
        begun.set()
        await go.wait()
        return "done"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        saying = asyncio.create_task(alice.say("/slow"))
        await begun.wait()
        assert texts(await alice.ask(QUERY, "tea")) == ["found tea"]
        go.set()
        assert texts(await saying) == ["done"]


async def test_of_what_waits_only_the_newest_is_handled() -> None:
    """Whoever types a word wants no answer to its first letters; another person does not wait."""
    begun: list[str] = []
    gates: dict[str, asyncio.Event] = {text: asyncio.Event() for text in ("t", "te", "tea", "x")}

    async def find(text: str) -> str:
        begun.append(text)
        await gates[text].wait()
        return text

    async with TestClient(searching(find)) as client:
        alice, bob = client.user("alice"), client.user("bob")
        asked = [asyncio.create_task(alice.ask(QUERY, text)) for text in ("t", "te", "tea")]
        asked.append(asyncio.create_task(bob.ask(QUERY, "x")))
        while len(begun) < 2:
            await asyncio.sleep(0)
        assert await asked[1] is None
        for gate in gates.values():
            gate.set()
        assert [await asked[number] and texts(await asked[number]) for number in (0, 2, 3)] == [
            ["t"],
            ["tea"],
            ["x"],
        ]
        assert begun == ["t", "x", "tea"]


@pytest.mark.parametrize("which", [0, 1], ids=["that runs", "that waits"])
async def test_who_gives_up_stops_nobody(which: int) -> None:
    """An adapter has only so many seconds."""
    gate = asyncio.Event()

    async def find(text: str) -> str:
        await gate.wait()
        return text

    async with TestClient(searching(find)) as client:
        alice = client.user("alice")
        asked = [asyncio.create_task(alice.ask(QUERY, text)) for text in "ab"]
        for _ in range(20):
            await asyncio.sleep(0)
        asked[which].cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked[which]
        gate.set()
        assert texts(await alice.ask(QUERY, "c")) == ["c"]


async def test_who_gives_up_at_the_last_moment_stops_nobody() -> None:
    """It is its turn, and it is not there any more."""
    begun, gate = asyncio.Event(), asyncio.Event()

    async def find(text: str) -> str:
        begun.set()
        await gate.wait()
        return text

    async with TestClient(searching(find)) as client:
        alice, host = client.user("alice"), await client.platform.connected()

        def asks(text: str) -> Event:
            event = alice.event(text, kind="other")
            return replace(event, message=replace(event.message, update=QUERY))

        async def first() -> None:
            await host.ask(asks("a"))
            second.cancel()

        running = asyncio.create_task(first())
        await begun.wait()
        second = asyncio.create_task(host.ask(asks("b")))
        for _ in range(20):
            await asyncio.sleep(0)
        gate.set()
        await running
        with pytest.raises(asyncio.CancelledError):
            await second
        assert texts(await alice.ask(QUERY, "c")) == ["c"]


def in_place(notes: PerMember[list[str]]) -> None:
    """Change a value in place."""
    notes.append("x")


def by_ref(mine: PerUser[Ref[int]]) -> None:
    """Replace a value."""
    mine.value += 1


def fetched(turn: Turn) -> Awaitable[None]:
    """Change what was fetched."""

    async def fetch() -> None:
        (await turn.state(PerMember[list[str]])).append("x")

    return fetch()


async def applied(turn: Turn) -> None:
    """Change it at the commit, which there is not."""
    turn.apply(Global[Ref[int]], lambda value: value + 1)


async def stepped(turn: Turn) -> None:
    """Have a result kept."""
    await turn.step("pay", lambda: 5)


async def replaced(turn: Turn, notes: PerMember[list[str]]) -> None:
    """Replace it as a whole."""
    assert notes == []
    turn.replace(PerMember[list[str]], ["x"])


@pytest.mark.parametrize("change", [in_place, by_ref, fetched, applied, stepped, replaced])
async def test_state_is_only_read(change: Callable[..., Any]) -> None:
    """What would change it, or be kept, is an error; nothing has changed then."""
    bot = searching(change)

    @bot.command
    def show(notes: PerMember[list[str]], mine: PerUser[Ref[int]]) -> str:
        return f"{notes} {mine.value}"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        with pytest.raises(StateError, match=r"stored nowhere"):
            await alice.ask(QUERY, "tea")
        assert texts(await alice.ask(QUERY, "tea", raise_errors=False)) == []
        assert texts(await alice.say("/show")) == ["[] 0"]


async def test_a_default_that_is_made_is_no_change() -> None:
    """Though it may be another each time."""
    numbers = iter(range(100))

    def find(n: Annotated[dict[str, int], State(lambda: {"n": next(numbers)})]) -> str:
        return str(n)

    async with TestClient(searching(find)) as client:
        assert texts(await client.user("alice").ask(QUERY)) == ["{'n': 0}"]


async def test_it_is_in_no_inbox_and_no_outbox() -> None:
    """Nothing of it is left, whatever became of it."""

    def find(text: str) -> str:
        if text == "fail":
            raise RuntimeError(text)
        return text

    async with TestClient(searching(find), raise_errors=False) as client:
        alice = client.user("alice")
        assert texts(await alice.ask(QUERY, "tea")) == ["tea"]
        assert texts(await alice.ask(QUERY, "fail")) == []
        for shelf in ("inbox", "outbox", "dead"):
            assert await client._store.list(shelf, Filter()) == []


async def test_any_handler_may_answer() -> None:
    """In a thread, as a stream whose last word counts, by sending, with what a lifespan opened."""

    async def stream(text: str) -> AsyncIterator[str]:
        yield "wait"
        yield text

    async def send(turn: Turn) -> str:
        await turn.send("first")
        turn.progress(0.5)
        return "then"

    def on_disk(turn: Turn) -> str:
        Path(turn.folder / "x").write_text("tea")
        return str(len(list(turn.folder.iterdir())))

    for handler, said in ((stream, ["tea"]), (send, ["first", "then"]), (on_disk, ["1"])):
        async with TestClient(searching(handler)) as client:
            assert texts(await client.user("alice").ask(QUERY, "tea")) == said
            assert client.platform.tries == len(said)


async def test_what_a_person_is_told_is_the_answer() -> None:
    """A `UserError`, in place of what was asked for."""

    def find(text: str) -> str:
        raise UserError(f"no {text}")

    async with TestClient(searching(find)) as client:
        assert texts(await client.user("alice").ask(QUERY, "tea")) == ["no tea"]


async def test_a_failure_is_told_and_its_author_may_answer() -> None:
    """By `on_error`, as of any turn; without one it is answered by nothing."""

    def find(text: str) -> str:
        raise RuntimeError(text)

    bot = searching(find)
    async with TestClient(bot) as client:
        with pytest.raises(RuntimeError, match="tea"):
            await client.user("alice").ask(QUERY, "tea")
    told: list[str] = []

    @bot.on_error
    def tell(error: Exception) -> str:
        told.append(str(error))
        return "sorry"

    async with TestClient(bot) as client:
        assert texts(await client.user("alice").ask(QUERY, "tea")) == ["sorry"]
    assert told == ["tea"]


async def test_guards_and_middleware_hold_and_nothing_is_counted() -> None:
    """Who may not gets no answer; each letter that somebody types is no use of a limit."""
    bot = Interface(id="search", owners=["test:alice"], allow="owners", limits="1/day")
    seen: list[str] = []

    @bot.middleware
    async def note(message: Message, call_next: Any) -> Any:
        seen.append(message.update)
        return [*await call_next(), Reply("noted")]

    bot.on(QUERY)(lambda text: text)
    async with TestClient(bot) as client:
        for _ in range(3):
            assert texts(await client.user("alice").ask(QUERY, "tea")) == ["tea", "noted"]
        assert texts(await client.user("bob").ask(QUERY, "tea")) == []
    assert seen == [QUERY] * 3


async def test_a_bot_without_a_handler_answers_nothing() -> None:
    """Nor does `on_message` get it."""
    async with TestClient(Interface(lambda message: message, id="echo")) as client:
        assert texts(await client.user("alice").ask(QUERY, "tea")) == []


def _saying(said: Any) -> Callable[[str], Any]:
    return lambda _: said


async def test_a_file_cannot_be_sent_so() -> None:
    """It would have to be kept until it is sent."""
    for said in (File(b"x", "a.txt"), Location(52.5, 13.4)):
        async with TestClient(searching(_saying(said))) as client:
            with pytest.raises(ReplyError, match="at once has no files, and no place"):
                await client.user("alice").ask(QUERY)
