"""Timers: what a turn sets fires once, in its lane, whatever happens in between."""

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support import parts_of, query, texts

from chatstate import (
    BindingError,
    File,
    Global,
    Interface,
    PerMember,
    PerUser,
    Ref,
    Reply,
    ReplyError,
    StateError,
    Turn,
    UserError,
)
from chatstate.stores.base import Request
from chatstate.testing import TestClient

HOUR = 3600.0


@dataclass
class Tea:
    kind: str
    minutes: int


def tea_bot() -> Interface:
    """Return a bot that sets timers as it is told."""
    bot = Interface(id="tea")

    @bot.on_timer
    async def ding(turn: Turn, tea: Tea, dings: PerUser[Ref[int]]) -> str:
        dings.value += 1
        message = turn.message
        return f"{dings.value}: {tea.kind} for {turn.user.id} ({message.kind} {message.text})"

    @bot.command
    def tea(turn: Turn, kind: str, minutes: int = 3) -> None:
        turn.later(timedelta(minutes=minutes), ding, key=kind, tea=Tea(kind, minutes))

    @bot.command
    def cancel(turn: Turn, kind: str) -> None:
        turn.cancel(kind)

    @bot.command
    async def timers(turn: Turn) -> str:
        return ", ".join(f"{timer.key} {timer.data}" for timer in await turn.timers())

    return bot


def said(client: TestClient) -> list[str]:
    """Return all that the bot has said."""
    return [reply.text for reply in client.platform.delivered]


def dead_letters(client: TestClient) -> list[str]:
    """Return the errors of the dead letters."""
    return [error for (error,) in query(client, "SELECT error FROM dead_letters ORDER BY id")]


def stored(client: TestClient) -> int:
    """Return how many timers are stored."""
    ((count,),) = query(client, "SELECT count(*) FROM timers")
    return int(count)


async def waiting_for(client: TestClient, number: int) -> None:
    """Return once so many events wait."""
    while len(query(client, "SELECT 1 FROM inbox WHERE done_at IS NULL")) < number:
        await asyncio.sleep(0)


async def quiet(client: TestClient) -> None:
    """Return once no event waits."""
    while query(client, "SELECT 1 FROM inbox WHERE done_at IS NULL"):
        await asyncio.sleep(0)


async def fire(client: TestClient, seconds: float = 60) -> None:
    """Move the clock until the one timer has fired, without waiting for its turn."""
    await client.clock.advance(seconds)
    while query(client, "SELECT fired FROM timers") == [(0,)]:
        await client.clock.advance(1)


async def retry(client: TestClient) -> None:
    """Let the only dead letter be tried again."""
    ((letter,),) = query(client, "SELECT id FROM dead_letters")
    await client._store.ask(Request(verb="retry", number=letter))
    while query(client, "SELECT 1 FROM dead_letters"):
        await client.clock.advance(1)
    await quiet(client)
    await client._require_open().idle()


async def test_a_timer_fires_once_at_its_time() -> None:
    """Its handler gets who has set it, state, and the data it was set with."""
    async with TestClient(tea_bot()) as client:
        await client.user("alice").say("/tea green")
        await client.advance(179)
        assert said(client) == []
        await client.advance(1)
        assert said(client) == ["1: green for alice (timer green)"]
        await client.advance(HOUR)
        assert len(said(client)) == 1
        assert stored(client) == 0


async def test_a_timer_set_again_is_moved() -> None:
    """There is one for each key, whatever it was set for."""
    async with TestClient(tea_bot()) as client:
        alice = client.user("alice")
        await alice.say("/tea green 3")
        await alice.say("/tea green 5")
        await client.advance(240)
        assert said(client) == []
        await client.advance(60)
        assert said(client) == ["1: green for alice (timer green)"]


async def test_people_have_timers_of_their_own() -> None:
    """In one group, under one key; and in another one."""
    async with TestClient(tea_bot()) as client:
        for name, chat in (("alice", "room"), ("bob", "room"), ("alice", "hall")):
            await client.user(name, chat=chat).say("/tea green")
        await client.user("bob", chat="room").say("/cancel green")
        await client.advance(180)
        where = [(reply.chat, reply.text) for reply in client.platform.delivered]
        assert sorted(where) == [
            ("hall", "2: green for alice (timer green)"),
            ("room", "1: green for alice (timer green)"),
        ]


