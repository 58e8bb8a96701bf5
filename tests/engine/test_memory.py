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
        client.clock.set(client.clock.time() + 60)
        assert await texts(alice, "c") == ["c"]
        client.clock.set(client.clock.time() + 60)
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


class Array:
    """An object of which no text tells, and whose `==` is no yes and no no."""

    def __init__(self) -> None:
        self.sum, self.counts = 0, [0]

    def __eq__(self, other: object) -> Any:
        return [self.counts == getattr(other, "counts", None)]

    __hash__ = None  # type: ignore[assignment]  # as that of an array

    def add(self, number: int) -> str:
        self.sum += number
        self.counts[0] += 1
        return f"{self.sum} {self.counts}"


@pytest.mark.parametrize("scope", SCOPES)
async def test_any_object_is_kept_in_memory(scope: Scope) -> None:
    """Under the rules of all state: what a turn does that fails is nowhere."""
    bot = Interface(id="bot")
    state = State(Array, scope=scope, name="array", durable=False)

    @bot.on_message
    async def add(message: int, array: Annotated[Array, state]) -> str:
        said = array.add(message)
        if message < 0:
            raise ValueError(message)
        return said

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "1") == ["1 [1]"]
        assert await texts(alice, "-5") == [FAILED]
        assert await texts(alice, "2") == ["3 [2]"]
        assert query(client, "SELECT * FROM states") == []


async def test_no_update_of_a_shared_object_is_lost() -> None:
    """Of turns that change it at once, each is run again on what the one before has left."""
    bot = Interface(id="bot")
    state = State(Array, scope="global", name="array", durable=False)

    @bot.on_message
    async def add(message: int, array: Annotated[Array, state], turn: Turn) -> str:
        await asyncio.sleep(0)
        return array.add(message)

    @bot.command
    def reset(turn: Turn) -> None:
        turn.apply(state, lambda _: Array(), reply=lambda array: f"{array.sum}")

    async with TestClient(bot) as client:
        people = [client.user(str(n)) for n in range(20)]
        await asyncio.gather(*(person.say("1") for person in people))
        assert await texts(people[0], "0") == ["20 [21]"]
        assert await texts(people[0], "/reset") == ["0"]
        assert await texts(people[0], "5") == ["5 [1]"]


async def test_turns_that_only_look_at_a_shared_object_do_not_run_again() -> None:
    """Its copies are the same, though it cannot say so itself."""
    bot = Interface(id="bot")
    state = State(Array, scope="global", name="array", durable=False)
    runs: list[str] = []
    all_run = asyncio.Event()

    @bot.on_message
    async def look(message: str, array: Annotated[Array, state]) -> str:
        runs.append(message)
        if len(runs) > 20:
            all_run.set()
        elif len(runs) > 1:
            await all_run.wait()
        return str(array.sum)

    async with TestClient(bot) as client:
        await client.user("first").say("first")
        people = [client.user(str(n)) for n in range(20)]
        await asyncio.gather(*(person.say("x") for person in people))
    assert len(runs) == 21


async def test_what_cannot_be_copied_is_one_object_for_everybody() -> None:
    """Such as an open connection: what a turn does to it is done."""

    class Connection:
        def __init__(self) -> None:
            self.calls = 0

        def __reduce__(self) -> Any:
            raise TypeError("it is open")

    connection = Connection()
    bot = Interface(id="bot")
    state = State(connection, scope="global", name="connection", durable=False)

    @bot.on_message
    async def use(message: str, it: Annotated[Connection, state]) -> str:
        it.calls += 1
        if message == "fail":
            raise ValueError
        return str(it is connection)

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "a") == ["True"]
        await client.user("alice").say("fail")
        assert await texts(client.user("bob"), "b") == ["True"]
    assert connection.calls == 3


async def test_an_object_that_expires_is_told_of() -> None:
    """As it was left."""
    told: list[int] = []
    bot = Interface(id="bot")
    state = State(
        Array, name="array", ttl=60, on_expire=lambda array: told.append(array.sum), durable=False
    )

    @bot.on_message
    async def add(message: int, array: Annotated[Array, state]) -> str:
        return array.add(message)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("1")
        await alice.say("2")
        await client.advance(60)
        assert told == [3]
        assert await texts(alice, "5") == ["5 [1]"]


async def test_a_default_object_is_copied_for_each_session() -> None:
    """Nobody sees what another has made of it, nor what becomes of it later."""
    given = Array()
    bot = Interface(id="bot")
    state = State(given, name="array", durable=False)
    given.add(100)

    @bot.on_message
    async def add(message: int, array: Annotated[Array, state]) -> str:
        return array.add(message)

    async with TestClient(bot) as client:
        given.add(100)
        for name in ("alice", "bob"):
            assert await texts(client.user(name), "1") == ["101 [2]"]


async def test_an_object_by_position() -> None:
    """As Gradio's authors write it: returned for its state."""

    def count(message: str, array: Array) -> tuple[str, Array]:
        return array.add(int(message)), array

    state = State(value=Array(), durable=False)
    async with TestClient(Interface(count, ["text", state], ["text", state], id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, "1") == ["1 [1]"]
        assert await texts(alice, "2") == ["3 [2]"]


async def test_what_a_turn_left_is_nobodys_to_change() -> None:
    """Though its author keeps the object, and gives it to others."""
    common = Array()

    def share(message: str, array: Array) -> tuple[str, Array]:
        said = f"{array.sum}"
        common.add(int(message))
        return said, common

    state = State(value=Array(), durable=False)
    async with TestClient(Interface(share, ["text", state], ["text", state], id="bot")) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "1") == ["0"]
        assert await texts(bob, "10") == ["0"]
        assert await texts(alice, "0") == ["1"]
        assert await texts(bob, "0") == ["11"]


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
