"""Broadcasts: their recipients, each reached once, and what becomes of them.

1. What is noted under a key is one job, whatever comes later.
2. A recipient is reached in the transaction that stores its event: never without, never twice.
3. A chat that takes nothing is marked until anything comes from there.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chatstate.messages import Chat, Event, Message, User
from chatstate.scope import Key, Place
from chatstate.stores.base import Change, DeadLetter, Settled, Value
from chatstate.stores.broadcasts import (
    KEPT_SECONDS,
    Audience,
    Broadcast,
    Candidate,
    NewBroadcast,
    Recipient,
)
from chatstate.testing.contracts.store.session import HOUR, NOW, Session, StoreSuite, event

ALL = Audience("bot", "all")


def private(identity: str, user: str, kind: Any = "private") -> Event:
    """Return an event in a chat that is called as its person."""
    return Event(identity, Message("hi", User(user), Chat(user, kind)))


def news(key: str = "a", content: str = "1", audience: Audience = ALL) -> NewBroadcast:
    """Return a job to be noted."""
    return NewBroadcast(key, '"news"', content, audience, f"ref-{key}", NOW + HOUR)


def telling(number: int, chat: str) -> Event:
    """Return what a recipient gets."""
    return Event(f"news-{number}", Message("", User(""), Chat(chat), "send"))


async def running(session: Session, *chats: str, key: str = "a") -> Broadcast:
    """Return a job whose recipients are these chats."""
    job = await session.store.announce(news(key))
    found = [Recipient(session.account.id, Chat(chat)) for chat in chats]
    await session.store.gather(job.number, 0, 1, found, is_last=True)
    return await known(session, job.number)


async def known(session: Session, number: int) -> Broadcast:
    """Return a job as it is now."""
    return next(job for job in await session.store.broadcasts("bot") if job.number == number)


async def left(session: Session, job: Broadcast, limit: int = 100) -> list[str]:
    """Return the chats that are still to be reached."""
    found = await session.store.unreached(job.number, [session.account.id], limit)
    return [entry.recipient.chat.id for entry in found if entry.recipient.chat]


async def reach(session: Session, job: Broadcast, number: int, chat: str) -> int:
    """Reach a recipient, and return its turn, which owes a reply."""
    done = await session.store.reach(job.number, number, telling(number, chat))
    assert done
    assert done.arrival
    arrival = done.arrival
    await session.commit(session.turn(arrival, owed=[session.reply(arrival)]))
    return arrival.seq


async def refuse(session: Session, chat: str, turn: int, *, is_blocked: bool) -> None:
    """Settle a turn's reply as refused."""
    place = await session.store.place(session.account.id, Chat(chat), None)
    dead = DeadLetter("reply", "refused", "", is_blocked)
    session.store.settle(Settled(place.conversation, turn, 0, dead))
    await session.store.flush()


def chats(found: Sequence[Candidate]) -> list[str]:
    """Return the chats of candidates."""
    return [candidate.recipient.chat.id for candidate in found if candidate.recipient.chat]


