"""Values that are kept in memory alone, end to end: `durable=False`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, cast

import pytest
from support import FAILED, parts_of, query, texts

from chatstate import Interface, PerMember, Ref, State, Turn
from chatstate.engine.states import volatile
from chatstate.engine.states.volatile import VolatileStates
from chatstate.scope import Key, Place, Scope
from chatstate.state.bound import BoundState
from chatstate.stores.base import Change, Outcome, Store, TurnCommit, Value
from chatstate.testing import TestClient
from chatstate.testing.clock import FakeClock

SCOPES: list[Scope] = ["member", "thread", "chat", "user", "global"]


def diary(scope: Scope = "member", **options: Any) -> Interface:
    """Return a bot that keeps what is said, once in memory and once in the store."""
    bot = Interface(id="bot")
    state = State([], scope=scope, name="memory", type=list[str], durable=False, **options)

    @bot.on_message
    async def say(
        message: str, unstored: Annotated[list[str], state], stored: PerMember[list[Any]]
    ) -> str:
        unstored.append(message)
        stored.append(object() if message == "bad" else message)
        if message == "fail":
            raise RuntimeError(message)
        return f"{' '.join(unstored)}|{' '.join(map(str, stored))}"

    return bot


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_value_in_memory_is_kept_and_never_stored(scope: Scope) -> None:
    """In each scope, for whoever shares it."""
    async with TestClient(diary(scope)) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        assert await texts(alice, "a") == ["a|a"]
        assert await texts(alice, "b") == ["a b|a b"]
        shared = "a b " if scope not in ("member", "user") else ""
        assert await texts(bob, "c") == [f"{shared}c|c"]
        names = query(client, "SELECT DISTINCT name FROM states")
        assert names == [("stored",)]


@pytest.mark.parametrize("crashes", [False, True])
async def test_it_ends_with_its_process(crashes: bool) -> None:
    """What is stored does not."""
    async with TestClient(diary()) as client:
        alice = client.user("alice")
        await alice.say("a")
        if crashes:
            await client.crash()
            await client.start()
        else:
            await client.restart()
        assert await texts(alice, "b") == ["b|a b"]


@pytest.mark.parametrize("said", ["fail", "bad"])
async def test_nothing_is_kept_of_a_turn_that_fails(said: str) -> None:
    """Whether the handler raises, or what it stores cannot be stored."""
    async with TestClient(diary(), raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("a")
        assert await texts(alice, said) == [FAILED]
        assert await texts(alice, "b") == ["a b|a b"]


async def test_no_update_of_a_shared_value_is_lost() -> None:
    """Of turns that change it at once, each is run again on what the one before has left."""
    bot = Interface(id="bot")
    total = State(0, scope="global", name="total", type=int, durable=False)

    @bot.on_message
    async def add(message: int, value: Annotated[Ref[int], total]) -> str:
        before = value.value
        await asyncio.sleep(0)
        value.value = before + message
        return str(value.value)

    @bot.command
    def apply(amount: int, turn: Turn) -> None:
        turn.apply(total, lambda value: value + amount, reply=str)

    async with TestClient(bot) as client:
        people = [client.user(str(n)) for n in range(20)]
        await asyncio.gather(*(person.say("1") for person in people))
        await asyncio.gather(*(person.say("/apply 1") for person in people))
        assert await texts(people[0], "0") == ["40"]


async def test_its_ttl_counts_as_that_of_a_stored_one() -> None:
    """From its last use; what `on_expire` returns is sent."""
    bot = Interface(id="bot")
    state = State([], name="said", ttl=60, on_expire=str, durable=False)

    @bot.on_message
    async def say(message: str, said: Annotated[list[str], state]) -> str:
        if message != "?":
            said.append(message)
        return " ".join(said)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        await client.advance(59)
        assert await texts(alice, "?") == ["a"]
        await client.advance(59)
        assert await texts(alice, "b") == ["a b"]
        await client.advance(60)
        assert client.platform.delivered[-1].text == "['a', 'b']"
        client.clock._now += 60
        assert await texts(alice, "c") == ["c"]
        client.clock._now += 60
        assert await texts(alice, "d") == ["d"]
        assert [reply.text for reply in client.platform.delivered[-2:]] == ["['c']", "d"]
        bodies = query(client, "SELECT body FROM inbox WHERE event_id LIKE 'expired%'")
        assert bodies == [(None,)] * 2


async def test_a_value_in_memory_is_not_written_down_when_it_expires() -> None:
    """Its event holds no text of it; if the process dies, nothing is left to tell of."""
    entered, gate = asyncio.Event(), asyncio.Event()
    heard: list[list[str]] = []

    async def hear(value: list[str]) -> None:
        heard.append(value)
        entered.set()
        await gate.wait()

    async with TestClient(diary(ttl=60, on_expire=hear)) as client:
        alice = client.user("alice")
        await alice.say("secret")
        await client.clock.advance(60)
        await entered.wait()
        ((body,),) = query(client, "SELECT body FROM inbox WHERE done_at IS NULL")
        assert "secret" not in body
        await client.crash()
        await client.start()
        assert await texts(alice, "a") == ["a|secret a"]
        assert heard == [["secret"]]
        assert query(client, "SELECT * FROM dead_letters") == []


class FakeStore:
    """Answers each commit as it is told, and shows what reached it."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.seen: list[TurnCommit] = []

    async def load(self, keys: Sequence[Key]) -> list[Value | None]:
        return [None for _ in keys]

    async def commit(self, turns: Sequence[TurnCommit]) -> list[Outcome]:
        self.seen += turns
        return [self.outcomes.pop(0) for _ in turns]