async def test_timers_are_listed() -> None:
    """Those of the person here, the next one first, as they are after the turn."""
    async with TestClient(tea_bot()) as client:
        alice = client.user("alice")
        await alice.say("/tea green 5")
        await alice.say("/tea black 3")
        await client.user("bob").say("/tea white")
        listed = "black {'tea': {'kind': 'black', 'minutes': 3}}"
        assert await texts(alice, "/timers") == [
            f"{listed}, green {{'tea': {{'kind': 'green', 'minutes': 5}}}}"
        ]
        await alice.say("/cancel green")
        assert await texts(alice, "/timers") == [listed]


async def test_a_turn_sees_its_own_timers() -> None:
    """What it has set, and what it has cancelled; that of its own event has ended."""
    bot = Interface(id="bot")
    keys: list[list[str]] = []

    async def note(turn: Turn) -> None:
        keys.append([timer.key for timer in await turn.timers()])

    @bot.on_timer
    async def again(turn: Turn) -> None:
        await note(turn)

    @bot.command
    async def start(turn: Turn) -> None:
        for key in "abc":
            turn.later(timedelta(minutes=1), again, key=key)
        turn.cancel("b")
        await note(turn)

    async with TestClient(bot) as client:
        await client.user("alice").say("/start")
        await client.advance(60)
    assert keys == [["a", "c"], ["c"], []]


async def test_a_reply_is_said_later() -> None:
    """With its buttons and its markup, and without a handler."""
    bot = Interface(id="bot")

    @bot.command
    def start(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), Reply("Now!", silent=True))
        turn.later(timedelta(minutes=2), "And now!")

    async with TestClient(bot) as client:
        await client.user("alice").say("/start")
        await client.advance(120)
        assert [(r.text, r.silent) for r in client.platform.delivered] == [
            ("Now!", True),
            ("And now!", False),
        ]


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        (datetime(2026, 6, 1, 12, 0, 10, tzinfo=UTC), 10),
        (datetime(2026, 6, 1, 14, 0, 10, tzinfo=ZoneInfo("Europe/Berlin")), 10),
        (time(12, 30, tzinfo=UTC), HOUR / 2),
        (time(14, 30, tzinfo=ZoneInfo("Europe/Berlin")), HOUR / 2),
        (time(12, 0, tzinfo=UTC), 24 * HOUR),
        (time(11, 0, tzinfo=UTC), 23 * HOUR),
        (timedelta(seconds=-5), 0),
    ],
)
async def test_a_time_may_be_told_in_several_ways(when: Any, seconds: float) -> None:
    """A moment, or when a clock of a zone next shows a time; what is past is now."""
    bot = Interface(id="bot")

    @bot.command
    def start(turn: Turn) -> None:
        turn.later(when, "Now!")

    client = TestClient(bot)
    client.clock.set(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())
    async with client:
        await client.user("alice").say("/start")
        ((due_at,),) = query(client, "SELECT due_at FROM timers")
        assert due_at - client.clock.time() == (seconds or -5)
        await client.advance(seconds + 1)
        assert said(client) == ["Now!"]


async def test_a_turn_that_fails_sets_nothing() -> None:
    """Nor cancels it anything: timers go with the commit."""
    bot = Interface(id="bot")

    @bot.command
    def start(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), "Now!", key="a")

    @bot.command
    def fail(turn: Turn) -> None:
        turn.cancel("a")
        turn.later(timedelta(minutes=1), "Never!", key="b")
        raise UserError("no")

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/start")
        assert await texts(alice, "/fail") == ["no"]
        await client.advance(60)
        assert said(client) == ["no", "Now!"]


async def test_a_turn_that_runs_again_sets_a_timer_once() -> None:
    """What an attempt has set that was overtaken is forgotten."""
    bot = Interface(id="bot")
    begun, go_on = asyncio.Event(), asyncio.Event()

    @bot.command
    async def slow(turn: Turn, total: Global[Ref[int]]) -> None:
        turn.later(timedelta(minutes=1), f"{total.value}")
        begun.set()
        await go_on.wait()
        total.value += 1

    @bot.command
    def quick(total: Global[Ref[int]]) -> None:
        total.value += 10

    async with TestClient(bot) as client:
        waiting = asyncio.ensure_future(client.user("alice").say("/slow"))
        await begun.wait()
        await client.user("bob").say("/quick")
        go_on.set()
        await waiting
        await client.advance(60)
        assert said(client) == ["10"]


