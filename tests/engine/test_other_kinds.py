"""Kinds of messages that a bot may or may not have a handler for: "other" among them."""

import logging
from typing import Any

import pytest

from chatstate import Interface, Message, PerMember, Ref
from chatstate.messages import Event, MessageKind
from chatstate.testing import TestClient

STORY = {"story": {"id": 1}}
KINDS: list[MessageKind] = ["edit", "join", "leave", "other"]


def echo(message: str) -> str:
    return message


def keeping(client: TestClient) -> list[Event]:
    """Return what a client's store is given from now on."""
    stored: list[Event] = []
    ingest = client._store.ingest

    def keep(account: int, events: Any, cursors: Any, **options: Any) -> Any:
        stored.extend(events)
        return ingest(account, events, cursors, **options)

    client._store.ingest = keep  # type: ignore[method-assign, assignment]  # to look at what is stored
    return stored


async def test_what_has_no_words_comes_to_its_handler() -> None:
    """With what the platform tells of it, and with states as any handler has."""
    bot = Interface(echo, id="shop")

    @bot.on_other
    def pay(message: Message, paid: PerMember[Ref[int]]) -> str:
        paid.value += (message.raw or {})["successful_payment"]["total_amount"]
        return f"{paid.value} paid"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        for said in ("5 paid", "10 paid"):
            raw = {"successful_payment": {"total_amount": 5}}
            (reply,) = await alice.say("", kind="other", raw=raw)
            assert reply.text == said
            await client.restart()


async def test_a_router_may_have_the_handler() -> None:
    """As of every kind."""
    router, bot = Interface(), Interface(echo, id="shop")

    @router.on_other
    def told(message: Message) -> str:
        return "|".join(message.raw or ())

    bot.include(router)
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("", kind="other", raw=STORY)
        assert reply.text == "story"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_nobody_handles_is_nothing_but_a_line_in_the_log(
    kind: MessageKind, caplog: pytest.LogCaptureFixture
) -> None:
    """One for each kind, for who looks for it; and the platform's payload is not kept."""
    caplog.set_level(logging.DEBUG, "chatstate.engine")
    async with TestClient(Interface(echo, id="echo")) as client:
        stored, alice = keeping(client), client.user("alice")
        for _ in range(2):
            assert await alice.say("", kind=kind, raw=STORY) == []
        assert [reply.text for reply in await alice.say("hi")] == ["hi"]
        assert [event.message.raw for event in stored] == [None] * 3
    told = [record.message for record in caplog.records if "no handler" in record.message]
    assert told == [f"messages of the kind {kind!r} have no handler, and are ignored"]


@pytest.mark.parametrize("kind", [*KINDS, "message"])
async def test_what_is_handled_keeps_its_payload(kind: MessageKind) -> None:
    """In the inbox, so that a handler gets it after a crash too."""
    bot = Interface(id="all")

    @bot.on_message
    @bot.on_edit
    @bot.on_join
    @bot.on_leave
    @bot.on_other
    def names(message: Message) -> str:
        return "|".join(message.raw or ())

    async with TestClient(bot) as client:
        stored = keeping(client)
        (reply,) = await client.user("alice").say("", kind=kind, raw=STORY)
        assert reply.text == "story"
        assert [event.message.raw for event in stored] == [STORY]
