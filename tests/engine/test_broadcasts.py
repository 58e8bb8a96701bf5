"""`bot.broadcast`: one reply for many, each once, as a job of the store."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec.structs import replace
from support import parts_of, query

from chatstate import (
    Chat,
    Event,
    File,
    Interface,
    Message,
    Ref,
    Reply,
    State,
    StateError,
    User,
)
from chatstate.adapter import Part, Post
from chatstate.bot.sending import BroadcastReceipt
from chatstate.engine.broadcasts.carrying_out import ROOM
from chatstate.errors import Ambiguous, Unreachable
from chatstate.markup import pages
from chatstate.stores.broadcasts import Broadcast
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL

ALL = ("ann", "ben", "cat", "dan", "eve")
WAITS = "SELECT 1 FROM inbox WHERE done_at IS NULL"
WANTS = State(default=0, scope="user", name="wants")


def make_bot() -> Interface:
    bot = Interface(id="bot")

    @bot.on_message
    def echo(text: str) -> str:
        return f"echo {text}"

    @bot.command
    def want(n: int, wants: Annotated[Ref[int], WANTS]) -> None:
        wants.value = n

    return bot


def above_one(n: int) -> bool:
    return n > 1


async def meet(client: TestClient, *people: str) -> None:
    """Let people talk with the bot, and forget what it said."""
    for name in people:
        await client.user(name).say("hi")
    client.platform.delivered.clear()


async def until(client: TestClient, receipt: BroadcastReceipt, standing: str) -> Broadcast:
    """Return a broadcast once it stands so."""
    while (job := await receipt.progress()).standing != standing:
        await client.advance(0.5)
    return job


async def is_full(client: TestClient, receipt: BroadcastReceipt) -> None:
    """Return once there is no room for more of a broadcast, and what has room is owed."""
    while (await receipt.progress()).reached < ROOM or query(client, WAITS):
        await asyncio.sleep(0)


async def over(client: TestClient) -> None:
    """Return once nothing is under way, and whatever could follow that has been looked for."""
    while query(client, "SELECT 1 FROM outbox") or query(client, WAITS):
        await client.advance(0.5)
    await client.advance(2)


def heard(client: TestClient) -> dict[str, list[str]]:
    """Return what was said, by chat."""
    said: dict[str, list[str]] = {}
    for message in client.platform.delivered:
        said.setdefault(message.chat.removeprefix("private-"), []).append(message.text)
    return said


async def test_everybody_is_told_once() -> None:
    """Who is met while it goes on is not told; the same again is the same broadcast."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await meet(client, *ALL)
        await client.user("ann", chat="room").say("hi")
        client.platform.delivered.clear()
        receipt = await bot.broadcast("News!", to="private", key="1")
        assert receipt.status == "stored"
        job = await until(client, receipt, "done")
        assert heard(client) == {name: ["News!"] for name in ALL}
        assert (job.total, job.reached, job.blocked, job.failed) == (5, 5, 0, 0)
        again = await bot.broadcast("News!", to="private", key="1")
        assert (again.status, again.number) == ("duplicate", receipt.number)
        await client.advance(2)
        assert len(client.platform.delivered) == len(ALL)


@pytest.mark.parametrize("other", [{"reply": "Other"}, {"to": "all"}, {"to": [User("ann")]}])
async def test_a_key_is_of_one_content(other: dict[str, Any]) -> None:
    """What else is said under it, or to others, is an error and is not said."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await meet(client, "ann")
        first: dict[str, Any] = {"reply": "News!", "to": "private", "key": "1"}
        await bot.broadcast(**first)
        with pytest.raises(StateError, match="under the key '1' something else is said"):
            await bot.broadcast(**{**first, **other})


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("private", {"ann"}),
        ("groups", {"room"}),
        ("all", {"ann", "room"}),
        ([User("ann"), Chat("private-ann"), User("zoe")], {"ann", "zoe"}),
        ([Chat("room", "group")], {"room"}),
    ],
)
async def test_an_audience_is_a_crowd_or_a_list(to: Any, told: set[str]) -> None:
    """A person of whom a list has the chat as well is told once."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await client.user("ann").say("hi")
        await client.user("ann", chat="room").say("hi")
        client.platform.delivered.clear()
        receipt = await bot.broadcast("News!", to=to, key="1")
        job = await until(client, receipt, "done")
        assert heard(client) == {name: ["News!"] for name in told}
        assert job.total == len(told)