def lane_bot() -> tuple[Interface, asyncio.Event, list[str]]:
    """Return a bot that is busy until an event is set, and what its timers have done."""
    bot = Interface(id="lane")
    free, done = asyncio.Event(), list[str]()

    @bot.on_timer
    def ding(turn: Turn, what: str) -> None:
        done.append(what)

    @bot.command
    def start(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), ding, key="a", what="first")

    @bot.command
    async def busy() -> None:
        await free.wait()

    @bot.command
    def cancel(turn: Turn) -> None:
        turn.cancel("a")

    @bot.command
    def move(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), ding, key="a", what="moved")

    return bot, free, done


@pytest.mark.parametrize(
    ("command", "at_once", "later"), [("/cancel", [], []), ("/move", [], ["moved"])]
)
async def test_a_timer_that_fired_is_looked_at_when_its_turn_comes(
    command: str, at_once: list[str], later: list[str]
) -> None:
    """Cancelled or moved before that, by what stood before it in the line, it does nothing."""
    bot, free, done = lane_bot()
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/start")
        waiting = [asyncio.ensure_future(alice.say(text)) for text in ("/busy", command)]
        await waiting_for(client, 2)
        await fire(client)
        free.set()
        await asyncio.gather(*waiting)
        await client.advance(0)
        assert done == at_once
        await client.advance(60)
        assert done == later


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_timer_survives_a_crash(moment: str) -> None:
    """Whether the process dies before it is due, or once it has fired: it fires once."""
    bot, free, done = lane_bot()
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/start")
        if moment == "after":
            held = asyncio.ensure_future(alice.say("/busy"))
            await waiting_for(client, 1)
            await fire(client)
            held.cancel()
        await client.crash()
        free.set()
        await client.start()
        await client.advance(60)
        await quiet(client)
        assert done == ["first"]
        assert stored(client) == 0
        await client.advance(60)
        assert done == ["first"]


async def test_a_timer_whose_handler_fails_is_a_dead_letter() -> None:
    """The chat is not told, which has said nothing. Retried, it runs again, though it has ended."""
    bot = Interface(id="bot")
    fails = [True]

    @bot.on_timer
    def ding(turn: Turn) -> str:
        if fails.pop() if fails else False:
            raise RuntimeError("broken")
        return "Now!"

    @bot.command
    def start(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), ding)

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("/start")
        await client.advance(60)
        assert said(client) == []
        assert dead_letters(client) == ["RuntimeError: broken"]
        assert stored(client) == 0
        await retry(client)
        assert said(client) == ["Now!"]


async def test_what_a_handler_raises_is_raised_in_the_test() -> None:
    """By `advance`, as what an `on_expire` raises."""
    bot = Interface(id="bot")

    @bot.on_timer
    def ding(turn: Turn) -> str:
        raise RuntimeError("broken")

    @bot.command
    def start(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), ding)

    async with TestClient(bot) as client:
        await client.user("alice").say("/start")
        with pytest.raises(RuntimeError, match="broken"):
            await client.advance(60)


async def test_a_timer_whose_handler_is_gone_is_a_dead_letter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """That is told at the start; once the handler is back the letter can be retried."""
    url = f"sqlite:///{tmp_path / 'tea.db'}"
    async with TestClient(tea_bot(), store=url) as client:
        await client.user("alice").say("/tea green")
        clock = client.clock
    other = Interface(lambda message: message, id="tea")
    async with TestClient(other, store=url, clock=clock, raise_errors=False) as client:
        assert "timers are set for ding(), and the bot has no such handler" in caplog.text
        await client.advance(180)
        (error,) = dead_letters(client)
        assert "timer 'green' is for ding()" in error
        assert said(client) == []
    caplog.clear()
    async with TestClient(tea_bot(), store=url, clock=clock) as client:
        assert "timers are set for" not in caplog.text
        await retry(client)
        assert said(client) == ["1: green for alice (timer green)"]


