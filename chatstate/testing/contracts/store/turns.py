"""The store's contract, third part: committing turns, and their notes."""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import asyncio
from pathlib import Path

from chatstate.stores.base import Arrival, Change, DeadLetter, Value
from chatstate.testing.contracts.store.session import StoreSuite, event, global_key

A, B = global_key("a"), global_key("b")


class CommitContract(StoreSuite):
    """`load` and `commit`."""

    async def test_values_that_were_never_stored_are_none(self, tmp_path: Path) -> None:
        """Values come in the order of the keys asked for, which may be repeated or none."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            change = await one.put(arrival, A, "1")
            loaded = await one.store.load([B, A, B, A])
            assert list(loaded) == [None, change.value, None, change.value]
            assert list(await one.store.load([])) == []

    async def test_a_key_is_all_of_its_parts(self, tmp_path: Path) -> None:
        """Keys that differ in one part hold different values."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.put(arrival, A, "1")
            others = [
                A._replace(bot="other"),
                A._replace(scope="chat"),
                A._replace(name="A"),
                A._replace(place=1),
                A._replace(person=1),
            ]
            assert list(await one.store.load(others)) == [None] * 5

    async def test_a_turn_is_done_with_all_its_effects(self, tmp_path: Path) -> None:
        """Its event waits no longer, its values are stored, its replies are owed."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            change = Change(A, 0, Value('"é 🎲"', next(one.versions), schema=7))
            replies = [one.reply(arrival, 0, '{"a":1}'), one.reply(arrival, 1, '"é"')]
            assert await one.commit(one.turn(arrival, change, owed=replies)) == ["applied"]
            assert await one.waiting(arrival) == []
            assert await one.value(A) == change.value
            taken = await one.store.take(arrival.place.conversation, (0, -1), 10)
            assert list(taken) == replies

    async def test_a_turn_is_there_in_the_next_process(self, tmp_path: Path) -> None:
        """All its effects, also after a crash."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as one:
            (arrival,) = await one.arrive(event("1"))
            change = one.change(A, None, "1")
            await one.commit(one.turn(arrival, change, owed=[one.reply(arrival)]))
        async with self.session(tmp_path) as two:
            assert await two.waiting(arrival) == []
            assert await two.value(A) == change.value
            backlog = await two.store.backlog([two.account.id])
            assert list(backlog.outbox) == [arrival.place.conversation]
            assert await two.owed(arrival) == [(arrival.seq, 0)]

    async def test_no_turns_are_no_work(self, tmp_path: Path) -> None:
        """An empty batch is committed."""
        async with self.session(tmp_path) as one:
            assert await one.commit() == []

    async def test_a_change_of_another_version_is_a_conflict(self, tmp_path: Path) -> None:
        """Whether the value is newer, missing or unexpectedly there; nothing is done then."""
        async with self.session(tmp_path) as one:
            first, second = await one.arrive(event("1"), event("2"))
            old = await one.put(first, A, "1")
            for wrong in (
                one.change(A, None, "2"),
                one.change(A, Value("0", old.value.version - 1), "2"),
                one.change(B, Value("0", next(one.versions)), "2"),
            ):
                good = one.change(global_key("c"), None, "2")
                turn = one.turn(second, good, wrong, owed=[one.reply(second)])
                assert await one.commit(turn) == ["conflict"]
                assert await one.waiting(second) == [second.seq]
                assert list(await one.store.load([A, B, global_key("c")])) == [
                    old.value,
                    None,
                    None,
                ]
                assert await one.owed(second) == []
            assert await one.commit(one.turn(second, one.change(A, old.value, "2"))) == ["applied"]

    async def test_a_turn_before_its_elders_is_a_conflict(self, tmp_path: Path) -> None:
        """The earlier events of a conversation must be done, here or in the same batch."""
        async with self.session(tmp_path) as one:
            first, second, third = await one.arrive(event("1"), event("2"), event("3"))
            assert await one.commit(one.turn(second)) == ["conflict"]
            assert await one.commit(one.turn(third), one.turn(first)) == ["conflict", "applied"]
            assert await one.commit(one.turn(second), one.turn(third)) == ["applied", "applied"]

    async def test_conversations_do_not_wait_for_each_other(self, tmp_path: Path) -> None:
        """Not even the threads of one chat."""
        async with self.session(tmp_path) as one:
            _, thread, other = await one.arrive(
                event("1"), event("2", thread="t"), event("3", chat="other")
            )
            assert await one.commit(one.turn(other), one.turn(thread)) == ["applied", "applied"]

    async def test_another_attempt_at_a_done_turn_is_fenced(self, tmp_path: Path) -> None:
        """It has no effect at all."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            change = await one.put(arrival, A, "1")
            late = one.turn(
                arrival,
                one.change(A, change.value, "2"),
                owed=[one.reply(arrival)],
                dead=DeadLetter("event", "late"),
            )
            assert await one.commit(late) == ["fenced"]
            assert await one.text(A) == "1"
            assert await one.owed(arrival) == []

    async def test_a_turn_of_no_known_event_is_fenced(self, tmp_path: Path) -> None:
        """Its event was forgotten long ago."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            unknown = one.turn(Arrival(arrival.seq + 1000, arrival.place, arrival.event))
            assert await one.commit(unknown) == ["fenced"]

    async def test_a_repeated_commit_is_applied_once(self, tmp_path: Path) -> None:
        """The same attempt again is "applied" again and changes nothing, also in one batch."""
        async with self.session(tmp_path) as one:
            first, second = await one.arrive(event("1"), event("2"))
            change = one.change(A, None, "1")
            turn = one.turn(first, change, owed=[one.reply(first)])
            assert await one.commit(turn, turn) == ["applied", "applied"]
            later = one.turn(second, one.change(A, change.value, "2"))
            assert await one.commit(turn, later, turn) == ["applied"] * 3
            assert await one.text(A) == "2"
            assert await one.owed(first) == [(first.seq, 0)]

    async def test_a_repeated_commit_is_known_in_the_next_process(self, tmp_path: Path) -> None:
        """Its attempt is kept as long as its event is."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as one:
            (arrival,) = await one.arrive(event("1"))
            turn = one.turn(arrival, one.change(A, None, "1"))
            await one.commit(turn)
        async with self.session(tmp_path) as two:
            assert await two.commit(turn, two.turn(arrival)) == ["applied", "fenced"]

    async def test_a_bad_turn_leaves_the_others_of_its_batch(self, tmp_path: Path) -> None:
        """Conflicts and fenced turns among many are theirs alone."""
        async with self.session(tmp_path) as one:
            arrivals = await one.arrive(*(event(str(n), chat=str(n)) for n in range(6)))
            await one.put(arrivals[0], A, "0")
            turns = [one.turn(arrivals[0])]
            for number, arrival in enumerate(arrivals[1:], 1):
                changes = [one.change(global_key(str(number)), None, str(number))]
                if number == 3:
                    changes.append(one.change(A, None, "wrong"))
                turns.append(one.turn(arrival, *changes, owed=[one.reply(arrival)]))
            outcomes = ["applied"] * 6
            outcomes[0], outcomes[3] = "fenced", "conflict"
            assert await one.commit(*turns) == outcomes
            texts = [await one.text(global_key(str(number))) for number in range(1, 6)]
            assert texts == ["1", "2", None, "4", "5"]
            assert await one.text(A) == "0"
            assert [len(await one.owed(arrival)) for arrival in arrivals] == [0, 1, 1, 0, 1, 1]

    async def test_changes_of_one_key_follow_each_other_in_a_batch(self, tmp_path: Path) -> None:
        """Each built on the one before, which is not committed yet; the last stays."""
        async with self.session(tmp_path) as one:
            arrivals = await one.arrive(*(event(str(n), chat=str(n % 3)) for n in range(10)))
            changes: list[Change] = []
            before: Value | None = None
            for number in range(10):
                changes.append(one.change(A, before, str(number)))
                before = changes[-1].value
            turns = [
                one.turn(arrival, change) for arrival, change in zip(arrivals, changes, strict=True)
            ]
            assert await one.commit(*turns) == ["applied"] * 10
            assert await one.value(A) == changes[-1].value

    async def test_what_was_built_on_a_conflict_is_one(self, tmp_path: Path) -> None:
        """Its version will never exist; turns that did not read it are applied."""
        async with self.session(tmp_path) as one:
            first, second, other, third = await one.arrive(
                event("1"), event("2"), event("3", chat="o"), event("4", chat="p")
            )
            wrong = one.change(A, Value("0", next(one.versions)), "1")
            turns = [
                one.turn(first, wrong),
                one.turn(second),
                one.turn(other, one.change(A, wrong.value, "2")),
                one.turn(third, one.change(A, None, "3")),
            ]
            assert await one.commit(*turns) == ["conflict", "conflict", "conflict", "applied"]
            assert await one.text(A) == "3"

    async def test_of_two_that_read_the_same_value_the_first_wins(self, tmp_path: Path) -> None:
        """In one batch, and in two calls at once."""
        async with self.session(tmp_path) as one:
            arrivals = await one.arrive(*(event(str(n), chat=str(n)) for n in range(4)))
            turns = [
                one.turn(arrival, one.change(what, None, str(arrival.seq)))
                for arrival, what in zip(arrivals, [A, A, B, B], strict=True)
            ]
            assert await one.commit(*turns[:2]) == ["applied", "conflict"]
            both = await asyncio.gather(one.commit(turns[2]), one.commit(turns[3]))
            assert sorted(outcome for outcomes in both for outcome in outcomes) == [
                "applied",
                "conflict",
            ]
            assert await one.text(A) == str(arrivals[0].seq)

    async def test_no_update_of_a_value_is_lost(self, tmp_path: Path) -> None:
        """Many that add one to a number, at once, each again after a conflict."""
        async with self.session(tmp_path) as one:
            arrivals = await one.arrive(*(event(str(n), chat=str(n)) for n in range(20)))

            async def add(number: int) -> None:
                while True:
                    before = await one.value(A)
                    await asyncio.sleep(0)
                    text = str(int(before.text) + 1) if before else "1"
                    turn = one.turn(arrivals[number], one.change(A, before, text))
                    if await one.commit(turn) == ["applied"]:
                        return

            await asyncio.gather(*(add(number) for number in range(20)))
            assert await one.text(A) == "20"

    async def test_events_handled_together_are_done_together(self, tmp_path: Path) -> None:
        """All of them or none; a repeat of it is known."""
        async with self.session(tmp_path) as one:
            first, second, third, last = await one.arrive(*(event(str(n)) for n in range(4)))
            early = one.turn(last, also=[third.seq])
            together = one.turn(third, also=[first.seq, second.seq])
            assert await one.commit(early) == ["conflict"]
            assert len(await one.waiting(first)) == 4
            assert await one.commit(together, together) == ["applied", "applied"]
            assert await one.waiting(first) == [last.seq]
            fenced = [one.turn(arrival) for arrival in (first, second, third)]
            assert await one.commit(*fenced, one.turn(last)) == ["fenced"] * 3 + ["applied"]

    async def test_an_event_dropped_from_those_handled_together_is_no_conflict(
        self, tmp_path: Path
    ) -> None:
        """It was in the handler's hands when it had to make room: the turn counts."""
        async with self.session(tmp_path, waiting_limit=3, overflow="drop_oldest") as one:
            first, second, third = await one.arrive(*(event(str(n)) for n in range(3)))
            (last,) = await one.ingest(event("3"))
            assert last.dropped == second.seq
            turn = one.turn(third, one.change(A, None, "1"), also=[first.seq, second.seq])
            assert await one.commit(turn) == ["applied"]
            assert await one.text(A) == "1"
            assert last.arrival
            assert await one.waiting(first) == [last.arrival.seq]


