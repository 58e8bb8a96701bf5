"""Values that other versions of the code wrote, end to end: `version` and `migrations`."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pytest
from support import FAILED, query, texts

from chatstate import Interface, Ref, State, Turn
from chatstate.testing import TestClient

Migrations = Mapping[int, Callable[[Any], Any]]
SPLIT: Migrations = {1: str.split}


@dataclasses.dataclass
class Words:
    words: list[str] = dataclasses.field(default_factory=list)
    seen: int = 0


def first_version() -> Interface:
    """Return a bot that keeps a string."""
    bot = Interface(id="bot")

    @bot.on_message
    async def say(message: str, said: Annotated[Ref[str], State("", name="said")]) -> str:
        said.value = f"{said.value} {message}".strip()
        return said.value

    return bot


def second_version(migrations: Migrations = SPLIT) -> Interface:
    """Return one that keeps a list."""
    bot = Interface(id="bot")
    state = State([], name="said", version=2, migrations=migrations)

    @bot.on_message
    async def say(message: str, said: Annotated[list[str], state]) -> str:
        if message != "?":
            said.append(message)
        return "|".join(said)

    return bot


def third_version() -> Interface:
    """Return one that keeps an object."""
    bot = Interface(id="bot")
    migrations = {**SPLIT, 2: lambda old: {"words": old, "seen": len(old)}}
    state = State(Words, name="said", version=3, migrations=migrations)

    @bot.on_message
    async def say(message: str, said: Annotated[Words, state]) -> str:
        if message != "?":
            said.words.append(message)
        return f"{said.words} {said.seen}"

    return bot


async def become(client: TestClient, bot: Interface) -> None:
    client.bot = bot
    await client.restart()


def stored(client: TestClient) -> tuple[str, int]:
    ((value, schema),) = query(client, "SELECT value, schema FROM states")
    return value, schema


async def test_an_old_value_is_migrated_when_it_is_read() -> None:
    """And stored as what it is now with the first turn that changes it, not before."""
    async with TestClient(first_version()) as client:
        alice = client.user("alice")
        await alice.say("a")
        await alice.say("b")
        await become(client, second_version())
        for _ in range(2):
            assert await texts(alice, "?") == ["a|b"]
            assert stored(client) == ('"a b"', 1)
        assert await texts(alice, "c") == ["a|b|c"]
        assert stored(client) == ('["a","b","c"]', 2)


async def test_a_value_that_is_older_by_several_versions_goes_through_all() -> None:
    """Each migration gets what the one before returned."""
    async with TestClient(first_version()) as client:
        alice, bob, carol = (client.user(name) for name in ("alice", "bob", "carol"))
        await alice.say("a b")
        await become(client, second_version())
        await bob.say("b")
        await become(client, third_version())
        await carol.say("c")
        assert await texts(alice, "?") == ["['a', 'b'] 2"]
        assert await texts(bob, "?") == ["['b'] 1"]
        assert await texts(carol, "?") == ["['c'] 0"]


async def test_a_function_is_applied_to_what_was_migrated() -> None:
    """`turn.apply` gets today's form, and its result is stored as such."""
    state = State([], name="said", version=2, migrations=SPLIT)
    bot = Interface(id="bot")

    @bot.on_message
    async def say(message: str, turn: Turn) -> None:
        turn.apply(state, lambda said: [*said, message], reply=str)

    @bot.command
    def look(said: Annotated[list[str], state]) -> str:
        return str(said)

    async with TestClient(first_version()) as client:
        alice = client.user("alice")
        await alice.say("a b")
        await become(client, bot)
        assert await texts(alice, "c") == ["['a', 'b', 'c']"]
        assert stored(client) == ('["a","b","c"]', 2)


async def test_an_expired_value_is_migrated_too() -> None:
    """`on_expire` of the new code gets its form."""
    old, new = Interface(id="bot"), Interface(id="bot")
    before = State("", name="said", ttl=60, on_expire=print)
    after = State([], name="said", ttl=60, on_expire=str, version=2, migrations=SPLIT)

    @old.on_message
    async def say(message: str, said: Annotated[Ref[str], before]) -> None:
        said.value = message

    @new.on_message
    async def look(said: Annotated[list[str], after]) -> None: ...

    async with TestClient(old) as client:
        await client.user("alice").say("a b")
        await become(client, new)
        await client.advance(60)
        assert [reply.text for reply in client.platform.delivered] == ["['a', 'b']"]