class BroadcastsContract(StoreSuite):
    """Every verb of `Broadcasts`."""

    async def test_a_job_is_noted_once_under_its_key(self, tmp_path: Path) -> None:
        """Who notes it again gets the first one; another bot's is another one."""
        async with self.session(tmp_path) as session:
            first = await session.store.announce(news())
            assert (first.standing, first.content, first.total) == ("gathering", "1", 0)
            assert await session.store.announce(news(content="2")) == first
            assert await session.store.reference("ref-a")
            other = await session.store.announce(news(audience=Audience("other", "all")))
            assert other.number != first.number
            assert list(await session.store.broadcasts("bot")) == [first]
            assert list(await session.store.broadcasts()) == [first, other]

    async def test_a_crowd_is_told_page_by_page(self, tmp_path: Path) -> None:
        """In the order in which its chats were met, those of a kind or all; other bots' are not."""
        async with self.session(tmp_path, bot="other", account="2") as session:
            await session.arrive(private("0", "zoe"))
        async with self.session(tmp_path) as session:
            await session.arrive(private("1", "ann"), event("2", chat="room"))
            await session.arrive(private("3", "ben"), private("4", "tv", "channel"))
            see = session.store.audience
            assert chats(await see(Audience("bot", "private"), 0, 9)) == ["ann", "ben"]
            assert chats(await see(Audience("bot", "groups"), 0, 9)) == ["room"]
            first, second = await see(ALL, 0, 2)
            assert first.recipient == Recipient(session.account.id, Chat("ann"))
            assert chats([first, second]) == ["ann", "room"]
            assert chats(await see(ALL, second.number, 9)) == ["ben", "tv"]
            assert chats(await see(Audience("bot", "all", account=99), 0, 9)) == []

    @pytest.mark.parametrize("scope", ["user", "member", "chat", "thread"])
    async def test_those_who_have_a_value_are_told_with_it(
        self, tmp_path: Path, scope: Any
    ) -> None:
        """A person of a person's value, a chat or a thread of its own; none that has expired."""
        async with self.session(tmp_path) as session:
            arrival, late = await session.arrive(
                event("1", user="ann", chat="room", thread="7"), event("2", user="ben", chat="hall")
            )
            mine, over = _key(scope, arrival.place), _key(scope, late.place)
            put = await session.put(arrival, mine, "5")
            gone = Change(over, 0, Value("6", next(session.versions), 1, NOW))
            await session.commit(session.turn(late, gone))
            state = Audience("bot", state=(scope, "wants"))
            (found,) = await session.store.audience(state, 0, 9)
            room, account = Chat("room", "group"), session.account.id
            assert found.recipient == {
                "chat": Recipient(account, room),
                "thread": Recipient(account, room, "7"),
            }.get(scope, Recipient(account, user=User("ann")))
            assert found.value == Value("5", put.value.version)

    async def test_recipients_are_gathered_once(self, tmp_path: Path) -> None:
        """Whoever is behind, or comes too late, adds nothing; with the last the job runs."""
        async with self.session(tmp_path) as session:
            job = await session.store.announce(news())
            first, second = (Recipient(session.account.id, Chat(chat)) for chat in ("ann", "ben"))
            for _ in range(2):
                await session.store.gather(job.number, 0, 1, [first], is_last=False)
            assert (await known(session, job.number)).gathered == 1
            for _ in range(2):
                await session.store.gather(job.number, 1, 9, [second], is_last=True)
            job = await known(session, job.number)
            assert (job.standing, job.total) == ("running", 2)
            assert await left(session, job) == ["ann", "ben"]
            assert await left(session, job, 1) == ["ann"]
            assert list(await session.store.unreached(job.number, [99], 9)) == []

    async def test_a_recipient_is_reached_once(self, tmp_path: Path) -> None:
        """Its event is stored with that, and is the job's no more after a crash."""
        async with self.session(tmp_path) as session:
            job = await running(session, "ann", "ben")
            assert await reach(session, job, 1, "ann")
            assert await session.store.reach(job.number, 1, telling(1, "ann")) is None
            assert await left(session, job) == ["ben"]
            assert not await session.store.finish(job.number)
            assert await reach(session, job, 2, "ben")
            assert await session.store.finish(job.number)
            job = await known(session, job.number)
            assert (job.standing, job.total, job.reached) == ("done", 2, 2)

    async def test_one_conversation_is_one_recipient(self, tmp_path: Path) -> None:
        """However it was named: a person in private is a chat, and counts once."""
        async with self.session(tmp_path) as session:
            job = await running(session, "ann", "ann")
            assert await reach(session, job, 1, "ann")
            assert await session.store.reach(job.number, 2, telling(2, "ann")) is None
            job = await known(session, job.number)
            assert (job.total, job.reached) == (1, 1)
            assert await session.store.finish(job.number)

    async def test_what_is_refused_is_counted(self, tmp_path: Path) -> None:
        """It is a dead letter, unless the chat takes nothing any more: that is no surprise."""
        async with self.session(tmp_path) as session:
            job = await running(session, "ann", "ben", "cat")
            for number, chat in ((1, "ann"), (2, "ben")):
                turn = await reach(session, job, number, chat)
                await refuse(session, chat, turn, is_blocked=chat == "ben")
            assert await session.store.reach(job.number, 3, None) is None  # it cannot be had
            job = await known(session, job.number)
            assert (job.reached, job.failed, job.blocked) == (0, 1, 2)
            assert [letter.chat for letter in await session.letters()] == ["ann"]

    async def test_a_chat_that_takes_nothing_is_marked(self, tmp_path: Path) -> None:
        """Until anything comes from there: what the bot says there does not count."""
        async with self.session(tmp_path) as session:
            ann, _ = await session.arrive(private("1", "ann"), private("2", "ben"))
            await session.commit(session.turn(ann, owed=[session.reply(ann)]))
            await refuse(session, "ann", ann.seq, is_blocked=True)
            assert len(await session.letters()) == 1
            assert chats(await session.store.audience(ALL, 0, 9)) == ["ben"]
            job = await running(session, "ann")
            assert await session.store.reach(job.number, 1, telling(1, "ann")) is None
            assert (await known(session, job.number)).blocked == 1
            await session.ingest(telling(2, "ann"))
            assert chats(await session.store.audience(ALL, 0, 9)) == ["ben"]
            await session.ingest(private("3", "ann"))
            assert chats(await session.store.audience(ALL, 0, 9)) == ["ann", "ben"]

    async def test_a_job_is_paused_and_goes_on(self, tmp_path: Path) -> None:
        """Nobody is reached meanwhile; of what does not exist there is nothing to steer."""
        async with self.session(tmp_path) as session:
            job = await running(session, "ann")
            paused = await session.store.steer(job.number, "pause")
            assert paused
            assert not paused.is_under_way
            assert await session.store.reach(job.number, 1, telling(1, "ann")) is None
            resumed = await session.store.steer(job.number, "resume")
            assert resumed
            assert resumed.is_under_way
            assert await reach(session, job, 1, "ann")
            assert await session.store.steer(99, "pause") is None

    async def test_what_is_cancelled_reaches_nobody_else(self, tmp_path: Path) -> None:
        """Also while it is gathered; and it is not begun again."""
        async with self.session(tmp_path) as session:
            job = await running(session, "ann")
            for order in ("cancel", "resume"):
                steered = await session.store.steer(job.number, order)
                assert steered
                assert steered.standing == "cancelled"
            assert await session.store.reach(job.number, 1, telling(1, "ann")) is None
            assert not await session.store.finish(job.number)
            other = await session.store.announce(news("b"))
            await session.store.steer(other.number, "cancel")
            await session.store.gather(other.number, 0, 1, [], is_last=True)
            assert (await known(session, other.number)).standing == "cancelled"

    async def test_what_was_sent_is_recalled(self, tmp_path: Path) -> None:
        """From those who were reached, each once; nobody else is reached any more."""
        async with self.session(tmp_path) as session:
            job = await running(session, "ann", "ben", "cat")
            assert await reach(session, job, 1, "ann")
            turn = await reach(session, job, 2, "ben")
            await refuse(session, "ben", turn, is_blocked=True)
            await session.store.steer(job.number, "recall")
            (found,) = await session.store.unreached(job.number, [session.account.id], 9)
            place = await session.store.place(session.account.id, Chat("ann"), None)
            assert (found.number, found.conversation) == (1, place.conversation)
            assert not await session.store.finish(job.number)
            back = Event("back-1", telling(1, "ann").message)
            assert await session.store.reach(job.number, 1, back)
            assert await session.store.reach(job.number, 1, back) is None
            assert await session.store.finish(job.number)
            job = await known(session, job.number)
            assert (job.standing, job.recalled, job.reached) == ("recalled", 1, 1)

    async def test_a_job_is_there_in_the_next_process(self, tmp_path: Path) -> None:
        """As far as it was, also after a crash."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            job = await running(session, "ann", "ben")
            await reach(session, job, 1, "ann")
        async with self.session(tmp_path) as session:
            assert (await known(session, job.number)).reached == 1
            assert await left(session, job) == ["ben"]

    async def test_a_job_that_is_over_is_forgotten(self, tmp_path: Path) -> None:
        """After 30 days, with its recipients; its key is free then. One that goes on is kept."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            over, others = await running(session, "ann"), await running(session, "ann", key="b")
            await reach(session, over, 1, "ann")
            assert await session.store.finish(over.number)
        for passed, kept in ((0.0, [over.number, others.number]), (1.0, [others.number])):
            then = NOW + KEPT_SECONDS + passed
            async with self.session(tmp_path, clock=lambda: then) as session:  # noqa: B023 - at once
                await session.store.prune()
                assert [job.number for job in await session.store.broadcasts()] == kept
        async with self.session(tmp_path) as session:
            assert (await session.store.announce(news(content="2"))).content == "2"

    async def test_jobs_need_no_run(self, tmp_path: Path) -> None:
        """Whoever has the store, and does not run the bot, notes, lists and steers them."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            await session.arrive(private("1", "ann"))
            looking = self.make_store(
                tmp_path, clock=lambda: NOW, waiting_limit=1, overflow="refuse"
            )
            job = await looking.announce(news())
            assert list(await session.store.broadcasts()) == [job]
            await looking.steer(job.number, "pause")
            (paused,) = await looking.broadcasts("bot")
            assert paused.is_paused
            assert chats(await looking.audience(ALL, 0, 9)) == ["ann"]


def _key(scope: Any, place: Place) -> Key:
    """Return the key of a value that is somebody's at a place."""
    where = {"chat": place.chat, "user": 0}.get(scope, place.conversation)
    return Key("bot", scope, "wants", where, place.person if scope in ("member", "user") else 0)
