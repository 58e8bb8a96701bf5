"""The store's contract: what goes out, and what could not.

1. Replies are owed in order until they are settled, in the next process too.
2. Whether sending had begun is durable before it begins.
3. What fails for good is a dead letter, which only a request brings back: once, and to its own bot.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import DeadLetter, Owed, Settled
from chatstate.testing.contracts.store.session import Session, StoreSuite, event


async def flush(session: Session) -> None:
    """Make a transaction, which takes along what was settled."""
    await session.ingest(cursor="x")


class OutboxContract(StoreSuite):
    """`take`, `begin` and `settle`."""

    async def test_replies_are_taken_in_order(self, tmp_path: Path) -> None:
        """That of their commits, of one conversation, after a given row, at most so many."""
        async with self.session(tmp_path) as session:
            first, second, other = await session.arrive(
                event("1"), event("2"), event("3", chat="other")
            )
            await session.commit(
                session.turn(first, owed=[session.reply(first, part) for part in range(3)]),
                session.turn(second, owed=[session.reply(second, part) for part in range(2)]),
                session.turn(other, owed=[session.reply(other)]),
            )
            every = [(first.seq, 0), (first.seq, 1), (first.seq, 2), (second.seq, 0)]
            every.append((second.seq, 1))
            assert await session.owed(first) == every

            async def take(after: int, limit: int) -> list[tuple[int, int]]:
                taken = await session.store.take(first.place.conversation, after, limit)
                rows.extend(owed.row for owed in taken)
                return [(owed.turn, owed.part) for owed in taken]

            rows: list[int] = []
            assert await take(0, 2) == every[:2]
            assert await take(rows[-1], 2) == every[2:4]
            assert await take(rows[-1], 2) == every[4:]
            assert await take(rows[-1], 2) == []
            assert rows == sorted(set(rows))
            assert await session.owed(other) == [(other.seq, 0)]

    async def test_a_taken_reply_is_begun(self, tmp_path: Path) -> None:
        """`begun_at` tells what was before: None at first, then the time of the last take."""
        async with self.session(tmp_path, clock=lambda: 5.0) as session:
            (arrival,) = await session.arrive(event("1"))
            replies = [session.reply(arrival), Owed(arrival.seq, 1, '"b"', 3.0)]
            await session.commit(session.turn(arrival, owed=replies))
            conversation = arrival.place.conversation
            first = await session.store.take(conversation, 0, 10)
            assert [owed.begun_at for owed in first] == [None, 3.0]
            second = await session.store.take(conversation, 0, 10)
            assert [owed.begun_at for owed in second] == [5.0, 3.0]

    async def test_what_was_begun_is_known_in_the_next_process(self, tmp_path: Path) -> None:
        """Whether by `take` or by `begin`, with the crashes held against it."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False, clock=lambda: 5.0) as session:
            (arrival,) = await session.arrive(event("1"))
            conversation = arrival.place.conversation
            replies = [session.reply(arrival, part) for part in range(3)]
            await session.commit(session.turn(arrival, owed=replies))
            await session.store.take(conversation, 0, 1)
            await session.store.begin(conversation, arrival.seq, 1, crashes=2)
        async with self.session(tmp_path) as reopened:
            taken = await reopened.store.take(conversation, 0, 10)
            assert [(owed.begun_at, owed.crashes) for owed in taken] == [
                (5.0, 0),
                (5.0, 2),
                (None, 0),
            ]
            await reopened.store.begin(conversation, arrival.seq, 1)
            (again,) = await reopened.store.take(conversation, taken[0].row, 1)
            assert again.crashes == 0

    async def test_a_settled_reply_is_owed_no_more(self, tmp_path: Path) -> None:
        """It alone, and never again from that moment on; an unknown one is none."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            conversation = arrival.place.conversation
            await session.commit(
                session.turn(arrival, owed=[session.reply(arrival, n) for n in range(3)])
            )
            session.store.settle(Settled(conversation, arrival.seq, 1))
            session.store.settle(Settled(conversation, arrival.seq + 1000, 0))
            assert await session.owed(arrival) == [(arrival.seq, 0), (arrival.seq, 2)]
            session.store.settle(Settled(conversation, arrival.seq, 0))
            session.store.settle(Settled(conversation, arrival.seq, 2))
            await flush(session)
            assert await session.owed(arrival) == []

    async def test_a_settled_reply_is_settled_in_the_next_process(self, tmp_path: Path) -> None:
        """The transaction after it has it, and so has closing."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(
                session.turn(arrival, owed=[session.reply(arrival, n) for n in range(2)])
            )
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 0))
            await flush(session)
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 1))
        async with self.session(tmp_path) as reopened:
            assert await reopened.owed(arrival) == []


class LettersContract(StoreSuite):
    """Dead letters, and `revive`."""

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
            await session.commit(
                session.turn(arrival, owed=[session.reply(arrival, n) for n in range(2)])
            )
            dead = DeadLetter("reply", "refused", "in detail")
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, dead))
            await flush(session)
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
            await session.commit(
                session.turn(arrival, owed=[session.reply(arrival, n) for n in range(2)])
            )
            dead = DeadLetter("reply", "refused")
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, dead))
            await flush(session)
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
