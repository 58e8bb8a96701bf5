"""`bot.send`: what a bot says outside of turns is stored first, and sent once."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import query

from chatstate import (
    Button,
    Chat,
    Delete,
    File,
    Interface,
    Location,
    Markdown,
    MessageRef,
    Native,
    PerChat,
    Poll,
    Ref,
    Rejected,
    Reply,
    StateError,
    Sticker,
    StyledText,
    Unreachable,
    User,
)
from chatstate.bot.sending import SendReceipt
from chatstate.engine.inbox.receipts import Receipts
from chatstate.markup import Span
from chatstate.stores.base import Request
from chatstate.testing import FakePlatform, TestClient

ROOM = Chat("room", "group")
DAY = 24 * 3600.0


def echo_bot() -> Interface:
    bot = Interface(id="sends")

    @bot.on_message
    async def echo(message: str) -> str:
        return message

    return bot


def said_in(client: TestClient, chat: str) -> list[str]:
    return [delivered.text for delivered in client.platform.delivered if delivered.chat == chat]


async def test_a_lifespan_may_send_while_it_is_opened() -> None:
    """It is stored then, and sent once the bot runs; an account is connected by a running one."""

    @contextlib.asynccontextmanager
    async def opening(bot: Interface) -> AsyncIterator[None]:
        await bot.send(ROOM, "we are open", key="open")
        with pytest.raises(StateError, match="does not run"):
            await bot.connect(FakePlatform(account="2"))
        yield

    async with TestClient(Interface(id="sends", lifespan=opening)) as client:
        while not said_in(client, "room"):
            await asyncio.sleep(0)
        await client.restart()
        assert said_in(client, "room") == ["we are open"]


async def test_it_is_sent_to_a_chat() -> None:
    """From a task of whomever; the receipt tells when."""
    async with TestClient(echo_bot()) as client:
        receipt = await client.bot.send(ROOM, "hi")
        assert (receipt.status, receipt.is_connected) == ("stored", True)
        await receipt.settled()
        assert said_in(client, "room") == ["hi"]
        assert client.platform.delivered[0].event is None


async def test_a_call_by_the_platforms_own_name_is_sent() -> None:
    """It is kept with its files until it is made, in the chat; elsewhere `otherwise` is sent."""
    media = [{"media": File(b"data", "a.png"), "is": [True, None, 1.5]}]
    other = Native("call", on="telegram", otherwise=["instead", Reply("too")])
    async with TestClient(echo_bot()) as client:
        for reply in (Native("show", on="test", media=media), other):
            await (await client.bot.send(ROOM, reply)).settled()
        (called,) = client.platform.called
        assert (called.method, called.chat) == ("show", "room")
        assert called.arguments == {"media": [{"media": None, "is": [True, None, 1.5]}]}
        assert [file.data for file in called.files] == [b"data"]
        assert said_in(client, "room") == ["instead", "too"]


async def test_it_is_sent_to_a_person() -> None:
    """In private, once the platform tells where that is."""
    async with TestClient(echo_bot()) as client:
        await (await client.bot.send(User("bob"), "hi")).settled()
        assert said_in(client, "private-bob") == ["hi"]


async def test_it_is_sent_where_a_message_is() -> None:
    """In its thread, too."""
    async with TestClient(echo_bot()) as client:
        carol = client.user("carol", chat="room", thread="7")
        ref = carol.event("hi").message.ref
        await (await client.bot.send(ref, "hi")).settled()
        (there,) = client.platform.shown("room")
        assert (there.text, there.thread) == ("hi", "7")


async def test_it_goes_through_the_lane_of_its_conversation() -> None:
    """Behind what is handled there, and before what comes later."""
    bot = Interface(id="lane")
    gate = asyncio.Event()

    @bot.on_message
    async def echo(message: str) -> str:
        await gate.wait()
        return message

    async with TestClient(bot) as client:
        room = client.user("carol", chat="room")
        receipts: list[Any] = list(await client.deliver_all([room.event("1")]))
        receipts.append(await bot.send(ROOM, "2"))
        while query(client, "SELECT count(*) FROM requests") != [(0,)]:
            await client.clock.advance(0)
        receipts += await client.deliver_all([room.event("3")])
        gate.set()
        for receipt in receipts:
            await receipt.settled()
        assert said_in(client, "room") == ["1", "2", "3"]


async def test_all_that_can_be_returned_can_be_sent(tmp_path: Path) -> None:
    """Texts, Markdown, buttons, files, and lists of these; files are copied before it returns."""
    path = tmp_path / "a.txt"
    path.write_text("contents")
    async with TestClient(echo_bot()) as client:
        buttons = [[Button("Yes"), Button("No", "no")], [Button("Maybe", command="/help")]]
        said = [
            Reply(Markdown("**bold**"), buttons=buttons, silent=True),
            File(path, "b.txt"),
            Reply("bytes", files=[File(b"123", "c.bin", voice=True)]),
            File(url="https://a.example/d.png"),
            Location(52.5, 13.4, "Café"),
            Reply(sticker=File(b"webp", "hi.webp")),
            Sticker("7", "👍"),
            StyledText("so it was", (Span("spoiler", 0, 9), Span("bold", 3, 5))),
            Reply("Vote:", poll=Poll("Lunch?", ["Pizza", "Soup"], several=True)),
        ]
        client.platform.stall()
        receipt = await client.bot.send(ROOM, said)
        path.unlink()
        client.platform.recover()
        await receipt.settled()
        shown = client.platform.shown("room")
        first, second, third, web, place, drawn, sticker, styled, poll = shown
        assert (first.text, first.labels, first.silent) == ("bold", ["Yes", "No", "Maybe"], True)
        assert [(file.name, file.data) for file in second.files] == [("b.txt", b"contents")]
        assert [(file.name, file.data) for file in third.files] == [("c.bin", b"123")]
        assert [file.is_voice for file in (*second.files, *third.files)] == [False, True]
        assert [file.url for file in web.files] == ["https://a.example/d.png"]
        assert place.shared == Location(52.5, 13.4, "Café")
        assert [(file.data, file.is_sticker) for file in drawn.files] == [(b"webp", True)]
        assert styled.styled.spans == (Span("spoiler", 0, 9), Span("bold", 3, 5))
        assert sticker.shared == Sticker("7", "👍")
        assert poll.shared == Poll("Lunch?", ["Pizza", "Soup"], several=True)
        (pressed,) = await client.user("carol", chat="room").press("No")
        assert pressed.text == "no"
        await client._store.flush()
        assert list((client._store.folder / "owed").iterdir()) == []


async def test_it_survives_a_crash() -> None:
    """Stored and not taken up, taken up and not said, said and not sent: it is sent once."""
    async with TestClient(echo_bot()) as client:
        client.platform.stall()
        await client.bot.send(ROOM, "hi", key="one")
        await client.crash()
        for _ in range(2):
            await client.start()
            while query(client, "SELECT count(*) FROM outbox") == [(0,)]:
                await client.clock.advance(0.5)
            await client.crash()
        client.platform.recover()
        await client.start()
        receipt = await client.bot.send(ROOM, "hi", key="one")
        assert receipt.status == "duplicate"
        settled = asyncio.ensure_future(receipt.settled())
        while not settled.done():
            await client.clock.advance(0.5)
        assert said_in(client, "room") == ["hi"]


async def settled(client: TestClient, receipt: SendReceipt) -> None:
    """Return when something is sent; of a duplicate that is looked for now and then."""
    settling = asyncio.ensure_future(receipt.settled())
    while not settling.done():
        await client.clock.advance(0.5)


async def test_one_key_is_one_send() -> None:
    """At once, later, after a restart, also when it is sent long since: for 30 days."""
    async with TestClient(echo_bot()) as client:
        both = await asyncio.gather(*(client.bot.send(ROOM, "hi", key="k") for _ in range(2)))
        assert sorted(receipt.status for receipt in both) == ["duplicate", "stored"]
        for receipt in both:
            await settled(client, receipt)
        await (await client.bot.send(ROOM, "ho", key="other")).settled()
        await client.restart()
        await client.clock.advance(29 * DAY)
        receipt = await client.bot.send(ROOM, "hi", key="k")
        assert receipt.status == "duplicate"
        await settled(client, receipt)
        assert said_in(client, "room") == ["hi", "ho"]
        await client.clock.advance(2 * DAY)
        assert (await client.bot.send(ROOM, "hi", key="k")).status == "stored"


async def test_within_a_turn_it_is_refused() -> None:
    """Wherever in the turn: its handler, a task that this waits for, a thread."""
    bot = Interface(id="refuses")
    told: list[str] = []

    async def send() -> None:
        try:
            await bot.send(ROOM, "hi")
        except StateError as error:
            told.append(str(error))

    @bot.on_message
    async def handle() -> None:
        await send()
        await asyncio.gather(send())

    @bot.command
    def sync() -> None:
        asyncio.run(send())

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        await client.user("alice").say("/sync")
        assert len(told) == 3
        assert all("turn.send" in text for text in told)
        assert query(client, "SELECT count(*) FROM requests") == [(0,)]


async def test_a_task_that_a_handler_has_begun_may_send_later() -> None:
    """Once the turn is over it runs again no more."""
    bot = Interface(id="later")
    gate = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def send() -> None:
        await gate.wait()
        await (await bot.send(ROOM, "done")).settled()

    @bot.on_message
    async def begin() -> str:
        tasks.append(asyncio.create_task(send()))
        return "begun"

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        gate.set()
        await tasks[0]
        assert said_in(client, "room") == ["done"]


async def test_another_thread_may_send() -> None:
    """A web framework's, with a loop of its own."""
    async with TestClient(echo_bot()) as client:

        async def send() -> None:
            receipt = await client.bot.send(ROOM, "hi")
            await receipt.settled()

        thread = threading.Thread(target=lambda: asyncio.run(send()))
        thread.start()
        while thread.is_alive():
            await client.clock.advance(0)
        assert said_in(client, "room") == ["hi"]


