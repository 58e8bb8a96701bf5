"""Replies: in order, none lost, and what the platform says is obeyed."""

import asyncio
import sqlite3
from typing import Any

import pytest

from chatstate import (
    Ambiguous,
    Interface,
    Moved,
    Rejected,
    Reply,
    RetryAfter,
    Unreachable,
)
from chatstate.testing import FakePlatform, TestClient

bot = Interface(lambda message: message.split(), ["text"], ["json"], id="echo")
echo = Interface(id="echo")


@echo.on_message
async def words(message: str) -> list[str]:
    return list(message.split())


editor = Interface(id="editor")


@editor.on_message
async def edit(message: str) -> Reply:
    return Reply(message, edit="message-1")


def sent(client: TestClient) -> list[str]:
    return [reply.text for reply in client.platform.delivered]


def letters(client: TestClient) -> list[str]:
    connection = sqlite3.connect(client.store_url.removeprefix("sqlite:///"))
    try:
        return [row[0] for row in connection.execute("SELECT error FROM dead_letters")]
    finally:
        connection.close()


async def until_settled(client: TestClient, task: "asyncio.Task[Any]") -> None:
    """Let time pass until `task` is done, but slower than the store's thread writes."""
    while not (await asyncio.wait([task], timeout=0.01))[0]:
        await client.advance(1)


@pytest.mark.parametrize(
    "error", [RetryAfter(5), Unreachable("no route"), Ambiguous("lost"), RuntimeError("bug")]
)
async def test_what_was_not_surely_sent_is_sent_again_in_order(error: Exception) -> None:
    """The head of the line waits, and what comes after waits behind it."""
    async with TestClient(echo) as client:
        client.platform.fail_next(error, 2)
        first = asyncio.create_task(client.user("alice").say("a b"))
        second = asyncio.create_task(client.user("alice").say("c"))
        await until_settled(client, first)
        await until_settled(client, second)
        assert sent(client) == ["a", "b", "c"]
        assert letters(client) == []


async def test_a_network_that_is_down_for_long_loses_nothing() -> None:
    """A reply that cannot reach the platform is tried until it does."""
    async with TestClient(echo) as client:
        client.platform.fail_next(Unreachable("down"), 100)
        told = asyncio.create_task(client.user("alice").say("a"))
        while client.platform.tries <= 100:
            await client.advance(30)
        await told
        assert sent(client) == ["a"]


async def test_a_wait_of_one_conversation_delays_no_other() -> None:
    """RetryAfter holds the conversation it was said of."""
    async with TestClient(echo) as client:
        client.platform.fail_next(RetryAfter(60))
        slow = asyncio.create_task(client.user("alice").say("a"))
        while not client.platform.tries:
            await asyncio.sleep(0)
        await client.user("bob").say("b")
        assert sent(client) == ["b"]
        await client.advance(61)
        await slow
        assert sent(client) == ["b", "a"]


async def test_a_wait_of_the_account_delays_all_its_conversations() -> None:
    """RetryAfter(account=True) holds everybody, and then lets everybody go."""
    async with TestClient(echo) as client:
        client.platform.fail_next(RetryAfter(60, account=True))
        slow = asyncio.create_task(client.user("alice").say("a"))
        while not client.platform.tries:
            await asyncio.sleep(0)
        other = asyncio.create_task(client.user("bob").say("b"))
        await client.advance(50)
        assert sent(client) == []
        assert client.platform.tries == 1
        await client.advance(11)
        await asyncio.gather(slow, other)
        assert sorted(sent(client)) == ["a", "b"]


async def test_a_refused_reply_is_a_dead_letter_and_the_line_goes_on() -> None:
    """Rejected is final for its reply alone."""
    async with TestClient(echo) as client:
        client.platform.fail_next(Rejected("blocked by the user"))
        await client.user("alice").say("a b")
        await client.restart()
        assert sent(client) == ["b"]
        assert letters(client) == ["refused: blocked by the user"]


async def test_an_edit_that_is_refused_is_sent_anew() -> None:
    """A message that is gone, or too old, says nothing of what was to be shown in its place."""
    async with TestClient(editor) as client:
        client.platform.fail_next(Rejected("message can't be edited"))
        (reply,) = await client.user("alice").say("a")
        await client.restart()
        assert (reply.text, reply.edits) == ("a", None)
        assert letters(client) == []


async def test_what_is_refused_both_ways_is_a_dead_letter() -> None:
    """Its content is at fault, or the chat: it is tried as an edit, and as a message, once each."""
    async with TestClient(editor) as client:
        client.platform.fail_next(Rejected("too long"), 2)
        assert await client.user("alice").say("a") == []
        await client.restart()
        assert client.platform.tries == 2
        assert letters(client) == ["refused: too long"]


async def test_what_is_sent_in_place_of_an_edit_is_held_as_a_message_is() -> None:
    """With "hold" it is not sent twice, though the edit might have been made twice."""
    async with TestClient(editor, on_ambiguous="hold") as client:
        client.platform.fail_next(Unreachable("down"))
        client.platform.fail_next(Rejected("message to edit not found"))
        client.platform.lose_next(3)
        await until_settled(client, asyncio.create_task(client.user("alice").say("a")))
        await client.restart()
        assert sent(client) == ["a"]
        assert letters(client) == ["held: it may have been sent (the answer was lost)"]


async def test_a_chat_that_moved_gets_its_reply_where_it_is_now() -> None:
    """Moved repeats the call at the new id at once."""
    async with TestClient(echo) as client:
        client.platform.fail_next(Moved("new"))
        await client.user("alice", chat="old").say("a")
        assert [(reply.chat, reply.text) for reply in client.platform.delivered] == [("new", "a")]


