"""Nothing that is delivered, or lies in the store, keeps a bot from starting."""

import asyncio
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from adapters.odd import changes
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace
from support import FAILED, parts_of, query, texts

from adapters import discord_payloads, telegram_payloads
from chatstate import Attachment, Chat, Event, Interface, Message, MessageRef, Rejected, User
from chatstate.stores.base import Arrival, Ingested
from chatstate.stores.sqlite import MEMORY, SQLiteStore
from chatstate.testing import TestClient
from chatstate_discord.receive import wire as discord
from chatstate_telegram.receive import wire as telegram


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


ODD: list[Any] = [
    *(None, True, 5, -1, 1.5, math.nan, 10**30, "", "x", "half \ud800", b"x", object()),
    *([], [1], {}, {5: 1}, {"id": []}, (), (1,), {1}, nested(900), nested(5000), circle()),
    datetime(2026, 1, 1),  # noqa: DTZ001 - that is the point
]
EVERY_FIELD = Event(
    "1",
    Message(
        "hi",
        User("alice", "Alice", "en"),
        Chat("room", "group", "Room"),
        thread="t",
        id="m",
        arguments={"a": "b"},
        mentions=(User("bob", "Bob"),),
        reply_to=MessageRef("0", "what?", User("bob")),
        pressed=MessageRef("0"),
        attachments=(Attachment("ref", "a.txt", "text/plain", 5),),
        time=datetime(2026, 1, 1, tzinfo=UTC),
        raw={"id": 1},
    ),
    origin="o",
)


def spoilt(value: Any) -> Iterator[Any]:
    """Yield an event with each of its fields, at any depth, replaced by odd values."""
    yield from ODD
    if isinstance(value, msgspec.Struct):
        for field in fields(value):
            for odd in spoilt(getattr(value, field.name)):
                yield replace(value, **{field.name: odd})
    elif isinstance(value, tuple):
        for item in value:
            yield from ((odd,) for odd in spoilt(item))


def telegrams() -> Iterator[Any]:
    """Yield what Telegram's payloads mean, each with each of its values replaced."""
    me = telegram.Me(42, "test_bot", "all")
    updates = [telegram_payloads.update(raw) for raw, _ in telegram_payloads.MESSAGES.values()]
    updates += [raw for raw, _ in telegram_payloads.UPDATES.values()]
    for update in [odd for usual in updates for odd in changes(usual)]:
        try:
            yield from telegram.parse([update], me, {})
        except telegram.Unreadable:
            continue


def discords() -> Iterator[Any]:
    """Yield what Discord's payloads mean, in the same way."""
    me, place = discord.Me(discord_payloads.ME, "all"), discord.Place(Chat("11", "group", "room"))
    read = functools.partial(discord.message, me=me, place=place)
    told = discord_payloads
    for usual in (told.DIRECT, told.IN_GUILD, told.ANSWER, told.FILES, told.JOINED, told.STICKER):
        for odd in changes(usual):
            try:
                yield read(odd)
            except discord.Unreadable:
                continue


@pytest.mark.parametrize("make", [lambda: spoilt(EVERY_FIELD), telegrams, discords])
async def test_whatever_is_delivered_the_bot_starts_again(
    make: Callable[[], Iterator[Any]],
) -> None:
    """What is stored is read after a crash, and handled; the rest is refused, each by itself."""
    bot, gate, handled = Interface(id="bot"), asyncio.Event(), list[str]()

    @bot.on_message
    async def work(message: Message) -> None:
        await gate.wait()
        handled.append(message.text)

    events = [event for event in make() if not isinstance(event, telegram.Move)]
    for number, event in enumerate(events):
        if isinstance(event, Event) and isinstance(event.id, str):
            events[number] = replace(event, id=f"{number}")
    async with TestClient(bot, store_options={"waiting_limit": len(events) + 1}) as client:
        host = await client.platform.connected()
        receipts = await host.deliver([*events, client.user("alice").event("good")])
        stored = [receipt.status for receipt in receipts].count("stored")
        assert stored > 0
        assert receipts[-1].status == "stored"
        await client.crash()
        gate.set()
        await client.start()
        await client.user("bob").say("hi")
        while query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL") != [(0,)]:
            await asyncio.sleep(0)
        assert "good" in handled
        assert query(client, "SELECT count(*) FROM inbox") == [(stored + 1,)]
        assert query(client, "SELECT error FROM dead_letters") == []


@given(
    st.builds(
        Event,
        st.text(min_size=1),
        st.builds(
            Message,
            st.text(),
            st.builds(User, st.text(), st.text() | st.integers()),
            st.builds(Chat, st.text(), st.sampled_from(["private", "group", "?"])),
            time=st.none() | st.datetimes() | st.datetimes(timezones=st.timezones()),
            raw=st.none()
            | st.dictionaries(
                st.text() | st.integers() | st.floats(),
                st.text() | st.integers() | st.floats() | st.binary() | st.dates(),
            ),
        ),
        st.none() | st.text() | st.integers(),
    )
)
def test_what_is_handed_on_is_what_will_be_read(event: Event) -> None:
    """Whoever handles an event at once, or after a crash, gets the same; else it is refused."""

    async def ingest() -> tuple[Ingested, Sequence[Arrival]]:
        store = SQLiteStore(MEMORY)
        await store.open("bot")
        account = await store.account("test", "1")
        (ingested,) = await store.ingest(account.id, [event])
        claimed = await store.events(1, 0, 1)
        await store.end(clean=True)
        return ingested, claimed

    ingested, claimed = asyncio.run(ingest())
    assert list(claimed) == ([ingested.arrival] if ingested.arrival else [])
    assert ingested.status == ("refused" if ingested.error else "stored")
    assert bool(ingested.error) != bool(claimed)


