"""How many handlers run at once: of one person, in one chat, in all."""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import FAILED, parts_of, texts

from chatstate import Global, Interface, Ref
from chatstate.engine.turns.places import Places, Sharer, sharers_at
from chatstate.scope import Place
from chatstate.testing import Person, TestClient

LIMIT = 16
OF_A_PERSON, OF_A_CHAT = 2, 4


class Hanging:
    """A bot whose handler hangs at "hang" until the test says so."""

    def __init__(self, *, sync: bool = False, **options: Any) -> None:
        self.bot = Interface(id="bot")
        self.bot.on_message(**options)(self.work_sync if sync else self.work)
        self.began: list[str] = []
        self.gate = asyncio.Event()
        self.gate_sync = threading.Event()

    async def work(self, message: str) -> str:
        if message.startswith("hang"):
            self.began.append(message)
            await self.gate.wait()
        return message

    def work_sync(self, message: str) -> str:
        if message.startswith("hang"):
            self.began.append(message)
            self.gate_sync.wait()
        return message

    async def hang(self, client: TestClient, people: Sequence[Person], most: int) -> Any:
        """Let people say "hang", each in a conversation, until `most` hang; return what settles."""
        events = [person.event(f"hang {n}") for n, person in enumerate(people)]
        receipts = await client.deliver_all(events)
        while len(self.began) < most:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        return asyncio.gather(*(receipt.settled() for receipt in receipts))

    def go_on(self) -> None:
        self.gate.set()
        self.gate_sync.set()


@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_one_person_stops_nobody_else(sync: bool) -> None:
    """However many of his turns hang, in however many chats: an eighth of all runs."""
    made = Hanging(sync=sync)
    async with TestClient(made.bot, running_limit=LIMIT) as client:
        mallory = [client.user("mallory", chat=f"room {n}") for n in range(3 * LIMIT)]
        settled = await made.hang(client, mallory, OF_A_PERSON)
        for n in range(LIMIT):
            assert await texts(client.user(f"{n}", chat="another room"), "hi") == ["hi"]
        assert len(made.began) == OF_A_PERSON
        made.go_on()
        await settled
        assert len(made.began) == 3 * LIMIT


async def test_one_chat_stops_no_other() -> None:
    """However many people in however many threads of it: a quarter of all runs."""
    made = Hanging()
    async with TestClient(made.bot, running_limit=LIMIT) as client:
        room = [client.user(f"{n}", chat="room", thread=f"{n}") for n in range(3 * LIMIT)]
        settled = await made.hang(client, room, OF_A_CHAT)
        assert await texts(client.user("bob"), "hi") == ["hi"]
        assert len(made.began) == OF_A_CHAT
        made.go_on()
        await settled
        assert len(made.began) == 3 * LIMIT


async def test_all_together_are_as_many_as_allowed() -> None:
    """Though none of them has too many of his own."""
    made = Hanging()
    async with TestClient(made.bot, running_limit=LIMIT) as client:
        people = [client.user(f"{n}") for n in range(3 * LIMIT)]
        settled = await made.hang(client, people, LIMIT)
        assert len(made.began) == LIMIT
        made.go_on()
        await settled


async def test_who_waits_longest_comes_first() -> None:
    """In the order in which they were delivered, one for each that ends."""
    made = Hanging()
    async with TestClient(made.bot, running_limit=8) as client:  # one of a person
        settled = await made.hang(
            client, [client.user("mallory", chat=f"room {n}") for n in range(20)], 1
        )
        made.go_on()
        await settled
        assert made.began == [f"hang {n}" for n in range(20)]


async def test_a_turn_that_is_given_up_gives_its_places_back() -> None:
    """Also one that was still waiting for its own: its time had not begun."""
    made = Hanging(timeout=30)
    async with TestClient(made.bot, running_limit=LIMIT) as client:
        rooms = [client.user("mallory", chat=f"room {n}") for n in range(2 * OF_A_PERSON)]
        settled = await made.hang(client, rooms, OF_A_PERSON)
        await client.advance(31)
        while len(made.began) < 2 * OF_A_PERSON:
            await asyncio.sleep(0)
        await client.advance(31)
        await settled
        assert [sent.text for sent in client.platform.delivered] == [FAILED] * 2 * OF_A_PERSON
        assert await texts(rooms[0], "hi") == ["hi"]
        assert parts_of(client).turns._full == set()