async def test_a_timer_is_one_event_among_others(tmp_path: Path) -> None:
    """It waits for the turn before it, and is behind what came before it was due."""
    bot = Interface(id="bot")
    free, order = asyncio.Event(), list[str]()

    @bot.on_timer
    def ding(turn: Turn) -> None:
        order.append("ding")

    @bot.on_message
    async def other(turn: Turn) -> None:
        if turn.text == "start":
            turn.later(timedelta(minutes=1), ding)
        elif turn.text == "busy":
            await free.wait()
        order.append(turn.text)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("start")
        waiting = [asyncio.ensure_future(alice.say(text)) for text in ("busy", "before")]
        await waiting_for(client, 2)
        await fire(client)
        waiting.append(asyncio.ensure_future(alice.say("after")))
        await waiting_for(client, 4)
        free.set()
        await asyncio.gather(*waiting)
        await client.advance(0)
    assert order == ["start", "busy", "before", "ding", "after"]


async def test_many_timers_that_are_due_fire_a_thousand_at_a_time() -> None:
    """However many were missed, so many are in the inbox at most, and each fires once."""
    bot = Interface(id="bot")
    fired: list[int] = []
    waiting: list[int] = []

    @bot.on_timer
    def ding(turn: Turn, number: int) -> None:
        fired.append(number)

    @bot.command
    def start(turn: Turn, first: int) -> None:
        for number in range(first, first + 500):
            turn.later(timedelta(minutes=1), ding, number=number)

    async with TestClient(bot) as client:
        for first in range(0, 1500, 500):
            await client.user(f"{first}").say(f"/start {first}")
        timers = parts_of(client).timers
        fire = client._store.fire

        async def watched(accounts: Any, limit: int) -> Any:
            done = await fire(accounts, limit)
            waiting.append(len(timers._fired) + len(done.arrivals))
            return done

        client._store.fire = watched  # type: ignore[method-assign]  # it is counted
        await client.advance(61)
        assert sorted(fired) == list(range(1500))
        assert max(waiting) <= 1000


async def test_what_cannot_be_set_is_told_where_it_is_set() -> None:
    """Nothing of it fails only when it fires."""
    bot = Interface(id="bot")

    @bot.on_timer
    def ding(turn: Turn, number: float, word: str = "") -> None: ...

    def stranger() -> None: ...

    hour = timedelta(hours=1)
    cases: dict[str, tuple[type[Exception], str, Any]] = {
        "unknown": (
            TypeError,
            r"takes no what=.*number=, word=",
            lambda t: t.later(hour, ding, number=1.0, what=1),
        ),
        "missing": (TypeError, "needs number=", lambda t: t.later(hour, ding)),
        "unequal": (StateError, "NaN", lambda t: t.later(hour, ding, number=math.nan)),
        "stranger": (StateError, "@bot.on_timer", lambda t: t.later(hour, stranger)),
        "zone": (ValueError, "time zone", lambda t: t.later(datetime(2026, 1, 1), "x")),  # noqa: DTZ001 - it has none
        "day": (ValueError, "time zone", lambda t: t.later(time(9), "x")),
        "when": (TypeError, "a timedelta", lambda t: t.later(5, "x")),
        "reply": (ReplyError, "said later", lambda t: t.later(hour, 5)),
        "file": (ReplyError, "has files", lambda t: t.later(hour, File(b"x", "a.txt"))),
        "nothing": (ReplyError, "says nothing", lambda t: t.later(hour, None)),
        "data": (TypeError, "takes no x=", lambda t: t.later(hour, "hi", x=1)),
        "key": (TypeError, "key=5", lambda t: t.cancel(5)),
        "cron": (
            ValueError,
            "no cron expression",
            lambda t: t.every("9", ding, key="a", number=1.0),
        ),
        "place": (
            ValueError,
            "no time zone 'Mars'",
            lambda t: t.every("0 9 * * *", ding, key="a", tz="Mars"),
        ),
    }

    @bot.on_message
    def other(turn: Turn) -> None:
        cases[turn.text][2](turn)

    async with TestClient(bot) as client:
        for name, (error, words, _) in cases.items():
            with pytest.raises(error, match=words):
                await client.user("alice").say(name)
        assert stored(client) == 0