def refuse(_old: Any) -> Any:
    raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("bot", "said"),
    [
        (second_version({1: refuse}), "migration 1 of state 'said' failed: RuntimeError('broken')"),
        (second_version({1: lambda old: {old}}), "migration 1 of state 'said' returned: at `$`"),
        (second_version({1: lambda old: [1, old]}), "Expected `str`, got `int` - at `$[0]`"),
    ],
    ids=["raises", "no JSON", "wrong type"],
)
async def test_a_migration_that_fails_changes_nothing(bot: Interface, said: str) -> None:
    """The turn fails, the person is told neutrally, the log says which and where."""
    async with TestClient(first_version(), raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("a")
        await become(client, bot)
        assert await texts(alice, "b") == [FAILED]
        assert stored(client) == ('"a"', 1)
        assert said in query(client, "SELECT error FROM dead_letters")[0][0]
        await become(client, second_version())
        assert await texts(alice, "b") == ["a|b"]


async def test_a_value_newer_than_the_code_is_refused() -> None:
    """Older code overwrites nothing of it; the error says what to do."""
    async with TestClient(second_version(), raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("a")
        await become(client, first_version())
        assert await texts(alice, "b") == [FAILED]
        assert stored(client) == ('["a"]', 2)
        error = query(client, "SELECT error FROM dead_letters")[0][0]
        assert "state 'said': what is stored is of version 2, this code's is 1" in error
        assert "run the newer code again" in error


async def test_a_type_that_changed_without_a_migration_changes_nothing() -> None:
    """The error names the path inside the value."""

    @dataclasses.dataclass
    class Other:
        words: list[int] = dataclasses.field(default_factory=list)

    old, new = Interface(id="bot"), Interface(id="bot")

    @old.on_message
    async def say(message: str, said: Annotated[Words, State(Words, name="said")]) -> None:
        said.words.append(message)

    @new.on_message
    async def count(said: Annotated[Other, State(Other, name="said")]) -> None:
        said.words.append(1)

    async with TestClient(old, raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("a")
        await become(client, new)
        assert await texts(alice, "b") == [FAILED]
        assert stored(client) == ('{"words":["a"],"seen":0}', 1)
        error = query(client, "SELECT error FROM dead_letters")[0][0]
        assert "state 'said'" in error
        assert "`$.words[0]`" in error


@pytest.mark.parametrize("ttl", [None, 60])
async def test_a_state_that_is_renamed_or_removed_keeps_its_rows(ttl: float | None) -> None:
    """Also if its values would have expired; they are there when it comes back."""

    def bot(name: str) -> Interface:
        bot = Interface(id="bot")
        state = State([], name=name, ttl=ttl, on_expire=str if ttl else None)

        @bot.on_message
        async def say(message: str, said: Annotated[list[str], state]) -> str:
            said.append(message)
            return str(said)

        return bot

    async with TestClient(bot("old")) as client:
        alice = client.user("alice")
        await alice.say("a")
        await become(client, bot("new"))
        await client.advance(600)
        assert await texts(alice, "b") == ["['b']"]
        assert query(client, "SELECT value FROM states WHERE name = 'old'") == [('["a"]',)]
        await become(client, bot("old"))
        if ttl is None:
            assert await texts(alice, "c") == ["['a', 'c']"]
        else:
            await client.advance(1)
            assert client.platform.delivered[-1].text == "['a']"


async def test_a_state_that_expires_no_more_keeps_its_values() -> None:
    """What the store says of their end is not heeded, and forgotten with the next change."""
    new = Interface(id="bot")
    forever, short = State([], name="said"), State([], name="said", ttl=60)

    def add(message: str, said: list[str]) -> tuple[str, list[str]]:
        return str([*said, message]), [*said, message]

    old = Interface(add, ["text", short], ["text", short], id="bot")
    new = Interface(add, ["text", forever], ["text", forever], id="bot")
    async with TestClient(old) as client:
        alice = client.user("alice")
        await alice.say("a")
        await become(client, new)
        await client.advance(600)
        assert await texts(alice, "b") == ["['a', 'b']"]
        assert query(client, "SELECT expires_at FROM states") == [(None,)]
        await become(client, old)
        assert await texts(alice, "c") == ["['a', 'b', 'c']"]


async def test_values_of_newer_code_do_not_expire_under_older() -> None:
    """Nothing of them is touched, though their time is over."""

    def bot(version: int, migrations: Migrations) -> Interface:
        state = State([], name="said", ttl=60, version=version, migrations=migrations)

        def add(message: str, said: list[str]) -> tuple[str, list[str]]:
            return str([*said, message]), [*said, message]

        return Interface(add, ["text", state], ["text", state], id="bot")

    async with TestClient(bot(2, SPLIT), raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("a")
        await become(client, bot(1, {}))
        await client.advance(600)
        assert stored(client) == ('["a"]', 2)
        assert await texts(alice, "b") == [FAILED]
        assert stored(client) == ('["a"]', 2)
