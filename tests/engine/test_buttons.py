"""Buttons: what a press says, for how long, and what is refused."""

import asyncio
import base64
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support import FAILED, query

from chatstate import (
    Button,
    Chat,
    Delete,
    Interface,
    Message,
    MessageRef,
    Moved,
    PerChat,
    Reply,
    User,
)
from chatstate.adapter import Part, Post
from chatstate.clock import SystemClock
from chatstate.engine.outbox.buttons import Buttons
from chatstate.language.en import ENGLISH
from chatstate.messages import Event
from chatstate.scope import Place
from chatstate.stores.base import Arrival, FoundButton
from chatstate.testing import Delivered, FakePlatform, TestClient
from chatstate.testing.platform import FULL

DEAD = "This button does not work any more."
DAY = 24 * 3600.0
LONG = "a value that no platform has room for " * 4


class Shop:
    """Shows buttons when asked to, and keeps what is pressed."""

    def __init__(self, *buttons: Button) -> None:
        self.buttons = buttons
        self.heard: list[tuple[str, str]] = []
        self.bot = Interface(id="shop")
        self.bot.command(self.show)
        self.bot.command(self.vote)
        self.bot.on_message(self.other)

    async def show(self) -> Reply:
        return Reply("choose", buttons=self.buttons)

    async def vote(self, choice: str, kept: PerChat[list[str]]) -> str:
        kept.append(choice)
        self.heard.append(("vote", choice))
        return f"voted {choice}"

    async def other(self, message: Message, kept: PerChat[list[str]]) -> str:
        kept.append(message.text)
        self.heard.append((message.kind, message.text))
        return f"{message.kind}: {message.text}"


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0)


def data_of(message: Delivered, number: int = 0) -> str:
    return [button.data for row in message.buttons for button in row][number]


def states(client: TestClient) -> list[Any]:
    return query(client, "SELECT value, version FROM states")


async def refused(client: TestClient, replies: list[Delivered]) -> bool:
    """Tell whether a press was answered politely, to the person alone, and is over."""
    (reply,) = replies
    assert query(client, "SELECT * FROM dead_letters WHERE kind = 'event'") == []
    return (reply.text, reply.ephemeral) == (DEAD, True)


@pytest.mark.parametrize(
    ("button", "heard"),
    [
        (Button("Yes"), ("press", "Yes")),
        (Button("Yes", "1"), ("press", "1")),
        (Button("Yes", "/vote 1"), ("press", "/vote 1")),
        (Button("/vote 1"), ("press", "/vote 1")),
        (Button("Yes", "/vote " + LONG), ("press", "/vote " + LONG)),
        (Button("Yes", command="/vote 1"), ("vote", "1")),
        (Button("Yes", command="/vote a b\nc"), ("vote", "a b\nc")),
        (Button("Yes", command="/vote " + LONG), ("vote", LONG.strip())),
        (Button("Yes", LONG), ("press", LONG)),
        (Button("Yes", "x" * 4000), ("press", "x" * 4000)),
        (Button("☂️ ja", "ünï\u202e 👩\u200d👩\x00\t"), ("press", "ünï\u202e 👩\u200d👩\x00\t")),
        (Button("👩" * 80, "👩" * 4000), ("press", "👩" * 4000)),
        (Button("v", "v"), ("press", "v")),
        (Button("r", "r"), ("press", "r")),
    ],
    ids=lambda value: ascii(value)[:40],
)
@pytest.mark.parametrize("after", ["at once", "restart", "crash"])
async def test_a_press_says_what_its_button_sends(
    button: Button, heard: tuple[str, str], after: str
) -> None:
    """A value as text, which never runs a command; a command with its arguments. After all."""
    shop = Shop(Button("other"), button)
    async with TestClient(shop.bot) as client:
        alice = client.user("alice")
        (shown,) = await alice.say("/show")
        assert shown.labels == ["other", button.label]
        if after == "restart":
            await client.restart()
        if after == "crash":
            await client.crash()
            await client.start()
        await alice.press(button.label)
        assert shop.heard == [heard]


