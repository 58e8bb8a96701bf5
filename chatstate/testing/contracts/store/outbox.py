"""The store's contract, last part: what goes out, and what could not."""

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
        """By turn and part, of one conversation, after a given one, at most so many."""
        async with self.session(tmp_path) as one:
            first, second, other = await one.arrive(
                event("1"), event("2"), event("3", chat="other")
            )
            await one.commit(
                one.turn(first, owed=[one.reply(first, part) for part in range(3)]),
                one.turn(second, owed=[one.reply(second, part) for part in range(2)]),
                one.turn(other, owed=[one.reply(other)]),
            )
            every = [(first.seq, 0), (first.seq, 1), (first.seq, 2), (second.seq, 0)]
            every.append((second.seq, 1))
            assert await one.owed(first) == every

            async def take(after: tuple[int, int], limit: int) -> list[tuple[int, int]]:
                taken = await one.store.take(first.place.conversation, after, limit)
                return [(owed.turn, owed.part) for owed in taken]

            assert await take((0, -1), 2) == every[:2]
            assert await take(every[1], 2) == every[2:4]
            assert await take(every[4], 2) == []
            assert await one.owed(other) == [(other.seq, 0)]

    async def test_a_taken_reply_is_begun(self, tmp_path: Path) -> None:
        """`begun_at` tells what was before: None at first, then the time of the last take."""
        async with self.session(tmp_path, clock=lambda: 5.0) as one:
            (arrival,) = await one.arrive(event("1"))
            replies = [one.reply(arrival), Owed(arrival.seq, 1, '"b"', 3.0)]
            await one.commit(one.turn(arrival, owed=replies))
            conversation = arrival.place.conversation
            first = await one.store.take(conversation, (0, -1), 10)
            assert [owed.begun_at for owed in first] == [None, 3.0]
            second = await one.store.take(conversation, (0, -1), 10)
            assert [owed.begun_at for owed in second] == [5.0, 3.0]

    async def test_what_was_begun_is_known_in_the_next_process(self, tmp_path: Path) -> None:
        """Whether by `take` or by `begin`, with the crashes held against it."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False, clock=lambda: 5.0) as one:
            (arrival,) = await one.arrive(event("1"))
            conversation = arrival.place.conversation
            replies = [one.reply(arrival, part) for part in range(3)]
            await one.commit(one.turn(arrival, owed=replies))
            await one.store.take(conversation, (0, -1), 1)
            await one.store.begin(conversation, arrival.seq, 1, crashes=2)
        async with self.session(tmp_path) as two:
            taken = await two.store.take(conversation, (0, -1), 10)
            assert [(owed.begun_at, owed.crashes) for owed in taken] == [
                (5.0, 0),
                (5.0, 2),
                (None, 0),
            ]
            await two.store.begin(conversation, arrival.seq, 1)
            (again,) = await two.store.take(conversation, (arrival.seq, 0), 1)
            assert again.crashes == 0

    async def test_a_settled_reply_is_owed_no_more(self, tmp_path: Path) -> None:
        """It alone, and never again from that moment on; an unknown one is none."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            conversation = arrival.place.conversation
            await one.commit(one.turn(arrival, owed=[one.reply(arrival, n) for n in range(3)]))
            one.store.settle(Settled(conversation, arrival.seq, 1))
            one.store.settle(Settled(conversation, arrival.seq + 1000, 0))
            assert await one.owed(arrival) == [(arrival.seq, 0), (arrival.seq, 2)]
            one.store.settle(Settled(conversation, arrival.seq, 0))
            one.store.settle(Settled(conversation, arrival.seq, 2))
            await flush(one)
            assert await one.owed(arrival) == []
            assert list((await one.store.backlog([one.account.id])).outbox) == []

    async def test_a_settled_reply_is_settled_in_the_next_process(self, tmp_path: Path) -> None:
        """The transaction after it has it, and so has closing."""
        self.needs_durability()
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(one.turn(arrival, owed=[one.reply(arrival, n) for n in range(2)]))
            one.store.settle(Settled(arrival.place.conversation, arrival.seq, 0))
            await flush(one)
            one.store.settle(Settled(arrival.place.conversation, arrival.seq, 1))
        async with self.session(tmp_path) as two:
            assert await two.owed(arrival) == []


