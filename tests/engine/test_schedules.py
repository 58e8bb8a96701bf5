"""Schedules: each slot happens once, by the clock of its zone, whatever was missed."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support import query, texts

from chatstate import Chat, Global, Interface, PerUser, Ref, ReplyError, StateError, Turn
from chatstate.bot.schedules import Schedule, schedule
from chatstate.testing import FakeClock, FakePlatform, TestClient

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86400.0


def slots(every: str, start: datetime, count: int) -> list[str]:
    """Return the first slots of a schedule of Berlin: day, time, and fold if it is the second."""
    made, now, name = schedule(every, "Europe/Berlin"), start.timestamp(), ""
    found: list[str] = []
    for _ in range(count):
        now, name = made.next(now, name)
        found.append(name[5:-2].replace("T", " ")[:-3] + ("*" if name.endswith("1") else ""))
    return found


SPRING, AUTUMN = datetime(2026, 3, 28, 23, tzinfo=BERLIN), datetime(2026, 10, 24, 23, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("every", "start", "expected"),
    [
        ("30 2 * * *", SPRING, ["03-29 03:00", "03-30 02:30", "03-31 02:30"]),
        ("30 2 * * *", AUTUMN, ["10-25 02:30", "10-26 02:30", "10-27 02:30"]),
        ("0 9 * * *", SPRING, ["03-29 09:00", "03-30 09:00"]),
        ("0 9 * * *", AUTUMN, ["10-25 09:00", "10-26 09:00"]),
        ("0 * * * *", SPRING, ["03-29 00:00", "03-29 01:00", "03-29 03:00"]),
        ("0 * * * *", AUTUMN, ["10-25 00:00", "10-25 01:00", "10-25 02:00", "10-25 02:00*"]),
        ("0,30 2 * * *", SPRING, ["03-29 03:00", "03-30 02:00", "03-30 02:30"]),
        ("0,30 2 * * *", AUTUMN, ["10-25 02:00", "10-25 02:30", "10-26 02:00"]),
    ],
)
def test_the_clock_of_a_zone_is_kept(every: str, start: datetime, expected: list[str]) -> None:
    """What it skips happens when it goes on; what it shows twice happens once, if not hourly."""
    assert slots(every, start, len(expected)) == expected


def test_within_the_hour_that_is_shown_twice_nothing_happens_again() -> None:
    """Though one begins there: 2:30 was the first time that the clock showed it."""
    second = datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1)
    assert slots("30 2 * * *", second, 1) == ["10-26 02:30"]


def test_a_slot_is_known_by_its_local_time() -> None:
    """If the zone's rules make it a later moment than it was, it does not happen again."""
    nine = schedule("0 9 * * *", "Europe/Berlin")
    name = "2026-06-01T09:00:00/0"
    for hours in (-2, -1, 0, 1):  # it has happened, by other rules, at another moment
        moment = nine.time_of(name) + hours * 3600
        assert nine.next(moment, name).name == "2026-06-02T09:00:00/0"


def test_an_interval_keeps_its_pace() -> None:
    """What was missed is left out; the next one is where it would have been."""
    five = schedule(timedelta(minutes=5))
    first = five.next(1000.0)
    assert first.at == 1300.0
    assert five.next(1300.5, first.name).at == 1600.0
    assert five.next(2350.0, first.name).at == 2500.0
    assert five.next(10.0, first.name).at == 1600.0  # the clock was set back


@pytest.mark.parametrize(
    ("every", "zone", "misfire", "words"),
    [
        ("0 9 * *", None, "once", "no cron expression"),
        ("61 * * * *", None, "once", "Bad minute"),
        ("0 0 30 2 *", None, "once", "no cron expression"),
        ("0 9 * * *", "Mars", "once", "no time zone 'Mars'"),
        ("0 9 * * *", "../etc", "once", "no time zone"),
        ("0 9 * * *", None, "twice", "misfire='twice'"),
        (timedelta(0), None, "once", "a second at least"),
        (timedelta(hours=1), "UTC", "once", "leave tz='UTC' away"),
    ],
)
def test_what_is_no_schedule_is_refused(every: Any, zone: Any, misfire: Any, words: str) -> None:
    """With what is one."""
    with pytest.raises(ValueError, match=words):
        schedule(every, zone, misfire)


