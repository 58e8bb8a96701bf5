"""The store's contract: committing turns.

1. A turn has all its effects or none, whatever becomes of the others of its batch.
2. It is applied only if what it read is still there, and all before it are done.
3. Each is done once: a repeat is applied without effect, another attempt is fenced.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import asyncio
from pathlib import Path

from chatstate.stores.base import Arrival, Change, Claim, DeadLetter, Value
from chatstate.testing.contracts.store.session import StoreSuite, event, global_key

A, B = global_key("a"), global_key("b")


class CommitsContract(StoreSuite):
    """`load` and `commit`."""

    async def test_values_that_were_never_stored_are_none(self, tmp_path: Path) -> None:
        """Values come in the order of the keys asked for, which may be repeated or none."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            change = await session.put(arrival, A, "1")
            loaded = await session.store.load([B, A, B, A])
            assert list(loaded) == [None, change.value, None, change.value]
            assert list(await session.store.load([])) == []

    async def test_a_key_is_all_of_its_parts(self, tmp_path: Path) -> None:
        """Keys that differ in one part hold different values."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.put(arrival, A, "1")
            others = [
                A._replace(bot="other"),
                A._replace(scope="chat"),
                A._replace(name="A"),
                A._replace(place=1),
                A._replace(person=1),
            ]
            assert list(await session.store.load(others)) == [None] * 5

    async def test_a_state_is_stored_while_it_has_values(self, tmp_path: Path) -> None:
        """Its bot, scope and name are told once, however many values it has, of all bots."""
        async with self.session(tmp_path) as session:
            assert list(await session.store.stored_states()) == []
            (arrival,) = await session.arrive(event("1"))
            users = [A._replace(scope="user", person=person) for person in (1, 2)]
            keys = [A, A._replace(bot="other"), *users]
            changes = [session.change(key, None, "1") for key in keys]
            await session.commit(session.turn(arrival, *changes))
            stored = await session.store.stored_states()
            assert {(state.bot, state.scope, state.name) for state in stored} == {
                ("bot", "global", "a"),
                ("other", "global", "a"),
                ("bot", "user", "a"),
            }
            assert len(stored) == 3

    async def test_a_turn_is_done_with_all_its_effects(self, tmp_path: Path) -> None:
        """Its event waits no longer, its values are stored, its replies are owed."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            change = Change(A, 0, Value('"é 🎲"', next(session.versions), schema=7))
            replies = [session.reply(arrival, 0, '{"a":1}'), session.reply(arrival, 1, '"é"')]
            assert await session.commit(session.turn(arrival, change, owed=replies)) == ["applied"]
            assert await session.waiting(arrival) == []
            assert await session.value(A) == change.value
            taken = await session.store.take(arrival.place.conversation, 0, 10)
            assert [(owed.turn, owed.part, owed.body) for owed in taken] == [
                (arrival.seq, 0, '{"a":1}'),
                (arrival.seq, 1, '"é"'),
            ]

    async def test_a_turn_is_there_in_the_next_process(self, tmp_path: Path) -> None:
        """All its effects, also after a crash."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (arrival,) = await session.arrive(event("1"))
            change = session.change(A, None, "1")
            await session.commit(session.turn(arrival, change, owed=[session.reply(arrival)]))
        async with self.session(tmp_path) as reopened:
            assert await reopened.waiting(arrival) == []
            assert await reopened.value(A) == change.value
            assert await reopened.claimed() == [
                Claim(arrival.place.conversation, waits=False, owes=True, crashes=1)
            ]
            assert await reopened.owed(arrival) == [(arrival.seq, 0)]

    async def test_no_turns_are_no_work(self, tmp_path: Path) -> None:
        """An empty batch is committed."""
        async with self.session(tmp_path) as session:
            assert await session.commit() == []

    async def test_a_change_of_another_version_is_a_conflict(self, tmp_path: Path) -> None:
        """Whether the value is newer, missing or unexpectedly there; nothing is done then."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            old = await session.put(first, A, "1")
            for wrong in (
                session.change(A, None, "2"),
                session.change(A, Value("0", old.value.version - 1), "2"),
                session.change(B, Value("0", next(session.versions)), "2"),
            ):
                good = session.change(global_key("c"), None, "2")
                turn = session.turn(second, good, wrong, owed=[session.reply(second)])
                assert await session.commit(turn) == ["conflict"]
                assert await session.waiting(second) == [second.seq]
                assert list(await session.store.load([A, B, global_key("c")])) == [
                    old.value,
                    None,
                    None,
                ]
                assert await session.owed(second) == []
            assert await session.commit(
                session.turn(second, session.change(A, old.value, "2"))
            ) == ["applied"]

    async def test_a_turn_before_its_elders_is_a_conflict(self, tmp_path: Path) -> None:
        """The earlier events of a conversation must be done, here or in the same batch."""
        async with self.session(tmp_path) as session:
            first, second, third = await session.arrive(event("1"), event("2"), event("3"))
            assert await session.commit(session.turn(second)) == ["conflict"]
            assert await session.commit(session.turn(third), session.turn(first)) == [
                "conflict",
                "applied",
            ]
            assert await session.commit(session.turn(second), session.turn(third)) == [
                "applied",
                "applied",
            ]

    async def test_conversations_do_not_wait_for_each_other(self, tmp_path: Path) -> None:
        """Not even the threads of one chat."""
        async with self.session(tmp_path) as session:
            _, thread, other = await session.arrive(
                event("1"), event("2", thread="t"), event("3", chat="other")
            )
            assert await session.commit(session.turn(other), session.turn(thread)) == [
                "applied",
                "applied",
            ]

    async def test_another_attempt_at_a_done_turn_is_fenced(self, tmp_path: Path) -> None:
        """It has no effect at all."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            change = await session.put(arrival, A, "1")
            late = session.turn(
                arrival,
                session.change(A, change.value, "2"),
                owed=[session.reply(arrival)],
                dead=DeadLetter("event", "late"),
            )
            assert await session.commit(late) == ["fenced"]
            assert await session.text(A) == "1"
            assert await session.owed(arrival) == []

    async def test_a_turn_of_no_known_event_is_fenced(self, tmp_path: Path) -> None:
        """Its event was forgotten long ago."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            unknown = session.turn(Arrival(arrival.seq + 1000, arrival.place, arrival.event))
            assert await session.commit(unknown) == ["fenced"]

    async def test_a_repeated_commit_is_applied_once(self, tmp_path: Path) -> None:
        """The same attempt again is "applied" again and changes nothing, also in one batch."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            change = session.change(A, None, "1")
            turn = session.turn(first, change, owed=[session.reply(first)])
            assert await session.commit(turn, turn) == ["applied", "applied"]
            later = session.turn(second, session.change(A, change.value, "2"))
            assert await session.commit(turn, later, turn) == ["applied"] * 3
            assert await session.text(A) == "2"
            assert await session.owed(first) == [(first.seq, 0)]

    async def test_a_repeated_commit_is_known_in_the_next_process(self, tmp_path: Path) -> None:
        """Its attempt is kept as long as its event is."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (arrival,) = await session.arrive(event("1"))
            turn = session.turn(arrival, session.change(A, None, "1"))
            await session.commit(turn)
        async with self.session(tmp_path) as reopened:
            assert await reopened.commit(turn, reopened.turn(arrival)) == ["applied", "fenced"]

    async def test_a_bad_turn_leaves_the_others_of_its_batch(self, tmp_path: Path) -> None:
        """Conflicts and fenced turns among many are theirs alone."""
        async with self.session(tmp_path) as session:
            arrivals = await session.arrive(*(event(str(n), chat=str(n)) for n in range(6)))
            await session.put(arrivals[0], A, "0")
            turns = [session.turn(arrivals[0])]
            for number, arrival in enumerate(arrivals[1:], 1):
                changes = [session.change(global_key(str(number)), None, str(number))]
                if number == 3:
                    changes.append(session.change(A, None, '"wrong"'))
                turns.append(session.turn(arrival, *changes, owed=[session.reply(arrival)]))
            outcomes = ["applied"] * 6
            outcomes[0], outcomes[3] = "fenced", "conflict"
            assert await session.commit(*turns) == outcomes
            texts = [await session.text(global_key(str(number))) for number in range(1, 6)]
            assert texts == ["1", "2", None, "4", "5"]
            assert await session.text(A) == "0"
            assert [len(await session.owed(arrival)) for arrival in arrivals] == [0, 1, 1, 0, 1, 1]

    async def test_changes_of_one_key_follow_each_other_in_a_batch(self, tmp_path: Path) -> None:
        """Each built on the one before, which is not committed yet; the last stays."""
        async with self.session(tmp_path) as session:
            arrivals = await session.arrive(*(event(str(n), chat=str(n % 3)) for n in range(10)))
            changes: list[Change] = []
            before: Value | None = None
            for number in range(10):
                changes.append(session.change(A, before, str(number)))
                before = changes[-1].value
            turns = [
                session.turn(arrival, change)
                for arrival, change in zip(arrivals, changes, strict=True)
            ]
            assert await session.commit(*turns) == ["applied"] * 10
            assert await session.value(A) == changes[-1].value

    async def test_what_was_built_on_a_conflict_is_one(self, tmp_path: Path) -> None:
        """Its version will never exist; turns that did not read it are applied."""
        async with self.session(tmp_path) as session:
            first, second, other, third = await session.arrive(
                event("1"), event("2"), event("3", chat="o"), event("4", chat="p")
            )
            wrong = session.change(A, Value("0", next(session.versions)), "1")
            turns = [
                session.turn(first, wrong),
                session.turn(second),
                session.turn(other, session.change(A, wrong.value, "2")),
                session.turn(third, session.change(A, None, "3")),
            ]
            assert await session.commit(*turns) == ["conflict", "conflict", "conflict", "applied"]
            assert await session.text(A) == "3"

    async def test_of_two_that_read_the_same_value_the_first_wins(self, tmp_path: Path) -> None:
        """In one batch, and in two calls at once."""
        async with self.session(tmp_path) as session:
            arrivals = await session.arrive(*(event(str(n), chat=str(n)) for n in range(4)))
            turns = [
                session.turn(arrival, session.change(what, None, str(arrival.seq)))
                for arrival, what in zip(arrivals, [A, A, B, B], strict=True)
            ]
            assert await session.commit(*turns[:2]) == ["applied", "conflict"]
            both = await asyncio.gather(session.commit(turns[2]), session.commit(turns[3]))
            assert sorted(outcome for outcomes in both for outcome in outcomes) == [
                "applied",
                "conflict",
            ]
            assert await session.text(A) == str(arrivals[0].seq)

    async def test_no_update_of_a_value_is_lost(self, tmp_path: Path) -> None:
        """Many that add one to a number, at once, each again after a conflict."""
        async with self.session(tmp_path) as session:
            arrivals = await session.arrive(*(event(str(n), chat=str(n)) for n in range(20)))

            async def add(number: int) -> None:
                while True:
                    before = await session.value(A)
                    await asyncio.sleep(0)
                    text = str(int(before.text) + 1) if before else "1"
                    turn = session.turn(arrivals[number], session.change(A, before, text))
                    if await session.commit(turn) == ["applied"]:
                        return

            await asyncio.gather(*(add(number) for number in range(20)))
            assert await session.text(A) == "20"

    async def test_events_handled_together_are_done_together(self, tmp_path: Path) -> None:
        """All of them or none; a repeat of it is known."""
        async with self.session(tmp_path) as session:
            first, second, third, last = await session.arrive(*(event(str(n)) for n in range(4)))
            early = session.turn(last, also=[third.seq])
            together = session.turn(third, also=[first.seq, second.seq])
            assert await session.commit(early) == ["conflict"]
            assert len(await session.waiting(first)) == 4
            assert await session.commit(together, together) == ["applied", "applied"]
            assert await session.waiting(first) == [last.seq]
            fenced = [session.turn(arrival) for arrival in (first, second, third)]
            assert await session.commit(*fenced, session.turn(last)) == ["fenced"] * 3 + ["applied"]

    async def test_an_event_dropped_from_those_handled_together_is_no_conflict(
        self, tmp_path: Path
    ) -> None:
        """It was in the handler's hands when it had to make room: the turn counts."""
        async with self.session(tmp_path, waiting_limit=3, overflow="drop_oldest") as session:
            first, second, third = await session.arrive(*(event(str(n)) for n in range(3)))
            (last,) = await session.ingest(event("3"))
            assert last.dropped == second.seq
            turn = session.turn(third, session.change(A, None, "1"), also=[first.seq, second.seq])
            assert await session.commit(turn) == ["applied"]
            assert await session.text(A) == "1"
            assert last.arrival
            assert await session.waiting(first) == [last.arrival.seq]