@pytest.mark.parametrize(("where", "told"), [(None, {"ann", "ben"}), (above_one, {"ben"})])
async def test_those_are_told_who_have_a_value(
    where: Callable[[int], bool] | None, told: set[str]
) -> None:
    """Of whom a function may choose; those who get another value later stay chosen, or not."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await meet(client, "ann", "ben", "cat")
        await client.user("ann").say("/want 1")
        await client.user("ben", chat="room").say("/want 2")
        receipt = await bot.broadcast("News!", to=WANTS, key="1", where=where)
        await client.user("ann").say("/want 9")
        await until(client, receipt, "done")
        assert heard(client) == {name: ["News!"] for name in told}


async def test_those_who_take_nothing_are_left_out() -> None:
    """They are no dead letters; and are told again once they have written."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await meet(client, *ALL)
        client.platform.blocked = {"private-ben", "private-eve"}
        job = await until(client, await bot.broadcast("1", to="private", key="1"), "done")
        assert (job.total, job.reached, job.blocked) == (5, 3, 2)
        job = await until(client, await bot.broadcast("2", to="private", key="2"), "done")
        assert (job.total, job.reached, job.blocked) == (3, 3, 0)
        client.platform.blocked.clear()
        await client.user("ben").say("hi")
        job = await until(client, await bot.broadcast("3", to="private", key="3"), "done")
        assert job.total == 4
        assert heard(client)["ben"] == ["echo hi", "3"]
        assert query(client, "SELECT count(*) FROM dead_letters") == [(0,)]


async def test_who_has_no_private_chat_counts_as_blocked() -> None:
    """And stops no other; whoever cannot be asked for now is told later."""
    bot, platform = make_bot(), FakePlatform()
    platform.strangers = {"ben"}
    asked = platform.private_chat
    down = [Unreachable("down")]

    async def private_chat(user: str) -> str:
        if down:
            raise down.pop()
        return await asked(user)

    platform.private_chat = private_chat  # type: ignore[method-assign]  # this platform alone
    async with TestClient(bot, platform=platform) as client:
        to = [User("ann"), User("ben"), User("cat")]
        job = await until(client, await bot.broadcast("News!", to=to, key="1"), "done")
        assert (job.reached, job.blocked) == (2, 1)
        assert heard(client) == {"ann": ["News!"], "cat": ["News!"]}


async def test_only_so_many_are_under_way_at_once() -> None:
    """However many there are: what is owed to others waits for no more than these."""
    bot = make_bot()
    async with TestClient(bot) as client:
        people = [f"p{n}" for n in range(40)]
        await meet(client, *people)
        client.platform.stall()
        receipt = await bot.broadcast("News!", to="private", key="1")
        await is_full(client, receipt)
        await client.advance(3)
        assert (await receipt.progress()).reached == ROOM
        rows = query(client, "SELECT count(*), min(priority), max(priority) FROM outbox")
        assert rows == [(ROOM, 1, 1)]
        client.platform.recover()
        await until(client, receipt, "done")
        assert heard(client) == {name: ["News!"] for name in people}


