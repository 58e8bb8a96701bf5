"""`turn.send(..., to=)`: to other chats, people and threads, in the commit of the turn."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import pytest
from support import FAILED, query, texts

from chatstate import (
    Button,
    Chat,
    File,
    Global,
    Interface,
    Markdown,
    Message,
    MessageRef,
    Native,
    Ref,
    Rejected,
    Reply,
    State,
    Turn,
    Unreachable,
    User,
    UserError,
)
from chatstate.testing import FakePlatform, TestClient

ROOM = Chat("room", "group")


def telling(to: Any, *said: Any, answer: Any = "done") -> Interface:
    """Return a bot that tells somebody else what it is told, and answers."""
    bot = Interface(id="tells")

    @bot.on_message
    async def tell(turn: Turn, message: str) -> Any:
        for reply in said or (message,):
            await turn.send(reply, to=to)
        return answer

    return bot


def said_in(client: TestClient, chat: str) -> list[str]:
    return [delivered.text for delivered in client.platform.delivered if delivered.chat == chat]


async def test_a_reply_goes_to_another_chat() -> None:
    """There it answers nothing; who has spoken gets what is returned, when both are sent."""
    async with TestClient(telling(ROOM)) as client:
        assert await texts(client.user("alice"), "hi") == ["done"]
        (there,) = client.platform.shown("room")
        assert (there.text, there.thread, there.event) == ("hi", None, None)


async def test_a_call_by_the_platforms_own_name_goes_to_another_chat() -> None:
    """It is made there; on another platform what is said otherwise goes there."""
    natives = Native("show", on="test"), Native("call", on="telegram", otherwise="instead")
    async with TestClient(telling(ROOM, *natives)) as client:
        assert await texts(client.user("alice"), "hi") == ["done"]
        assert [(call.method, call.chat) for call in client.platform.called] == [("show", "room")]
        assert said_in(client, "room") == ["instead"]


async def test_a_person_is_told_in_private() -> None:
    """In the chat in which the person speaks with the bot."""
    async with TestClient(telling(User("bob"))) as client:
        await client.user("alice").say("hi")
        assert said_in(client, "private-bob") == ["hi"]


async def test_a_private_chat_that_cannot_be_had_now_is_asked_for_again() -> None:
    """As who is an admin is, within the time of the turn."""

    class Opens(FakePlatform):
        asked = 0

        async def private_chat(self, user: str) -> str:
            self.asked += 1
            if self.asked == 1:
                raise Unreachable("not now")
            return await super().private_chat(user)

    platform = Opens()
    async with TestClient(telling(User("bob")), platform=platform) as client:
        alice = client.user("alice")
        (receipt,) = await client.deliver_all([alice.event("hi")])
        while not platform.asked:
            await client.clock.advance(0)
        await client.clock.advance(1)
        await receipt.settled()
        assert (platform.asked, said_in(client, "private-bob")) == (2, ["hi"])


async def test_who_has_no_private_chat_fails_the_turn() -> None:
    """The handler is told, and may catch it."""
    platform = FakePlatform()
    platform.strangers.add("bob")
    async with TestClient(telling(User("bob")), platform=platform) as client:
        with pytest.raises(Rejected, match="bob"):
            await client.user("alice").say("hi")
        assert said_in(client, "private-alice") == [FAILED]


async def test_a_thread_is_reached_by_a_message_in_it() -> None:
    """`message.ref` is where it was said; kept in a state it is that later, too."""
    bot = Interface(id="threads")

    @bot.command
    async def here(message: Message, where: Global[Ref[MessageRef | None]]) -> None:
        where.value = message.ref

    @bot.on_message
    async def tell(message: str, turn: Turn, where: Global[Ref[MessageRef | None]]) -> None:
        assert where.value
        await turn.send(message, to=where.value)

    async with TestClient(bot) as client:
        await client.user("alice", chat="room", thread="7").say("/here")
        await client.restart()
        await client.user("bob").say("hi")
        (there,) = client.platform.shown("room")
        assert (there.text, there.thread) == ("hi", "7")


async def test_what_is_sent_to_the_own_chat_is_sent_as_ever() -> None:
    """In its place among the others, and in answer to the event."""
    bot = Interface(id="own")

    @bot.on_message
    async def tell(turn: Turn) -> str:
        await turn.send("one")
        await turn.send("two", to=turn.chat)
        await turn.send("three", to=turn.user)
        await turn.send("four", to=turn.message.ref)
        return "five"

    async with TestClient(bot) as client:
        said = await client.user("alice").say("hi")
        assert [reply.text for reply in said] == ["one", "two", "three", "four", "five"]


@pytest.mark.parametrize("error", [UserError("no"), RuntimeError("broken")])
async def test_a_turn_that_fails_sends_nothing_elsewhere(error: Exception) -> None:
    """Whatever was sent before; like all that it owes."""
    bot = Interface(id="fails")

    @bot.on_message
    async def tell(turn: Turn) -> None:
        await turn.send("hi", to=ROOM)
        raise error

    async with TestClient(bot, raise_errors=False) as client:
        assert len(await client.user("alice").say("hi")) == 1
        assert said_in(client, "room") == []


async def test_on_error_can_tell_others() -> None:
    """What the turn itself has sent is not."""
    bot = Interface(id="tells")

    @bot.on_message
    async def fail(turn: Turn) -> None:
        await turn.send("never", to=ROOM)
        raise RuntimeError("broken")

    @bot.on_error
    async def tell(error: Exception, turn: Turn) -> None:
        await turn.send(f"{turn.user.id}: {error}", to=ROOM)

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("hi")
        assert said_in(client, "room") == ["alice: broken"]


async def test_a_turn_that_runs_again_sends_once() -> None:
    """What an attempt has sent that was overtaken is forgotten with it."""
    bot = Interface(id="again")
    runs: list[str] = []

    @bot.on_message
    async def tell(message: str, turn: Turn, all: Global[list[str]]) -> None:
        runs.append(message)
        await turn.send(f"{message} {len(runs)}", to=ROOM)
        if message == "slow" and len(runs) == 1:
            await client.user("bob").say("fast")
        all.append(message)

    async with TestClient(bot) as client:
        await client.user("alice").say("slow")
        assert runs == ["slow", "fast", "slow"]
        assert said_in(client, "room") == ["fast 2", "slow 3"]


async def test_the_order_there_is_that_of_the_commits() -> None:
    """Also behind what is owed there already, and before what comes later."""
    bot = Interface(id="order")

    @bot.on_message
    async def tell(message: str, turn: Turn) -> str | None:
        if turn.chat.id == "room":
            return message
        await turn.send(message, to=ROOM)
        return None

    async with TestClient(bot) as client:
        room = client.user("carol", chat="room")
        client.platform.stall()
        receipts: list[Any] = []
        a, b = client.user("a"), client.user("b")
        for person, text in ((room, "1"), (a, "2"), (room, "3"), (b, "4")):
            receipts += await client.deliver_all([person.event(text)])
            while query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL") != [(0,)]:
                await client.clock.advance(0)
        client.platform.recover()
        for receipt in receipts:
            await receipt.settled()
        assert said_in(client, "room") == ["1", "2", "3", "4"]


async def test_a_commit_touches_conversations_in_the_order_of_their_ids() -> None:
    """So that two commits never wait for each other, whatever order their handlers chose."""
    bot = Interface(id="many")

    @bot.on_message
    async def tell(message: str, turn: Turn) -> None:
        for chat in message.split():
            await turn.send(chat, to=Chat(chat))

    async with TestClient(bot) as client:
        client.platform.stall()
        for text in ("a b c", "c a b a"):
            await client.deliver_all([client.user(text).event(text)])
        while query(client, "SELECT count(*) FROM outbox") != [(7,)]:
            await client.clock.advance(0)
        rows = query(client, "SELECT turn, conversation FROM outbox ORDER BY row")
        assert rows == sorted(rows)
        client.platform.recover()


async def test_receipts_wait_for_what_goes_elsewhere() -> None:
    """An event is settled when all of its replies are, wherever they go."""
    async with TestClient(telling(ROOM, answer=None)) as client:
        client.platform.stall()
        (receipt,) = await client.deliver_all([client.user("alice").event("hi")])
        while not client.platform.tries:
            await client.clock.advance(0)
        settled = asyncio.ensure_future(receipt.settled())
        await client.clock.advance(0)
        assert not settled.done()
        client.platform.recover()
        await settled
        assert said_in(client, "room") == ["hi"]


async def test_what_is_owed_elsewhere_survives_a_crash() -> None:
    """It is sent by the next process, once."""
    async with TestClient(telling(ROOM, answer=None)) as client:
        client.platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        while not client.platform.tries:
            await client.clock.advance(0)
        await client.crash()
        client.platform.recover()
        await client.start()
        await client.user("carol", chat="room").say("later")
        assert said_in(client, "room")[0] == "hi"


async def test_files_buttons_and_long_texts_go_elsewhere_as_they_would_here(tmp_path: Path) -> None:
    """A button there works there, though its value is too long for the platform."""
    path = tmp_path / "a.txt"
    path.write_text("contents")
    long = "word " * 100
    bot = Interface(id="rich")

    @bot.on_message
    async def tell(message: Message, turn: Turn) -> str | None:
        if message.kind == "press":
            return f"pressed {len(message.text)}"
        await turn.send(Reply("choose", buttons=[Button("One", long)]), to=ROOM)
        await turn.send(File(path), to=ROOM)
        await turn.send(Markdown("**word** " * 2000), to=ROOM)
        return None

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        button, file, text = client.platform.shown("room")
        assert [sent.data for sent in file.files] == [b"contents"]
        assert text.text == "word " * 1999 + "word"
        (pressed,) = await client.user("carol", chat="room").press("One", on=button)
        assert pressed.text == f"pressed {len(long)}"


async def test_what_goes_elsewhere_is_in_no_preview() -> None:
    """Nor is the end of an event that is answered elsewhere alone."""
    bot = Interface(id="preview")

    @bot.on_message
    async def tell(turn: Turn) -> str:
        await turn.send("there", to=ROOM)
        await turn.send("here")
        await turn.clock.sleep(5)
        return "done"

    async with TestClient(bot) as client:
        (receipt,) = await client.deliver_all([client.user("alice").event("hi")])
        settled = asyncio.ensure_future(receipt.settled())
        while not settled.done():
            await client.clock.advance(0.5)
        previews = [sent for sent in client.platform.delivered if sent.preview]
        assert {preview.text for preview in previews} == {"here"}
        assert said_in(client, "room") == ["there"]


async def test_what_expires_can_tell_others() -> None:
    """Though it is no conversation's itself."""
    bot = Interface(id="expires")

    async def over(value: int, turn: Turn) -> None:
        await turn.send(f"{value} is over", to=ROOM)

    @bot.on_message
    async def count(
        number: Annotated[Ref[int], State(0, scope="global", ttl=60, on_expire=over)],
    ) -> None:
        number.value += 1

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        await client.advance(61)
        assert said_in(client, "room") == ["1 is over"]


@pytest.mark.parametrize("to", ["room", 7])
async def test_what_is_no_target_is_told(to: Any) -> None:
    """An id alone may be a chat's or a person's."""
    async with TestClient(telling(to)) as client:
        with pytest.raises(TypeError, match="Chat, a User or a MessageRef"):
            await client.user("alice").say("hi")