async def test_a_press_tells_who_and_on_what() -> None:
    """Whoever presses in a group is the sender; the message it hangs on comes with it."""
    bot, heard = Interface(id="bot"), list[Message]()

    @bot.on_message
    def work(message: Message) -> Any:
        heard.append(message)
        return Reply("choose", buttons=[Button("Yes")]) if message.kind == "message" else None

    async with TestClient(bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        (shown,) = await alice.say("hi")
        assert await bob.press("Yes") == []
        press = heard[-1]
        assert (press.kind, press.text, press.sender.id) == ("press", "Yes", "bob")
        assert press.pressed
        assert (press.pressed.id, press.pressed.text) == (shown.id, "choose")


@pytest.mark.parametrize("limit", [33, 64, 100])
async def test_what_a_button_carries_fits_the_platform(limit: int) -> None:
    """In bytes: what is longer goes by a reference, which is short and of its own each time."""
    values = ["x" * size for size in range(1, 120)] + ["ü" * size for size in range(1, 60)]
    shop = Shop()
    platform = FakePlatform(capabilities=replace(FULL, button_bytes=limit))
    async with TestClient(shop.bot, platform=platform) as client:
        alice, carried = client.user("alice"), list[str]()
        for first in range(0, len(values), 25):
            some = values[first : first + 25]
            shop.buttons = tuple(Button(f"{first + n}", text) for n, text in enumerate(some))
            (shown,) = await alice.say("/show")
            carried += [button.data for row in shown.buttons for button in row]
            await alice.press(f"{first}", on=shown)
            await alice.press(f"{first + len(some) - 1}", on=shown)
        assert max(len(data.encode()) for data in carried) <= limit
        assert len(set(carried)) == len(values)
        (kept,) = query(client, "SELECT count(*) FROM buttons")[0]
        assert kept == len([text for text in values if len(text.encode()) + 9 > limit])
        expected = [[some[0], some[-1]] for some in (values[n : n + 25] for n in range(0, 178, 25))]
        assert [text for _, text in shop.heard] == [text for pair in expected for text in pair]


def changed(data: str, at: int) -> str:
    return data[:at] + ("A" if data[at] != "A" else "B") + data[at + 1 :]


FORGERIES: dict[str, Callable[[str], str]] = {
    "nothing": lambda _data: "",
    "a text": lambda _data: "/vote 1",
    "random": lambda _data: base64.b64encode(random.randbytes(20)).decode(),
    "without signature": lambda data: data[8:],
    "signature alone": lambda data: data[:8],
    "changed signature": lambda data: changed(data, 3),
    "changed kind": lambda data: data[:8] + ("c" if data[8] != "c" else "v") + data[9:],
    "made a reference": lambda data: data[:8] + ("r" if data[8] != "r" else "v") + data[9:],
    "changed value": lambda data: changed(data, 9),
    "longer value": lambda data: data + "0",
    "shorter value": lambda data: data[:-1],
    "half a character": lambda data: data + "\ud800",
    "a character": lambda data: "ü" + data[1:],
    "very long": lambda data: data * 10_000,
    "a null": lambda data: data + "\x00",
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize(
    "button",
    [Button("B", "value"), Button("B", command="/vote 1"), Button("B", LONG)],
    ids=["value", "command", "reference"],
)
async def test_a_made_up_press_is_refused(forgery: str, button: Button) -> None:
    """One polite sentence to the person alone: nothing runs, nothing changes."""
    shop = Shop(button)
    async with TestClient(shop.bot) as client:
        alice = client.user("alice")
        (shown,) = await alice.say("/show")
        await alice.press("B")
        before, heard = states(client), list(shop.heard)
        forged = FORGERIES[forgery](data_of(shown))
        assert await refused(client, await alice.press_data(forged, on=shown))
        assert (states(client), shop.heard) == (before, heard)
        await alice.press("B")
        assert len(shop.heard) == len(heard) + 1


@pytest.mark.parametrize("button", [Button("B", "value"), Button("B", LONG)], ids=["v", "r"])
async def test_a_button_works_in_its_own_conversation_only(button: Button) -> None:
    """Not in another chat, not in another thread of the same one."""
    shop = Shop(button)
    async with TestClient(shop.bot) as client:
        alice = client.user("alice", chat="room")
        (shown,) = await alice.say("/show")
        elsewhere = [
            client.user("alice"),
            client.user("alice", chat="other"),
            client.user("alice", chat="room", thread="topic"),
        ]
        for person in elsewhere:
            assert await refused(client, await person.press_data(data_of(shown), on=shown))
        assert shop.heard == []
        await client.user("bob", chat="room").press_data(data_of(shown), on=shown)
        assert len(shop.heard) == 1


async def test_a_button_of_another_bot_is_refused() -> None:
    """Each bot signs with a secret of its own, though its chats have the same numbers."""
    shop, other = Shop(Button("B", "value")), Shop()
    async with TestClient(shop.bot) as client:
        (shown,) = await client.user("alice").say("/show")
    async with TestClient(other.bot) as client:
        alice = client.user("alice")
        await alice.say("hi")
        assert await refused(client, await alice.press_data(data_of(shown)))
        assert other.heard == [("message", "hi")]


async def test_a_reference_works_on_its_own_message_only() -> None:
    """Not on another message of the same chat, nor on none."""
    shop = Shop(Button("B", LONG))
    async with TestClient(shop.bot) as client:
        alice = client.user("alice")
        (first,) = await alice.say("/show")
        (second,) = await alice.say("/show")
        await client.restart()  # by now it is surely noted which message it is
        assert await refused(client, await alice.press_data(data_of(first), on=second))
        assert await refused(client, await alice.press_data(data_of(first)))
        assert shop.heard == []
        await alice.press_data(data_of(first), on=first)
        await alice.press_data(data_of(second), on=second)
        assert len(shop.heard) == 2


async def test_a_reference_lives_for_30_days_and_a_value_for_ever() -> None:
    """What is dead is answered; the row is gone in the end."""
    shop = Shop(Button("short", "value"), Button("long", LONG))
    async with TestClient(shop.bot) as client:
        alice = client.user("alice")
        await alice.say("/show")
        await client.clock.jump(30 * DAY - 10)
        await alice.press("long")
        assert len(shop.heard) == 1
        await client.clock.jump(20)
        assert await refused(client, await alice.press("long"))
        while query(client, "SELECT * FROM buttons"):
            await client.advance(10)
        assert await refused(client, await alice.press("long"))
        await client.clock.jump(1000 * DAY)
        await alice.press("short")
        assert shop.heard[1:] == [("press", "value")]


async def test_a_reference_that_never_was_is_refused() -> None:
    """Though it is rightly signed: its row was lost."""
    shop = Shop(Button("B", LONG))
    async with TestClient(shop.bot) as client:
        alice = client.user("alice")
        await alice.say("/show")
        query(client, "DELETE FROM buttons")
        assert await refused(client, await alice.press("B"))


async def test_a_press_on_a_message_whose_id_was_never_told_works() -> None:
    """The answer of the platform was lost: the chat alone must match."""
    shop = Shop(Button("B", LONG))
    async with TestClient(shop.bot, on_ambiguous="hold") as client:
        alice = client.user("alice")
        client.platform.lose_next()
        (shown,) = await alice.say("/show")
        await client.restart()
        await alice.press("B", on=shown)
        assert shop.heard == [("press", LONG)]
        other = client.user("bob")
        assert await refused(client, await other.press_data(data_of(shown), on=shown))


class Counter:
    """Counts presses in the message that the button hangs on."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.bot = Interface(id="counter")
        self.bot.on_message(self.work)

    async def work(self, message: Message, count: PerChat[list[str]]) -> Any:
        if message.text == "gone":
            return Delete(message.pressed) if message.pressed else None
        count.append(message.kind)
        buttons = [Button("More", self.value), Button("Gone", "gone")]
        return Reply(f"{len(count)}", buttons, edit=message.pressed)


@pytest.mark.parametrize("value", ["more", LONG], ids=["carried", "by reference"])
async def test_a_press_edits_and_deletes_the_message_it_hangs_on(value: str) -> None:
    """The buttons that the edited message has now work there, and on no other message."""
    async with TestClient(Counter(value).bot) as client:
        alice = client.user("alice")
        (first,) = await alice.say("hi")
        (second,) = await alice.press("More")
        assert (second.edits, second.text) == (first.id, "2")
        await client.restart()
        (third,) = await alice.press("More")
        assert (third.edits, third.text) == (first.id, "3")
        (other,) = await alice.say("hi")
        assert (other.edits, other.text) == (None, "4")
        if value == LONG:
            assert await refused(client, await alice.press_data(data_of(third), on=other))
            assert await refused(client, await alice.press_data(data_of(other), on=third))
        assert [reply.text for reply in client.platform.shown(alice.chat.id)][:2] == ["3", "4"]
        assert await alice.press("Gone", on=third) == []
        assert client.platform.deleted == [first.id]


async def test_where_messages_cannot_be_edited_a_press_is_answered_by_a_new_one() -> None:
    """With buttons that work there."""
    platform = FakePlatform.without("edit")
    async with TestClient(Counter(LONG).bot, platform=platform) as client:
        alice = client.user("alice")
        first = await alice.say("hi")
        for count in "23":
            (reply,) = await alice.press("More")
            assert (reply.edits, reply.text) == (None, count)
        assert await alice.press("Gone") == []
        assert len({message.id for message in (*first, reply)}) == 2
        assert platform.deleted == []


async def test_on_a_platform_without_buttons_a_list_says_what_to_type() -> None:
    """And typing it works."""
    buttons = [
        Button("Yes"),
        Button("no", "No"),
        Button("Maybe", "perhaps"),
        Button("First", command="/vote 1"),
    ]
    shop = Shop(*buttons)
    async with TestClient(shop.bot, platform=FakePlatform.without("buttons")) as client:
        alice = client.user("alice")
        (shown,) = await alice.say("/show")
        assert shown.labels == []
        assert shown.text.splitlines() == [
            "choose",
            "",
            "To choose, send one of these:",
            "1. Yes",
            "2. no",
            "3. Maybe: perhaps",
            "4. First: /vote 1",
        ]
        for text in ("Yes", "perhaps", "/vote 1"):
            await alice.say(text)
        assert shop.heard == [("message", "Yes"), ("message", "perhaps"), ("vote", "1")]
        assert query(client, "SELECT * FROM buttons") == []


@pytest.mark.parametrize("value", ["1", LONG], ids=["carried", "by reference"])
async def test_a_pressed_command_interrupts_as_a_typed_one_does(value: str) -> None:
    """A Stop button ends the turn that runs."""
    bot, entered = Interface(id="bot"), asyncio.Event()

    @bot.on_message
    async def work(message: str) -> Any:
        if message == "buttons":
            return Reply("here", buttons=[Button("Stop", command=f"/stop {value}")])
        entered.set()
        return await asyncio.get_running_loop().create_future()

    @bot.command(overlap="interrupt")
    async def stop(text: str) -> str:
        return f"stopped {text}"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("buttons")
        slow = asyncio.create_task(alice.say("slow"))
        await entered.wait()
        (reply,) = await alice.press("Stop")
        assert reply.text == f"stopped {value.strip()}"
        assert await slow == []


@pytest.mark.parametrize("value", ["two", LONG], ids=["carried", "by reference"])
async def test_presses_merge_with_what_waits_beside_them(value: str) -> None:
    """Their text is what the button sends, in its place among the others."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.command
    async def show() -> Reply:
        return Reply("choose", buttons=[Button("B", value)])

    heard: list[str] = []

    @bot.on_message(overlap="merge")
    async def work(message: str) -> None:
        heard.extend(message.split("\n"))
        if message == "first":
            entered.set()
            await gate.wait()

    async with TestClient(bot) as client:
        alice = client.user("alice")
        (shown,) = await alice.say("/show")
        await client.deliver_all([alice.event("first")])
        await entered.wait()
        press = alice.event(data_of(shown), kind="press")
        press = replace(press, message=replace(press.message, pressed=MessageRef(shown.id)))
        last = alice.event("three")
        receipts = await client.deliver_all([alice.event("one"), press, last])
        gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert heard == ["first", "one", value, "three"]


async def test_a_forged_press_is_merged_with_nothing() -> None:
    """It is refused by itself, between those that are."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()
    heard: list[str] = []

    @bot.on_message(overlap="merge")
    async def work(message: str) -> None:
        heard.append(message)
        if message == "first":
            entered.set()
            await gate.wait()

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await client.deliver_all([alice.event("first")])
        await entered.wait()
        events = [alice.event("a"), alice.event("b"), alice.event("forged", kind="press")]
        receipts = await client.deliver_all([*events, alice.event("c")])
        gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert heard == ["first", "a\nb", "c"]
        assert [reply.text for reply in client.platform.delivered] == [DEAD]


@pytest.mark.parametrize("value", ["value", LONG], ids=["carried", "by reference"])
async def test_buttons_work_in_a_chat_that_has_moved(value: str) -> None:
    """A group that became another one on the platform is the same conversation."""
    shop = Shop(Button("B", value))
    async with TestClient(shop.bot) as client:
        (shown,) = await client.user("alice", chat="old").say("/show")
        client.platform.fail_next(Moved("new"))
        await client.user("alice", chat="old").say("hi")
        shop.heard.clear()
        for chat in ("old", "new"):
            await client.user("alice", chat=chat).press_data(data_of(shown), on=shown)
        assert shop.heard == [("press", value)] * 2


@pytest.mark.parametrize("value", ["value", LONG], ids=["carried", "by reference"])
async def test_of_two_chats_that_became_one_the_younger_ones_buttons_are_refused(
    value: str,
) -> None:
    """Politely; those of the older work on, and so do new ones."""
    shop = Shop(Button("B", value))
    async with TestClient(shop.bot) as client:
        old, new = client.user("alice", chat="old"), client.user("alice", chat="new")
        (older,) = await old.say("/show")
        (younger,) = await new.say("/show")
        client.platform.fail_next(Moved("new"))
        await old.say("hi")
        shop.heard.clear()
        assert await refused(client, await new.press_data(data_of(younger), on=younger))
        await new.press_data(data_of(older), on=older)
        (newest,) = await new.say("/show")
        await new.press("B", on=newest)
        assert shop.heard == [("press", value)] * 2


async def test_a_pressed_command_that_is_no_more_is_answered_in_a_group_too() -> None:
    """A bot that was changed: its own button is surely meant for it."""
    before, after = Shop(Button("B", command="/gone 1")), Shop()
    async with TestClient(before.bot) as client:
        alice = client.user("alice", chat="room")
        await alice.say("/show")
        client.bot = after.bot
        await client.restart()
        (reply,) = await alice.press("B")
        assert reply.text == "There is no command /gone. Send /help to see what I can do."
        assert reply.ephemeral


async def test_a_press_that_is_delivered_again_changes_nothing_twice() -> None:
    """As any event."""
    shop = Shop(Button("B"))
    async with TestClient(shop.bot) as client:
        alice = client.user("alice")
        (shown,) = await alice.say("/show")
        event = alice.event(data_of(shown), kind="press")
        assert [reply.text for reply in await client.deliver(event)] == ["press: B"]
        await client.restart()
        assert await client.deliver(event) == []
        assert len(shop.heard) == 1


async def test_a_press_that_fails_can_be_retried() -> None:
    """Its dead letter is the press as it came, and is checked again."""
    bot, faults = Interface(id="bot"), [RuntimeError("broken")]

    @bot.on_message
    def work(message: Message) -> Any:
        if message.kind == "press":
            if faults:
                raise faults.pop()
            return f"pressed {message.text}"
        return Reply("choose", buttons=[Button("B", LONG)])

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("hi")
        assert [reply.text for reply in await alice.press("B")] == [FAILED]
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        while len(client.platform.delivered) < 3:
            await client.advance(1)
        assert client.platform.delivered[-1].text == f"pressed {LONG}"


async def test_buttons_that_an_adapter_puts_below_two_messages_are_kept_once() -> None:
    """It should not; the bot does not stop for that, and the buttons work."""

    class Twice(FakePlatform):
        def render(self, post: Post) -> Sequence[Part]:
            return [*super().render(post), *super().render(post)]

    shop = Shop(Button("B", LONG))
    async with TestClient(shop.bot, platform=Twice()) as client:
        first, second = await client.user("alice").say("/show")
        assert first.labels == second.labels == ["B"]
        await client.user("alice").press("B", on=first)
        assert shop.heard == [("press", LONG)]


class NoButtons:
    """A store in which no button is kept, or one."""

    def __init__(self, kept: FoundButton | None = None) -> None:
        self.kept = kept

    async def button(self, _ref: str) -> FoundButton | None:
        return self.kept


@pytest.mark.parametrize(
    ("conversation", "message", "is_genuine"),
    [(1, None, True), (1, "m1", True), (1, "m2", False), (2, None, False), (2, "m1", False)],
)
async def test_what_is_kept_says_where_it_is_valid(
    conversation: int, message: str | None, is_genuine: Any
) -> None:
    """Though what the button carries is rightly signed."""
    store: Any = NoButtons(FoundButton(conversation, message, LONG, command=False))
    presses = Buttons(b"secret", store, SystemClock())
    ((button,),), _, _, kept = presses.hang(1, Reply("x", [Button("B", LONG)]), FULL, ENGLISH)
    assert len(kept) == 1
    arrival = pressed(button.data, 1)
    hangs_on = replace(arrival.event.message, pressed=MessageRef("m1"))
    arrival = replace(arrival, event=replace(arrival.event, message=hangs_on))
    press = await presses.read(arrival)
    assert bool(press) == is_genuine
    if press:
        assert press.message.text == LONG


def pressed(data: str, conversation: int) -> Arrival:
    message = Message(data, User("alice"), Chat("1"), "press")
    return Arrival(1, Place(1, 1, conversation, 1), Event("1", message))


@given(st.text(min_size=1, max_size=50).filter(str.strip), st.booleans(), st.integers(1, 2**40))
async def test_whatever_a_button_sends_comes_back_as_it_was(
    text: str, command: Any, conversation: int
) -> None:
    """And in no other conversation, nor for a bot with another secret."""
    store: Any = NoButtons()
    presses = Buttons(b"secret", store, SystemClock())
    stranger = Buttons(b"other secret", store, SystemClock())
    button = Button("B", command=f"/{'x'} {text}") if command else Button("B", text)
    roomy = replace(FULL, button_bytes=1000)
    (row,), _, _, kept = presses.hang(conversation, Reply("x", [button]), roomy, ENGLISH)
    press = presses.read_now(pressed(row[0].data, conversation))
    assert kept == []
    assert press
    assert (press.message.text, press.command) == (button.sends, command)
    assert await presses.read(pressed(row[0].data, conversation)) == press
    assert presses.read_now(pressed(row[0].data, conversation + 1)) is None
    assert stranger.read_now(pressed(row[0].data, conversation)) is None


@given(st.text(max_size=100))
async def test_whatever_is_pressed_is_read_without_an_error(data: str) -> None:
    """And nothing that was not signed is genuine."""
    store: Any = NoButtons()
    presses = Buttons(b"secret", store, SystemClock())
    assert await presses.read(pressed(data, 1)) is None
    assert presses.read_now(pressed(data, 1)) is None