async def test_a_broadcast_is_paused_and_goes_on() -> None:
    """Also by whoever has the store alone, across a restart."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await meet(client, *[f"p{n}" for n in range(20)])
        client.platform.stall()
        receipt = await bot.broadcast("News!", to="private", key="1")
        await is_full(client, receipt)
        assert (await receipt.pause()).is_paused
        client.platform.recover()
        await over(client)
        assert len(client.platform.delivered) == ROOM
        await client.restart()
        await over(client)
        assert len(client.platform.delivered) == ROOM
        await parts_of(client).outside.announcer.steer(receipt.number, "resume")
        again = await bot.broadcast("News!", to="private", key="1")
        await until(client, again, "done")
        assert len(client.platform.delivered) == 20


async def test_a_cancelled_broadcast_reaches_nobody_else() -> None:
    """What was under way arrives."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await meet(client, *[f"p{n}" for n in range(20)])
        client.platform.stall()
        receipt = await bot.broadcast("News!", to="private", key="1")
        await is_full(client, receipt)
        assert (await receipt.cancel()).standing == "cancelled"
        client.platform.recover()
        await over(client)
        assert len(client.platform.delivered) == ROOM


async def test_a_broadcast_is_recalled() -> None:
    """Whether its messages have been sent, are under way, or nobody is reached yet."""
    bot = make_bot()
    async with TestClient(bot) as client:
        people = [f"p{n}" for n in range(20)]
        await meet(client, *people)
        client.platform.stall()
        receipt = await bot.broadcast("News!", to="private", key="1")
        await is_full(client, receipt)
        recalling = await receipt.recall()
        assert recalling.standing == "recalling"
        client.platform.recover()
        job = await until(client, receipt, "recalled")
        assert (job.reached, job.recalled) == (ROOM, ROOM)
        while any(client.platform.shown(f"private-{name}") for name in people):
            await client.advance(0.5)


class Narrow(FakePlatform):
    """A platform with room for nine characters in a message."""

    def __init__(self) -> None:
        super().__init__(capabilities=replace(FULL, text_limit=9))

    def render(self, post: Post) -> Sequence[Part]:
        shown = pages(post, 9, lambda text: len(text.text))
        return [part for page in shown for part in super(Narrow, self).render(page)]


@pytest.mark.parametrize("sent", [0, 1, 3])
async def test_all_messages_of_a_broadcast_are_recalled(sent: int) -> None:
    """Those of a text that is too long for one, and those of several replies, sent or not."""
    bot = make_bot()
    async with TestClient(bot, platform=Narrow()) as client:
        await meet(client, "ann")
        client.platform.stall()
        receipt = await bot.broadcast(["News: News: News:", "Bye."], to="private", key="1")
        while len(query(client, "SELECT * FROM outbox")) < 3:
            await client.advance(0.5)
        if sent:
            client.platform.recover()
        while len(client.platform.delivered) < sent:
            await asyncio.sleep(0)
        await receipt.recall()
        client.platform.recover()
        await until(client, receipt, "recalled")
        await over(client)
        assert client.platform.shown("private-ann") == []


async def test_a_broadcast_goes_on_after_a_crash() -> None:
    """Nobody is told twice who was told before it, and nobody is forgotten."""
    bot = make_bot()
    async with TestClient(bot, platform=FakePlatform(idempotent_for=60)) as client:
        people = [f"p{n}" for n in range(40)]
        await meet(client, *people)
        receipt = await bot.broadcast("News!", to="private", key="1")
        for told in (1, 12, 30):
            while len(client.platform.delivered) < told:
                await asyncio.sleep(0)
            await client.crash()
            await client.start()
        again = await bot.broadcast("News!", to="private", key="1")
        assert again.number == receipt.number
        await until(client, again, "done")
        assert heard(client) == {name: ["News!"] for name in people}


async def test_whom_a_function_chooses_is_chosen_before_it_returns() -> None:
    """If the process dies while it does, nobody is told before it is called again."""
    bot = make_bot()
    async with TestClient(bot) as client:
        for name in ("ann", "ben"):
            await client.user(name).say("/want 1")

        def fails(n: int) -> bool:
            raise ValueError(n)

        with pytest.raises(ValueError, match="1"):
            await bot.broadcast("News!", to=WANTS, key="1", where=fails)
        await client.restart()
        await client.advance(3)
        assert heard(client) == {}
        receipt = await bot.broadcast("News!", to=WANTS, key="1", where=lambda n: n == 1)
        await until(client, receipt, "done")
        assert set(heard(client)) == {"ann", "ben"}


