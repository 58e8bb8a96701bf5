"""The store's contract: what could not be done.

1. What fails for good is a dead letter, which only a request brings back: once.
2. It comes back as what is newest in its conversation, and to its own bot.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import DeadLetter, Settled
from chatstate.testing.contracts.store.session import StoreSuite, event


class LettersContract(StoreSuite):
    """Dead letters: `ask` and `answer`."""

    async def test_an_event_that_failed_is_a_dead_letter(self, tmp_path: Path) -> None:
        """One for each event of its turn, with what it was, who said it where, and why."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1", "one"), event("2", "two"))
            dead = DeadLetter("event", "it broke", "in detail")
            turn = session.turn(second, also=[first.seq], dead=dead, owed=[session.reply(second)])
            assert await session.commit(turn, turn) == ["applied"] * 2
            letters = await session.letters()
            assert len({letter.number for letter in letters}) == 2
            assert [text in letter.body for letter in letters for text in ('"one"', '"two"')] == [
                True,
                False,
                False,
                True,
            ]
            for letter in letters:
                assert (letter.kind, letter.chat, letter.person) == ("event", "room", "alice")
                assert (letter.error, letter.detail) == ("it broke", "in detail")
            assert await session.owed(second) == [(second.seq, 0)]

    async def test_a_conflict_leaves_no_dead_letter(self, tmp_path: Path) -> None:
        """Nothing of the turn was done."""
        async with self.session(tmp_path) as session:
            _, second = await session.arrive(event("1"), event("2"))
            turn = session.turn(second, dead=DeadLetter("event", "it broke"))
            assert await session.commit(turn) == ["conflict"]
            assert list(await session.letters()) == []

    async def test_a_refused_reply_is_a_dead_letter(self, tmp_path: Path) -> None:
        """It leaves the line; what comes behind it stays."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, owed=session.replies(arrival)))
            dead = DeadLetter("reply", "refused", "in detail")
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, dead))
            await session.store.flush()
            assert await session.owed(arrival) == [(arrival.seq, 1)]
            (letter,) = await session.letters()
            assert (letter.kind, letter.chat, letter.body) == ("reply", "room", '"hello"')
            assert (letter.error, letter.detail) == ("refused", "in detail")

    async def test_nothing_is_revived_unasked(self, tmp_path: Path) -> None:
        """A dead letter stays one."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, dead=DeadLetter("event", "it broke")))
            assert list(await session.store.answer(session.versions)) == []
            assert len(await session.letters()) == 1

    async def test_a_retried_event_arrives_again(self, tmp_path: Path) -> None:
        """As a new event of the same words at the same place, last in its line, once."""
        async with self.session(tmp_path) as session:
            failed, later = await session.arrive(event("1", "one"), event("2"))
            await session.commit(session.turn(failed, dead=DeadLetter("event", "it broke")))
            (letter,) = await session.letters()
            await session.ask("retry", letter)
            await session.ask("retry", letter)
            (revived,) = await session.store.answer(session.versions)
            assert revived.arrival
            assert revived.arrival.place == failed.place
            assert revived.arrival.event.message == failed.event.message
            assert await session.waiting(failed) == [later.seq, revived.arrival.seq]
            assert list(await session.letters()) == []
            assert list(await session.store.answer(session.versions)) == []
            turns = [session.turn(later), session.turn(revived.arrival)]
            assert await session.commit(*turns) == ["applied"] * 2

    async def test_a_retried_event_may_fail_again(self, tmp_path: Path) -> None:
        """It is a dead letter again, which can be retried again."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            for _ in range(3):
                await session.commit(session.turn(arrival, dead=DeadLetter("event", "it broke")))
                (letter,) = await session.letters()
                await session.ask("retry", letter)
                (revived,) = await session.store.answer(session.versions)
                assert revived.arrival
                arrival = revived.arrival
            assert await session.waiting(arrival) == [arrival.seq]

    async def test_a_retried_reply_is_owed_again(self, tmp_path: Path) -> None:
        """Last in its conversation's line, as if it were new."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, owed=session.replies(arrival)))
            dead = DeadLetter("reply", "refused")
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, dead))
            await session.store.flush()
            (letter,) = await session.letters()
            await session.ask("retry", letter)
            (revived,) = await session.store.answer(session.versions)
            assert revived.conversation == arrival.place.conversation
            assert list(await session.letters()) == []
            taken = await session.store.take(arrival.place.conversation, 0, 10)
            assert [(owed.part, owed.body, owed.crashes) for owed in taken] == [
                (1, '"hello"', 0),
                (0, '"hello"', 0),
            ]
            assert taken[1].begun_at is None

    async def test_a_dropped_letter_is_gone(self, tmp_path: Path) -> None:
        """Nothing is alive for it."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, dead=DeadLetter("event", "it broke")))
            (letter,) = await session.letters()
            await session.ask("drop", letter)
            assert list(await session.store.answer(session.versions)) == []
            assert list(await session.letters()) == []
            assert await session.waiting(arrival) == []

    async def test_a_request_waits_for_its_own_bot(self, tmp_path: Path) -> None:
        """Another bot on the store leaves it alone; the next process of its bot does it."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, dead=DeadLetter("event", "it broke")))
            (letter,) = await session.letters()
            await session.ask("retry", letter)
        async with self.session(tmp_path, bot="other") as other:
            assert list(await other.store.answer(other.versions)) == []
        async with self.session(tmp_path) as reopened:
            (revived,) = await reopened.store.answer(reopened.versions)
            assert revived.arrival
            assert revived.arrival.place == arrival.place
