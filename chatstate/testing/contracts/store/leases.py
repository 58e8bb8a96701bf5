"""The store's contract: runs that die, or stand still, and those that go on with their work.

1. A run that does not beat for its lease is taken for dead by whoever claims, beats or leads next.
2. What it held is free then, with a crash counted against each conversation that had work.
3. From then on nothing of it is done any more: it is told so, whatever it asks for.
4. What it has committed stays, and nothing is done twice.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from chatstate.errors import LeaseLostError
from chatstate.stores.base import Arrival, Claim, DeadLetter, Expiry, Settled
from chatstate.testing.contracts.store.session import Session, event, global_key
from chatstate.testing.contracts.store.workers import PATIENCE, WorkersSuite, numbers_of, work

A = global_key("a")
Ask = Callable[[Session, Arrival], Awaitable[object]]

VERBS: dict[str, Ask] = {
    "account": lambda run, _: run.store.account("test", "1"),
    "ingest": lambda run, _: run.ingest(event("new"), cursor="new"),
    "claim": lambda run, _: run.store.claim(10),
    "release": lambda run, given: run.store.release([given.place.conversation]),
    "wait": lambda run, _: run.store.wait(),
    "events": lambda run, given: run.store.events(given.place.conversation, 0, 10),
    "pending": lambda run, given: run.store.pending([given.seq]),
    "suspect": lambda run, given: run.store.suspect(given.seq),
    "alias": lambda run, _: run.store.alias(run.account.id, "room", "new"),
    "load": lambda run, _: run.value(A),
    "commit": lambda run, given: run.commit(
        run.turn(given, run.change(A, None, "1"), owed=[run.reply(given)])
    ),
    "note": lambda run, given: run.store.note(given.seq, "a", "1"),
    "notes": lambda run, given: run.store.notes(given.seq),
    "expire": lambda run, given: run.store.expire([Expiry(A, given.place.conversation, told=True)]),
    "remember": lambda run, _: run.store.remember(run.account.id, "a", "1"),
    "take": lambda run, given: run.store.take(given.place.conversation, 0, 10),
    "begin": lambda run, given: run.store.begin(given.place.conversation, given.seq, 0),
    "flush": lambda run, _: run.store.flush(),
    "beat": lambda run, _: run.store.beat(),
    "lead": lambda run, _: run.leads("poller"),
    "answer": lambda run, _: run.store.answer(run.versions),
}
"""What a run may ask for that is dead."""


async def is_refused(run: Session, arrival: Arrival, ask: Ask) -> bool:
    """Tell whether a run is told that it is dead."""
    try:
        await ask(run, arrival)
    except LeaseLostError:
        return True
    return False


class LeasesContract(WorkersSuite):
    """`beat`, and what becomes of the work of a run that does not."""

    async def test_what_a_dead_run_held_is_claimed(self, tmp_path: Path) -> None:
        """With a crash; the more runs in a row have died of it, the more."""
        async with self.workers(tmp_path) as workers:
            first = await workers.start()
            waits, owes, idle = await first.arrive(*(event(str(n), chat=str(n)) for n in range(3)))
            await first.commit(first.turn(owes, owed=[first.reply(owes)]), first.turn(idle))
            dead = first
            for crashes in (1, 2, 3):
                run = await workers.start()
                await workers.outlive(dead)
                assert await run.claimed() == [
                    Claim(waits.place.conversation, True, False, crashes),
                    Claim(owes.place.conversation, False, True, crashes),
                ]
                dead = run

    async def test_a_crash_is_forgotten_by_whoever_gets_through_with_it(
        self, tmp_path: Path
    ) -> None:
        """Who lets go of a conversation, or ends as it should."""
        async with self.pair(tmp_path) as (workers, first, second):
            done, _ = await first.arrive(event("1", chat="a"), event("2", chat="b"))
            await workers.outlive(first)
            assert [claim.crashes for claim in await second.claimed()] == [1, 1]
            await second.commit(second.turn(done))
            assert len(await second.store.release([done.place.conversation])) == 1
            await second.store.end(clean=True)
            third, fourth = await workers.start(), await workers.start()
            await third.arrive(event("3", chat="a"))
            assert [claim.crashes for claim in await third.claimed()] == [0]
            await workers.outlive(second, third)
            assert [claim.crashes for claim in await fourth.claimed()] == [1, 1]

    async def test_an_idle_conversation_is_not_suspected(self, tmp_path: Path) -> None:
        """Its run died of something else: it is his who stores into it next."""
        async with self.pair(tmp_path) as (workers, first, second):
            (idle,) = await first.arrive(event("1"))
            await first.commit(first.turn(idle))
            await workers.outlive(first)
            assert await second.claimed() == []
            (again,) = await second.arrive(event("2"))
            assert again.place == idle.place
            third = await workers.start()
            await workers.outlive(second)
            assert [claim.crashes for claim in await third.claimed()] == [1]

    async def test_a_suspicion_is_known_to_the_next_run(self, tmp_path: Path) -> None:
        """Until a run that has the event ends as it should."""
        async with self.pair(tmp_path) as (workers, first, second):
            (arrival,) = await first.arrive(event("1"))
            await first.store.suspect(arrival.seq)
            await workers.outlive(first)
            await second.claimed()
            (again,) = await second.store.events(arrival.place.conversation, 0, 1)
            assert again.crashes == 1
            await second.store.end(clean=True)
            third = await workers.start()
            await third.claimed()
            (cleared,) = await third.store.events(arrival.place.conversation, 0, 1)
            assert cleared.crashes == 0

    async def test_a_run_lives_as_long_as_it_beats(self, tmp_path: Path) -> None:
        """Whoever else claims, beats and leads meanwhile."""
        async with self.pair(tmp_path) as (workers, mine, other):
            (arrival,) = await mine.arrive(event("1"))
            for _ in range(3):
                await workers.outlive()
                assert await other.leads("poller")
                assert await other.claimed() == []
            assert await mine.commit(mine.turn(arrival)) == ["applied"]

    async def test_a_run_that_nobody_has_missed_goes_on(self, tmp_path: Path) -> None:
        """Its lease is over, and nothing was taken from it: it may beat again."""
        async with self.pair(tmp_path) as (workers, mine, other):
            (arrival,) = await mine.arrive(event("1"))
            workers.time.now += 10 * mine.run.lease
            await mine.store.beat()
            assert await mine.commit(mine.turn(arrival)) == ["applied"]
            assert await is_refused(other, arrival, VERBS["beat"])

    async def test_whoever_claims_beats_or_leads_finds_the_dead(self, tmp_path: Path) -> None:
        """Each of them alone."""
        for number, verb in enumerate(("claim", "beat", "lead")):
            async with self.pair(tmp_path) as (workers, mine, other):
                (arrival,) = await mine.arrive(event(str(number), chat=str(number)))
                workers.time.now += other.run.lease / 2
                await other.store.beat()
                workers.time.now += other.run.lease / 2
                await VERBS[verb](other, arrival)
                assert await is_refused(mine, arrival, VERBS["load"])
                assert (await other.store.figures()).crashed_at == workers.time.now
                held = [claim.conversation for claim in await other.claimed()]
                assert verb == "claim" or arrival.place.conversation in held

    async def test_a_dead_run_is_refused_whatever_it_asks_for(self, tmp_path: Path) -> None:
        """And nothing of it is done."""
        async with self.pair(tmp_path) as (workers, frozen, other):
            (arrival,) = await frozen.arrive(event("1"))
            await workers.outlive(frozen)
            await other.claimed()
            refused = [
                name for name, ask in VERBS.items() if await is_refused(frozen, arrival, ask)
            ]
            assert refused == list(VERBS)
            assert await numbers_of(other, arrival.place.conversation) == [arrival.seq]
            assert await other.text(A) is None
            assert await other.owed(arrival) == []
            assert await other.store.recall(other.account.id, "a") is None
            assert (await other.store.account("test", "1")).cursors == {}
            (event_again,) = await other.store.events(arrival.place.conversation, 0, 1)
            assert (event_again.crashes, event_again.noted) == (0, False)

    async def test_what_a_dead_run_settled_is_owed_still(self, tmp_path: Path) -> None:
        """It did not come through in time: whoever has its work now decides."""
        async with self.pair(tmp_path) as (workers, frozen, other):
            (arrival,) = await frozen.arrive(event("1"))
            await frozen.commit(frozen.turn(arrival, owed=frozen.replies(arrival)))
            await frozen.store.take(arrival.place.conversation, 0, 1)
            await workers.outlive(frozen)
            frozen.store.settle(Settled(arrival.place.conversation, arrival.seq, 0))
            assert await is_refused(frozen, arrival, VERBS["flush"])
            (claim,) = await other.claimed()
            taken = await other.store.take(claim.conversation, 0, 10)
            assert [owed.begun_at is None for owed in taken] == [False, True]

    async def test_a_dead_run_may_be_ended(self, tmp_path: Path) -> None:
        """Others have its work already: that stays so."""
        async with self.pair(tmp_path) as (workers, frozen, other):
            (arrival,) = await frozen.arrive(event("1"))
            await workers.outlive(frozen)
            await other.claimed()
            await frozen.store.end(clean=True)
            third = await workers.start()
            assert await third.claimed() == []
            assert await other.commit(other.turn(arrival)) == ["applied"]

    async def test_what_was_committed_before_is_done(self, tmp_path: Path) -> None:
        """Whoever goes on finds it so, and does not do it again."""
        async with self.pair(tmp_path) as (workers, frozen, other):
            first, second, third = await frozen.arrive(event("1"), event("2"), event("3"))
            done = frozen.turn(first, frozen.change(A, None, "1"), owed=[frozen.reply(first)])
            late = frozen.turn(second, frozen.change(A, done.changes[0].value, "2"))
            assert await frozen.commit(done) == ["applied"]
            await workers.outlive(frozen)
            (claim,) = await other.claimed()
            assert await numbers_of(other, claim.conversation) == [second.seq, third.seq]
            assert await other.text(A) == "1"
            assert await is_refused(frozen, second, lambda run, _: run.commit(late))
            change = other.change(A, await other.value(A), "2")
            turns = [other.turn(second, change), other.turn(third)]
            assert await other.commit(*turns) == ["applied"] * 2
            assert await other.owed(first) == [(first.seq, 0)]

    async def test_a_burial_during_a_commit_comes_before_or_after_it(self, tmp_path: Path) -> None:
        """The batch is applied as a whole, or refused as a whole; nothing of it is done twice."""
        for claims_first in (True, False):
            folder = tmp_path / str(claims_first)
            folder.mkdir()
            async with self.pair(folder) as (workers, frozen, other):
                arrivals = await frozen.arrive(*(event(str(n), chat=str(n)) for n in range(3)))
                turns = [frozen.turn(arrival) for arrival in arrivals[1:]]
                turns.append(frozen.turn(arrivals[0], frozen.change(A, None, "1")))
                workers.time.now += other.run.lease / 2
                await other.store.beat()
                workers.time.now += other.run.lease / 2
                claiming = asyncio.ensure_future(other.claimed()) if claims_first else None
                committing = asyncio.ensure_future(frozen.commit(*turns))
                claimed = await (claiming or other.claimed())
                await asyncio.wait([committing])
                is_done = committing.exception() is None
                assert is_done or isinstance(committing.exception(), LeaseLostError)
                assert len(claimed) == (0 if is_done else 3)
                assert (await other.text(A) == "1") is is_done

    async def test_a_run_is_told_that_it_is_dead_while_it_waits(self, tmp_path: Path) -> None:
        """Without asking for anything."""
        async with self.pair(tmp_path) as (workers, frozen, _):
            (arrival,) = await frozen.arrive(event("1"))
            waiting = asyncio.create_task(is_refused(frozen, arrival, VERBS["wait"]))
            await workers.outlive(frozen)
            async with asyncio.timeout(PATIENCE):
                assert await waiting

    async def test_others_are_woken_for_what_a_dead_run_held(self, tmp_path: Path) -> None:
        """As soon as some run has missed it."""
        async with self.pair(tmp_path) as (workers, frozen, other):
            third = await workers.start()
            await frozen.arrive(event("1"))

            waiting = asyncio.create_task(work(third))
            await workers.outlive(frozen)
            assert await other.leads("poller")
            async with asyncio.timeout(PATIENCE):
                assert len(await waiting) == 1

    async def test_a_role_goes_on_when_its_run_is_dead(self, tmp_path: Path) -> None:
        """To whoever asks first."""
        async with self.pair(tmp_path) as (workers, frozen, other):
            assert await frozen.leads("poller")
            assert not await other.leads("poller")
            await workers.outlive(frozen)
            assert await other.leads("poller")
            third = await workers.start()
            assert not await third.leads("poller")

    async def test_dead_letters_outlive_the_run(self, tmp_path: Path) -> None:
        """They are the bot's."""
        async with self.pair(tmp_path) as (workers, dead, other):
            (arrival,) = await dead.arrive(event("1"))
            await dead.commit(dead.turn(arrival, dead=DeadLetter("event", "it broke")))
            await workers.outlive(dead)
            (letter,) = await other.letters()
            await other.ask("retry", letter)
            (answer,) = await other.store.answer(other.versions)
            assert answer.arrival
            assert await other.commit(other.turn(answer.arrival)) == ["applied"]
