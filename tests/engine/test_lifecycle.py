"""How long state lives, end to end: `ttl` and `on_expire`."""

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import pytest
from support import parts_of, query, texts

from chatstate import (
    Global,
    Interface,
    PerUser,
    Ref,
    State,
    StateError,
    Turn,
    User,
    UserError,
)
from chatstate.scope import Scope
from chatstate.testing import TestClient
from chatstate.testing.platform import FakePlatform

TTL = 60
EXPIRED = "Your session has expired: "
SCOPES: list[Scope] = ["member", "thread", "chat", "user", "global"]


def told(value: list[str]) -> str:
    return EXPIRED + " ".join(value)


def diary(
    scope: Scope = "member", on_expire: Any = told, ttl: Any = TTL, **options: Any
) -> Interface:
    """Return a bot that keeps what is said, and answers with all of it."""
    bot = Interface(id="diary")
    state = State(
        [], scope=scope, name="said", type=list[str], on_expire=on_expire, ttl=ttl, **options
    )

    @bot.on_message
    async def say(message: str, said: Annotated[list[str], state]) -> str:
        if message == "fail":
            raise RuntimeError(message)
        if message == "refuse":
            raise UserError(message)
        if message != "?":
            said.append(message)
        return " ".join(said)

    return bot


@dataclass
class Shelf:
    books: list[str]


@dataclass
class Bills:
    paid: list[str] = field(default_factory=list)


def knowing() -> FakePlatform:
    """Return a platform that shows what a crashed process has sent once."""
    return FakePlatform(idempotent_for=3600)


def sent(client: TestClient) -> list[str]:
    return [reply.text for reply in client.platform.delivered]


def jump(client: TestClient, seconds: float = TTL) -> None:
    """Move the clock so that nobody notices until the engine looks at it again."""
    client.clock.set(client.clock.time() + seconds)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0)


# When


async def test_a_value_that_is_not_used_for_its_ttl_is_gone() -> None:
    """One second less and it is there."""
    async with TestClient(diary(on_expire=None)) as client:
        alice = client.user("alice")
        await alice.say("a")
        await client.advance(TTL - 1)
        assert await texts(alice, "b") == ["a b"]
        await client.advance(TTL)
        assert query(client, "SELECT * FROM states") == []
        assert await texts(alice, "c") == ["c"]