async def test_an_event_that_is_left_out_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """With its id, the field, and what was expected there; whoever delivered it goes on."""
    bot = Interface(id="bot")

    @bot.on_message
    def echo(message: str) -> str:
        return message

    async with TestClient(bot) as client:
        alice = client.user("alice")
        event = alice.event("hi", event_id="e1")
        sender: Any = User("alice", "Alice", 5)  # type: ignore[arg-type]  # that is the point
        wrong = replace(event, message=replace(event.message, sender=sender))
        (receipt,) = await client.deliver_all([wrong])
        await receipt.settled()
        assert receipt.status == "refused"
        assert await texts(alice, "hello") == ["hello"]
    (told,) = [record.getMessage() for record in caplog.records]
    assert "event 'e1': Expected `str | null`, got `int` - at `$.message.sender.language`" in told


SPOILT = {
    "empty": "''",
    "null": "'null'",
    "cut": "substr(body, 1, 20)",
    "deep": "printf('%.*c', 100000, '[')",
    "no Unicode": "CAST(X'7b22ff' AS TEXT)",
    "no text": "X'00ff'",
}
SPOILT_EVENTS = {
    **SPOILT,
    "of another type": """replace(body, '"text":"', '"text":5,"x":"')""",
    "of an unknown kind": """replace(body, '"text":"', '"kind":"dance","text":"')""",
}
SPOILT_REPLIES = {
    **SPOILT,
    "of another type": """replace(body, '"key":"', '"key":5,"x":"')""",
    "of an unknown verb": """replace(body, '"key":"', '"verb":"dance","key":"')""",
}


async def crashed(client: TestClient, entered: asyncio.Queue[str], *said: str) -> None:
    """Let people say something in a group, and end the bot while that is handled."""
    await client.deliver_all([client.user("alice", chat="room").event(text) for text in said])
    await entered.get()
    await client.crash()


@pytest.mark.parametrize("row", SPOILT_EVENTS.values(), ids=SPOILT_EVENTS)
async def test_a_stored_event_that_cannot_be_read_is_a_dead_letter(
    row: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its conversation is told, and goes on; the letter keeps what was stored, and stays."""
    bot, gate, entered = Interface(id="bot"), asyncio.Event(), asyncio.Queue[str]()

    @bot.on_message(overlap="merge")
    async def work(message: str) -> str:
        await entered.put(message)
        await gate.wait()
        return message

    async with TestClient(bot) as client:
        await crashed(client, entered, "first", "spoilt", "last")
        query(client, f"UPDATE inbox SET body = {row} WHERE seq = 2")  # noqa: S608 - our own
        (kept,) = query(client, "SELECT hex(body) FROM inbox WHERE seq = 2")
        gate.set()
        await client.start()
        while len(client.platform.delivered) < 3:
            await asyncio.sleep(0)
        delivered = [(reply.text, reply.chat) for reply in client.platform.delivered]
        assert delivered == [("first", "room"), (FAILED, "room"), ("last", "room")]
        assert query(client, "SELECT hex(body) FROM dead_letters") == [kept]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert "what is stored of it cannot be read: " in error
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        caplog.clear()
        while query(client, "SELECT count(*) FROM requests") != [(0,)]:
            await client.advance(1)
        assert "dead letter 1 cannot be read, nor retried" in caplog.text
        assert query(client, "SELECT count(*) FROM dead_letters") == [(1,)]
        await client.restart()
        assert await texts(client.user("bob"), "hi") == ["hi"]


@pytest.mark.parametrize("crashes", [1, 2])
@pytest.mark.parametrize("row", SPOILT_REPLIES.values(), ids=SPOILT_REPLIES)
async def test_a_stored_reply_that_cannot_be_read_is_a_dead_letter(row: str, crashes: int) -> None:
    """The other replies of its conversation are sent, in their order."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str) -> Sequence[str]:
        return message.split()

    async with TestClient(bot) as client:
        client.platform.stall()
        await client.deliver_all([client.user("alice").event("first spoilt last")])
        while query(client, "SELECT count(*) FROM outbox") != [(3,)]:
            await asyncio.sleep(0)
        for _ in range(crashes - 1):
            await client.crash()
            await client.start()
        await client.crash()
        query(client, f"UPDATE outbox SET body = {row} WHERE part = 1")  # noqa: S608 - our own
        client.platform.recover()
        await client.start()
        while query(client, "SELECT count(*) FROM outbox") != [(0,)]:
            await client.advance(1)
        assert [reply.text for reply in client.platform.delivered] == ["first", "last"]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert error.startswith("what is stored of it cannot be read: ")


async def test_a_retried_reply_that_cannot_be_read_is_a_dead_letter_again() -> None:
    """Nobody is harmed by the attempt."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str) -> str:
        return message

    async with TestClient(bot) as client:
        alice = client.user("alice")
        client.platform.fail_next(Rejected("blocked"))
        await alice.say("hi")
        await parts_of(client).sender._store.flush()
        query(client, "UPDATE dead_letters SET body = '{}'")
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        while query(client, "SELECT id FROM dead_letters") != [(2,)]:
            await client.advance(1)
        assert await texts(alice, "hello") == ["hello"]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert "cannot be read" in error
