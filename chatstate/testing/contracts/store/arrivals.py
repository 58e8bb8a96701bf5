"""The store's contract: what comes in.

1. An event is stored once, at its place in the order of arrival, as it was given; or refused, if
   it could not be read again.
2. What `ingest` has returned is there in the next process.
3. Too many waiting events are refused, or push out older ones; numbers are never used again.
4. Done events are known for 48 hours, waiting ones for ever.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.base import Ingested
from chatstate.testing.contracts.store.session import HOUR, StoreSuite, Time, event


class ArrivalsContract(StoreSuite):
    """`ingest`, `events` and `prune`."""

    async def test_events_are_numbered_in_their_order(self, tmp_path: Path) -> None:
        """Within a call and from call to call, whatever their conversation."""
        async with self.session(tmp_path) as session:
            events = [event(str(n), chat=str(n % 3)) for n in range(20)]
            arrivals = [*await session.arrive(*events[:10]), *await session.arrive(*events[10:])]
            numbers = [arrival.seq for arrival in arrivals]
            assert numbers == sorted(set(numbers))
            assert [arrival.event for arrival in arrivals] == events

    async def test_concurrent_calls_keep_each_its_order(self, tmp_path: Path) -> None:
        """Calls that share a transaction do not mix up what either was given."""
        async with self.session(tmp_path) as session:
            calls = [[event(f"{call}-{n}", chat=str(call)) for n in range(10)] for call in range(8)]
            arrived = await asyncio.gather(*(session.ingest(*call) for call in calls))
            for given, ingested in zip(calls, arrived, strict=True):
                got = [stored.arrival for stored in ingested if stored.arrival]
                assert [arrival.event for arrival in got] == given
                assert await session.waiting(got[0]) == [arrival.seq for arrival in got]

    async def test_an_event_comes_back_as_it_was_given(self, tmp_path: Path) -> None:
        """Every field of it, whatever characters it has."""
        text = "\0 \x1f é 漢字 🎲 \u202e \"quoted\" 'too' \\ {}"
        message = Message(
            text,
            User(text, text, "de-CH", is_bot=True),
            Chat(text, "channel", text),
            "press",
            text,
            id="m1",
            mentions=(User("2", "Bob"),),
            time=datetime(2030, 1, 2, 3, 4, 5, 678901, UTC),
            raw={"a": [1, 2.5, None, True, {"b": text}]},
        )
        given = Event(text, message, origin=text)
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(given)
            (claimed,) = await session.store.events(arrival.place.conversation, 0, 10)
            assert claimed == arrival
            assert claimed.event == given

    async def test_an_event_that_could_not_be_read_again_is_refused_alone(
        self, tmp_path: Path
    ) -> None:
        """With what is wrong with it; its number is that of no other, and it is not known."""
        wrong: Any = 5
        sender = User("alice", "Alice", language=wrong)
        async with self.session(tmp_path) as session:
            first, refused, last = await session.ingest(
                event("1"), Event("2", Message("hi", sender, Chat("room", "group"))), event("3")
            )
            assert (first.status, refused.status, last.status) == ("stored", "refused", "stored")
            assert "language" in refused.error
            assert refused.arrival is None
            assert first.arrival
            assert len(await session.waiting(first.arrival)) == 2
            (mended,) = await session.ingest(event("2"))
            assert mended.status == "stored"

    async def test_what_is_handed_on_is_what_will_be_read(self, tmp_path: Path) -> None:
        """Also where JSON has no such thing: who handles it at once gets what comes back later."""
        keys: Any = {5: float("nan"), "a": (1, 2)}
        given = Event("1", Message("hi \ud800", User("alice"), Chat("room"), raw=keys))
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(given)
            (claimed,) = await session.store.events(arrival.place.conversation, 0, 10)
            assert claimed.event == arrival.event
            assert arrival.event.message.text == "hi ?"

    async def test_places_are_resolved_by_the_platforms_ids(self, tmp_path: Path) -> None:
        """A thread is a conversation of its own in the same chat; titles change nothing."""
        async with self.session(tmp_path) as session:
            plain, thread, renamed, other = await session.arrive(
                event("1"),
                event("2", thread="t"),
                Event("3", Message("", User("alice"), Chat("room", "group", "New title"))),
                event("4", chat="other"),
            )
            assert plain.place == renamed.place
            assert plain.place.chat == thread.place.chat
            assert plain.place.conversation != thread.place.conversation
            assert plain.place.chat != other.place.chat
            (again,) = await session.arrive(event("5"))
            assert again.place == plain.place

    async def test_a_conversation_has_its_place_before_anything_arrives(
        self, tmp_path: Path
    ) -> None:
        """With nobody who speaks: it is where what arrives there later is, too."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            chat, thread = [
                await store.place(account, Chat("room", "group"), thread) for thread in (None, "t")
            ]
            assert (chat.chat, chat.person) == (thread.chat, 0)
            assert chat.conversation != thread.conversation
            said, aside = await session.arrive(event("1"), event("2", thread="t"))
            assert (said.place._replace(person=0), aside.place._replace(person=0)) == (chat, thread)

    async def test_nobody_is_no_person(self, tmp_path: Path) -> None:
        """A platform may not say who did it, nor where: then that is one lane of the account."""
        nobody = User("")
        async with self.session(tmp_path) as session:
            said, told, lost, again = await session.arrive(
                event("1"),
                Event("2", Message("", nobody, Chat("room", "group"), "other")),
                Event("3", Message("", nobody, Chat(""), "other")),
                Event("4", Message("", nobody, Chat(""), "other")),
            )
            assert told.place == said.place._replace(person=0)
            assert lost.place.person == 0
            assert lost.place.chat not in (0, said.place.chat)
            assert again.place == lost.place
            assert await session.waiting(lost) == [lost.seq, again.seq]
            (read, _) = await session.store.events(lost.place.conversation, 0, 2)
            assert (read.place, read.event) == (lost.place, lost.event)

    async def test_what_was_ingested_is_there_in_the_next_process(self, tmp_path: Path) -> None:
        """In its order, under its numbers, at its place, also after a crash."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            arrivals = await session.arrive(*(event(str(n)) for n in range(5)))
        async with self.session(tmp_path) as reopened:
            conversation = arrivals[0].place.conversation
            assert [claim.conversation for claim in await reopened.claimed()] == [conversation]
            assert list(await reopened.store.events(conversation, 0, 10)) == arrivals

    async def test_an_event_given_twice_in_one_call_is_stored_once(self, tmp_path: Path) -> None:
        """The first is stored; the second is a duplicate that names its number."""
        async with self.session(tmp_path) as session:
            first, second, other = await session.ingest(event("1"), event("1"), event("2"))
            assert (first.status, second.status, other.status) == ("stored", "duplicate", "stored")
            assert first.arrival
            assert (second.arrival, second.pending) == (None, first.arrival.seq)
            assert len(await session.waiting(first.arrival)) == 2

    async def test_an_event_given_again_is_a_duplicate(self, tmp_path: Path) -> None:
        """It names the number it waits under, or is done under; the rest is stored."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            again, new = await session.ingest(event("1", "other text"), event("2"))
            assert again == Ingested("duplicate", pending=arrival.seq)
            assert new.status == "stored"
            await session.commit(session.turn(arrival))
            (done,) = await session.ingest(event("1"))
            assert done == Ingested("duplicate", done=arrival.seq)

    async def test_an_event_given_to_two_calls_at_once_is_stored_once(self, tmp_path: Path) -> None:
        """Also if the calls share a transaction."""
        async with self.session(tmp_path) as session:
            results = await asyncio.gather(
                *(session.ingest(event("1"), event("2")) for _ in range(5))
            )
            for number in range(2):
                statuses = [result[number].status for result in results]
                assert sorted(statuses) == ["duplicate"] * 4 + ["stored"]

    async def test_an_event_is_a_duplicate_in_the_next_process(self, tmp_path: Path) -> None:
        """Whether it is done or still waits."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            done, waits = await session.arrive(event("1"), event("2"))
            await session.commit(session.turn(done))
        async with self.session(tmp_path) as reopened:
            results = await reopened.ingest(event("1"), event("2"))
            assert [result.status for result in results] == ["duplicate"] * 2
            assert [result.pending for result in results] == [None, waits.seq]

    async def test_accounts_have_events_of_their_own(self, tmp_path: Path) -> None:
        """One id in two accounts is two events, in two conversations, of two people."""
        async with self.session(tmp_path) as session:
            (first,) = await session.arrive(event("1"))
            other = await session.store.account("test", "2")
            (ingested,) = await session.store.ingest(other.id, [event("1")])
            assert ingested.arrival
            places = zip(first.place[:4], ingested.arrival.place[:4], strict=True)
            assert all(mine != theirs for mine, theirs in places)

    async def test_too_many_waiting_events_are_refused(self, tmp_path: Path) -> None:
        """Beyond the limit nothing is stored; others are taken; a done event makes room."""
        async with self.session(tmp_path, waiting_limit=2) as session:
            results = await session.ingest(*(event(str(n)) for n in range(4)))
            assert [result.status for result in results] == ["stored"] * 2 + ["refused"] * 2
            arrivals = [result.arrival for result in results if result.arrival]
            assert [arrival.place for arrival in arrivals] == [arrivals[0].place] * 4
            assert await session.waiting(arrivals[0]) == [arrivals[0].seq, arrivals[1].seq]
            await session.arrive(event("other", chat="other"))
            await session.commit(session.turn(arrivals[0]))
            again, refused = await session.ingest(event("2"), event("3"))
            assert (again.status, refused.status) == ("stored", "refused")

    async def test_the_limit_holds_in_the_next_process(self, tmp_path: Path) -> None:
        """What waits from before counts."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            await session.arrive(event("1"), event("2"))
        async with self.session(tmp_path, waiting_limit=3) as reopened:
            results = await reopened.ingest(event("3"), event("4"))
            assert [result.status for result in results] == ["stored", "refused"]

    async def test_duplicates_take_no_room(self, tmp_path: Path) -> None:
        """At the limit a duplicate is one still, and pushes no new event out."""
        async with self.session(tmp_path, waiting_limit=3) as session:
            await session.arrive(event("1"), event("2"))
            results = await session.ingest(
                event("1"), event("2"), event("3"), event("3"), event("4")
            )
            statuses = [result.status for result in results]
            assert statuses == ["duplicate", "duplicate", "stored", "duplicate", "refused"]
            assert [result.status for result in await session.ingest(event("2"))] == ["duplicate"]

    async def test_a_repeated_commit_makes_no_more_room(self, tmp_path: Path) -> None:
        """An event is done once, however often its commit is repeated."""
        async with self.session(tmp_path, waiting_limit=3) as session:
            first, *_ = await session.arrive(event("1"), event("2"), event("3"))
            turn = session.turn(first)
            assert await session.commit(turn) == ["applied"]
            assert await session.commit(turn) == ["applied"]
            results = await session.ingest(event("4"), event("5"))
            assert [result.status for result in results] == ["stored", "refused"]

    async def test_the_number_of_a_refused_event_is_never_used_again(self, tmp_path: Path) -> None:
        """Not in the next process either: replies are known by it."""
        async with self.session(tmp_path, waiting_limit=1) as session:
            stored, *refused = await session.ingest(*(event(str(n)) for n in range(4)))
            assert stored.arrival
            numbers = {result.arrival.seq for result in [stored, *refused] if result.arrival}
            assert len(numbers) == 4
            await session.commit(session.turn(stored.arrival))
            (later,) = await session.arrive(event("later"))
            assert later.seq > max(numbers)
        self.needs_durability()
        async with self.session(tmp_path, waiting_limit=1) as reopened:
            (other,) = await reopened.arrive(event("x", chat="other"))
            _, refused_last = await reopened.ingest(
                event("y", chat="other"), event("z", chat="other")
            )
            assert refused_last.arrival
        async with self.session(tmp_path) as again:
            await again.claimed()
            (last,) = await again.arrive(event("last"))
            assert last.seq > refused_last.arrival.seq > other.seq > later.seq

    async def test_the_oldest_that_is_not_at_its_turn_is_dropped(self, tmp_path: Path) -> None:
        """With "drop_oldest" each event too many is stored in the place of an older one."""
        async with self.session(tmp_path, waiting_limit=2, overflow="drop_oldest") as session:
            first, second, third = await session.ingest(*(event(str(n)) for n in range(3)))
            assert first.arrival
            assert second.arrival
            assert third.arrival
            assert (third.status, third.dropped) == ("stored", second.arrival.seq)
            assert await session.waiting(first.arrival) == [first.arrival.seq, third.arrival.seq]
            (again,) = await session.ingest(event("1"))
            assert (again.status, again.pending) == ("duplicate", None)
            turns = [session.turn(result.arrival) for result in (first, second, third)]  # type: ignore[arg-type]  # seen above
            assert await session.commit(*turns) == ["applied", "fenced", "applied"]

    async def test_the_only_event_is_never_dropped(self, tmp_path: Path) -> None:
        """It may be at its turn, so the new one is refused."""
        async with self.session(tmp_path, waiting_limit=1, overflow="drop_oldest") as session:
            results = await session.ingest(event("1"), event("2"))
            assert [result.status for result in results] == ["stored", "refused"]

    async def test_the_first_events_after_a_number_are_returned(self, tmp_path: Path) -> None:
        """Of this conversation only, in order, at most so many, and none that is done."""
        async with self.session(tmp_path) as session:
            arrivals = await session.arrive(*(event(str(n)) for n in range(6)))
            await session.arrive(event("other", chat="other"), event("thread", thread="t"))
            await session.commit(session.turn(arrivals[0]))
            conversation = arrivals[0].place.conversation
            events = session.store.events
            assert list(await events(conversation, 0, 2)) == arrivals[1:3]
            assert list(await events(conversation, arrivals[2].seq, 2)) == arrivals[3:5]
            assert list(await events(conversation, arrivals[5].seq, 2)) == []
            assert list(await events(conversation + 1000, 0, 2)) == []

    async def test_events_are_forgotten_48_hours_after_they_were_handled(
        self, tmp_path: Path
    ) -> None:
        """Not before, and never while they wait."""
        clock = Time()
        async with self.session(tmp_path, clock=clock) as session:
            waits, done = await session.arrive(event("1"), event("2", chat="other"))
            await session.commit(session.turn(done))
            clock.now += 47 * HOUR
            await session.store.prune()
            assert [result.status for result in await session.ingest(event("2"))] == ["duplicate"]
            clock.now += 2 * HOUR
            await session.store.prune()
            results = await session.ingest(event("1"), event("2", chat="other"))
            assert [result.status for result in results] == ["duplicate", "stored"]
            assert results[0].pending == waits.seq
            assert results[1].arrival
            assert results[1].arrival.seq > done.seq

    async def test_an_event_that_waits_long_keeps_no_other(self, tmp_path: Path) -> None:
        """What was done after it is forgotten all the same, however much that is."""
        clock = Time()
        async with self.session(tmp_path, clock=clock, waiting_limit=10_000) as session:
            await session.arrive(event("waits", chat="other"))
            arrivals = await session.arrive(*(event(str(n)) for n in range(3000)))
            await session.commit(*(session.turn(arrival) for arrival in arrivals))
            clock.now += 49 * HOUR
            for _ in range(3):
                await session.store.prune()
            assert [result.status for result in await session.ingest(event("2999"))] == ["stored"]
