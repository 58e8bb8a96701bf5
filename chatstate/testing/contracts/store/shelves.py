"""The store's contract: what everybody who looks can see, and ask for.

1. A shelf shows all that lies on it, oldest first, in the platform's ids; filters choose.
2. Who looks needs no run: it works while another process has the store open.
3. What is asked for is done by a run of the bot, once. A value that was set has a version of its
   own, so that no turn can build on what was there before.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatstate.scope import key
from chatstate.stores.base import (
    Answer,
    Arrival,
    Change,
    DeadLetter,
    Filter,
    Request,
    Settled,
    Shelf,
    Store,
    Value,
)
from chatstate.testing.contracts.store.session import (
    HOUR,
    NOW,
    Session,
    StoreSuite,
    event,
    global_key,
)

A = global_key("a")


async def _numbers(store: Store, shelf: Shelf, **chosen: Any) -> list[int]:
    return [entry.number for entry in await store.list(shelf, Filter(**chosen))]


async def _fill(session: Session) -> list[Arrival]:
    """Let two people say something in two places; fail one event, owe in each, keep values."""
    arrivals = await session.arrive(
        event("1", "dies", chat="a"),
        event("2", "waits", chat="a", user="bob"),
        event("3", "owes", chat="b", thread="t"),
    )
    dies, _, owes = arrivals
    member = key("bot", "member", "mine", owes.place)
    changes = [
        Change(member, 0, Value('"é"', next(session.versions), 3, NOW + HOUR)),
        session.change(key("bot", "chat", "ours", owes.place), None, "[1]"),
        session.change(key("bot", "user", "mine", owes.place), None, "2"),
        session.change(A, None, "3"),
    ]
    outcomes = await session.commit(
        session.turn(dies, dead=DeadLetter("event", "it broke", "in detail")),
        session.turn(owes, *changes, owed=session.replies(owes)),
    )
    assert outcomes == ["applied"] * 2
    return arrivals


class LookingContract(StoreSuite):
    """`list` and `show`."""

    async def test_values_are_seen_with_whose_they_are(self, tmp_path: Path) -> None:
        """In the platform's ids, as far as they have any, with all that is known of each."""
        async with self.session(tmp_path) as session:
            _, _, owes = await _fill(session)
            seen = {entry.key: entry for entry in await session.store.list("states")}
            member = seen[key("bot", "member", "mine", owes.place)]
            assert (member.bot, member.platform, member.at) == ("bot", "test", NOW)
            assert (member.chat, member.thread, member.person) == ("b", "t", "alice")
            assert (member.body, member.schema, member.expires_at) == ('"é"', 3, NOW + HOUR)
            stored = await session.value(key("bot", "member", "mine", owes.place))
            assert stored
            assert member.version == stored.version
            chat = seen[key("bot", "chat", "ours", owes.place)]
            user = seen[key("bot", "user", "mine", owes.place)]
            whose = [(entry.platform, entry.chat, entry.person) for entry in (chat, user, seen[A])]
            assert whose == [("test", "b", ""), ("test", "", "alice"), ("", "", "")]

    async def test_events_that_wait_are_seen(self, tmp_path: Path) -> None:
        """With what they say, who said it where, and the crashes held against them."""
        async with self.session(tmp_path) as session:
            _, waits, _ = await _fill(session)
            await session.store.suspect(waits.seq)
            (entry,) = await session.store.list("inbox")
            assert (entry.number, entry.crashes, entry.at) == (waits.seq, 1, NOW)
            assert (entry.bot, entry.platform, entry.chat) == ("bot", "test", "a")
            assert (entry.thread, entry.person, '"waits"' in entry.body) == ("", "bob", True)

    async def test_replies_that_are_owed_are_seen(self, tmp_path: Path) -> None:
        """With whether they were begun; those that are settled are not."""
        async with self.session(tmp_path) as session:
            _, _, owes = await _fill(session)
            await session.store.begin(owes.place.conversation, owes.seq, 1, crashes=2)
            first, second = await session.store.list("outbox")
            assert (first.begun_at, first.crashes, first.at) == (None, 0, NOW)
            assert (second.begun_at, second.crashes, second.body) == (NOW, 2, '"hello"')
            assert (second.platform, second.chat, second.thread) == ("test", "b", "t")
            session.store.settle(Settled(owes.place.conversation, owes.seq, 0))
            await session.store.flush()
            assert await _numbers(session.store, "outbox") == [second.number]

    async def test_dead_letters_are_seen(self, tmp_path: Path) -> None:
        """With what became of them, and what is asked for."""
        async with self.session(tmp_path) as session:
            await _fill(session)
            (letter,) = await session.store.list("dead")
            assert (letter.kind, letter.error, letter.detail) == ("event", "it broke", "in detail")
            assert (letter.chat, letter.person, letter.asked) == ("a", "alice", "")
            await session.ask("drop", letter)
            await session.ask("retry", letter)
            (again,) = await session.store.list("dead")
            assert (again.number, again.asked) == (letter.number, "retry")

    async def test_what_is_asked_of_a_value_is_seen(self, tmp_path: Path) -> None:
        """The newest that is not done yet; nothing of any other value."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            member = key("bot", "member", 'a "b"', arrival.place)
            changes = [session.change(what, None, "1") for what in (A, member)]
            await session.commit(session.turn(arrival, *changes))
            setting = Request(verb="set", key=member, text="2")
            for request in (Request(verb="delete", key=member), setting):
                await session.store.ask(request)
                told = {entry.key: entry.asked for entry in await session.store.list("states")}
                assert told == {A: "", member: request.verb}
            await session.store.answer(session.versions)
            assert {entry.asked for entry in await session.store.list("states")} == {""}

    async def test_an_entry_is_shown_by_its_number(self, tmp_path: Path) -> None:
        """As in the list of its shelf; a number that is not there shows nothing."""
        async with self.session(tmp_path) as session:
            await _fill(session)
            shelves: list[Shelf] = ["states", "inbox", "outbox", "dead"]
            for shelf in shelves:
                entries = await session.store.list(shelf)
                assert entries
                for entry in entries:
                    assert await session.store.show(shelf, entry.number) == entry
                assert await session.store.show(shelf, entries[-1].number + 1000) is None

    async def test_filters_choose_what_agrees_with_all_of_them(self, tmp_path: Path) -> None:
        """On each shelf, as far as its entries have what is asked for."""
        async with self.session(tmp_path) as session:
            await _fill(session)
            store = session.store

            async def names(**chosen: Any) -> list[tuple[str, str]]:
                entries = await store.list("states", Filter(**chosen))
                keys = [entry.key for entry in entries if entry.key]
                return sorted((key.scope, key.name) for key in keys)

            assert await names(scope="global") == [("global", "a")]
            assert await names(name="mine") == [("member", "mine"), ("user", "mine")]
            assert await names(name="mine", person="alice", chat="b") == [("member", "mine")]
            assert await names(chat="b") == [("chat", "ours"), ("member", "mine")]
            assert len(await names(platform="test")) == 3
            assert await names(platform="test", scope="global") == []
            assert await names(bot="other") == await names(person="bob") == []
            cases: list[tuple[Shelf, str, str]] = [
                ("inbox", "a", "b"),
                ("outbox", "b", "a"),
                ("dead", "a", "b"),
            ]
            for shelf, chat, other in cases:
                assert await _numbers(store, shelf, chat=chat) == await _numbers(store, shelf)
                assert await _numbers(store, shelf, chat=other) == []
                assert await _numbers(store, shelf, bot="bot", platform="test")
                assert await _numbers(store, shelf, platform="other") == []
            assert await _numbers(store, "inbox", person="bob")
            assert await _numbers(store, "inbox", person="alice") == []
            assert await _numbers(store, "dead", person="bob") == []

    async def test_a_long_shelf_is_seen_page_by_page(self, tmp_path: Path) -> None:
        """At most so many, with numbers above the last that was seen; the filter stays."""
        async with self.session(tmp_path) as session:
            said = [event(str(n), chat=str(n % 2), user=f"u{n}") for n in range(9)]
            arrivals = await session.arrive(*said)
            for arrival in arrivals:
                await session.put(arrival, key("bot", "user", "a", arrival.place), "1")
            everything = await _numbers(session.store, "states")
            assert everything == sorted(set(everything))
            assert len(everything) == 9
            pages: list[int] = []
            after = 0
            while page := await _numbers(session.store, "states", after=after, limit=4):
                pages += page
                after = page[-1]
            assert pages == everything
            chosen = await _numbers(session.store, "states", person="u3", after=everything[0])
            assert chosen == [everything[3]]

    async def test_a_value_keeps_its_number(self, tmp_path: Path) -> None:
        """However often it changes."""
        async with self.session(tmp_path) as session:
            first, second, third = await session.arrive(event("1"), event("2"), event("3"))
            await session.put(first, A, "1")
            (before,) = await session.store.list("states")
            await session.put(second, global_key("b"), "1")
            await session.put(third, A, "2")
            after = await session.store.show("states", before.number)
            assert after
            assert (after.key, after.body) == (A, "2")

    async def test_two_bots_are_seen_apart(self, tmp_path: Path) -> None:
        """All of a store is seen, or what is one bot's."""
        self.needs_durability()
        async with self.session(tmp_path, bot="other") as session:
            await session.arrive(event("1"))
        async with self.session(tmp_path) as session:
            await session.arrive(event("1"))
            found = await session.store.list("inbox")
            assert [entry.bot for entry in found] == ["other", "bot"]
            assert await _numbers(session.store, "inbox", bot="bot") == [found[1].number]


