"""The store's contract: references to what is sent, and what is asked to be sent.

1. A reference leads to a message, sent or not, until its time is over.
2. What is asked for under a reference is asked for once, and taken up once, whoever does.
3. A request that nobody takes up can be given up: it is a dead letter then, which can be retried.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.base import (
    Asked,
    DeadLetter,
    KeptButton,
    KeptReference,
    KnownAccount,
    Owed,
    Reference,
    Request,
    Settled,
)
from chatstate.testing.contracts.store.session import NOW, Session, StoreSuite, event

MONTH = 30 * 24 * 3600.0


def wanted(session: Session, ref: str = "a", text: str = '"hi"') -> Request:
    """Return a request to send something from the session's account."""
    ends = NOW + MONTH
    return Request(verb="send", account=session.account.id, ref=ref, text=text, expires_at=ends)


def to_send(ref: str = "a", chat: str = "room") -> Event:
    """Return the event that a request becomes."""
    return Event(f"send-{ref}", Message("", User(""), Chat(chat, "group"), "send"))


async def asked(session: Session, before: float = 0.0) -> list[Asked]:
    """Return the requests from the session's account, and those made `before`."""
    return list(await session.store.asked([session.account.id], before, 0, 100))


class ReferencesContract(StoreSuite):
    """`reference` and `amend`, and `place`."""

    async def test_a_reference_leads_to_a_message(self, tmp_path: Path) -> None:
        """That a turn owes, here or in another conversation; once it is sent, to its id."""
        async with self.session(tmp_path) as session:
            here, there = await session.arrive(event("1"), event("2", chat="there"))
            where = there.place.conversation
            kept = [KeptReference("a", where, 0, NOW + MONTH)]
            owed = [Owed(here.seq, 0, '"hi"', conversation=where)]
            await session.commit(session.turn(here, owed=owed, references=kept))
            assert await session.store.reference("a") == Reference(where, here.seq)
            assert await session.store.reference("b") is None
            session.store.settle(Settled(where, here.seq, 0, referred="7"))
            found = await session.store.reference("a")
            assert found
            assert found.message == "7"

    async def test_a_reference_tells_which_events_came_after_it_was_sent(
        self, tmp_path: Path
    ) -> None:
        """Those with greater numbers: also to whoever comes after a crash."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            where = arrival.place.conversation
            kept = [KeptReference("a", where, 0, NOW + MONTH)]
            owed = [session.reply(arrival)]
            await session.commit(session.turn(arrival, owed=owed, references=kept))
            (before,) = await session.arrive(event("2"))
            session.store.settle(Settled(where, arrival.seq, 0, referred="7"))
            (after,) = await session.arrive(event("3"))
            found = await session.store.reference("a")
            assert found
            assert before.seq <= found.after < after.seq

    async def test_a_reference_to_what_is_dead_leads_to_no_message(self, tmp_path: Path) -> None:
        """Until it is retried, and sent after all."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            where = arrival.place.conversation
            kept = [KeptReference("a", where, 0, NOW + MONTH)]
            owed = [session.reply(arrival)]
            await session.commit(session.turn(arrival, owed=owed, references=kept))
            session.store.settle(Settled(where, arrival.seq, 0, DeadLetter("reply", "refused")))
            assert await session.store.reference("a") == Reference(where, arrival.seq)
            await session.ask("retry", (await session.letters())[0])
            await session.store.answer(session.versions)
            session.store.settle(Settled(where, arrival.seq, 0, referred="7"))
            found = await session.store.reference("a")
            assert found
            assert found.message == "7"

    async def test_a_reference_tells_the_newest_change(self, tmp_path: Path) -> None:
        """Of those that are owed; None once all are settled."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            where = arrival.place.conversation
            kept = [KeptReference("a", where, 0, NOW + MONTH)]
            changes = [replace(session.reply(arrival, part), changes="a") for part in (1, 2)]
            owed = [session.reply(arrival), *changes]
            await session.commit(session.turn(arrival, owed=owed, references=kept))
            for newest, part in (((arrival.seq, 2), 1), ((arrival.seq, 2), 2), (None, 0)):
                found = await session.store.reference("a")
                assert found
                assert found.newest == newest
                session.store.settle(Settled(where, arrival.seq, part))

    async def test_a_reference_is_amended(self, tmp_path: Path) -> None:
        """By what the message should say, the last counts; or it is deleted, for good."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            kept = [KeptReference("a", arrival.place.conversation, 0, NOW + MONTH)]
            await session.commit(session.turn(arrival, references=kept))
            for content in ("1", "2"):
                await session.store.amend("a", content)
                found = await session.store.reference("a")
                assert found
                assert (found.content, found.is_deleted) == (content, False)
            await session.store.amend("a", None)
            await session.store.amend("unknown", None)
            found = await session.store.reference("a")
            assert found
            assert (found.content, found.is_deleted) == (None, True)

    async def test_a_reference_ends(self, tmp_path: Path) -> None:
        """When its time is over, whether it is forgotten by then or not."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            kept = [KeptReference("a", arrival.place.conversation, 0, NOW + MONTH)]
            await session.commit(session.turn(arrival, references=kept))
        async with self.session(tmp_path, clock=lambda: NOW + MONTH - 1) as session:
            await session.store.prune()
            assert await session.store.reference("a")
        async with self.session(tmp_path, clock=lambda: NOW + MONTH) as session:
            assert await session.store.reference("a") is None
            await session.store.prune()
            assert await session.store.reference("a") is None

    async def test_a_reference_is_there_in_the_next_process(self, tmp_path: Path) -> None:
        """With what it leads to, also after a crash."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (arrival,) = await session.arrive(event("1"))
            where = arrival.place.conversation
            kept = [KeptReference("a", where, 0, NOW + MONTH)]
            owed = [session.reply(arrival)]
            await session.commit(session.turn(arrival, owed=owed, references=kept))
            session.store.settle(Settled(where, arrival.seq, 0, referred="7"))
            await session.store.flush()
        async with self.session(tmp_path) as reopened:
            found = await reopened.store.reference("a")
            assert found == Reference(where, arrival.seq, "7", after=arrival.seq)

    async def test_a_button_hangs_where_it_is_owed(self, tmp_path: Path) -> None:
        """In the conversation of its message, which need not be that of the turn."""
        async with self.session(tmp_path) as session:
            here, there = await session.arrive(event("1"), event("2", chat="there"))
            where = there.place.conversation
            button = KeptButton("b", 0, "x", False, NOW + MONTH, where)
            owed = [Owed(here.seq, 0, '"hi"', conversation=where)]
            await session.commit(session.turn(here, owed=owed, buttons=[button]))
            session.store.settle(Settled(where, here.seq, 0, message="7"))
            await session.store.flush()
            found = await session.store.button("b")
            assert found
            assert (found.conversation, found.message) == (where, "7")

    async def test_a_place_is_that_of_who_speaks_there(self, tmp_path: Path) -> None:
        """Whether somebody has spoken there before or not; of a thread, too."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1", chat="a"))
            place = session.store.place
            assert await place(session.account.id, Chat("a"), None) == arrival.place._replace(
                person=0
            )
            new = await place(session.account.id, Chat("b"), "7")
            (there,) = await session.arrive(event("2", chat="b", thread="7"))
            assert new == there.place._replace(person=0)


class SendsContract(StoreSuite):
    """`accounts`, `ask` for something to be sent, `asked`, `take_up` and `give_up`."""

    async def test_accounts_are_known(self, tmp_path: Path) -> None:
        """To everybody who looks, with the bots whose they are."""
        async with self.session(tmp_path) as session:
            known = [KnownAccount(session.account.id, "bot", "test", "1")]
            assert list(await session.store.accounts()) == known

    async def test_what_is_asked_for_is_listed(self, tmp_path: Path) -> None:
        """In its order, until it is taken up; of other accounts only what is older."""
        async with self.session(tmp_path, clock=lambda: NOW) as session:
            first, second = wanted(session), wanted(session, "b")
            for request in (first, second):
                assert await session.store.ask(request)
            found = await asked(session)
            assert [entry.request for entry in found] == [first, second]
            assert [entry.asked_at for entry in found] == [NOW, NOW]
            numbers = [entry.number for entry in found]
            page = await session.store.asked([session.account.id], 0, numbers[0], 1)
            assert [entry.number for entry in page] == numbers[1:]
            assert list(await session.store.asked([], NOW, 0, 100)) == []
            assert list(await session.store.asked([], NOW + 1, 0, 100)) == found
            assert list(await session.store.answer(session.versions)) == []

    async def test_what_is_known_is_asked_for_once(self, tmp_path: Path) -> None:
        """Until its time is over, whatever has become of it."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            assert await session.store.ask(wanted(session))
            assert not await session.store.ask(wanted(session, text='"ho"'))
            (entry,) = await asked(session)
            await session.store.take_up(entry.number, to_send())
        async with self.session(tmp_path, clock=lambda: NOW + MONTH - 1) as session:
            assert not await session.store.ask(wanted(session))
        async with self.session(tmp_path, clock=lambda: NOW + MONTH) as session:
            assert await session.store.ask(wanted(session))

    async def test_what_is_taken_up_is_an_event(self, tmp_path: Path) -> None:
        """Once: it is a request no more, and its reference leads to the event's turn."""
        async with self.session(tmp_path) as session:
            await session.store.ask(wanted(session))
            (entry,) = await asked(session)
            taken = await session.store.take_up(entry.number, to_send())
            assert taken
            assert taken.arrival
            assert taken.arrival.event == to_send()
            arrival = taken.arrival
            found = Reference(arrival.place.conversation, arrival.seq)
            assert await session.store.reference("a") == found
            assert await session.store.take_up(entry.number, to_send()) is None
            assert await asked(session) == []
            assert await session.waiting(arrival) == [arrival.seq]

    async def test_what_is_refused_stays_a_request(self, tmp_path: Path) -> None:
        """Its conversation has too many events that wait."""
        async with self.session(tmp_path, waiting_limit=1) as session:
            await session.arrive(event("1"))
            await session.store.ask(wanted(session))
            (entry,) = await asked(session)
            taken = await session.store.take_up(entry.number, to_send())
            assert taken
            assert taken.status == "refused"
            assert await asked(session) == [entry]

    async def test_what_is_given_up_is_a_dead_letter(self, tmp_path: Path) -> None:
        """It can be retried: then it is an event."""
        async with self.session(tmp_path) as session:
            await session.store.ask(wanted(session))
            (entry,) = await asked(session)
            dead = DeadLetter("event", "nobody", "at all")
            for _ in range(2):
                await session.store.give_up(entry.number, to_send(), dead)
            assert await asked(session) == []
            (letter,) = await session.letters()
            assert (letter.kind, letter.error, letter.detail) == ("event", "nobody", "at all")
            assert (letter.platform, letter.chat) == ("test", "room")
            found = await session.store.reference("a")
            assert found
            assert (found.conversation > 0, found.turn) == (True, 0)
            await session.ask("retry", letter)
            (answer,) = await session.store.answer(session.versions)
            assert answer.arrival
            assert answer.arrival.event.message == to_send().message

    async def test_requests_wait_for_the_next_process(self, tmp_path: Path) -> None:
        """Also after a crash."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            await session.store.ask(wanted(session))
        async with self.session(tmp_path) as reopened:
            assert [entry.request.ref for entry in await asked(reopened)] == ["a"]