def test_a_zone_may_be_given_as_an_object() -> None:
    """And is UTC if there is none."""
    assert schedule("0 9 * * *", BERLIN) == Schedule("0 9 * * *", "Europe/Berlin")
    assert schedule("0  9 * * *", UTC) == schedule("0 9 * * *") == Schedule("0 9 * * *")
    with pytest.raises(TypeError, match="a cron expression"):
        schedule(5)  # type: ignore[arg-type]  # that is wrong


class Nightly:
    """A bot that does something each night, on a clock that begins as is said."""

    def __init__(self, start: datetime, every: Any = "30 2 * * *", **options: Any) -> None:
        self.clock = FakeClock()
        self.clock.set(start.timestamp())
        self.seen: list[str] = []
        if isinstance(every, str):
            options.setdefault("tz", "Europe/Berlin")
        self._every, self._options = every, options

    @property
    def bot(self) -> Interface:
        """Return the bot, as a new process would have it."""
        bot = Interface(id="nightly")

        @bot.every(self._every, **self._options)
        async def nightly(turn: Turn, total: Global[Ref[int]]) -> None:
            total.value += 1
            when = turn.message.time
            assert when
            self.seen.append(f"{total.value}: {when.astimezone(BERLIN):%d %H:%M}")

        @bot.command
        def hello() -> str:
            return "hello"

        return bot

    def client(self, path: Path | None = None) -> TestClient:
        """Return a client on the store at a path."""
        store = f"sqlite:///{path}" if path else None
        return TestClient(self.bot, store=store, clock=self.clock)

    @property
    def now(self) -> str:
        return f"{datetime.fromtimestamp(self.clock.time(), BERLIN):%d %H:%M}"


async def test_a_year_passes_in_seconds() -> None:
    """Each night has its turn, at half past two, but for the one that has no such time."""
    nightly = Nightly(datetime(2026, 1, 1, tzinfo=BERLIN))
    async with nightly.client() as client:
        await client.advance(365 * DAY)
    hours = [seen.split()[-1] for seen in nightly.seen]
    assert (hours.count("02:30"), hours.count("03:00")) == (364, 1)
    numbers = [int(seen.split(":")[0]) for seen in nightly.seen]
    assert numbers == list(range(1, 366))


async def test_what_was_missed_happens_once(tmp_path: Path) -> None:
    """After days, at once; and then at its time again."""
    nightly = Nightly(datetime(2026, 6, 1, tzinfo=BERLIN))
    async with nightly.client(tmp_path / "a.db") as client:
        await client.advance(DAY)
    await nightly.clock.jump(5 * DAY + 3600)
    async with nightly.client(tmp_path / "a.db") as client:
        await client.advance(0)
        assert nightly.seen == ["1: 01 02:30", "2: 02 02:30"]
        await client.advance(DAY)
        assert nightly.seen[2:] == ["3: 07 02:30"]


async def test_what_was_missed_may_be_skipped(tmp_path: Path) -> None:
    """Late by less than a minute is not missed."""
    nightly = Nightly(datetime(2026, 6, 1, tzinfo=BERLIN), misfire="skip")
    async with nightly.client(tmp_path / "a.db"):
        pass
    await nightly.clock.jump(2.5 * 3600 + 59)
    async with nightly.client(tmp_path / "a.db") as client:
        await client.advance(0)
        assert nightly.seen == ["1: 01 02:30"]
    await nightly.clock.jump(DAY + 2)
    async with nightly.client(tmp_path / "a.db") as client:
        await client.advance(0)
        assert nightly.seen == ["1: 01 02:30"]
        await client.advance(DAY)
        assert nightly.seen == ["1: 01 02:30", "2: 03 02:30"]


async def test_a_restart_changes_no_slot(tmp_path: Path) -> None:
    """A schedule that is as it was goes on; each is there once, however often one starts."""
    nightly = Nightly(datetime(2026, 6, 1, tzinfo=BERLIN), timedelta(hours=1))
    for minutes in (50, 50, 50):
        async with nightly.client(tmp_path / "a.db") as client:
            await client.advance(minutes * 60)
    assert nightly.seen == ["1: 01 01:00", "2: 01 02:00"]


async def test_a_schedule_that_was_changed_begins_anew(tmp_path: Path) -> None:
    """Its next slot is that of the new one; one that the bot has no more is over, and told."""
    nightly = Nightly(datetime(2026, 6, 1, tzinfo=BERLIN))
    async with nightly.client(tmp_path / "a.db"):
        pass
    nightly._every = "0 4 * * *"
    async with nightly.client(tmp_path / "a.db") as client:
        await client.advance(5 * 3600)
        assert nightly.seen == ["1: 01 04:00"]