class NotesContract(StoreSuite):
    """`note` and `notes`."""

    async def test_notes_are_kept_until_the_commit(self, tmp_path: Path) -> None:
        """By turn and name; a second one of a name replaces the first; then all are gone."""
        async with self.session(tmp_path) as one:
            first, second = await one.arrive(event("1"), event("2", chat="other"))
            assert await one.store.notes(first.seq) == {}
            assert await one.store.note(first.seq, "a", '"é"')
            assert await one.store.note(first.seq, "b", "1")
            assert await one.store.note(first.seq, "b", "2")
            assert await one.store.note(second.seq, "a", "3")
            assert await one.store.notes(first.seq) == {"a": '"é"', "b": "2"}
            await one.commit(one.turn(first, noted=True))
            assert await one.store.notes(first.seq) == {}
            assert await one.store.notes(second.seq) == {"a": "3"}

    async def test_notes_outlive_a_crash_and_a_conflict(self, tmp_path: Path) -> None:
        """They are for the next attempt."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.store.note(arrival.seq, "a", "1")
            wrong = one.change(A, Value("0", 1), "1")
            assert await one.commit(one.turn(arrival, wrong, noted=True)) == ["conflict"]
            assert await one.store.notes(arrival.seq) == {"a": "1"}
        async with self.session(tmp_path) as two:
            assert await two.store.notes(arrival.seq) == {"a": "1"}

    async def test_an_event_that_waits_tells_whether_there_are_notes(self, tmp_path: Path) -> None:
        """So that the next attempt need not look for them in vain."""
        async with self.session(tmp_path) as one:
            first, second = await one.arrive(event("1"), event("2"))
            await one.store.note(second.seq, "a", "1")
            claimed = await one.store.claim(first.place.conversation, 0, 10)
            assert [(waits.seq, waits.noted) for waits in claimed] == [
                (first.seq, False),
                (second.seq, True),
            ]

    async def test_a_note_of_a_done_turn_is_refused(self, tmp_path: Path) -> None:
        """Nothing is kept of it, nor of one of an unknown turn."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(one.turn(arrival))
            for turn in (arrival.seq, arrival.seq + 1000):
                assert not await one.store.note(turn, "a", "1")
                assert await one.store.notes(turn) == {}
