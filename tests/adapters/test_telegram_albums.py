"""Albums on Telegram: several updates, one message, and nothing lost between them."""

import json
from collections.abc import AsyncIterator

import pytest
from adapters.telegram_host import FakeHost, adapter_on, received
from servers.telegram_server import TelegramServer


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as one:
        yield one
    assert one.violations == []


async def test_an_album_is_one_message(server: TelegramServer) -> None:
    """However many updates it comes in; and what is said after it comes after it."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.album(alice, chat, [("photo", None), ("video", None)], caption="look")
        server.say(alice, chat, "well?")
        await host.until(lambda: len(host.events) == 2)
    assert host.texts == ["look", "well?"]
    assert [len(event.message.attachments) for event in host.events] == [2, 0]


async def test_an_album_holds_up_no_other_chat(server: TelegramServer) -> None:
    """What others say is delivered while it may still grow."""
    alice, bob = server.person(1001, "Alice"), server.person(1002, "Bob")
    host = FakeHost()
    server.album(alice, server.private_chat(alice), [("photo", None)] * 2, caption="look")
    server.say(bob, server.private_chat(bob), "hi")
    async with received(adapter_on(server), host):
        await host.until(lambda: len(host.events) == 2)
    assert host.texts == ["hi", "look"]


async def test_an_album_outlives_the_process(server: TelegramServer) -> None:
    """Its parts were confirmed, because they are in the cursor."""
    alice = server.person(1001, "Alice")
    server.album(alice, server.private_chat(alice), [("photo", None)] * 2, caption="look")
    host = FakeHost()
    async with received(adapter_on(server), host):
        await server.wait_for(lambda: not server.updates.pending)
    assert host.events == []
    host = FakeHost(host.cursor)
    async with received(adapter_on(server), host):
        await host.until(lambda: host.events)
    assert [len(event.message.attachments) for event in host.events] == [2]


async def test_a_part_that_is_delivered_again_is_no_second_album(server: TelegramServer) -> None:
    """Also in a later process."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    server.album(alice, chat, [("photo", None)] * 3, caption="look")
    part = server.updates.all[-1]
    first = FakeHost()
    async with received(adapter_on(server), first):
        await first.until(lambda: first.events)
    second = FakeHost(first.cursor)
    server.redeliver(part)
    server.say(alice, chat, "well?")
    async with received(adapter_on(server), second):
        await second.until(lambda: second.events)
    assert second.texts == ["well?"]


async def test_a_part_that_comes_late_is_a_message(server: TelegramServer) -> None:
    """Nothing of an album is lost."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.send(alice, chat, "photo", album="9", caption="look")
        await host.until(lambda: host.events)
        server.send(alice, chat, "photo", album="9")
        await host.until(lambda: len(host.events) == 2)


async def test_an_album_of_ten_is_complete(server: TelegramServer) -> None:
    """There is none with more, so nothing is waited for."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.album(alice, server.private_chat(alice), [("photo", None)] * 10)
        await host.until(lambda: host.events)
    assert json.loads(host.cursor or "")["held"] == []
