"""State, end to end: whose it is, what is kept, and what is not."""

import asyncio
import json
import math
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import pytest
from support import FAILED, texts

from chatstate import (
    Global,
    Interface,
    PerChat,
    PerMember,
    PerUser,
    Ref,
    Reply,
    State,
    User,
    UserError,
)
from chatstate.scope import Scope
from chatstate.testing import TestClient


def rows(client: TestClient, table: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(client.store_url.removeprefix("sqlite:///"))
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608 - our table's name
    finally:
        connection.close()


def counter(scope: Scope) -> Interface:
    def count(message: str, seen: list[str]) -> tuple[str, list[str]]:
        seen = [*seen, message]
        return " ".join(seen), seen

    return Interface(
        count, ["text", State([], scope=scope)], ["text", "state"], id=f"count-{scope}"
    )


SPEAKERS: dict[str, dict[str, Any]] = {
    "a": {"name": "alice"},
    "b": {"name": "bob"},
    "ar": {"name": "alice", "chat": "room"},
    "art": {"name": "alice", "chat": "room", "thread": "topic"},
    "br": {"name": "bob", "chat": "room"},
}


@pytest.mark.parametrize(
    ("scope", "groups"),
    [
        ("member", ["a", "b", "ar", "art", "br"]),
        ("thread", ["a", "b", "ar br", "art"]),
        ("chat", ["a", "b", "ar art br"]),
        ("user", ["a ar art", "b br"]),
        ("global", ["a b ar art br"]),
    ],
)
async def test_a_scope_shares_with_exactly_these(scope: Scope, groups: list[str]) -> None:
    """Speakers of one group see one value, across restarts; others see none of it."""
    async with TestClient(counter(scope)) as client:
        people = {name: client.user(**where) for name, where in SPEAKERS.items()}
        for name, person in people.items():
            await person.say(name)
        await client.restart()
        for group in groups:
            shown = (await texts(people[group.split()[0]], "?"))[0]
            assert shown == f"{group} ?"


async def test_values_changed_in_place_are_kept() -> None:
    """A handler need not return what it changed."""
    bot = Interface(id="bot")

    @dataclass
    class Poll:
        votes: dict[str, int] = field(default_factory=dict)

    @bot.on_message
    def vote(message: int, user: User, poll: PerChat[Poll], total: Global[Ref[int]]) -> str:
        poll.votes[user.id] = message
        total.value += message
        return f"{sorted(poll.votes.items())} {total.value}"

    async with TestClient(bot) as client:
        await client.user("alice", chat="room").say("1")
        await client.restart()
        assert await texts(client.user("bob", chat="room"), "2") == ["[('alice', 1), ('bob', 2)] 3"]
        assert await texts(client.user("bob"), "5") == ["[('bob', 5)] 8"]


@pytest.mark.parametrize("value", [0, "", [], False, None, {}, 0.0])
async def test_empty_values_come_back_as_they_are(value: object) -> None:
    """What is falsy is stored and is not taken for the default."""
    seen: list[object] = []

    def keep(_message: str, state: Any) -> tuple[None, object]:
        seen.append(state)
        return None, value

    bot = Interface(keep, ["text", State("default")], ["text", "state"], id="bot")
    async with TestClient(bot) as client:
        await client.user("alice").say("1")
        await client.restart()
        await client.user("alice").say("2")
    assert seen == ["default", value]
    assert type(seen[1]) is type(value)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_nothing_is_kept_when_the_handler_raises(asynchronous: bool) -> None:
    """State changed before the exception is as it was; the person gets one sentence."""
    bot = Interface(id="bot")

    def work(message: str, mine: PerMember[list[str]], all_: Global[list[str]]) -> str:
        mine.append(message)
        all_.append(message)
        if message == "bad":
            raise RuntimeError("broken")
        return f"{mine} {all_}"

    async def async_work(message: str, mine: PerMember[list[str]], all_: Global[list[str]]) -> str:
        await asyncio.sleep(0)
        return work(message, mine, all_)

    bot.on_message(async_work if asynchronous else work)
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("one")
        assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "two") == ["['one', 'two'] ['one', 'two']"]
        (letter,) = rows(client, "dead_letters")
        assert letter["error"] == "RuntimeError: broken"
        assert "in work" in letter["detail"]
        assert json.loads(letter["body"])["message"]["text"] == "bad"