@pytest.mark.parametrize("said", ["?", "fail", "refuse"])
async def test_a_turn_that_changes_nothing_uses_a_value_all_the_same(said: str) -> None:
    """The time counts from the last turn that has loaded it, whatever became of that."""
    async with TestClient(diary(), raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("a")
        await client.advance(TTL - 1)
        await alice.say(said)
        await client.restart()
        await client.advance(TTL - 1)
        assert await texts(alice, "?") == ["a"]
        await client.advance(TTL)
        assert sent(client)[-1] == EXPIRED + "a"


async def test_a_ttl_may_be_a_timedelta() -> None:
    """`timedelta(minutes=1)` is 60 seconds."""
    async with TestClient(diary(ttl=timedelta(minutes=1))) as client:
        await client.user("alice").say("a")
        await client.advance(59)
        assert sent(client) == ["a"]
        await client.advance(1)
        assert sent(client) == ["a", EXPIRED + "a"]


async def test_a_session_that_was_never_stored_does_not_expire() -> None:
    """A default that nobody changed is no value."""
    async with TestClient(diary()) as client:
        await client.user("alice").say("?")
        await client.advance(TTL)
        assert sent(client) == []


@pytest.mark.parametrize("scope", SCOPES)
async def test_values_of_each_scope_expire(scope: Scope) -> None:
    """In the conversation of their own, or where they were used last; each for itself."""
    bot = diary(scope, None if scope in ("user", "global") else told)
    async with TestClient(bot) as client:
        alice = client.user("alice", chat="room", thread="t")
        await alice.say("a")
        await client.advance(TTL / 2)
        await client.user("bob", chat="elsewhere").say("b")
        await client.advance(TTL / 2)
        values = ['["b"]'] if scope != "global" else ['["a","b"]']
        assert [row[0] for row in query(client, "SELECT value FROM states")] == values
        await client.advance(TTL / 2)
        assert query(client, "SELECT value FROM states") == []
        assert await texts(alice, "c") == ["c"]


@pytest.mark.parametrize("scope", SCOPES)
async def test_an_expired_value_is_never_seen(scope: Scope) -> None:
    """Not even by a turn that comes before anybody has noticed; `on_expire` still gets it."""
    heard: list[list[str]] = []
    async with TestClient(diary(scope, heard.append)) as client:
        alice = client.user("alice", chat="room")
        await alice.say("a")
        jump(client)
        assert await texts(alice, "b") == ["b"]
        assert heard == [["a"]]


# Before what comes later


async def test_a_value_expires_before_the_turn_that_finds_it_so() -> None:
    """Its answer comes first, and what it changed is there."""
    bot = Interface(id="bot")

    async def archive(value: list[str], turn: Turn) -> str:
        (await turn.state(PerUser[list[list[str]]])).append(value)
        return "expired"

    state = State([], name="said", type=list[str], ttl=TTL, on_expire=archive)

    @bot.on_message
    async def say(
        message: str, said: Annotated[list[str], state], past: PerUser[list[list[str]]]
    ) -> str:
        said.append(message)
        return f"{past} {said}"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        jump(client)
        receipts = await client.deliver_all([alice.event(text) for text in "bcd"])
        for receipt in receipts:
            await receipt.settled()
        assert sent(client) == [
            "[] ['a']",
            "expired",
            "[['a']] ['b']",
            "[['a']] ['b', 'c']",
            "[['a']] ['b', 'c', 'd']",
        ]


async def test_it_goes_before_what_waits_in_the_conversation() -> None:
    """A value that expires while somebody else's turn runs is told of before the next."""
    gate, entered = asyncio.Event(), asyncio.Event()
    bot = diary()

    @bot.command
    async def wait() -> str:
        entered.set()
        await gate.wait()
        return "waited"

    async with TestClient(bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        await alice.say("a")
        receipts = await client.deliver_all([bob.event("/wait"), bob.event("b"), alice.event("c")])
        await entered.wait()
        jump(client)
        await client.clock.advance(1)
        await until(lambda: parts_of(client).lanes.waiting(1)[0].ahead)
        gate.set()
        for receipt in receipts:
            await receipt.settled()
        assert sent(client) == ["a", "waited", EXPIRED + "a", "b", "c"]


# In use


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_value_does_not_expire_under_a_turn_that_uses_it(scope: Scope) -> None:
    """However long that takes; its time counts from the turn's end."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()
    state = State([], scope=scope, name="said", type=list[str], ttl=TTL)

    @bot.on_message(timeout=1000)
    async def say(message: str, said: Annotated[list[str], state]) -> str:
        said.append(message)
        if message == "wait":
            entered.set()
            await gate.wait()
        return " ".join(said)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        waiting = asyncio.create_task(alice.say("wait"))
        await entered.wait()
        await client.advance(3 * TTL)
        gate.set()
        assert [reply.text for reply in await waiting] == ["a wait"]
        await client.advance(TTL - 1)
        assert await texts(alice, "b") == ["a wait b"]


async def test_a_turn_that_runs_again_finds_the_value_it_had() -> None:
    """It is using it all the time, though nobody holds it between two attempts."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()
    state = State([], name="said", type=list[str], ttl=TTL)

    @bot.on_message(timeout=1000)
    async def say(message: str, said: Annotated[list[str], state], all_: Global[list[str]]) -> str:
        said.append(message)
        all_.append(message)
        if message == "wait" and not gate.is_set():
            entered.set()
            await gate.wait()
        return f"{' '.join(said)}|{' '.join(all_)}"

    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("a")
        waiting = asyncio.create_task(alice.say("wait"))
        await entered.wait()
        await bob.say("b")
        await client.advance(3 * TTL)
        gate.set()
        assert [reply.text for reply in await waiting] == ["a wait|a b wait"]


async def test_a_value_that_another_turn_uses_is_there_for_all() -> None:
    """Nobody loses what somebody holds, though its time seems to be over."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()
    state = State([], scope="global", name="said", type=list[str], ttl=TTL)

    @bot.on_message(timeout=1000)
    async def say(message: str, said: Annotated[list[str], state]) -> str:
        said.append(message)
        if message == "wait" and not gate.is_set():
            entered.set()
            await gate.wait()
        return " ".join(said)

    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("a")
        waiting = asyncio.create_task(alice.say("wait"))
        await entered.wait()
        await client.advance(3 * TTL)
        assert await texts(bob, "b") == ["a b"]
        gate.set()
        assert [reply.text for reply in await waiting] == ["a b wait"]


async def test_other_peoples_values_expire_as_ones_own() -> None:
    """`turn.state(..., of=...)` finds a new one, and the old one is told of."""
    bot, heard = Interface(id="bot"), list[list[str]]()
    state = State([], scope="user", name="said", type=list[str], ttl=TTL, on_expire=heard.append)

    @bot.on_message
    async def say(message: str, said: Annotated[list[str], state]) -> str:
        said.append(message)
        return " ".join(said)

    @bot.command
    async def look(whom: str, turn: Turn) -> str:
        return " ".join(await turn.state(state, of=User(whom))) or "nothing"

    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("a")
        assert await texts(bob, "/look alice") == ["a"]
        jump(client)
        assert await texts(bob, "/look alice") == ["nothing"]
        await until(lambda: heard == [["a"]])


async def test_a_function_is_applied_to_a_new_value_when_the_old_one_has_expired() -> None:
    """`turn.apply` sees no expired value either."""
    bot, heard = Interface(id="bot"), list[int]()
    state = State(0, scope="global", name="sum", type=int, ttl=TTL, on_expire=heard.append)

    @bot.on_message
    def add(message: int, turn: Turn) -> None:
        turn.apply(state, lambda total: total + message, reply=str)

    @bot.command
    def look(total: Annotated[Ref[int], state]) -> str:
        return str(total.value)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert [await texts(alice, said) for said in ("1", "2")] == [["1"], ["3"]]
        jump(client)
        assert await texts(alice, "4") == ["4"]
        await until(lambda: heard == [3])


# on_expire


async def test_on_expire_gets_the_value_and_its_answer_is_sent() -> None:
    """To the conversation, once, without anybody having said anything."""
    async with TestClient(diary()) as client:
        await client.user("alice", chat="room", thread="topic").say("a")
        await client.advance(TTL)
        reply = client.platform.delivered[-1]
        assert (reply.text, reply.chat, reply.thread) == (EXPIRED + "a", "room", "topic")
        assert reply.event is None
        await client.advance(10 * TTL)
        assert len(client.platform.delivered) == 2


async def test_on_expire_may_be_a_coroutine_function_or_any_callable() -> None:
    """Each is called with the value."""
    heard: list[list[str]] = []

    async def hear(value: list[str]) -> None:
        await asyncio.sleep(0)
        heard.append(value)

    for on_expire in (hear, heard.append, functools.partial(hear)):
        async with TestClient(diary(on_expire=on_expire)) as client:
            await client.user("alice").say("a")
            await client.advance(TTL)
    assert heard == [["a"]] * 3


async def test_on_expire_knows_whose_the_value_was() -> None:
    """The turn it may take tells the person, the chat, and the state's name."""
    heard: list[tuple[str, str, str, str]] = []

    async def hear(_value: list[str], turn: Turn) -> None:
        heard.append((turn.user.id, turn.chat.id, turn.message.kind, turn.text))

    for scope in SCOPES:
        async with TestClient(diary(scope, hear)) as client:
            await client.user("alice", chat="room").say("a")
            await client.advance(TTL)
    persons = ["alice", "", "", "alice", ""]
    assert heard == [(person, "room", "expiry", "said") for person in persons]


async def test_on_expire_can_change_other_state() -> None:
    """What it changes, what it sends and the value's end are one."""
    bot = Interface(id="shop")

    async def restock(cart: int, turn: Turn) -> str:
        turn.apply(stock, lambda left: left + cart, reply=lambda left: f"{left} left")
        await turn.send("Your cart was emptied.")
        return "Come back!"

    stock = State(10, scope="global", name="stock", type=int)
    cart = State(0, name="cart", type=int, ttl=TTL, on_expire=restock)

    def take(message: int, have: int, left: int) -> tuple[str, int, int]:
        return f"{have + message} {left - message}", have + message, left - message

    bot = Interface(take, ["number", cart, stock], ["text", cart, stock], id="shop")
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("3")
        assert await texts(bob, "2") == ["2 5"]
        await client.advance(TTL - 1)
        await bob.say("0")
        await client.advance(1)
        assert sent(client)[-3:] == ["Your cart was emptied.", "Come back!", "8 left"]
        assert await texts(alice, "0") == ["0 8"]


@pytest.mark.parametrize("scope", ["user", "global"])
async def test_what_belongs_to_no_conversation_is_answered_nowhere(scope: Scope) -> None:
    """A reply is an error there: it would be told where others read it."""

    async def send(_value: list[str], turn: Turn) -> None:
        await turn.send("secret")

    for on_expire in (told, send):
        async with TestClient(diary(scope, on_expire), raise_errors=False) as client:
            await client.user("alice", chat="room").say("a")
            await client.advance(TTL)
            assert sent(client) == ["a"]
            ((error,),) = query(client, "SELECT error FROM dead_letters")
            assert f"on_expire of {scope} state 'said' replied" in error


async def test_there_is_no_value_of_nobody() -> None:
    """Of a value that is no person's, on_expire must say whose other value it means."""
    heard: list[Any] = []
    said = "user state 'mine' is a person's, and nobody speaks here: say whose"

    async def ask(_value: list[str], turn: Turn) -> None:
        with pytest.raises(StateError, match=said):
            await turn.state(PerUser[list[int]])
        with pytest.raises(StateError, match=said):
            turn.apply(PerUser[list[int]], str)
        heard.append(await turn.state(PerUser[list[int]], of=User("alice")))

    bot = diary("chat", ask)

    @bot.command
    async def look(mine: PerUser[list[int]]) -> None:
        mine.append(7)

    async with TestClient(bot) as client:
        alice = client.user("alice", chat="room")
        await alice.say("/look")
        await alice.say("a")
        await client.advance(TTL)
        assert heard == [[7]]


async def test_middleware_guards_limits_and_interruptions_are_for_people() -> None:
    """None of them stands before a value that expires."""
    entered, gate = asyncio.Event(), asyncio.Event()

    async def slow(value: list[str]) -> str:
        entered.set()
        await gate.wait()
        return told(value)

    bot = diary(on_expire=slow)
    seen: list[str] = []

    @bot.middleware
    async def log(turn: Turn, call_next: Any) -> Any:
        seen.append(turn.text)
        return await call_next()

    @bot.command(overlap="interrupt")
    async def stop() -> str:
        return "stopped"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        advancing = asyncio.create_task(client.advance(TTL))
        await entered.wait()
        stopping = asyncio.create_task(alice.say("/stop"))
        await until(lambda: parts_of(client).lanes.waiting(1) != [])
        gate.set()
        await stopping
        await advancing
        assert sent(client) == ["a", EXPIRED + "a", "stopped"]
        assert seen == ["a", ""]


async def test_on_expire_of_an_included_bot_finds_what_is_its_own() -> None:
    """States and resources of the bot that declares it."""
    opened = Shelf(["resource"])

    @contextlib.asynccontextmanager
    async def lifespan(_bot: Interface) -> AsyncIterator[Shelf]:
        yield opened

    part, whole = Interface(id="part", lifespan=lifespan), Interface(id="whole")

    async def archive(value: list[str], turn: Turn) -> None:
        (await turn.state(PerUser[list[list[str]]])).append(value)
        turn.resource(Shelf).books += value

    state = State([], name="said", type=list[str], ttl=TTL, on_expire=archive)

    @part.on_message
    async def say(
        message: str, said: Annotated[list[str], state], past: PerUser[list[list[str]]]
    ) -> str:
        said.append(message)
        return str(past)

    whole.include(part)
    async with TestClient(whole) as client:
        alice = client.user("alice")
        await alice.say("a")
        await client.advance(TTL)
        assert await texts(alice, "b") == ["[['a']]"]
        assert opened.books == ["resource", "a"]


# When it fails


async def test_a_value_whose_on_expire_fails_is_kept_in_a_dead_letter() -> None:
    """Nobody is told; a new session begins; a retry calls it again with the old value."""
    works = False

    def fail(value: list[str]) -> str:
        if not works:
            raise RuntimeError("broken")
        return told(value)

    async with TestClient(diary(on_expire=fail), raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("a")
        await client.advance(TTL)
        assert sent(client) == ["a"]
        ((error, body),) = query(client, "SELECT error, body FROM dead_letters")
        assert error == "RuntimeError: broken"
        assert json.loads(body)["message"]["raw"]["text"] == '["a"]'
        assert await texts(alice, "b") == ["b"]
        works = True
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        await client.advance(1)
        await until(lambda: len(sent(client)) == 3)
        assert sent(client)[-1] == EXPIRED + "a"
        assert await texts(alice, "?") == ["b"]


async def test_an_error_for_people_is_one_for_nobody() -> None:
    """UserError is a failure like any other: nobody has said anything."""

    def refuse(_value: list[str]) -> str:
        raise UserError("Not that, please.")

    async with TestClient(diary(on_expire=refuse), raise_errors=False) as client:
        await client.user("alice").say("a")
        await client.advance(TTL)
        assert sent(client) == ["a"]
        assert "nobody has said" in query(client, "SELECT error FROM dead_letters")[0][0]


async def test_on_expire_that_takes_too_long_is_given_up() -> None:
    """After 300 seconds, as any handler; the conversation goes on, the value is kept."""
    entered = asyncio.Event()

    async def hang(_value: list[str]) -> None:
        entered.set()
        await asyncio.Event().wait()

    async with TestClient(diary(on_expire=hang)) as client:
        alice = client.user("alice")
        await alice.say("a")
        await client.clock.advance(TTL)
        await entered.wait()
        saying = asyncio.create_task(alice.say("b"))
        await until(lambda: query(client, "SELECT count(*) FROM inbox") == [(3,)])
        await client.clock.advance(301)
        assert [reply.text for reply in await saying] == ["b"]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert "TimeoutError" in error


# Restarts and crashes


@pytest.mark.parametrize("crashes", [False, True])
async def test_what_came_due_while_the_bot_was_away_expires_at_start(crashes: bool) -> None:
    """Without anybody having said anything."""
    async with TestClient(diary(), platform=knowing()) as client:
        await client.user("alice").say("a")
        if crashes:
            await client.crash()
            jump(client)
            await client.start()
        else:
            jump(client, TTL - 1)
            await client.restart()
        await client.advance(1)
        assert sent(client) == ["a", EXPIRED + "a"]


async def test_a_crash_within_on_expire_calls_it_again_and_its_effects_are_there_once() -> None:
    """The value is what it was; a step's result is remembered."""
    calls: list[str] = []
    entered = asyncio.Queue[None]()
    gate = asyncio.Event()
    bot = Interface(id="bot")

    async def bill(value: list[str], turn: Turn) -> str:
        await turn.step("bill", lambda: calls.append("billed"))
        (await turn.state(Global[Bills])).paid += value
        entered.put_nowait(None)
        await gate.wait()
        return told(value)

    state = State([], name="said", type=list[str], ttl=TTL, on_expire=bill)

    @bot.on_message
    async def say(message: str, said: Annotated[list[str], state], bills: Global[Bills]) -> str:
        said.append(message)
        return f"{said} {bills.paid}"

    async with TestClient(bot, platform=knowing()) as client:
        alice = client.user("alice")
        await alice.say("a")
        await client.clock.advance(TTL)
        await entered.get()
        for _ in range(2):
            await client.crash()
            await client.start()
            await entered.get()
        gate.set()
        assert await texts(alice, "b") == ["['b'] ['a']"]
        assert sent(client)[1:] == [EXPIRED + "a", "['b'] ['a']"]
        assert calls == ["billed"]


async def test_a_turn_that_comes_after_a_crash_comes_after_what_has_expired() -> None:
    """Also if its message had come before."""
    gate, entered = asyncio.Event(), asyncio.Event()

    async def wait(value: list[str]) -> str:
        entered.set()
        await gate.wait()
        return told(value)

    async with TestClient(diary(on_expire=wait), platform=knowing()) as client:
        alice = client.user("alice")
        await alice.say("a")
        jump(client)
        await client.deliver_all([alice.event("b"), alice.event("c")])
        await entered.wait()
        await client.crash()
        gate.set()
        await client.start()
        await until(lambda: len(sent(client)) == 4)
        assert sent(client) == ["a", EXPIRED + "a", "b", "b c"]


async def test_on_expire_that_kills_the_process_is_set_aside_and_nobody_else() -> None:
    """It is a suspect like any event; whoever speaks there meanwhile is innocent."""
    entered = asyncio.Queue[None]()

    async def kill(_value: list[str]) -> None:
        entered.put_nowait(None)
        await asyncio.Event().wait()

    async with TestClient(diary(on_expire=kill), platform=knowing()) as client:
        alice = client.user("alice")
        await alice.say("a")
        jump(client)
        await client.deliver_all([alice.event("b")])
        for _ in range(4):
            await entered.get()
            await client.crash()
            await client.start()
        await until(lambda: len(sent(client)) == 2)
        assert sent(client) == ["a", "b"]
        ((error, body),) = query(client, "SELECT error, body FROM dead_letters")
        assert "crashed 3 times" in error
        assert json.loads(body)["message"]["kind"] == "expiry"


async def test_what_has_expired_is_never_dropped_for_what_comes_later() -> None:
    """Though the conversation is full and the oldest must make room."""
    gate, entered = asyncio.Event(), asyncio.Event()
    bot = diary()

    @bot.command
    async def wait() -> None:
        entered.set()
        await gate.wait()

    options = {"waiting_limit": 3, "overflow": "drop_oldest"}
    async with TestClient(bot, store_options=options) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        await alice.say("a")
        waiting = asyncio.create_task(bob.say("/wait"))
        await entered.wait()
        jump(client)
        await client.clock.advance(1)
        await until(lambda: any(arrival.ahead for arrival in parts_of(client).lanes.waiting(1)))
        receipts = await client.deliver_all([bob.event(text) for text in "bcdef"])
        gate.set()
        await asyncio.gather(waiting, *(receipt.settled() for receipt in receipts))
        assert sent(client)[:2] == ["a", EXPIRED + "a"]


# Many


async def test_many_that_are_due_are_told_in_slices() -> None:
    """No more of them become events than are soon handled; all are told once, in the end."""
    heard: list[str] = []
    most = 0

    async def hear(value: list[str]) -> None:
        nonlocal most
        ((waiting,),) = query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL")
        most = max(most, waiting)
        heard.extend(value)

    async with TestClient(diary(on_expire=hear)) as client:
        people = [client.user(str(n), chat="room") for n in range(300)]
        await client.deliver_all([person.event(person.user.id) for person in people])
        await people[0].say("?")
        while len(heard) < 300:
            await client.advance(TTL)
        assert sorted(heard) == sorted(str(n) for n in range(300))
        assert most <= 32


async def test_many_without_on_expire_are_just_gone() -> None:
    """Thousands of rows in one look."""
    async with TestClient(diary(on_expire=None)) as client:
        await client.user("alice").say("a")
        query(
            client,
            """INSERT INTO state_values
            WITH RECURSIVE n(n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM n WHERE n < 6000)
            SELECT state, place, n, value, version, schema, changed_at, expires_at,
                account, conversation FROM state_values, n""",
        )
        await client.advance(TTL)
        assert query(client, "SELECT count(*) FROM states") == [(0,)]


async def test_two_engines_on_one_bot_let_values_expire_each_for_itself() -> None:
    """Though `on_expire` asks its turn for a state: an engine writes nothing into the bot."""
    told: list[str] = []
    visits = State([], scope="thread", name="visits", type=list[str])

    async def gone(value: list[str], turn: Turn) -> None:
        (await turn.state(visits)).append(value[0])
        told.append(value[0])

    notes = State([], ttl=60, on_expire=gone, name="notes", type=list[str])

    async def note(message: str, kept: list[str], seen: list[str]) -> list[str]:
        kept.append(message)
        return seen

    bot = Interface(note, ["text", notes, visits], ["json"], id="bot")
    async with TestClient(bot) as first, TestClient(bot) as second:
        for client, text in ((first, "one"), (second, "two")):
            await client.user("alice").say(text)
        for client in (first, second):
            await client.advance(120)
        assert told == ["one", "two"]
        for client in (first, second):
            assert query(client, "SELECT * FROM dead_letters") == []
