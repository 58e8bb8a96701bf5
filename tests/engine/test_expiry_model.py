"""Values that expire against a plain dict with times: whatever happens, the two never differ."""

import asyncio
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import query

from chatstate import Interface, State, Turn
from chatstate.scope import Scope
from chatstate.testing import TestClient
from chatstate.testing.platform import FakePlatform

TTL = 20
SCOPES: list[Scope] = ["member", "thread", "chat", "user", "global"]


def make_bot(scope: Scope) -> Interface:
    """Return a bot whose values, when they expire, are put behind each other in `past`."""
    bot = Interface(id="bot")
    past = State([], scope=scope, name="past", type=list[list[str]])

    async def archive(value: list[str], turn: Turn) -> None:
        (await turn.state(past)).append(value)

    said = State([], scope=scope, name="said", type=list[str], ttl=TTL, on_expire=archive)

    @bot.on_message
    async def say(
        message: str, words: Annotated[list[str], said], gone: Annotated[list[list[str]], past]
    ) -> str:
        for _ in range(int(message) % 3):
            await asyncio.sleep(0)
        words.append(message)
        return f"{json.dumps(gone)} {json.dumps(words)}"

    return bot


@dataclass(frozen=True)
class Said:
    """What somebody says, and the seconds that pass before it, noticed or not."""

    user: Literal["ann", "ben"]
    chat: Literal["red", "blue"]
    thread: Literal["a"] | None
    seconds: int
    noticed: bool
    then: Literal["nothing", "restart", "crash"]


speech = st.builds(
    Said,
    user=st.sampled_from(["ann", "ben"]),
    chat=st.sampled_from(["red", "blue"]),
    thread=st.sampled_from([None, "a"]),
    seconds=st.sampled_from([0, 0, 1, TTL // 2, TTL - 1, TTL, TTL + 1, 3 * TTL]),
    noticed=st.booleans(),
    then=st.sampled_from(["nothing", "nothing", "nothing", "restart", "crash"]),
)


def subject(scope: Scope, said: Said) -> tuple[Any, ...]:
    match scope:
        case "member":
            return (said.chat, said.thread, said.user)
        case "thread":
            return (said.chat, said.thread)
        case "chat":
            return (said.chat,)
        case "user":
            return (said.user,)
        case "global":
            return ()


@given(st.sampled_from(SCOPES), st.lists(speech, min_size=1, max_size=14))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_values_expire_as_in_a_dict_with_times(scope: Scope, given: list[Said]) -> None:
    """One after the other, with pauses, restarts and crashes: each reply is the dict's."""
    values: dict[tuple[Any, ...], tuple[float, list[str]]] = {}
    past: dict[tuple[Any, ...], list[list[str]]] = defaultdict(list)
    platform = FakePlatform(idempotent_for=1_000_000)
    async with TestClient(make_bot(scope), platform=platform) as client:
        for number, said in enumerate(given):
            if said.noticed:
                await client.advance(said.seconds)
            else:
                client.clock.set(client.clock.time() + said.seconds)
            now, whose = client.clock.time(), subject(scope, said)
            used, words = values.get(whose, (now, []))
            if words and now - used >= TTL:
                past[whose].append(words)
                words = []
            words = [*words, str(number)]
            values[whose] = (now, words)
            person = client.user(said.user, chat=said.chat, thread=said.thread)
            (reply,) = await person.say(str(number))
            assert reply.text == f"{json.dumps(past[whose])} {json.dumps(words)}"
            if said.then == "restart":
                await client.restart()
            elif said.then == "crash":
                await client.crash()
                await client.start()
        await client.advance(2 * TTL)
        await client.advance(1)
        kept = sorted(row[0] for row in query(client, "SELECT value FROM states"))
        for whose, (_, words) in values.items():
            past[whose].append(words)
        assert kept == sorted(json.dumps(value, separators=(",", ":")) for value in past.values())


@pytest.mark.parametrize("scope", SCOPES)
async def test_at_once_nothing_is_lost_and_nothing_is_doubled(scope: Scope) -> None:
    """Bursts from several conversations while values expire, and crashes in between."""
    chance = random.Random(5)
    platform = FakePlatform(idempotent_for=1_000_000)
    async with TestClient(make_bot(scope), platform=platform) as client:
        said = 0
        for _ in range(12):
            people = [
                client.user(chance.choice(["ann", "ben"]), chat=chance.choice(["red", "blue"]))
                for _ in range(5)
            ]
            events = [person.event(str(said + n)) for n, person in enumerate(people)]
            said += len(events)
            client.clock.set(client.clock.time() + chance.choice([0, 1, TTL - 1, TTL]))
            await client.deliver_all(events)
            for _ in range(chance.randrange(40)):
                await asyncio.sleep(0)
            await client.clock.advance(chance.choice([0, 1, TTL]))
            if chance.random() < 0.3:
                await client.crash()
                await client.start()
            receipts = await client.deliver_all(events)  # again: settled when the first ones are
            for receipt in receipts:
                await receipt.settled()
        await client.advance(2 * TTL)
        await client.advance(1)
        rows = query(client, "SELECT value FROM states WHERE name = 'past'")
        words = [int(word) for (text,) in rows for value in json.loads(text) for word in value]
        assert sorted(words) == list(range(said))
        assert query(client, "SELECT * FROM states WHERE name = 'said'") == []
        assert query(client, "SELECT * FROM dead_letters") == []
