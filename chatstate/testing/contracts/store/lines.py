"""The store's contract: what goes out.

1. Replies are owed in the order of commit until they are settled, in the next process too.
2. A reply may be owed in another conversation than that of its turn: it comes last there.
3. Whether sending had begun is durable before it begins.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import Owed, Settled
from chatstate.testing.contracts.store.session import NOW, StoreSuite, event


class LinesContract(StoreSuite):
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
            replies = session.replies(arrival, 3)
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
            await session.commit(session.turn(arrival, owed=session.replies(arrival, 3)))
            session.store.settle(Settled(conversation, arrival.seq, 1))
            session.store.settle(Settled(conversation, arrival.seq + 1000, 0))
            assert await session.owed(arrival) == [(arrival.seq, 0), (arrival.seq, 2)]
            session.store.settle(Settled(conversation, arrival.seq, 0))
            session.store.settle(Settled(conversation, arrival.seq, 2))
            await session.store.flush()
            assert await session.owed(arrival) == []

    async def test_a_settled_reply_is_settled_in_the_next_process(self, tmp_path: Path) -> None:
        """Once it is flushed, and once the run has ended."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, owed=session.replies(arrival)))
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 0))
            await session.store.flush()
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 1))
        async with self.session(tmp_path) as reopened:
            assert await reopened.owed(arrival) == []

    async def test_rows_are_numbered_in_the_order_of_commit(self, tmp_path: Path) -> None:
        """Whatever the conversation, and however old the event; a number is never used again."""
        async with self.session(tmp_path) as session:
            first, second, third = await session.arrive(
                event("1"), event("2", chat="b"), event("3", chat="c")
            )
            for arrival in (third, first):
                await session.commit(session.turn(arrival, owed=session.replies(arrival)))
            rows = [
                owed.row
                for arrival in (third, first)
                for owed in await session.store.take(arrival.place.conversation, 0, 10)
            ]
            assert rows == sorted(set(rows))
            for arrival in (third, first):
                for part in range(2):
                    session.store.settle(Settled(arrival.place.conversation, arrival.seq, part))
            await session.store.flush()
            await session.commit(session.turn(second, owed=[session.reply(second)]))
            (last,) = await session.store.take(second.place.conversation, 0, 10)
            assert last.row > rows[-1]

    async def test_a_reply_owed_in_another_conversation_is_its_last(self, tmp_path: Path) -> None:
        """After what is owed there, and after what was sent, though its event is older."""
        async with self.session(tmp_path) as session:
            old, older, new = await session.arrive(
                event("1"), event("2", chat="b"), event("3", chat="there")
            )
            there = new.place.conversation
            await session.commit(session.turn(new, owed=session.replies(new)))
            session.store.settle(Settled(there, new.seq, 0))
            (sent,) = await session.store.take(there, 0, 10)
            foreign = [Owed(old.seq, 1, '"from elsewhere"', conversation=there)]
            await session.commit(session.turn(old, owed=[session.reply(old), *foreign]))
            taken = await session.store.take(there, sent.row, 10)
            assert [(owed.turn, owed.body) for owed in taken] == [(old.seq, '"from elsewhere"')]
            assert [owed.conversation for owed in taken] == [there]
            assert await session.owed(new) == [(new.seq, 1), (old.seq, 1)]
            assert await session.owed(old) == [(old.seq, 0)]
            again = Owed(older.seq, 0, '"last"', conversation=there)
            await session.commit(session.turn(older, owed=[again]))
            assert await session.owed(new) == [(new.seq, 1), (old.seq, 1), (older.seq, 0)]

    async def test_a_reply_owed_in_another_conversation_is_settled_there(
        self, tmp_path: Path
    ) -> None:
        """It is begun, given back and settled by the conversation in which it is owed."""
        async with self.session(tmp_path) as session:
            here, other = await session.arrive(event("1"), event("2", chat="there"))
            there = other.place.conversation
            await session.commit(
                session.turn(here, owed=[Owed(here.seq, 0, '"hi"', conversation=there)])
            )
            await session.store.begin(there, here.seq, 0, crashes=1)
            await session.store.unsent(here.place.conversation, here.seq, 0)
            (owed,) = await session.store.take(there, 0, 1)
            assert (owed.begun_at is None, owed.crashes) == (False, 1)
            await session.store.unsent(there, here.seq, 0)
            assert list(await session.store.owing([here.seq])) == [here.seq]
            session.store.settle(Settled(there, here.seq, 0))
            assert await session.owed(other) == []

    async def test_what_a_row_says_comes_back(self, tmp_path: Path) -> None:
        """Its text, its priority, and until when it is to be sent."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            given = [
                Owed(arrival.seq, 0, '{"é": "🎲"}', priority=1, best_before=NOW + 0.5),
                Owed(arrival.seq, 1, '""'),
            ]
            await session.commit(session.turn(arrival, owed=given))
            taken = await session.store.take(arrival.place.conversation, 0, 10)
            said = [(owed.body, owed.priority, owed.best_before) for owed in taken]
            assert said == [('{"é": "🎲"}', 1, NOW + 0.5), ('""', 0, None)]