async def test_a_bot_that_does_not_run_sends_nothing() -> None:
    """It says so at once; so does one that has stopped."""
    bot = echo_bot()
    with pytest.raises(StateError, match="does not run"):
        await bot.send(ROOM, "hi")
    async with TestClient(bot):
        pass
    with pytest.raises(StateError, match="does not run"):
        await bot.send(ROOM, "hi")


async def test_a_bot_that_runs_twice_is_asked_from_where() -> None:
    """An account tells."""
    bot = echo_bot()
    platforms = [FakePlatform(account="a"), FakePlatform(account="b")]
    async with TestClient(bot, platform=platforms[0]), TestClient(bot, platform=platforms[1]):
        with pytest.raises(StateError, match="account="):
            await bot.send(ROOM, "hi")
        await (await bot.send(ROOM, "hi", account="test:b")).settled()
        assert [len(platform.delivered) for platform in platforms] == [0, 1]


async def test_an_account_that_nobody_knows_is_an_error() -> None:
    """It names those that there are."""
    async with TestClient(echo_bot()) as client:
        for account in ("telegram", "test:other"):
            with pytest.raises(StateError, match="test:bot"):
                await client.bot.send(ROOM, "hi", account=account)
        await (await client.bot.send(ROOM, "hi", account="test")).settled()
        await (await client.bot.send(ROOM, "hi", account="test:bot")).settled()