async def test_a_parameter_that_was_added_needs_a_default(tmp_path: Path) -> None:
    """A timer that was set before it is a dead letter which says so, or gets the default."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"

    def made(*, new: bool) -> Interface:
        bot = Interface(id="bot")
        if new:

            @bot.on_timer
            def ding(turn: Turn, word: str, count: int) -> str:
                return word * count
        else:

            @bot.on_timer
            def ding(turn: Turn, word: str, count: int = 2) -> str:
                return word * count

        @bot.command
        def start(turn: Turn) -> None:
            turn.later(timedelta(minutes=1), ding, word="x")

        return bot

    async with TestClient(made(new=False), store=url) as client:
        alice = client.user("alice")
        await alice.say("/start")
        await client.advance(60)
        assert said(client) == ["xx"]
        await alice.say("/start")
        clock = client.clock
    async with TestClient(made(new=True), store=url, clock=clock) as client:
        with pytest.raises(StateError, match="'count': give that a default"):
            await client.advance(60)


def test_what_no_timer_could_find_or_fill_is_refused() -> None:
    """Two handlers of one name, a name that `every` has itself, a bot's schedule for a person."""
    bot = Interface(id="bot")

    @bot.on_timer
    def ding(turn: Turn) -> None: ...

    with pytest.raises(BindingError, match="called 'ding' already"):
        bot.on_timer(ding)
    with pytest.raises(BindingError, match="has no name"):
        bot.on_timer(lambda: None)
    with pytest.raises(BindingError, match="tz= of its own"):

        @bot.on_timer
        def named(tz: str) -> None: ...

    with pytest.raises(BindingError, match="nobody sets"):

        @bot.every("0 9 * * *")
        def given(what: str) -> None: ...

    with pytest.raises(BindingError, match="member state 'seen'"):

        @bot.every("0 9 * * *")
        def personal(seen: PerMember[list[str]]) -> None: ...

    with pytest.raises(BindingError, match="no cron expression"):
        bot.every("x")
    other = Interface(id="other")
    other.on_timer(ding)
    with pytest.raises(BindingError, match="are called 'ding'"):
        bot.include(other)


async def test_a_part_of_a_bot_has_timers_too() -> None:
    """They are found by the name of their handler, with the states of that part."""
    part, bot = Interface(id="part"), Interface(id="bot")

    @part.on_timer
    def ding(seen: PerMember[Ref[int]]) -> str:
        seen.value += 1
        return f"{seen.value}"

    @part.command
    def start(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), ding)

    bot.include(part)
    async with TestClient(bot) as client:
        await client.user("alice").say("/start")
        await client.advance(60)
        assert said(client) == ["1"]


async def test_a_timer_may_set_another() -> None:
    """Also one of its own key: that is a new one."""
    bot = Interface(id="bot")

    @bot.on_timer
    def count(turn: Turn, left: int) -> str:
        if left:
            turn.later(timedelta(minutes=1), count, key="count", left=left - 1)
        return f"{left}"

    @bot.command
    def start(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), count, key="count", left=2)

    async with TestClient(bot) as client:
        await client.user("alice").say("/start")
        await client.advance(HOUR)
        assert said(client) == ["2", "1", "0"]
        assert stored(client) == 0


async def test_a_handler_that_takes_too_long_ends_its_timer() -> None:
    """It is a dead letter, as any event is."""
    bot, begun = Interface(id="bot"), asyncio.Event()

    @bot.on_timer
    async def ding(turn: Turn) -> None:
        begun.set()
        await asyncio.Event().wait()

    @bot.command
    def start(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), ding)

    async with TestClient(bot) as client:
        await client.user("alice").say("/start")
        await fire(client)
        await begun.wait()
        await client.clock.advance(301)
        while not dead_letters(client):
            await client.advance(0)
        assert dead_letters(client) == ["TimeoutError: it took more than 300.0 s"]
        assert stored(client) == 0
        assert await texts(client.user("alice"), "/start") == []


async def test_after_its_turn_nothing_can_be_set() -> None:
    """Whoever has kept it gets an error."""
    bot = Interface(id="bot")
    kept: list[Turn] = []

    @bot.on_message
    def other(turn: Turn) -> None:
        kept.append(turn)

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        with pytest.raises(RuntimeError, match=r"turn.later\(\) was called after"):
            kept[0].later(timedelta(hours=1), "x")
        with pytest.raises(RuntimeError, match=r"turn.cancel\(\) was called after"):
            kept[0].cancel("x")
