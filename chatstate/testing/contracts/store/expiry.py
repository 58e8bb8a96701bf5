"""The store's contract: values that expire.

1. A value that is due becomes an event, once, unless it was used or changed since.
2. That event goes first in its conversation, and never has to make room for others.
3. A use puts the end off only if its turn is applied, and is no conflict for anybody.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from chatstate.messages import Event, User
from chatstate.scope import Key, Scope, key
from chatstate.stores.base import Arrival, Change, DeadLetter, Due, Expired, Expiry, Use, Value
from chatstate.testing.contracts.store.session import (
    HOUR,
    NOW,
    Session,
    StoreSuite,
    Time,
    event,
    global_key,
)

A, B = global_key("a"), global_key("b")


def _change(session: Session, what: Key, expires_at: float | None, text: str = "1") -> Change:
    return Change(what, 0, Value(text, next(session.versions), expires_at=expires_at))


async def _due(session: Session, scope: Scope, name: str, **options: int) -> list[Key]:
    """Return the keys that are due, of the session's account."""
    bound = (scope, name, options.get("schema", 1))
    skip, limit = options.get("skip", 0), options.get("limit", 100)
    return [due.key for due in await session.store.due(bound, session.account.id, skip, limit)]


def _told(arrival: Arrival, what: Key, *, told: bool = True) -> Expiry:
    return Expiry(what, arrival.place.conversation, told)