async def test_what_stays_ambiguous_is_held_after_three_tries() -> None:
    """A reply that may have been sent is not repeated for ever."""
    async with TestClient(echo) as client:
        client.platform.lose_next(5)
        told = asyncio.create_task(client.user("alice").say("a"))
        await until_settled(client, told)
        await client.restart()
        assert sent(client) == ["a", "a", "a"]
        assert letters(client) == ["held: it may have been sent (the answer was lost)"]


async def test_on_ambiguous_hold_never_repeats() -> None:
    """With "hold" an unclear reply leaves the line at once."""
    async with TestClient(echo, on_ambiguous="hold") as client:
        client.platform.lose_next()
        await client.user("alice").say("a b")
        await client.restart()
        assert sent(client) == ["a", "b"]
        assert letters(client) == ["held: it may have been sent (the answer was lost)"]


async def test_a_platform_that_knows_keys_gets_a_repeated_reply_once() -> None:
    """A lost answer is repeated under the same key, and has no second effect."""
    async with TestClient(echo, platform=FakePlatform(idempotent_for=300)) as client:
        client.platform.lose_next(2)
        told = asyncio.create_task(client.user("alice").say("a"))
        await until_settled(client, told)
        assert sent(client) == ["a"]
        assert client.platform.tries == 3


async def test_replies_owed_at_a_crash_are_sent_at_the_next_start_in_order() -> None:
    """What was committed and not sent comes first, then what is new."""
    async with TestClient(echo) as client:
        client.platform.stall()
        alice = client.user("alice")
        receipts = await client.deliver_all([alice.event("a b"), alice.event("c")])
        assert [receipt.status for receipt in receipts] == ["stored", "stored"]
        while not client.platform.tries:
            await asyncio.sleep(0)
        await client.crash()
        client.platform.recover()
        await client.start()
        await alice.say("d")
        assert sent(client) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("policy", "keys", "delivered", "held"),
    [
        ("repeat", 0, ["a", "a", "b"], 0),
        ("repeat", 300, ["a", "b"], 0),
        ("hold", 0, ["a", "b"], 1),
        ("hold", 300, ["a", "b"], 0),
    ],
)
async def test_a_crash_while_sending_follows_the_policy(
    policy: Any, keys: float, delivered: list[str], held: int
) -> None:
    """A reply begun before a crash is repeated, or held, unless the platform knows its key."""
    platform = FakePlatform(idempotent_for=keys)
    async with TestClient(echo, platform=platform, on_ambiguous=policy) as client:
        arrived = asyncio.Event()

        real = platform.perform

        async def perform(action: Any) -> Any:
            await real(action)
            arrived.set()
            await asyncio.get_running_loop().create_future()

        platform.perform = perform  # type: ignore[method-assign]  # the platform has it, we do not know
        await client.deliver_all([client.user("alice").event("a b")])
        await arrived.wait()
        await client.crash()
        platform.perform = real  # type: ignore[method-assign]  # and works again
        await client.start()
        await client.user("bob").say("x")
        while len(sent(client)) < len(delivered) + 1:
            await asyncio.sleep(0)
        assert [text for text in sent(client) if text != "x"] == delivered
        await client.restart()
        assert len(letters(client)) == held


async def test_a_reply_that_crashes_the_process_each_time_is_given_up_and_no_other() -> None:
    """Three crashes while only it was being sent; what waits behind it is sent then."""
    platform = FakePlatform()
    real, deadly = platform.perform, asyncio.Event()

    async def perform(action: Any) -> Any:
        if action.part.content["text"]["text"] == "deadly":
            deadly.set()
            await asyncio.get_running_loop().create_future()
        return await real(action)

    platform.perform = perform  # type: ignore[method-assign]  # a platform that kills
    async with TestClient(echo, platform=platform) as client:
        platform.stall()
        await client.deliver_all(
            [client.user("alice").event("deadly next"), client.user("bob").event("innocent")]
        )
        for _ in range(5):
            await deadly.wait()
            deadly.clear()
            await client.crash()
            platform.recover()
            await client.start()
        while len(sent(client)) < 2:
            await asyncio.sleep(0)
        await client.restart()
        assert set(sent(client)) == {"innocent", "next"}
        assert letters(client) == ["the process crashed 3 times while only this was sent"]


async def test_what_is_refused_for_good_after_two_crashes_is_not_sent_again() -> None:
    """It is tried alone then, and that the platform refuses it counts at once."""
    platform = FakePlatform()
    async with TestClient(echo, platform=platform) as client:
        platform.stall()
        await client.deliver_all([client.user("alice").event("refused next")])
        for _ in range(2):
            while not platform.tries:
                await asyncio.sleep(0)
            platform.tries = 0
            await client.crash()
            await client.start()
        platform.fail_next(Rejected("never"))
        platform.recover()
        while len(sent(client)) < 1:
            await asyncio.sleep(0)
        await client.restart()
        assert sent(client) == ["next"]
        assert letters(client) == ["refused: never"]


async def test_keys_of_replies_are_the_same_after_a_crash() -> None:
    """The idempotency key is derived from conversation, turn and part."""
    async with TestClient(echo) as client:
        client.platform.lose_next(1)
        await client.deliver_all([client.user("alice").event("a")])
        while not client.platform.delivered:
            await asyncio.sleep(0)
        await client.crash()
        await client.start()
        while len(client.platform.delivered) < 2:
            await asyncio.sleep(0)
        first, second = client.platform.delivered
        assert first.key == second.key