async def test_an_account_is_named_by_its_label() -> None:
    """As `--on` has it; one that is none is told with all that there are."""
    bot = echo_bot()
    shop, news = FakePlatform(account="1"), FakePlatform(account="2")
    shop.label, news.label = "shop", "news"
    async with TestClient(bot, platform=shop) as client:
        await bot.connect(news)
        await (await bot.send(ROOM, "from the shop", account="test:shop")).settled()
        await (await bot.send(ROOM, "from the news", account="test:2")).settled()
        assert said_in(client, "room") == ["from the shop"]
        assert [delivered.text for delivered in news.delivered] == ["from the news"]
        there = r"it has had test:1 \(shop\), test:2 \(news\)"
        with pytest.raises(StateError, match=there):
            await bot.send(ROOM, "hi", account="test:toys")


async def test_an_account_that_is_not_connected_sends_once_it_is(tmp_path: Path) -> None:
    """The receipt says so."""
    url, bot = f"sqlite:///{tmp_path / 'a.db'}", echo_bot()
    old = FakePlatform(account="old")
    async with TestClient(bot, store=url, platform=old):
        pass
    async with TestClient(bot, store=url) as client:
        receipt = await bot.send(ROOM, "hi", account="test:old")
        assert not receipt.is_connected
        await client.clock.advance(3)
    async with TestClient(bot, store=url, platform=old) as client:
        while not old.delivered:
            await client.clock.advance(1)
        assert [sent.text for sent in old.delivered] == ["hi"]