async def test_a_user_error_shows_its_text_and_keeps_nothing() -> None:
    """UserError is for the person."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str, mine: PerMember[list[str]]) -> str:
        mine.append(message)
        if message == "bad":
            raise UserError("Not that, please.")
        return str(mine)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "bad") == ["Not that, please."]
        assert await texts(alice, "good") == ["['good']"]
        assert rows(client, "dead_letters") == []


@pytest.mark.parametrize("value", [math.nan, {5: 1}, {1, 2}, (1, 2), object(), "\ud800"])
async def test_values_that_would_not_come_back_equal_are_refused(value: object) -> None:
    """The turn fails, the log names the state and the path, the old value stays."""

    def keep(message: str, state: Any) -> tuple[str, object]:
        return str(state), {"deep": [value]} if message == "bad" else message

    bot = Interface(keep, ["text", State("default")], ["text", "state"], id="bot")
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("old")
        assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "?") == ["old"]
        (letter,) = rows(client, "dead_letters")
        assert "state 'state'" in letter["error"]
        assert "$['deep'][0]" in letter["error"]


async def test_what_cannot_be_sent_fails_the_turn() -> None:
    """A reply with half a surrogate pair keeps no state."""

    def work(message: str, state: list[str]) -> tuple[str, list[str]]:
        return "\ud800" if message == "bad" else str(state), [*state, message]

    bot = Interface(work, ["text", State([])], ["text", "state"], id="bot")
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "?") == ["[]"]


async def test_a_stored_field_the_type_does_not_know_is_never_lost() -> None:
    """Older code on newer state fails the turn and overwrites nothing."""

    @dataclass
    class New:
        a: int = 0
        b: int = 0

    @dataclass
    class Old:
        a: int = 0

    new, old = Interface(id="bot"), Interface(id="bot")

    @new.on_message
    def write(value: PerUser[New]) -> None:
        value.b += 1

    @old.on_message
    def touch(value: PerUser[Old]) -> None:
        value.a += 1

    async with TestClient(new, raise_errors=False) as client:
        await client.user("alice").say("1")
        client.bot = old
        await client.restart()
        assert await texts(client.user("alice"), "2") == [FAILED]
        assert [row["value"] for row in rows(client, "states")] == ['{"a":0,"b":1}']
        assert "`$.b`" in rows(client, "dead_letters")[0]["error"]


async def test_a_default_that_is_made_is_made_once() -> None:
    """A callable default is called for a new session and then remembered."""
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    bot = Interface(lambda _text, n: (str(n), n), ["text", State(make)], ["text", "state"], id="b")
    async with TestClient(bot) as client:
        for name, expected in (("alice", "1"), ("bob", "2"), ("alice", "1")):
            assert await texts(client.user(name), "?") == [expected]


async def test_generators_reply_with_their_last_yield() -> None:
    """Sync and async generators count as handlers, and keep their state."""
    bot = Interface(id="bot")

    @bot.command
    def sync(seen: PerUser[list[int]]) -> Any:
        yield "one"
        seen.append(1)
        yield f"two {seen}"

    @bot.command
    async def asynchronous(seen: PerUser[list[int]]) -> Any:
        yield "one"
        seen.append(2)
        yield f"two {seen}"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "/sync") == ["two [1]"]
        assert await texts(client.user("alice"), "/asynchronous") == ["two [1, 2]"]


async def test_replies_come_as_returned() -> None:
    """A list is several replies in order; None is none."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str) -> Any:
        return None if message == "none" else ["a", Reply("b"), None, ["c"]]

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "x") == ["a", "b", "c"]
        assert await texts(client.user("alice"), "none") == []


async def test_a_redelivered_event_changes_nothing_twice() -> None:
    """The same event id counts once, across restarts."""
    async with TestClient(counter("member")) as client:
        alice = client.user("alice")
        assert len(await alice.say("once", event_id="e1")) == 1
        assert await alice.say("once", event_id="e1") == []
        await client.restart()
        assert await alice.say("once", event_id="e1") == []
        assert await texts(alice, "twice") == ["once twice"]
