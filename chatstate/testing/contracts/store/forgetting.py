"""The store's contract: somebody is forgotten.

1. All that is theirs is gone, on each shelf; nothing of anybody else.
2. What was on its way with it is refused, and what is delivered again changes nothing.
3. Whoever comes back is somebody new.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from chatstate.inspection import Entry, Request, Shelf
from chatstate.messages import Chat, ChatKind, Event, Message, User
from chatstate.scope import key
from chatstate.stores.base import (
    Arrival,
    DeadLetter,
    KeptButton,
    KeptReference,
    Settled,
    StoredTimer,
    TimerChange,
)
from chatstate.stores.forgetting import Erased, mark_of
from chatstate.testing.contracts.store.session import HOUR, NOW, Session, StoreSuite, Time

SHELVES: tuple[Shelf, ...] = (
    *("states", "inbox", "running", "outbox", "dead", "timers", "people", "chats", "conversations"),
)


def said(identity: str, user: str, chat: str = "room", at: float = NOW - HOUR) -> Event:
    """Return what somebody has said in a group, or in private."""
    kind: ChatKind = "private" if chat.startswith("dm") else "group"
    time = datetime.fromtimestamp(at, UTC)
    there = Chat(chat, kind, f"title of {chat}")
    message = Message(f"words of {user}", User(user, f"name of {user}"), there, time=time)
    return Event(identity, message)


async def _fill(session: Session, user: str) -> list[Arrival]:
    """Let somebody have something on each shelf: in a group and in private."""
    events = [
        said(f"{user} {n}", user, chat) for n, chat in enumerate(("room", "room", f"dm {user}"))
    ]
    done, fails, private = await session.arrive(*events)
    await session.arrive(said(f"{user} waits", user, f"dm {user}"))
    place, generation = private.place, next(session.versions)
    timer = StoredTimer(
        *(place.conversation, place.person, "tea", generation),
        *(NOW + HOUR, "ring", f'"words of {user}"'),
    )
    words = f'"words of {user}"'
    button = KeptButton(f"b{user}", 0, words, command=False, expires_at=NOW + HOUR)
    keys = [key("bot", "member", "mine", done.place), key("bot", "user", "mine", done.place)]
    keys += [key("bot", "thread", "mine", place), key("bot", "chat", "mine", place)]
    changes = [session.change(what, None, words) for what in keys]
    outcomes = await session.commit(
        session.turn(done, *changes[:2], owed=[session.reply(done, body=words)], buttons=[button]),
        session.turn(fails, dead=DeadLetter("event", words)),
        session.turn(
            private,
            *changes[2:],
            owed=[session.reply(private, body=words), session.reply(private, 1, words)],
            timers=[TimerChange(place.person, "tea", timer)],
        ),
    )
    assert outcomes == ["applied"] * 3
    where = place.conversation
    session.store.settle(Settled(where, private.seq, 1, DeadLetter("reply", "refused")))
    await session.store.flush()
    return [done, fails, private]


async def _seen(session: Session) -> list[Entry]:
    return [entry for shelf in SHELVES for entry in await session.store.list(shelf)]


async def _forget(session: Session, person: int) -> Erased:
    assert await session.store.ask(Request(verb="forget", number=person))
    *_, row = await session.store.forgotten()
    return await session.store.forget(row.number)


class ForgettingContract(StoreSuite):
    """The verbs of `Forgetting`."""

    async def test_all_that_is_somebodys_goes(self, tmp_path: Path) -> None:
        """In groups and in private, and nothing of what is anybody else's."""
        async with self.session(tmp_path) as session:
            done, _, private = await _fill(session, "alice")
            await _fill(session, "bob")
            before = [e for e in await _seen(session) if "alice" not in repr(e)]
            erased = await _forget(session, done.place.person)
            assert private.place.conversation in erased.conversations
            assert {done.seq, private.seq} <= set(erased.turns)
            seen = await _seen(session)
            assert [entry for entry in seen if "alice" in repr(entry)] == []
            left = {(e.number, e.body) for e in seen if "bob" in repr(e)}
            assert left == {(e.number, e.body) for e in before if "bob" in repr(e)}
            assert await session.store.button("balice") is None
            assert await session.store.button("bbob")

    async def test_what_answers_somebody_goes_after_the_event_is_known_no_more(
        self, tmp_path: Path
    ) -> None:
        """In a group, too: replies owed for days, what buttons send, what references lead to."""
        clock = Time()
        async with self.session(tmp_path, clock=clock) as session:
            for user in ("alice", "bob"):
                (done,) = await session.arrive(said(user, user))
                words = f'"words of {user}"'
                month = NOW + 30 * 24 * HOUR
                button = KeptButton(f"b{user}", 0, words, command=False, expires_at=month)
                kept = KeptReference(f"r{user}", done.place.conversation, 0, month)
                turn = session.turn(
                    done,
                    owed=[session.reply(done, body=words)],
                    buttons=[button],
                    references=[kept],
                )
                assert await session.commit(turn) == ["applied"]
            (alice,) = [e for e in await session.store.list("people") if e.person == "alice"]
            clock.now += 49 * HOUR
            await session.store.prune()
            (mine, _) = await session.store.list("outbox")
            assert mine.person == "alice"
            await _forget(session, alice.number)
            assert [e.person for e in await session.store.list("outbox")] == ["bob"]
            assert await session.store.button("balice") is None
            assert await session.store.reference("ralice") is None
            assert await session.store.button("bbob")
            assert await session.store.reference("rbob")

    async def test_a_turn_that_runs_meanwhile_brings_nothing_back(self, tmp_path: Path) -> None:
        """Its commit is refused, whatever it changes; so is a note."""
        async with self.session(tmp_path) as session:
            (running,) = await session.arrive(said("1", "alice", "dm"))
            await _forget(session, running.place.person)
            change = session.change(key("bot", "user", "mine", running.place), None, "1")
            turn = session.turn(running, change, owed=session.replies(running))
            assert await session.commit(turn) == ["fenced"]
            assert not await session.store.note(running.seq, "step", "1")
            assert [e for e in await _seen(session) if e.key or e.person] == []

    async def test_what_is_delivered_again_changes_nothing(self, tmp_path: Path) -> None:
        """Neither soon nor when its id is long forgotten: it is older than that was."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(said("1", "alice", "dm"))
            await session.commit(session.turn(arrival))
            await _forget(session, arrival.place.person)
            for identity in ("1", "of long ago"):
                (again,) = await session.ingest(said(identity, "alice", "dm"))
                assert (again.status, again.arrival) == ("duplicate", None)
            timeless = said("1", "alice", "dm")
            timeless = replace(timeless, message=replace(timeless.message, time=None))
            (again,) = await session.ingest(timeless)
            assert again.status == "duplicate"
            assert list(await session.store.list("people")) == []

    async def test_who_comes_back_is_somebody_new(self, tmp_path: Path) -> None:
        """What they say from then on is kept."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(said("1", "alice", "dm"))
            await session.put(arrival, key("bot", "user", "mine", arrival.place), "1")
            await _forget(session, arrival.place.person)
            (again,) = await session.ingest(said("2", "alice", "dm", at=NOW + 1))
            assert again.status == "stored"
            (person,) = await session.store.list("people")
            assert (person.person, person.number != arrival.place.person) == ("alice", True)
            (chat,) = [c for c in await session.store.list("chats") if c.chat]
            assert chat.number != arrival.place.chat

    async def test_what_was_forgotten_stays_as_a_mark(self, tmp_path: Path) -> None:
        """Whom it stands for is told until all is done, and cannot be told any more then."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(said("1", "alice", "dm"))
            person = arrival.place.person
            request = Request(verb="forget", number=person, turn=arrival.seq)
            assert await session.store.ask(request)
            assert not await session.store.ask(request)
            assert not await session.store.ask(Request(verb="forget", number=person + 99))
            (row,) = await session.store.forgotten()
            assert (row.person, row.user, row.turn, row.bot) == (
                person,
                "alice",
                arrival.seq,
                "bot",
            )
            assert row.mark == mark_of(session.run.secret, "test", "1", "alice")
            assert (row.asked_at, row.erased_at, row.done_at) == (NOW, None, None)
            await session.store.forget(row.number)
            await session.store.forget(row.number)
            assert await session.store.passed(row.number) is (self.runs == 1)
            await session.store.forgot(row.number)
            assert await session.store.forget(row.number) == Erased()
            assert len(await session.store.forgotten(is_open=True)) == 1
            await session.store.scrub(row.number)
            assert list(await session.store.forgotten(is_open=True)) == []
            (done,) = await session.store.forgotten()
            assert (done.person, done.user, done.turn, done.mark) == (0, "", 0, row.mark)
            assert (done.erased_at, done.done_at) == (NOW, NOW)
            await session.store.bury("a mark", NOW + 5)
            *_, buried = await session.store.forgotten()
            assert (buried.mark, buried.erased_at, buried.user) == ("a mark", NOW + 5, "")

    async def test_what_was_to_be_said_to_them_is_not(self, tmp_path: Path) -> None:
        """Nor is a value of theirs set."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(said("1", "alice", "dm"))
            account = session.account.id
            texts = (
                '{"ref":"a","said":[],"user":{"id":"alice"}}',
                '{"ref":"b","said":[],"user":{"id":"bob"}}',
            )
            for ref, text in zip("ab", texts, strict=True):
                letter = Request(
                    verb="send", account=account, text=text, ref=ref, expires_at=NOW + HOUR
                )
                await session.store.ask(letter)
            mine = key("bot", "user", "mine", arrival.place)
            await session.store.ask(Request(verb="set", key=mine, text="1"))
            await _forget(session, arrival.place.person)
            asked = await session.store.asked([account], NOW + 1, 0, 10)
            assert [entry.request.ref for entry in asked] == ["b"]
            assert list(await session.store.answer(session.versions)) == []