async def test_a_file_goes_to_all(tmp_path: Path) -> None:
    """It is kept once, until the broadcast is over."""
    bot, path = make_bot(), tmp_path / "a.txt"
    path.write_text("inside")
    async with TestClient(bot) as client:
        await meet(client, "ann", "ben")
        reply = Reply("Look", files=[File(path)])
        client.platform.stall()
        receipt = await bot.broadcast(reply, to="private", key="1")
        path.unlink()
        await client.restart()
        client.platform.recover()
        receipt = await bot.broadcast(
            Reply("Look", files=[File(b"", "a.txt")]), to="private", key="1"
        )
        await until(client, receipt, "done")
        found = [message.files[0].data for message in client.platform.delivered]
        assert found == [b"inside", b"inside"]
        owed = Path(client.store_url.removeprefix("sqlite:///") + "-files") / "owed"
        while list(owed.iterdir()):
            await client.advance(0.5)


async def test_what_fails_otherwise_is_a_dead_letter() -> None:
    """Counted as such, and retried as any."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await meet(client, "ann", "ben")
        client.platform.fail_next(Ambiguous("lost"), times=3)
        receipt = await bot.broadcast("News!", to=[User("ann")], key="1")
        job = await until(client, receipt, "done")
        while not (job := await receipt.progress()).failed:
            await client.advance(5)
        assert (job.reached, job.failed) == (0, 1)
        assert query(client, "SELECT kind FROM dead_letters") == [("reply",)]


async def test_an_account_that_is_away_tells_its_people_when_it_is_back() -> None:
    """It is connected while the bot runs, say; those of the others are told at once."""
    bot, away = make_bot(), FakePlatform("far")
    async with TestClient(bot) as client:
        await meet(client, "ann")
        await bot.connect(away)
        person = Event("1", Message("hi", User("zoe"), Chat("private-zoe")))
        (receipt,) = await (await away.connected()).deliver([person])
        await receipt.settled()
        leaving = asyncio.create_task(bot.disconnect("far:bot"))
        while not leaving.done():
            await client.advance(1)
        told = await bot.broadcast("News!", to="private", key="1")
        while heard(client) != {"ann": ["News!"]}:
            await client.advance(0.5)
        assert (await told.progress()).standing == "running"
        await bot.connect(away)
        assert (await until(client, told, "done")).reached == 2
        assert [message.text for message in away.delivered] == ["echo hi", "News!"]


async def test_in_a_turn_it_is_an_error() -> None:
    """The turn may run again."""
    bot = make_bot()

    @bot.command
    async def tell() -> None:
        await bot.broadcast("News!", to="all", key="1")

    async with TestClient(bot) as client:
        with pytest.raises(StateError, match=r"bot\.broadcast\(\) was called inside a turn"):
            await client.user("ann").say("/tell")


@pytest.mark.parametrize(
    ("to", "where"), [("everybody", None), (User("ann"), None), ("all", bool), ([3], None)]
)
async def test_what_is_no_audience_is_refused(to: Any, where: Any) -> None:
    """Before anything is noted."""
    bot = make_bot()
    async with TestClient(bot) as client:
        await meet(client, "ann")
        with pytest.raises(TypeError, match=r"bot\.(broadcast|send)"):
            await bot.broadcast("News!", to=to, key="1", where=where)
        assert query(client, "SELECT count(*) FROM broadcasts") == [(0,)]


async def test_what_is_everybodys_names_nobody() -> None:
    """A global value is no audience."""
    bot = Interface(id="bot")
    total = State(default=0, scope="global", name="total")

    @bot.on_message
    def echo(text: str, n: Annotated[Ref[int], total]) -> None:
        n.value += 1

    async with TestClient(bot):
        with pytest.raises(StateError, match="is everybody's: it names nobody"):
            await bot.broadcast("News!", to=total, key="1")