class ExpiryContract(StoreSuite):
    """`due`, `expire`, and what a turn has used."""

    async def test_a_value_is_due_when_its_time_is_over(self, tmp_path: Path) -> None:
        """With the conversation of the turn that wrote it; one without a time never is."""
        time = Time()
        async with self.session(tmp_path, clock=time) as session:
            (arrival,) = await session.arrive(event("1"))
            changes = [_change(session, A, NOW + 10), _change(session, B, None)]
            await session.commit(session.turn(arrival, *changes))
            assert await session.value(A) == changes[0].value
            time.now = NOW + 9
            assert await _due(session, "global", "a") == []
            time.now = NOW + 10
            found = await session.store.due(("global", "a", 1), session.account.id, 0, 10)
            assert list(found) == [Due(A, arrival.place.conversation)]
            assert await _due(session, "global", "b") == []

    async def test_only_the_state_the_account_and_versions_asked_for_are_due(
        self, tmp_path: Path
    ) -> None:
        """Not one of the same name in another scope, nor one that newer code wrote."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            newer = Change(B, 0, Value("1", next(session.versions), schema=2, expires_at=NOW))
            await session.commit(session.turn(arrival, _change(session, A, NOW), newer))
            assert await _due(session, "user", "a") == []
            assert await _due(session, "global", "b") == []
            assert await _due(session, "global", "b", schema=2) == [B]
            other = await session.store.account("test", "2")
            assert list(await session.store.due(("global", "a", 1), other.id, 0, 10)) == []

    async def test_what_is_due_comes_in_slices(self, tmp_path: Path) -> None:
        """In an order that stays, so that all are found by skipping those that were seen."""
        async with self.session(tmp_path) as session:
            arrivals = await session.arrive(*(event(str(n), user=str(n)) for n in range(9)))
            keys = [key("bot", "member", "a", arrival.place) for arrival in arrivals]
            for arrival, what in zip(arrivals, keys, strict=True):
                await session.commit(
                    session.turn(arrival, _change(session, what, NOW - arrival.seq))
                )
            found: list[Key] = []
            for skip in (0, 4, 8, 12):
                found += await _due(session, "member", "a", skip=skip, limit=4)
            assert sorted(found) == sorted(keys)
            assert len(found) == 9

    async def test_a_use_puts_the_end_off(self, tmp_path: Path) -> None:
        """Never brings it nearer; the conversation is that of the last turn; others stay."""
        time = Time()
        async with self.session(tmp_path, clock=time) as session:
            first, second, third = await session.arrive(
                event("1"), event("2", chat="other"), event("3", chat="third")
            )
            change = _change(session, A, NOW + 10)
            await session.commit(session.turn(first, change))
            await session.commit(session.turn(second, used=[Use(A, NOW + 20), Use(B, NOW + 20)]))
            await session.commit(session.turn(third, used=[Use(A, NOW + 5)]))
            time.now = NOW + 19
            assert await _due(session, "global", "a") == []
            time.now = NOW + 20
            (due,) = await session.store.due(("global", "a", 1), session.account.id, 0, 10)
            assert due == Due(A, third.place.conversation)
            value = await session.value(A)
            assert value == msgspec.structs.replace(change.value, expires_at=NOW + 20)
            assert await session.value(B) is None

    async def test_a_use_of_a_turn_that_is_not_applied_is_none(self, tmp_path: Path) -> None:
        """It is one of the turn's effects."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await session.commit(session.turn(first, _change(session, A, NOW)))
            wrong = session.change(A, Value("0", 1), "1")
            turn = session.turn(second, wrong, used=[Use(A, NOW + HOUR)])
            assert await session.commit(turn) == ["conflict"]
            assert await _due(session, "global", "a") == [A]

    async def test_a_use_in_the_batch_of_a_change_is_no_conflict(self, tmp_path: Path) -> None:
        """Whichever comes first, the value is the changed one, and its end the later."""
        async with self.session(tmp_path) as session:
            first, second, third = await session.arrive(
                event("1"), event("2", chat="other"), event("3", chat="third")
            )
            before = _change(session, A, NOW)
            await session.commit(session.turn(first, before))
            new = Value("2", next(session.versions), expires_at=NOW + 10)
            changing = session.turn(second, Change(A, before.value.version, new))
            using = session.turn(third, used=[Use(A, NOW + 20)])
            assert await session.commit(using, changing) == ["applied"] * 2
            assert await session.value(A) == msgspec.structs.replace(new, expires_at=NOW + 20)

    async def test_a_change_may_end_the_end(self, tmp_path: Path) -> None:
        """A value whose state expires no more, or again."""
        async with self.session(tmp_path) as session:
            first, second, third = await session.arrive(event("1"), event("2"), event("3"))
            before = _change(session, A, NOW)
            await session.commit(session.turn(first, before))
            change = session.change(A, before.value, "2")
            await session.commit(session.turn(second, change))
            assert await _due(session, "global", "a") == []
            again = Value("3", next(session.versions), expires_at=NOW)
            await session.commit(session.turn(third, Change(A, change.value.version, again)))
            assert await _due(session, "global", "a") == [A]

    async def test_a_value_that_expires_is_gone_and_becomes_an_event(self, tmp_path: Path) -> None:
        """Of its conversation and person, with all that is to be known of it."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1", thread="t"))
            what = key("bot", "member", "a", arrival.place)
            value = Value('{"é":1}', next(session.versions), schema=3, expires_at=NOW)
            await session.commit(session.turn(arrival, Change(what, 0, value)))
            (told,) = await session.store.expire([_told(arrival, what)])
            assert told
            assert await session.value(what) is None
            assert told.seq > arrival.seq
            assert told.ahead
            assert told.place == arrival.place
            message, said = told.event.message, arrival.event.message
            assert (message.kind, message.text, message.thread) == ("expiry", "a", "t")
            assert (message.sender, message.chat.id) == (said.sender, said.chat.id)
            expired = Expired("member", "a", value.text, 3, value.version)
            assert msgspec.convert(message.raw, Expired) == expired
            claimed = await session.store.events(arrival.place.conversation, 0, 10)
            assert list(claimed) == [told]

    async def test_who_is_not_named_keeps_the_name(self, tmp_path: Path) -> None:
        """Not all that a platform tells of a person says what they are called."""
        async with self.session(tmp_path) as session:
            told: list[Event] = []
            for number, name in enumerate(("Alice", "")):
                said = event(str(number))
                message = replace(said.message, sender=User("alice", name))
                told.append(replace(said, message=message))
            (arrival, _) = await session.arrive(*told)
            what = key("bot", "member", "a", arrival.place)
            await session.commit(session.turn(arrival, _change(session, what, NOW)))
            (expired,) = await session.store.expire([_told(arrival, what)])
            assert expired
            assert expired.event.message.sender == User("alice", "Alice")

    async def test_a_value_of_nobody_expires_for_nobody(self, tmp_path: Path) -> None:
        """The sender of its event has no id."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, _change(session, A, NOW)))
            (told,) = await session.store.expire([_told(arrival, A)])
            assert told
            assert (told.place.person, told.event.message.sender.id) == (0, "")
            assert told.place.conversation == arrival.place.conversation

    async def test_a_value_of_which_nobody_is_told_is_just_gone(self, tmp_path: Path) -> None:
        """Without an event."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, _change(session, A, NOW)))
            assert list(await session.store.expire([_told(arrival, A, told=False)])) == [None]
            assert await session.value(A) is None
            assert await session.waiting(arrival) == []

    async def test_what_was_used_or_is_gone_does_not_expire(self, tmp_path: Path) -> None:
        """It is looked at again at the moment of its end; nothing happens twice."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            changes = [_change(session, A, NOW + 1), _change(session, B, NOW)]
            await session.commit(session.turn(arrival, *changes))
            gone = global_key("gone")
            expiries = [_told(arrival, what) for what in (A, gone, B, B)]
            told = await session.store.expire(expiries)
            assert [arrival is None for arrival in told] == [True, True, False, True]
            assert await session.value(A) == changes[0].value
            assert list(await session.store.expire([])) == []

    async def test_a_turn_that_builds_on_an_expired_value_is_a_conflict(
        self, tmp_path: Path
    ) -> None:
        """As on any that is not what it was."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            before = _change(session, A, NOW)
            await session.commit(session.turn(first, before))
            await session.store.expire([_told(first, A, told=False)])
            assert await session.commit(
                session.turn(second, session.change(A, before.value, "2"))
            ) == ["conflict"]
            assert await session.commit(session.turn(second, session.change(A, None, "2"))) == [
                "applied"
            ]

    async def test_what_has_expired_goes_first(self, tmp_path: Path) -> None:
        """Before what waits, in the order of `claim` from the start, and at the commit."""
        async with self.session(tmp_path) as session:
            first, second, third = await session.arrive(event("1"), event("2"), event("3"))
            await session.commit(
                session.turn(first, _change(session, A, NOW), _change(session, B, NOW))
            )
            told = await session.store.expire([_told(first, A), _told(first, B)])
            a, b = (arrival for arrival in told if arrival)
            assert await session.waiting(first) == [a.seq, b.seq, second.seq, third.seq]
            events = session.store.events
            conversation = first.place.conversation
            limited = await events(conversation, 0, 1)
            assert [arrival.seq for arrival in limited] == [a.seq, b.seq, second.seq]
            later = await events(conversation, second.seq, 10)
            assert [arrival.seq for arrival in later] == [third.seq]
            assert await session.commit(session.turn(b), session.turn(second)) == ["applied"] * 2
            assert await session.commit(session.turn(a), session.turn(a)) == ["applied", "fenced"]
            assert await session.waiting(first) == [third.seq]

    async def test_what_has_expired_is_there_in_the_next_process(self, tmp_path: Path) -> None:
        """The event is durable when `expire` returns, and waits for its turn; so is a use."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            first, second = await session.arrive(event("1"), event("2", chat="other"))
            await session.commit(
                session.turn(first, _change(session, A, NOW), _change(session, B, NOW))
            )
            await session.commit(session.turn(second, used=[Use(B, NOW + HOUR)]))
            (told,) = await session.store.expire([_told(first, A)])
        async with self.session(tmp_path) as reopened:
            assert await reopened.value(A) is None
            assert list(await reopened.store.events(first.place.conversation, 0, 10)) == [told]
            assert await _due(reopened, "global", "b") == []
            assert [claim.conversation for claim in await reopened.claimed()] == [
                first.place.conversation
            ]

    async def test_what_has_expired_is_never_dropped(self, tmp_path: Path) -> None:
        """An event that must make room is one that somebody has sent."""
        async with self.session(tmp_path, waiting_limit=3, overflow="drop_oldest") as session:
            first, second, third = await session.arrive(event("1"), event("2"), event("3"))
            await session.commit(session.turn(first, _change(session, A, NOW)))
            (told,) = await session.store.expire([_told(first, A)])
            assert told
            (last,) = await session.ingest(event("4"))
            assert last.dropped == third.seq
            assert last.arrival
            assert await session.waiting(first) == [told.seq, second.seq, last.arrival.seq]

    async def test_a_value_that_was_never_stored_is_told_of(self, tmp_path: Path) -> None:
        """By its version; its event holds no text."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            version = next(session.versions)
            (told,) = await session.store.expire(
                [Expiry(A, arrival.place.conversation, told=True, version=version)]
            )
            assert told
            expired = msgspec.convert(told.event.message.raw, Expired)
            assert (expired.text, expired.version) == (None, version)

    async def test_what_fails_with_an_expired_value_is_a_dead_letter(self, tmp_path: Path) -> None:
        """Which holds the value, and can be retried as any event."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, _change(session, A, NOW, '"kept"')))
            (told,) = await session.store.expire([_told(arrival, A)])
            assert told
            dead = DeadLetter("event", "broken")
            assert await session.commit(session.turn(told, dead=dead)) == ["applied"]
            (letter,) = await session.letters()
            assert '\\"kept\\"' in letter.body
            await session.ask("retry", letter)
            (revived,) = await session.store.answer(session.versions)
            assert revived.arrival
            assert revived.arrival.event.message == told.event.message
