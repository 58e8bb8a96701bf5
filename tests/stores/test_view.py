"""A store as an operator sees it: who is who, and what was said, is hidden."""

from collections.abc import AsyncIterator

import pytest

from chatstate import Global, Interface, PerMember
from chatstate.errors import StateError
from chatstate.inspection import Entry, Filter, Inspection, Shelf
from chatstate.stores import open_store
from chatstate.stores.base import Store
from chatstate.stores.view import View, hashed, kind_of
from chatstate.testing import TestClient

SHELVES: tuple[Shelf, ...] = (
    *("states", "inbox", "running", "outbox", "dead", "timers", "people", "chats"),
)
SECRETS = ("alice", "private-alice", "Sesame", "opens")
bot = Interface(id="bot")


@bot.on_message
def keep(message: str, said: PerMember[list[str]], names: Global[dict[str, str]]) -> str:
    said.append(message)
    names[message] = message
    if message.startswith("opens"):
        raise ValueError(f"cannot read {message!r}")
    return message


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    """Return a bot to which alice has said what nobody else need know, once too much."""
    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("Sesame")
        await client.user("alice").say("opens Sesame")
        await client.user("bob").say("hi")
        await client._store.flush()  # what was sent is owed no more
        yield client


def store_of(client: TestClient) -> Store:
    return open_store(client.store_url)


async def everything(look: Inspection) -> list[Entry]:
    return [entry for shelf in SHELVES for entry in await look.list(shelf)]


async def test_nobody_is_recognised_and_nothing_read(client: TestClient) -> None:
    """On no shelf, neither in a list nor alone; what each is is told all the same."""
    look = View(store_of(client))
    shown = await everything(look)
    assert {"list of 1", "object of 2", "text of 5"} <= {entry.hides for entry in shown}
    for entry in shown:
        assert not [word for word in SECRETS if word in repr(entry)]
    for shelf in SHELVES:
        for entry in await look.list(shelf):
            assert await look.show(shelf, entry.number) == entry


async def test_what_is_revealed_is_as_the_store_has_it(client: TestClient) -> None:
    """Ids and words, for whoever asks for them."""
    assert await everything(View(store_of(client), reveal=True)) == await everything(
        store_of(client)
    )


async def test_an_error_keeps_its_type_and_its_places(client: TestClient) -> None:
    """Whoever mends the bot sees where it broke; not on what."""
    (letter,) = await View(store_of(client)).list("dead")
    assert letter.error == "ValueError"
    assert "in keep" in letter.detail
    assert "test_view.py" in letter.detail


@pytest.mark.parametrize("reveal", [False, True])
async def test_a_hash_stands_for_its_id_in_a_filter(client: TestClient, reveal: bool) -> None:
    """That of a person or a chat, as any list shows it."""
    hidden = View(store_of(client))
    (alice, _) = await hidden.list("people")
    (chat, _) = await hidden.list("chats")
    look = View(store_of(client), reveal=reveal)
    (said,) = await look.list("states", Filter(person=alice.person, scope="member"))
    assert said in await look.list("states", Filter(chat=chat.chat))
    assert said.person == ("alice" if reveal else alice.person)
    with pytest.raises(StateError, match="nothing is known under id-000000000000"):
        await look.list("states", Filter(person="id-000000000000"))


async def test_an_adapter_sees_its_own_bot_alone(client: TestClient) -> None:
    """Hidden unless its page may reveal it; nothing of another bot's in the store."""
    host = await client.platform.connected()
    (alice, bob) = await host.inspect().list("people")
    assert [e.person for e in await host.inspect(reveal=True).list("people")] == ["alice", "bob"]
    assert alice.person.startswith("id-")
    assert alice.person != bob.person
    other = View(store_of(client), bot="other")
    assert await everything(other) == []
    assert await other.show("people", alice.number) is None
    assert (await other.accounts(), await other.workers()) == ([], [])


def test_a_hash_is_another_with_another_secret_or_platform() -> None:
    """Who has not the secret cannot look for whose it is; an empty id has none."""
    known = hashed(b"secret", "test", "1")
    assert known == hashed(b"secret", "test", "1")
    others = {hashed(b"other", "test", "1"), hashed(b"secret", "telegram", "1")}
    assert known not in others
    assert hashed(b"secret", "test", "") == ""


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('"abc"', "text of 3"),
        ("[1, 2]", "list of 2"),
        ('{"a": 1}', "object of 1"),
        ("12", "number"),
        ("1.5", "number"),
        ("true", "bool"),
        ("null", "null"),
        ("{spoilt", "unreadable, of 7"),
    ],
)
def test_a_body_is_told_by_what_it_is(body: str, kind: str) -> None:
    """Its kind and its length."""
    assert kind_of(body) == kind