class AskingContract(StoreSuite):
    """`ask` and `answer`, for values; `LettersContract` has dead letters."""

    def _onlooker(self, folder: Path) -> Store:
        """Return a store that is not opened."""
        self.needs_durability()
        return self.make_store(folder, clock=lambda: NOW, waiting_limit=1000, overflow="refuse")

    async def test_who_looks_needs_no_run(self, tmp_path: Path) -> None:
        """Another process has the store open, and what it does next is seen at once."""
        onlooker = self._onlooker(tmp_path)
        async with self.session(tmp_path) as session:
            _, waits, _ = await _fill(session)
            shelves: list[Shelf] = ["states", "inbox", "outbox", "dead"]
            for shelf in shelves:
                seen = list(await onlooker.list(shelf))
                assert seen == list(await session.store.list(shelf))
                assert await onlooker.show(shelf, seen[0].number) == seen[0]
            await session.put(waits, global_key("b"), "1")
            assert len(await onlooker.list("states", Filter(scope="global"))) == 2
            assert list(await onlooker.list("inbox")) == []

    async def test_who_asks_needs_no_run(self, tmp_path: Path) -> None:
        """The run that there is does it; without one, the next."""
        onlooker = self._onlooker(tmp_path)
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.put(arrival, A, "1")
            await onlooker.ask(Request(verb="set", key=A, text="2"))
            assert await session.text(A) == "1"
            assert list(await session.store.answer(session.versions)) == [Answer(key=A)]
            assert await session.text(A) == "2"
        await onlooker.ask(Request(verb="set", key=A, text="3"))
        async with self.session(tmp_path) as reopened:
            assert list(await reopened.store.answer(reopened.versions)) == [Answer(key=A)]
            assert await reopened.text(A) == "3"

    async def test_a_value_that_is_set_is_another(self, tmp_path: Path) -> None:
        """Text and schema as asked for, the version new: what was built on the old conflicts."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            old = await session.put(first, A, "1")
            await session.store.ask(Request(verb="set", key=A, text='"é"', schema=7))
            assert list(await session.store.answer(session.versions)) == [Answer(key=A)]
            new = await session.value(A)
            assert new
            assert (new.text, new.schema) == ('"é"', 7)
            assert new.version not in (old.value.version, 0)
            stale = session.turn(second, session.change(A, old.value, "2"))
            assert await session.commit(stale) == ["conflict"]
            turn = session.turn(second, session.change(A, new, "2"))
            assert await session.commit(turn) == ["applied"]

    async def test_a_value_that_never_was_is_set(self, tmp_path: Path) -> None:
        """A turn that found none conflicts."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.store.ask(Request(verb="set", key=A, text="1"))
            await session.store.answer(session.versions)
            assert await session.text(A) == "1"
            turn = session.turn(arrival, session.change(A, None, "2"))
            assert await session.commit(turn) == ["conflict"]

    async def test_a_value_that_is_deleted_is_gone(self, tmp_path: Path) -> None:
        """What was built on it conflicts; to delete what is not there changes nothing."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            old = await session.put(first, A, "1")
            other = global_key("b")
            for what in (A, other):
                await session.store.ask(Request(verb="delete", key=what))
            answered = await session.store.answer(session.versions)
            assert [answer.key for answer in answered] == [A, other]
            assert list(await session.store.load([A, other])) == [None, None]
            assert list(await session.store.list("states")) == []
            stale = session.turn(second, session.change(A, old.value, "2"))
            assert await session.commit(stale) == ["conflict"]
            turn = session.turn(second, session.change(A, None, "2"))
            assert await session.commit(turn) == ["applied"]

    async def test_values_are_set_and_deleted_in_the_order_asked_for(self, tmp_path: Path) -> None:
        """Each request once."""
        async with self.session(tmp_path) as session:
            requests = [
                Request(verb="set", key=A, text="1"),
                Request(verb="delete", key=A),
                Request(verb="set", key=A, text="3"),
            ]
            for request in requests:
                await session.store.ask(request)
            assert len(await session.store.answer(session.versions)) == 3
            assert await session.text(A) == "3"
            assert list(await session.store.answer(session.versions)) == []

    async def test_what_expires_does_so_though_it_was_set(self, tmp_path: Path) -> None:
        """Nobody has used it: its end stays."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            value = Value("1", next(session.versions), expires_at=NOW + HOUR)
            await session.commit(session.turn(arrival, Change(A, 0, value)))
            await session.store.ask(Request(verb="set", key=A, text="2"))
            await session.store.answer(session.versions)
            new = await session.value(A)
            assert new
            assert (new.text, new.expires_at) == ("2", NOW + HOUR)

    async def test_a_value_of_another_bot_is_left_to_it(self, tmp_path: Path) -> None:
        """Whoever asks names it by its key; only a run of its bot changes it."""
        self.needs_durability()
        theirs = global_key("a", "other")
        async with self.session(tmp_path) as session:
            await session.store.ask(Request(verb="set", key=theirs, text="1"))
            assert list(await session.store.answer(session.versions)) == []
        async with self.session(tmp_path, bot="other") as other:
            assert list(await other.store.answer(other.versions)) == [Answer(key=theirs)]
            assert await other.text(theirs) == "1"
