"""References to what was sent: edited and deleted by later turns."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from support import query, texts

from chatstate import (
    Chat,
    Delete,
    Global,
    Interface,
    Message,
    MessageRef,
    Ref,
    Rejected,
    Reply,
    RetryAfter,
    Turn,
)
from chatstate.stores.base import Request
from chatstate.testing import FakePlatform, TestClient

ROOM = Chat("room", "group")
DAY = 24 * 3600.0
Board = Global[Ref[MessageRef | None]]


def board_bot(to: Chat | None = ROOM) -> Interface:
    """Return a bot with a board in a room, which everybody can change from elsewhere."""
    bot = Interface(id="board")

    @bot.command
    async def new(turn: Turn, board: Board) -> None:
        board.value = await turn.send("new", to=to)

    @bot.command
    async def remove(turn: Turn, board: Board) -> Delete:
        assert board.value
        return Delete(board.value)

    @bot.on_message
    async def change(message: str, board: Board) -> Reply:
        return Reply(message, edit=board.value)

    return bot


def shown(client: TestClient, chat: str = "room") -> list[str]:
    return [message.text for message in client.platform.shown(chat)]


def letters(client: TestClient) -> list[tuple[int, str]]:
    return query(client, "SELECT id, error FROM dead_letters")


async def owing(client: TestClient, number: int) -> None:
    """Return when so many replies are owed."""
    while query(client, "SELECT count(*) FROM outbox") != [(number,)]:
        await client.clock.advance(0)


async def retry(client: TestClient) -> None:
    """Have the one dead letter done again."""
    ((number, _),) = letters(client)
    await client._store.ask(Request(verb="retry", number=number))
    while letters(client) or query(client, "SELECT count(*) FROM outbox") != [(0,)]:
        await client.clock.advance(1)


@pytest.mark.parametrize("to", [ROOM, None])
async def test_a_later_turn_edits_what_was_sent(to: Chat | None) -> None:
    """From another chat or the same, and after a restart."""
    chat = "room" if to else "private-alice"
    async with TestClient(board_bot(to)) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/new")
        assert shown(client, chat) == ["new"]
        await bob.say("1")
        assert shown(client, chat) == ["1"]
        await client.restart()
        await bob.say("2")
        assert (shown(client, chat), shown(client, "private-bob")) == (["2"], [])


async def test_a_later_turn_deletes_what_was_sent() -> None:
    """What edits it then is left out."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        await alice.say("/new")
        await alice.say("/remove")
        assert shown(client) == []
        tries = client.platform.tries
        await alice.say("1")
        assert (shown(client), letters(client), client.platform.tries) == ([], [], tries)


async def test_a_send_without_a_reference_writes_nothing_more() -> None:
    """One is written for what the turn keeps: in a state, or as the result of a step."""
    bot = Interface(id="kept")

    @bot.on_message
    async def send(message: str, turn: Turn, kept: Board) -> None:
        ref = await turn.send("hi", to=ROOM)
        if message == "state":
            kept.value = ref
        if message == "step":
            await turn.step("keep", lambda: {"sent": ref.sent})

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("nothing")
        assert query(client, "SELECT count(*) FROM sent") == [(0,)]
        assert query(client, "SELECT count(*) FROM outbox WHERE changes IS NOT NULL") == [(0,)]
        await alice.say("state")
        await client._store.flush()
        assert query(client, "SELECT message FROM sent") == [("message-2",)]
        await alice.say("step")
        assert query(client, "SELECT count(*) FROM sent") == [(2,)]


async def test_a_timer_keeps_a_reference() -> None:
    """In its data, and in the reply that it says: when it fires it edits what was sent."""
    bot = Interface(id="kept")

    @bot.on_timer
    def change(board: MessageRef) -> Reply:
        return Reply("changed", edit=board)

    @bot.on_message
    async def send(turn: Turn) -> None:
        turn.later(timedelta(hours=1), change, board=await turn.send("hi", to=ROOM))
        said = await turn.send("soon", to=ROOM)
        turn.later(timedelta(hours=1), Reply("now", edit=said), key="reply")

    async with TestClient(bot) as client:
        await client.user("alice").say("go")
        await client.advance(3600)
        assert shown(client) == ["changed", "now"]


async def test_an_edit_waits_behind_what_it_edits() -> None:
    """The send has not left, and so has no id: the edit is owed all the same, and survives."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        client.platform.stall()
        await client.deliver_all([alice.event("/new"), alice.event("1")])
        await owing(client, 2)
        await client.crash()
        client.platform.recover()
        await client.start()
        await owing(client, 0)
        assert shown(client) == ["1"]


async def test_of_several_edits_that_wait_the_last_is_made() -> None:
    """Of one message; those of others, and what is said meanwhile, stay."""
    async with TestClient(board_bot()) as client:
        alice, room = client.user("alice"), client.user("carol", chat="room")
        await alice.say("/new")
        client.platform.stall()
        await client.deliver_all([room.event("/help"), *map(alice.event, "1234")])
        await owing(client, 5)
        client.platform.recover()
        await owing(client, 0)
        edits = [sent.text for sent in client.platform.delivered if sent.edits]
        assert (edits, shown(client)[0]) == (["4"], "4")


async def test_edits_of_what_is_deleted_by_somebody_are_left_out() -> None:
    """The platform has no such message any more: nothing is sent anew, nothing is a dead letter."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        await alice.say("/new")
        client.platform.deleted.append(client.platform.shown("room")[0].id)
        await alice.say("1")
        tries = client.platform.tries
        await alice.say("2")
        assert (shown(client), letters(client)) == ([], [])
        assert client.platform.tries == tries


