"""The store's contract: timers.

1. There is one timer for each conversation, person and key, whatever sets it.
2. One that is due becomes an event, once, which waits in its line; it stays until a turn ends it.
3. What is set, moved or cancelled is so only if the turn is applied.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from chatstate.messages import User
from chatstate.stores.base import (
    Arrival,
    DeadLetter,
    Fired,
    Firing,
    Settled,
    StoredTimer,
    TimerChange,
)
from chatstate.testing.contracts.store.session import NOW, Session, StoreSuite, Time, event
from chatstate.testing.contracts.store.workers import WorkersSuite, numbers_of


def _timer(
    session: Session, arrival: Arrival, due_at: float = NOW, key: str = "tea", text: str = '{"é":1}'
) -> StoredTimer:
    place = arrival.place
    generation = next(session.versions)
    return StoredTimer(
        place.conversation, place.person, key, generation, due_at, "ding", text, "9:00", "de"
    )


def _set(timer: StoredTimer, expected: int = 0) -> TimerChange:
    return TimerChange(timer.person, timer.key, timer, expected)


def _end(timer: StoredTimer) -> TimerChange:
    return TimerChange(timer.person, timer.key, expected=timer.generation)


async def _put(session: Session, arrival: Arrival, *timers: StoredTimer) -> None:
    """Commit the turn of an event, which sets timers."""
    turn = session.turn(arrival, timers=[_set(timer) for timer in timers])
    assert await session.commit(turn) == ["applied"]


async def _fire(session: Session, limit: int = 100) -> Firing:
    return await session.store.fire([session.account.id], limit)


async def _fired(session: Session) -> Arrival:
    """Return the event of the one timer that fires now."""
    (arrival,) = (await _fire(session)).arrivals
    return arrival


async def _timers(session: Session, arrival: Arrival) -> Sequence[StoredTimer]:
    return await session.store.timers(arrival.place.conversation, arrival.place.person)


class TimersContract(StoreSuite):
    """`timers`, `timer_handlers`, `schedule`, `fire`, and what a turn does to timers."""

    async def test_a_turn_sets_timers(self, tmp_path: Path) -> None:
        """Those of each person in each conversation by themselves, the next one first."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2", user="bob"))
            later, sooner = _timer(session, first, NOW + 2), _timer(session, first, NOW + 1, "a")
            await _put(session, first, later, sooner)
            await _put(session, second, _timer(session, second))
            assert list(await _timers(session, first)) == [sooner, later]
            (other,) = await _timers(session, second)
            assert other.key == "tea"

    async def test_a_timer_of_the_same_key_is_set_in_its_place(self, tmp_path: Path) -> None:
        """Also in one turn, whose last word counts."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await _put(session, first, _timer(session, first))
            new = _timer(session, second, NOW + 1, text="2")
            await _put(session, second, _timer(session, second, NOW + 5), new)
            assert list(await _timers(session, second)) == [new]

    async def test_a_timer_is_cancelled(self, tmp_path: Path) -> None:
        """It never fires; to cancel what is not there is no error."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await _put(session, first, _timer(session, first))
            cancelled = [TimerChange(first.place.person, key) for key in ("tea", "none")]
            assert await session.commit(session.turn(second, timers=cancelled)) == ["applied"]
            assert list(await _timers(session, first)) == []
            assert await _fire(session) == Firing([], None)

    async def test_a_turn_that_is_not_applied_changes_no_timer(self, tmp_path: Path) -> None:
        """It is one of the turn's effects."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            gone = _timer(session, arrival)
            turn = session.turn(arrival, timers=[_set(_timer(session, arrival)), _end(gone)])
            assert await session.commit(turn) == ["conflict"]
            assert list(await _timers(session, arrival)) == []

    async def test_a_timer_fires_when_its_time_has_come(self, tmp_path: Path) -> None:
        """It is an event of its conversation and person, with all that is to be known of it."""
        time = Time()
        async with self.session(tmp_path, clock=time) as session:
            (arrival,) = await session.arrive(event("1", thread="t"))
            timer = _timer(session, arrival, NOW + 10)
            await _put(session, arrival, timer)
            time.now = NOW + 9
            assert await _fire(session) == Firing([], NOW + 10)
            time.now = NOW + 10
            fired = await _fired(session)
            assert fired.place == arrival.place
            assert fired.event.id == f"timer-{timer.generation}"
            message = fired.event.message
            assert (message.kind, message.text, message.thread) == ("timer", "tea", "t")
            assert (message.sender, message.chat.id) == (User("alice", "", "de"), "room")
            assert message.time == datetime.fromtimestamp(NOW + 10, UTC)
            told = Fired(timer.generation, NOW + 10, "ding", timer.text, "9:00")
            assert msgspec.convert(message.raw, Fired) == told
            waiting = await session.store.events(arrival.place.conversation, 0, 10)
            assert list(waiting) == [fired]

    async def test_a_timer_fires_once(self, tmp_path: Path) -> None:
        """It stays as fired until a turn ends it; that of its event need not be the one."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            timer = _timer(session, arrival)
            await _put(session, arrival, timer)
            fired = await _fired(session)
            assert await _fire(session) == Firing([], None)
            assert list(await _timers(session, arrival)) == [replace(timer, fired=fired.seq)]
            assert await session.commit(session.turn(fired, timers=[_end(timer)])) == ["applied"]
            assert list(await _timers(session, arrival)) == []

    async def test_a_timer_that_fired_may_set_itself_again(self, tmp_path: Path) -> None:
        """In the commit of its turn: as a schedule does, and whether that failed or not."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            timer = _timer(session, arrival)
            await _put(session, arrival, timer)
            again = _timer(session, arrival)
            turn = session.turn(
                await _fired(session),
                timers=[_set(again, timer.generation)],
                dead=DeadLetter("event", "broken"),
            )
            assert await session.commit(turn) == ["applied"]
            assert list(await _timers(session, arrival)) == [again]
            assert (await _fired(session)).event.id == f"timer-{again.generation}"

    async def test_a_turn_whose_timer_is_another_by_now_is_a_conflict(self, tmp_path: Path) -> None:
        """It was moved, or cancelled, before the turn of its event was committed."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            timer = _timer(session, first)
            await _put(session, first, timer)
            fired = await _fired(session)
            moved = _timer(session, first, NOW + 10)
            await _put(session, second, moved)
            ending = session.turn(fired, timers=[_end(timer)])
            assert await session.commit(ending) == ["conflict"]
            assert list(await _timers(session, first)) == [moved]
            assert await session.commit(session.turn(fired)) == ["applied"]
            assert await _fire(session) == Firing([], NOW + 10)

    async def test_a_timer_of_a_chat_that_takes_nothing_says_so(self, tmp_path: Path) -> None:
        """As long as nothing comes from there."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            owed = [session.reply(arrival)]
            timers = [_set(_timer(session, arrival, key=key)) for key in "ab"]
            await session.commit(session.turn(arrival, owed=owed, timers=timers))
            dead = DeadLetter("reply", "blocked", is_blocked=True)
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, dead))
            await session.store.flush()
            (first,) = (await _fire(session, 1)).arrivals
            await session.arrive(event("2"))
            (second,) = (await _fire(session, 1)).arrivals
            told = [msgspec.convert(t.event.message.raw, Fired) for t in (first, second)]
            assert [fired.is_blocked for fired in told] == [True, False]

    async def test_a_timer_waits_in_its_line(self, tmp_path: Path) -> None:
        """Behind what was there before it fired."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await _put(session, first, _timer(session, first))
            fired = await _fired(session)
            (third,) = await session.arrive(event("3"))
            assert await session.waiting(first) == [second.seq, fired.seq, third.seq]
            assert await session.commit(session.turn(fired)) == ["conflict"]

    async def test_the_earliest_fire_first(self, tmp_path: Path) -> None:
        """So many at a time, of all conversations; then it is told when the next one does."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2", chat="other"))
            await _put(session, first, *(_timer(session, first, NOW - n, f"{n}") for n in (1, 3)))
            await _put(session, second, *(_timer(session, second, NOW - n, f"{n}") for n in (4, 2)))
            assert await _fire(session, 0) == Firing([], NOW - 4)
            told = await _fire(session, 3)
            assert [arrival.event.message.text for arrival in told.arrivals] == ["4", "3", "2"]
            assert told.next_at == NOW - 1

    async def test_only_timers_of_the_accounts_asked_for_fire(self, tmp_path: Path) -> None:
        """Those of an account that is not connected wait."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await _put(session, arrival, _timer(session, arrival))
            other = await session.store.account("test", "2")
            assert await session.store.fire([other.id], 10) == Firing([], None)
            assert await session.store.fire([], 10) == Firing([], None)
            both = await session.store.fire([other.id, session.account.id], 10)
            assert len(both.arrivals) == 1

    async def test_a_timer_that_fired_is_never_dropped(self, tmp_path: Path) -> None:
        """An event that must make room is one that somebody has sent."""
        async with self.session(tmp_path, waiting_limit=3, overflow="drop_oldest") as session:
            first, second = await session.arrive(event("1"), event("2"))
            await _put(session, first, _timer(session, first))
            fired = await _fired(session)
            (third,) = await session.arrive(event("3"))
            (last,) = await session.ingest(event("4"))
            assert last.dropped == third.seq
            assert last.arrival
            waiting = await session.waiting(first)
            assert waiting == [second.seq, fired.seq, last.arrival.seq]

    async def test_timers_are_set_outside_of_turns(self, tmp_path: Path) -> None:
        """What is there with the same text stays as it is, also if it has fired."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            timer, other = _timer(session, arrival), _timer(session, arrival, key="other")
            await session.store.schedule([timer, other])
            assert list(await _timers(session, arrival)) == [timer, other]
            fired = (await _fire(session, 1)).arrivals[0]
            again = _timer(session, arrival, NOW + 5)
            changed = _timer(session, arrival, NOW + 5, "other", "2")
            await session.store.schedule([again, changed])
            expected = [replace(timer, fired=fired.seq), changed]
            assert list(await _timers(session, arrival)) == expected

    async def test_handlers_are_told_once(self, tmp_path: Path) -> None:
        """Those of the accounts asked for, however many timers are for each."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            names = ("b", "a", "b", "")
            timers = [
                replace(_timer(session, arrival, key=str(number)), handler=name)
                for number, name in enumerate(names)
            ]
            await _put(session, arrival, *timers)
            known = session.store.timer_handlers
            assert list(await known([session.account.id])) == ["", "a", "b"]
            assert list(await known([])) == []

    async def test_a_timer_moves_with_its_chat(self, tmp_path: Path) -> None:
        """Of two under one key that of the older chat stays."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1", chat="old"), event("2", chat="new"))
            mine = _timer(session, first, NOW + 1)
            theirs, more = _timer(session, second), _timer(session, second, NOW + 2, "more")
            await _put(session, first, mine)
            await _put(session, second, theirs, more)
            await session.store.alias(session.account.id, "old", "new")
            moved = replace(more, conversation=first.place.conversation)
            assert list(await _timers(session, first)) == [mine, moved]
            assert list(await _timers(session, second)) == []

    async def test_timers_are_there_in_the_next_process(self, tmp_path: Path) -> None:
        """Those that wait, and those that have fired, whose events wait."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            first, second = await session.arrive(event("1"), event("2", chat="other"))
            timer = _timer(session, second, NOW + 5)
            await _put(session, first, _timer(session, first))
            await _put(session, second, timer)
            fired = await _fired(session)
        async with self.session(tmp_path) as reopened:
            assert list(await _timers(reopened, second)) == [timer]
            assert list(await reopened.store.events(first.place.conversation, 0, 10)) == [fired]
            assert await _fire(reopened) == Firing([], NOW + 5)

    async def test_a_timer_that_failed_is_a_dead_letter(self, tmp_path: Path) -> None:
        """It can be retried as any event, whose id tells that it is no timer's own any more."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            timer = _timer(session, arrival)
            await _put(session, arrival, timer)
            fired = await _fired(session)
            dead = DeadLetter("event", "broken")
            assert await session.commit(session.turn(fired, dead=dead, timers=[_end(timer)])) == [
                "applied"
            ]
            (letter,) = await session.letters()
            await session.ask("retry", letter)
            (revived,) = await session.store.answer(session.versions)
            assert revived.arrival
            assert revived.arrival.event.message == fired.event.message
            assert revived.arrival.event.id != fired.event.id


class SharedTimersContract(WorkersSuite):
    """`fire`, among several runs."""

    async def test_a_timer_fires_in_the_run_that_holds_its_conversation(
        self, tmp_path: Path
    ) -> None:
        """Where nobody holds it, in that which leads the clock."""
        async with self.pair(tmp_path) as (_, mine, other):
            (arrival,) = await mine.arrive(event("1"))
            first = _timer(mine, arrival)
            await _put(mine, arrival, first)
            assert await other.leads("clock")
            assert await _fire(other) == Firing([], NOW)
            fired = await _fired(mine)
            again = _timer(mine, arrival)
            await mine.commit(mine.turn(fired, timers=[_set(again, first.generation)]))
            conversation = arrival.place.conversation
            await mine.store.release([conversation])
            assert await _fire(mine) == Firing([], NOW)
            told = await _fired(other)
            assert await mine.claimed() == []
            assert await numbers_of(other, conversation) == [told.seq]