async def test_a_handler_that_goes_on_when_its_turn_is_given_up_keeps_no_place() -> None:
    """Else its person could never be served again."""
    bot, gate, began = Interface(id="bot"), asyncio.Event(), list[str]()

    @bot.on_message(timeout=30)
    async def stubborn(message: str) -> str:
        began.append(message)
        while message == "hang" and not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()
        return message

    async with TestClient(bot, running_limit=LIMIT, raise_errors=False) as client:
        rooms = [client.user("mallory", chat=f"room {n}") for n in range(OF_A_PERSON)]
        receipts = await client.deliver_all([room.event("hang") for room in rooms])
        while len(began) < OF_A_PERSON:
            await asyncio.sleep(0)
        await client.advance(31)
        for receipt in receipts:
            await receipt.settled()
        assert await texts(rooms[0], "hi") == ["hi"]
        gate.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert parts_of(client).turns._full == set()
        assert await texts(rooms[0], "hi") == ["hi"]


async def test_a_turn_that_is_interrupted_while_it_waits_takes_no_place() -> None:
    """What ends it runs when there is a place again."""
    made = Hanging()

    @made.bot.command(overlap="interrupt")
    def stop() -> str:
        return "stopped"

    async with TestClient(made.bot, running_limit=LIMIT) as client:
        rooms = [client.user("mallory", chat=f"room {n}") for n in range(OF_A_PERSON + 2)]
        settled = await made.hang(client, rooms, OF_A_PERSON)
        stops = [room.event("/stop") for room in rooms[OF_A_PERSON:]]
        stopped = [receipt.settled() for receipt in await client.deliver_all(stops)]
        made.go_on()
        await settled
        await asyncio.gather(*stopped)
        assert len(made.began) == OF_A_PERSON
        assert await texts(rooms[0], "hi") == ["hi"]
        assert parts_of(client).turns._full == set()


async def test_what_others_wait_for_waits_for_no_place() -> None:
    """A turn that holds the lock of a value runs, whatever else of its person hangs."""
    bot, both, gate = Interface(id="bot"), asyncio.Barrier(2), asyncio.Event()
    hanging = 0

    @bot.on_message
    async def hang(message: str) -> str:
        nonlocal hanging
        hanging += 1
        await gate.wait()
        return message

    @bot.command
    async def add(total: Global[Ref[int]]) -> str:
        if not total.value and not both.broken:
            await both.wait()  # two begin with the same value: one runs again, with the lock
            for n in range(OF_A_PERSON - 1):
                await client.deliver_all([mallory(f"busy {n}").event("hang")])
            while hanging < OF_A_PERSON - 1:
                await asyncio.sleep(0)
            await both.abort()
        total.value += 1
        return str(total.value)

    async with TestClient(bot, running_limit=LIMIT) as client:

        def mallory(room: str) -> Person:
            return client.user("mallory", chat=room)

        answers = await asyncio.gather(
            texts(mallory("a"), "/add"), texts(client.user("bob"), "/add"), return_exceptions=True
        )
        assert sorted(str(answer) for answer in answers) == ["['1']", "['2']"]
        gate.set()


# By itself

PLACES = [
    Place(1, chat, conversation, person)
    for chat in (1, 2)
    for person in (0, 1, 2)
    for conversation in (1, 2)
]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["begin", "force", "end", "cancel"]), st.integers(0, 99)))
)
async def test_nothing_is_lost_whatever_begins_and_ends(steps: list[tuple[str, int]]) -> None:
    """Nobody waits while there is a place for him, and in the end all are free."""
    places = Places(4)
    running: list[Sequence[Sharer]] = []
    waiting: list[asyncio.Task[None]] = []

    async def begin(sharers: Sequence[Sharer]) -> None:
        if not await places.wait(sharers):
            places.take(sharers)
        running.append(sharers)

    for what, number in steps:
        sharers = sharers_at(PLACES[number % len(PLACES)])
        if what == "begin":
            waiting.append(asyncio.create_task(begin(sharers)))
        elif what == "force":
            places.take(sharers)
            running.append(sharers)
        elif what == "end" and running:
            places.give_back(running.pop(number % len(running)))
        elif what == "cancel" and waiting:
            waiting.pop(number % len(waiting)).cancel()
        await asyncio.sleep(0)
    while running:
        places.give_back(running.pop())
        for _ in range(5):
            await asyncio.sleep(0)
    assert all(task.done() for task in waiting)
    assert (places._taken, places.full, places._waiting) == ({}, set(), {})