MINE, STORED = Key("bot", "global", "mine", 0, 0), Key("bot", "global", "stored", 0, 0)


def turn(seq: int, *changes: tuple[Key, int, int]) -> TurnCommit:
    """Return a turn that changes values: their keys, old and new versions."""
    made = [Change(what, before, Value(str(after), after)) for what, before, after in changes]
    return TurnCommit(seq, Place(1, 1, seq, 1), seq, made)


def in_memory(store: FakeStore) -> VolatileStates:
    states = [BoundState(State(0, scope="global", durable=False), "mine", int)]
    return VolatileStates(cast("Store", store), states, FakeClock())


async def test_what_the_store_does_not_apply_is_not_kept_in_memory_either() -> None:
    """A turn with values of both kinds has all its effects or none."""
    store = FakeStore()
    kept = in_memory(store)
    store.outcomes = ["conflict", "fenced", "applied"]
    outcomes: list[Outcome] = []
    for seq in (1, 2, 3):
        outcomes += await kept.commit([turn(seq, (MINE, 0, seq), (STORED, 0, seq))])
    assert outcomes == ["conflict", "fenced", "applied"]
    assert await kept.load([MINE, STORED]) == [Value("3", 3), None]
    assert [[change.key for change in commit.changes] for commit in store.seen] == [[STORED]] * 3


async def test_a_turn_that_expected_another_version_never_reaches_the_store() -> None:
    """It is a conflict; those beside it are not."""
    store = FakeStore()
    kept = in_memory(store)
    store.outcomes = ["applied"] * 3
    turns = [turn(1, (MINE, 0, 1)), turn(2, (MINE, 0, 2)), turn(3, (MINE, 1, 3)), turn(4)]
    assert await kept.commit(turns) == ["applied", "conflict", "applied", "applied"]
    assert [commit.seq for commit in store.seen] == [1, 3, 4]
    assert await kept.commit([turn(5, (MINE, 1, 5))]) == ["conflict"]
    assert await kept.load([MINE]) == [Value("3", 3)]


async def test_what_is_built_on_a_turn_of_the_same_batch_depends_on_it() -> None:
    """The store is told, so that both are applied or neither."""
    store = FakeStore()
    kept = in_memory(store)
    store.outcomes = ["conflict", "conflict"]
    await kept.commit([turn(1, (MINE, 0, 1)), turn(2, (MINE, 1, 2))])
    assert [list(commit.after) for commit in store.seen] == [[], [1]]
    assert await kept.load([MINE]) == [None]


async def test_the_oldest_make_room_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory is bounded: 100,000 values of each state."""
    monkeypatch.setattr(volatile, "_KEPT", 2)
    async with TestClient(diary()) as client:
        for name in "abcab":
            await client.user(name).say("x")
        parts_of(client).cache.forget()
        shown = [(await texts(client.user(name), "y"))[0].split("|")[0] for name in "bac"]
        assert shown == ["x y", "x y", "y"]