async def test_a_schedule_that_is_gone_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no dead letter: nobody has set it."""
    nightly = Nightly(datetime(2026, 6, 1, tzinfo=BERLIN))
    async with nightly.client(tmp_path / "a.db"):
        pass
    bot = Interface(id="nightly")

    @bot.every("0 5 * * *")
    def other() -> None: ...

    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url, clock=nightly.clock) as client:
        await client.advance(DAY)
        assert query(client, "SELECT handler FROM timers") == [("other",)]
        assert query(client, "SELECT * FROM dead_letters") == []
    assert "no schedule 'nightly' any more: it has ended" in caplog.text


@pytest.mark.parametrize("days", [1, -1])
async def test_a_clock_that_jumps_repeats_nothing(days: int) -> None:
    """A day forward happens early, once; a day back waits until what has happened is over."""
    nightly = Nightly(datetime(2026, 6, 10, tzinfo=BERLIN))
    async with nightly.client() as client:
        await client.advance(DAY)
        nightly.clock.set(nightly.clock.time() + days * DAY)
        await client.advance(2)
        await client.advance(2 * DAY)
    expected = ["10 02:30", "11 02:30", "12 02:30", "13 02:30"]
    assert [seen[3:] for seen in nightly.seen] == (expected if days > 0 else expected[:2])


async def test_a_zone_with_other_rules_moves_what_is_set(tmp_path: Path) -> None:
    """A slot that is later than it was when it was set waits for its time, and happens once."""
    nightly = Nightly(datetime(2026, 6, 1, tzinfo=BERLIN))
    async with nightly.client(tmp_path / "a.db") as client:
        query(client, "UPDATE timers SET due_at = due_at - 3600")
        await client.advance(2 * 3600)
        assert nightly.seen == []
        await client.advance(3600)
        assert nightly.seen == ["1: 01 02:30"]


async def test_a_schedule_says_something_where_it_is_told() -> None:
    """It is nobody's, in no chat, and has the state of all."""
    bot = Interface(id="bot")
    facts: list[Any] = []

    @bot.every("0 9 * * *")
    async def morning(turn: Turn, total: Global[Ref[int]]) -> None:
        total.value += 1
        facts.append((turn.message.kind, turn.text, turn.platform, turn.chat.id))
        with pytest.raises(StateError, match="names nobody"):
            _ = turn.user
        await turn.send(f"Morning {total.value}!", to=Chat("room", "group"))

    @bot.command
    def count(total: Global[Ref[int]]) -> str:
        return f"{total.value}"

    client = TestClient(bot)
    client.clock.set(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    async with client:
        await client.advance(DAY)
        assert [(r.chat, r.text) for r in client.platform.delivered] == [("room", "Morning 1!")]
        assert facts == [("timer", "morning", "chatstate", "")]
        assert await texts(client.user("alice"), "/count") == ["1"]


async def test_what_a_schedule_cannot_do_is_told() -> None:
    """To return something, or to have a person's state: it has no chat, and nobody."""
    bot = Interface(id="bot")

    @bot.every("0 9 * * *")
    def says() -> str:
        return "Morning!"

    @bot.every("0 10 * * *")
    async def reads(turn: Turn) -> None:
        await turn.state(Ref[int])

    @bot.command
    def other(number: PerUser[Ref[int]]) -> None: ...

    client = TestClient(bot)
    client.clock.set(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    async with client:
        with pytest.raises(ReplyError, match="a schedule is of no chat"):
            await client.advance(9 * 3600 + 2)
        with pytest.raises(StateError, match="a schedule is nobody's"):
            await client.advance(3600)
        assert query(client, "SELECT count(*) FROM timers") == [(2,)]


async def test_a_schedule_that_fails_goes_on() -> None:
    """What failed is a dead letter, and the next slot has its own turn."""
    nightly = Nightly(datetime(2026, 6, 1, tzinfo=BERLIN))
    bot = nightly.bot

    @bot.every("0 5 * * *", tz="Europe/Berlin")
    def broken() -> None:
        raise RuntimeError("broken")

    async with TestClient(bot, clock=nightly.clock, raise_errors=False) as client:
        await client.advance(3 * DAY)
        assert query(client, "SELECT count(*) FROM dead_letters") == [(3,)]
    assert len(nightly.seen) == 3


async def test_there_is_one_schedule_on_several_accounts() -> None:
    """Then it says from which it sends; a chat it has a reference to is of its own."""
    bot = Interface(id="bot")
    seen: list[str] = []

    @bot.every("0 9 * * *")
    async def morning(turn: Turn) -> None:
        seen.append("morning")
        with pytest.raises(StateError, match="several accounts: say which"):
            await turn.send("Morning!", to=Chat("room"))
        await turn.send("Morning!", to=Chat("room"), account="test:2")

    first, second = FakePlatform(), FakePlatform(account="2")
    client = TestClient(bot, platform=first)
    client.clock.set(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    async with client:
        await bot.connect(second)
        await client.advance(DAY)
        while not second.delivered:
            await asyncio.sleep(0)
        assert seen == ["morning"]
        assert [(r.chat, r.text) for r in second.delivered] == [("room", "Morning!")]
        assert first.delivered == []


async def test_a_persons_schedule_goes_on_until_it_is_cancelled() -> None:
    """In their zone, with the data it was set with; to set it again changes it."""
    bot = Interface(id="bot")

    @bot.on_timer
    def remind(turn: Turn, what: str) -> str:
        assert turn.message.time
        return f"{what} {turn.message.time.astimezone(BERLIN):%d %H:%M}"

    @bot.command
    def daily(turn: Turn, hour: int) -> None:
        turn.every(f"0 {hour} * * *", remind, key="daily", tz="Europe/Berlin", what="drink")

    @bot.command
    def stop(turn: Turn) -> None:
        turn.cancel("daily")

    @bot.command
    async def timers(turn: Turn) -> str:
        (timer,) = await turn.timers()
        assert timer.schedule
        return f"{timer.schedule.every} {timer.schedule.zone} {timer.at.astimezone(BERLIN):%d %H}"

    client = TestClient(bot)
    client.clock.set(datetime(2026, 6, 1, tzinfo=BERLIN).timestamp())
    async with client:
        alice = client.user("alice")
        await alice.say("/daily 8")
        await client.advance(2 * DAY)
        await alice.say("/daily 9")
        await client.advance(DAY)
        assert await texts(alice, "/timers") == ["0 9 * * * Europe/Berlin 04 09"]
        await alice.say("/stop")
        await client.advance(2 * DAY)
        said: Sequence[str] = [reply.text for reply in client.platform.delivered]
        assert [text for text in said if text.startswith("drink")] == [
            "drink 01 08:00",
            "drink 02 08:00",
            "drink 03 09:00",
        ]


async def test_the_schedules_of_a_chat_that_blocks_the_bot_pause() -> None:
    """Each goes on at its time once somebody speaks there again."""
    bot = Interface(id="bot")
    ran: list[int] = []

    @bot.on_timer
    def remind(turn: Turn) -> str:
        ran.append(turn.message.time.day if turn.message.time else 0)
        return "Drink!"

    @bot.command
    def daily(turn: Turn) -> str:
        turn.every("0 9 * * *", remind, key="daily")
        return "Well."

    client = TestClient(bot)
    client.clock.set(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    async with client:
        alice = client.user("alice")
        await alice.say("/daily")
        client.platform.blocked.add(alice.chat.id)
        await client.advance(5 * DAY)
        assert ran == [1]  # it was told then
        client.platform.blocked.clear()
        await alice.say("/help")
        await client.advance(2 * DAY)
        assert ran == [1, 6, 7]


async def test_a_schedule_that_takes_longer_than_its_pace_is_not_piled_up() -> None:
    """There is one event of it at a time; what passed meanwhile happens once."""
    bot = Interface(id="bot")
    free, running = asyncio.Event(), list[datetime]()

    @bot.every(timedelta(seconds=10))
    async def slow(turn: Turn) -> None:
        assert turn.message.time
        running.append(turn.message.time)
        await free.wait()

    async with TestClient(bot) as client:
        while not running:
            await client.clock.advance(1)
        await client.clock.advance(100)
        assert len(query(client, "SELECT 1 FROM inbox WHERE done_at IS NULL")) == 1
        free.set()
        await client.advance(20)
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(running)]
        assert 1 <= len(gaps) <= 3  # of more than ten slots
        assert all(gap % 10 == 0 for gap in gaps)