async def test_what_is_not_connected_for_7_days_is_a_dead_letter(tmp_path: Path) -> None:
    """It is listed, and can be retried once the account is there."""
    url, bot = f"sqlite:///{tmp_path / 'a.db'}", echo_bot()
    old = FakePlatform(account="old")
    async with TestClient(bot, store=url, platform=old):
        pass
    async with TestClient(bot, store=url) as client:
        receipts = [await bot.send(to, "hi", account="test:old") for to in (ROOM, User("bob"))]
        await client.clock.advance(6 * DAY)
        await client.clock.advance(1)
        assert query(client, "SELECT count(*) FROM requests") == [(2,)]
        await client.clock.advance(2 * DAY)
        settled = asyncio.gather(*(receipt.settled() for receipt in receipts))
        while not settled.done():
            await client.clock.advance(1)
        assert query(client, "SELECT count(*) FROM dead_letters") == [(2,)]
        for number in (1, 2):
            await client._store.ask(Request(verb="retry", number=number))
    async with TestClient(bot, store=url, platform=old) as client:
        while len(old.delivered) < 2:
            await client.clock.advance(1)
        assert {sent.chat for sent in old.delivered} == {"room", "private-bob"}


async def test_a_person_who_cannot_be_reached_now_holds_up_nobody() -> None:
    """It is tried again."""

    class Opens(FakePlatform):
        asked = 0

        async def private_chat(self, user: str) -> str:
            self.asked += 1
            if self.asked == 1:
                raise Unreachable("not now")
            return await super().private_chat(user)

    async with TestClient(echo_bot(), platform=Opens()) as client:
        first = await client.bot.send(User("bob"), "hi")
        await (await client.bot.send(ROOM, "hi")).settled()
        assert said_in(client, "private-bob") == []
        settled = asyncio.ensure_future(first.settled())
        while not settled.done():
            await client.clock.advance(1)
        assert said_in(client, "private-bob") == ["hi"]


async def test_who_has_no_private_chat_is_a_dead_letter() -> None:
    """The receipt is settled, and nobody else is held up."""
    platform = FakePlatform()
    platform.strangers.add("bob")
    async with TestClient(echo_bot(), platform=platform) as client:
        receipt = await client.bot.send(User("bob"), "hi")
        await receipt.settled()
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert error == "Rejected: bob takes no messages from the bot"


async def test_what_was_sent_can_be_edited_and_deleted() -> None:
    """By `receipt.message`, at once or from a later turn."""
    bot = Interface(id="edits")

    @bot.on_message
    async def change(message: str, kept: PerChat[Ref[MessageRef | None]]) -> Reply | Delete:
        kept.value = refs[0]
        return Delete(refs[0]) if message == "delete" else Reply(message, edit=refs[0])

    refs: list[MessageRef] = []
    async with TestClient(bot) as client:
        first = await bot.send(ROOM, "working")
        refs.append(first.message)
        await (await bot.send(refs[0], Reply("done", edit=refs[0]))).settled()
        assert [message.text for message in client.platform.shown("room")] == ["done"]
        await client.user("alice").say("changed")
        assert [message.text for message in client.platform.shown("room")] == ["changed"]
        await client.user("alice").say("delete")
        assert client.platform.shown("room") == []


@pytest.mark.parametrize("to", ["room", 7, None])
async def test_what_is_no_target_is_told(to: Any) -> None:
    """At once; nothing is stored."""
    async with TestClient(echo_bot()) as client:
        with pytest.raises(TypeError, match="Chat, a User or a MessageRef"):
            await client.bot.send(to, "hi")
        with pytest.raises(StateError, match="in which chat"):
            await client.bot.send(MessageRef("7"), "hi")
        assert query(client, "SELECT count(*) FROM requests") == [(0,)]


async def test_a_refused_send_is_a_dead_letter_and_settled() -> None:
    """As replies are."""
    async with TestClient(echo_bot()) as client:
        client.platform.fail_next(Rejected("no"))
        await (await client.bot.send(ROOM, "hi")).settled()
        await client._store.flush()
        assert query(client, "SELECT kind FROM dead_letters") == [("reply",)]


async def test_a_receipt_is_of_the_event_whoever_asks_for_it_first() -> None:
    """A duplicate may ask for it before this process is told that it has stored the event."""

    async def no_events(_: Sequence[int]) -> Sequence[int]:
        return ()

    receipts = Receipts(no_events)
    early = receipts.duplicate(7)
    settling = asyncio.ensure_future(early.over())
    receipts.stored(7).owes(0)
    await settling
    assert receipts.elsewhere == set()