async def test_an_edit_that_is_refused_otherwise_is_a_dead_letter() -> None:
    """It is not sent anew: the reference would lead to the old message."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        await alice.say("/new")
        client.platform.fail_next(Rejected("what a text"))
        await alice.say("1")
        await client._store.flush()
        assert (shown(client), len(letters(client))) == (["new"], 1)
        await alice.say("2")
        assert shown(client) == ["2"]


async def test_an_edit_that_has_to_wait_is_made_later() -> None:
    """As every call is."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        await alice.say("/new")
        client.platform.fail_next(RetryAfter(30))
        (receipt,) = await client.deliver_all([alice.event("1")])
        while client.platform.tries < 2:
            await client.clock.advance(0)
        await client.clock.advance(40)
        await receipt.settled()
        assert shown(client) == ["1"]


async def test_edits_of_what_is_dead_do_not_stop_the_line() -> None:
    """Retried, the send says the newest at once, and can be edited again."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        client.platform.fail_next(Rejected("not now"))
        await alice.say("/new")
        await alice.say("1")
        await alice.say("2")
        assert (shown(client), len(letters(client))) == ([], 1)
        assert await texts(client.user("carol", chat="room"), "/help")
        await retry(client)
        assert shown(client)[-1] == "2"
        await alice.say("3")
        assert shown(client)[-1] == "3"


async def test_what_is_deleted_before_it_was_sent_is_never_sent() -> None:
    """Though somebody retries it."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        client.platform.fail_next(Rejected("not now"))
        await alice.say("/new")
        await alice.say("/remove")
        await retry(client)
        assert shown(client) == []


async def test_a_reference_is_kept_for_30_days() -> None:
    """After that what it edits is left out, and told in the log."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        await alice.say("/new")
        await client.clock.advance(29 * DAY)
        await alice.say("1")
        assert shown(client) == ["1"]
        await client.clock.advance(2 * DAY)
        await alice.say("2")
        assert shown(client) == ["1"]


async def test_a_reference_that_was_not_kept_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever has put it aside elsewhere learns how it is kept."""
    bot = Interface(id="aside")
    aside: list[MessageRef] = []

    @bot.on_message
    async def send(message: str, turn: Turn) -> Any:
        if aside:
            return Reply(message, edit=aside[0])
        aside.append(await turn.send("new"))
        return None

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("hi")
        assert await alice.say("changed") == []
        assert "has to be in a state" in caplog.text


async def test_the_same_turn_edits_what_it_has_sent() -> None:
    """The reference is known there before anything is committed."""
    bot = Interface(id="same")

    @bot.on_message
    async def send(turn: Turn) -> Reply:
        ref = await turn.send("one", to=ROOM)
        return Reply("two", edit=ref)

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        assert shown(client) == ["two"]


async def test_what_was_shown_in_advance_has_a_reference() -> None:
    """The preview becomes the message."""
    bot = Interface(id="preview")

    @bot.on_message
    async def send(message: str, turn: Turn, kept: Board) -> Any:
        if kept.value:
            return Reply(message, edit=kept.value)
        kept.value = await turn.send("early")
        await turn.clock.sleep(5)
        return None

    async with TestClient(bot) as client:
        alice = client.user("alice")
        (receipt,) = await client.deliver_all([alice.event("hi")])
        settled = asyncio.ensure_future(receipt.settled())
        while not settled.done():
            await client.clock.advance(0.5)
        assert [sent.preview for sent in client.platform.delivered] == [True, False]
        await alice.say("late")
        assert shown(client, "private-alice") == ["late"]


async def test_an_answer_to_what_was_sent_names_it() -> None:
    """Where that has an id by now; else it is an answer to nothing."""
    bot = Interface(id="answers")

    @bot.on_message
    async def send(message: str, turn: Turn, kept: Board) -> None:
        if message == "first":
            kept.value = await turn.send("asked", to=ROOM)
        assert kept.value
        await turn.send(Reply("answered", reply_to=kept.value), to=ROOM)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("first")
        await alice.say("second")
        asked, early, late = client.platform.shown("room")
        assert (early.reply_to, late.reply_to) == (None, asked.id)


async def test_a_message_is_edited_by_its_id_and_its_chat() -> None:
    """As a press told it, say."""
    bot = Interface(id="ids")

    @bot.on_message
    async def send(message: Message, turn: Turn) -> Reply | None:
        if turn.chat.id == "room":
            return Reply("in the room")
        return Reply(message.text, edit=MessageRef("message-1", chat=ROOM))

    async with TestClient(bot) as client:
        await client.user("carol", chat="room").say("hi")
        await client.user("alice").say("changed")
        assert shown(client) == ["changed"]


async def test_where_nothing_can_be_edited_it_is_said_anew() -> None:
    """As an edit of the own chat's messages is."""
    async with TestClient(board_bot(), platform=FakePlatform.without("edit")) as client:
        alice = client.user("alice")
        await alice.say("/new")
        await alice.say("1")
        await alice.say("/remove")
        assert shown(client) == ["new", "1"]


async def test_an_edit_that_is_suspected_finds_its_message() -> None:
    """After two crashes in a row it is tried alone, and names the message it edits."""
    async with TestClient(board_bot()) as client:
        alice = client.user("alice")
        await alice.say("/new")
        client.platform.stall()
        await client.deliver_all([alice.event("1")])
        await owing(client, 1)
        await client.crash()
        await client.start()
        await client.crash()
        client.platform.recover()
        await client.start()
        await owing(client, 0)
        assert shown(client) == ["1"]
