"""What is one message in several updates on Telegram: albums, long texts. Nothing is lost."""

import json
from collections.abc import AsyncIterator

import pytest
from adapters.telegram_host import FakeHost, adapter_on, received
from servers.telegram_server import TelegramServer


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


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


# Texts that were too long for one message

LONG = "long " * 819  # 4,095 characters


async def test_the_pieces_of_a_text_are_one_message(server: TelegramServer) -> None:
    """As it was before the client of its writer cut it; what is said after it comes after it."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    host = FakeHost()
    async with received(adapter_on(server), host):
        for piece in ("a" * 4096, "b" * 4096, "c"):
            server.say(alice, chat, piece)
        server.say(alice, chat, "well?")
        await host.until(lambda: len(host.events) == 2)
    assert host.texts == ["a" * 4096 + "b" * 4096 + "c", "well?"]
    assert [piece["text"][0] for piece in (host.events[0].message.raw or {})["pieces"]] == [
        "b",
        "c",
    ]


async def test_a_piece_that_ends_at_a_blank_is_not_joined_to_the_next_word(
    server: TelegramServer,
) -> None:
    """Telegram drops white space at the ends of a message, and a word is not two."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.say(alice, server.private_chat(alice), LONG.strip())
        server.say(alice, server.private_chat(alice), "text")
        await host.until(lambda: host.events)
    assert host.texts == [f"{LONG.strip()}\ntext"]


async def test_a_mention_in_any_piece_is_found(server: TelegramServer) -> None:
    """At its place in the whole text, though it counts in UTF-16 code units of its piece."""
    alice, bob = server.person(1001, "Alice"), server.person(1002, "Bob", "bob_b")
    group = server.group(-7, "Friends", alice, bob)
    host = FakeHost()
    async with received(adapter_on(server, groups="all"), host):
        server.say(bob, group, "hi")
        server.say(alice, group, "😀" * 2048)
        server.say(alice, group, "for @test_bot and @bob_b")
        await host.until(lambda: len(host.events) == 2)
    assert host.texts[1] == "😀" * 2048 + "for and @bob_b"
    assert [person.id for person in host.events[1].message.mentions] == ["1002"]


async def test_a_long_text_is_not_joined_with_what_is_no_piece_of_it(
    server: TelegramServer,
) -> None:
    """A command, a press, somebody else's words; and what is shorter goes on in nothing."""
    alice, bob = server.person(1001, "Alice"), server.person(1002, "Bob")
    group = server.group(-7, "Friends", alice, bob)
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "v1"}]]}
    asked = server.post(group, server.bot, {"text": "?", "reply_markup": keyboard})
    host = FakeHost()
    async with received(adapter_on(server, groups="all"), host):
        server.say(alice, group, LONG)
        server.say(bob, group, "what a text")
        server.say(alice, group, "/clear")
        server.say(alice, group, "after a command")
        server.say(alice, group, LONG)
        server.press(alice, asked, "Yes")
        server.say(alice, group, "after a press")
        server.say(bob, group, "short " * 600)
        server.say(bob, group, "and short")
        await host.until(lambda: len(host.events) == 9)
    shown = [text if len(text) < 40 else f"{text[:5]}…" for text in host.texts]
    assert shown == [
        "long …",
        "what a text",
        "/clear",
        "after a command",
        "long …",
        "v1",
        "after a press",
        "short…",
        "and short",
    ]


async def test_what_is_read_late_is_joined_by_when_it_was_said(server: TelegramServer) -> None:
    """Two texts of one person are two, though a bot that was away gets them at once."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    server.say(alice, chat, LONG)
    server.say(alice, chat, "later")
    server.updates.all[-1]["message"]["date"] += 60
    host = FakeHost()
    async with received(adapter_on(server), host):
        await host.until(lambda: len(host.events) == 2)
    assert host.texts == [LONG, "later"]


async def test_a_long_text_outlives_the_process(server: TelegramServer) -> None:
    """Its first piece was confirmed, because it is in the cursor; a later one is no message."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    server.say(alice, chat, "a" * 4096)
    host = FakeHost()
    async with received(adapter_on(server), host):
        await server.wait_for(lambda: not server.updates.pending)
    assert host.events == []
    server.say(alice, chat, "b")
    second = server.updates.all[-1]
    host = FakeHost(host.cursor)
    async with received(adapter_on(server), host):
        await host.until(lambda: host.events)
        server.redeliver(second)
        server.say(alice, chat, "c")
        await host.until(lambda: len(host.events) == 2)
    assert host.texts == ["a" * 4096 + "b", "c"]


async def test_a_long_text_alone_is_a_message(server: TelegramServer) -> None:
    """After a moment in which nothing goes on it."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.say(alice, server.private_chat(alice), LONG)
        await host.until(lambda: host.events)
    assert host.texts == [LONG]
    assert "pieces" not in (host.events[0].message.raw or {})