class LettersContract(StoreSuite):
    """Dead letters, and `revive`."""

    async def test_an_event_that_failed_is_a_dead_letter(self, tmp_path: Path) -> None:
        """One for each event of its turn, with what it was, who said it where, and why."""
        async with self.session(tmp_path) as one:
            first, second = await one.arrive(event("1", "one"), event("2", "two"))
            dead = DeadLetter("event", "it broke", "in detail")
            turn = one.turn(second, also=[first.seq], dead=dead, owed=[one.reply(second)])
            assert await one.commit(turn, turn) == ["applied"] * 2
            letters = self.letters(tmp_path)
            assert len({letter.id for letter in letters}) == 2
            assert [text in letter.body for letter in letters for text in ('"one"', '"two"')] == [
                True,
                False,
                False,
                True,
            ]
            for letter in letters:
                assert (letter.kind, letter.chat, letter.person) == ("event", "room", "alice")
                assert (letter.error, letter.detail) == ("it broke", "in detail")
            assert await one.owed(second) == [(second.seq, 0)]

    async def test_a_conflict_leaves_no_dead_letter(self, tmp_path: Path) -> None:
        """Nothing of the turn was done."""
        async with self.session(tmp_path) as one:
            _, second = await one.arrive(event("1"), event("2"))
            turn = one.turn(second, dead=DeadLetter("event", "it broke"))
            assert await one.commit(turn) == ["conflict"]
            assert list(self.letters(tmp_path)) == []

    async def test_a_refused_reply_is_a_dead_letter(self, tmp_path: Path) -> None:
        """It leaves the line; what comes behind it stays."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(one.turn(arrival, owed=[one.reply(arrival, n) for n in range(2)]))
            dead = DeadLetter("reply", "refused", "in detail")
            one.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, dead))
            await flush(one)
            assert await one.owed(arrival) == [(arrival.seq, 1)]
            (letter,) = self.letters(tmp_path)
            assert (letter.kind, letter.chat, letter.body) == ("reply", "room", '"hello"')
            assert (letter.error, letter.detail) == ("refused", "in detail")

    async def test_nothing_is_revived_unasked(self, tmp_path: Path) -> None:
        """A dead letter stays one."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(one.turn(arrival, dead=DeadLetter("event", "it broke")))
            assert list(await one.store.revive()) == []
            assert len(self.letters(tmp_path)) == 1

    async def test_a_retried_event_arrives_again(self, tmp_path: Path) -> None:
        """As a new event of the same words at the same place, last in its line, once."""
        async with self.session(tmp_path) as one:
            failed, later = await one.arrive(event("1", "one"), event("2"))
            await one.commit(one.turn(failed, dead=DeadLetter("event", "it broke")))
            (letter,) = self.letters(tmp_path)
            self.request(tmp_path, "retry", letter.id)
            self.request(tmp_path, "retry", letter.id)
            (revived,) = await one.store.revive()
            assert revived.arrival
            assert revived.arrival.place == failed.place
            assert revived.arrival.event.message == failed.event.message
            assert await one.waiting(failed) == [later.seq, revived.arrival.seq]
            assert list(self.letters(tmp_path)) == []
            assert list(await one.store.revive()) == []
            turns = [one.turn(later), one.turn(revived.arrival)]
            assert await one.commit(*turns) == ["applied"] * 2

    async def test_a_retried_event_may_fail_again(self, tmp_path: Path) -> None:
        """It is a dead letter again, which can be retried again."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            for _ in range(3):
                await one.commit(one.turn(arrival, dead=DeadLetter("event", "it broke")))
                (letter,) = self.letters(tmp_path)
                self.request(tmp_path, "retry", letter.id)
                (revived,) = await one.store.revive()
                assert revived.arrival
                arrival = revived.arrival
            assert await one.waiting(arrival) == [arrival.seq]

    async def test_a_retried_reply_is_owed_again(self, tmp_path: Path) -> None:
        """In its conversation, in its place, as if it were new."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(one.turn(arrival, owed=[one.reply(arrival, n) for n in range(2)]))
            dead = DeadLetter("reply", "refused")
            one.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, dead))
            await flush(one)
            (letter,) = self.letters(tmp_path)
            self.request(tmp_path, "retry", letter.id)
            (revived,) = await one.store.revive()
            assert revived.conversation == arrival.place.conversation
            assert list(self.letters(tmp_path)) == []
            taken = await one.store.take(arrival.place.conversation, (0, -1), 10)
            assert [(owed.part, owed.body, owed.crashes) for owed in taken] == [
                (0, '"hello"', 0),
                (1, '"hello"', 0),
            ]
            assert taken[0].begun_at is None

    async def test_a_dropped_letter_is_gone(self, tmp_path: Path) -> None:
        """Nothing is alive for it."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(one.turn(arrival, dead=DeadLetter("event", "it broke")))
            (letter,) = self.letters(tmp_path)
            self.request(tmp_path, "drop", letter.id)
            assert list(await one.store.revive()) == []
            assert list(self.letters(tmp_path)) == []
            assert await one.waiting(arrival) == []

    async def test_a_request_waits_for_its_own_bot(self, tmp_path: Path) -> None:
        """Another bot on the store leaves it alone; the next process of its bot does it."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(one.turn(arrival, dead=DeadLetter("event", "it broke")))
            (letter,) = self.letters(tmp_path)
            self.request(tmp_path, "retry", letter.id)
        async with self.session(tmp_path, bot="other") as other:
            assert list(await other.store.revive()) == []
        async with self.session(tmp_path) as two:
            (revived,) = await two.store.revive()
            assert revived.arrival
            assert revived.arrival.place == arrival.place
