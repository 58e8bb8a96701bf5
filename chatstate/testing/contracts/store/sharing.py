"""The store's contract: several runs that share the work of one bot.

1. A conversation is one run's at a time: his who stores into it when it has no work, his who claims
   it when it has. He lets go of it when it has none.
2. What others put into it is told to that run, once and in its order.
3. Whoever may have something to do is woken.
4. A value of a conversation is its run's to change; what is shared is nobody's: no update is lost.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import asyncio
from pathlib import Path

from chatstate.messages import Chat
from chatstate.scope import key
from chatstate.stores.base import (
    Answer,
    Change,
    Claim,
    DeadLetter,
    Due,
    Expiry,
    Ingested,
    Owed,
    Request,
    Settled,
    Value,
)
from chatstate.testing.contracts.store.late import adding
from chatstate.testing.contracts.store.session import NOW, Session, event, global_key
from chatstate.testing.contracts.store.workers import (
    PATIENCE,
    WorkersSuite,
    conversations,
    numbers_of,
    settle_down,
    stored_elsewhere,
    work,
)

A = global_key("a")


class HoldingContract(WorkersSuite):
    """`ingest`, `claim`, `release` and `wait`, among several runs."""

    async def test_what_a_run_stores_is_its_own(self, tmp_path: Path) -> None:
        """Others find nothing to claim."""
        async with self.pair(tmp_path) as (_, mine, other):
            (arrival,) = await mine.arrive(event("1"))
            assert await other.claimed() == []
            assert await mine.claimed() == []
            assert await mine.commit(mine.turn(arrival)) == ["applied"]

    async def test_what_others_store_is_told_to_the_run_that_holds(self, tmp_path: Path) -> None:
        """Once, as news; whoever stored it is told its number."""
        async with self.pair(tmp_path) as (_, mine, other):
            (first,) = await mine.arrive(event("1"))
            number = await stored_elsewhere(other, "2")
            conversation = first.place.conversation
            assert await other.claimed() == []
            news = Claim(conversation, waits=True, owes=False, is_news=True)
            assert await mine.claimed() == [news]
            assert await mine.claimed() == []
            assert await numbers_of(mine, conversation) == [first.seq, number]

    async def test_what_a_run_stores_behind_news_is_news_too(self, tmp_path: Path) -> None:
        """So that it gets all in its order; afterwards it is handed on at once again."""
        async with self.pair(tmp_path) as (_, mine, other):
            (first,) = await mine.arrive(event("1"))
            numbers = [first.seq, await stored_elsewhere(other, "2")]
            numbers.append(await stored_elsewhere(mine, "3"))
            assert conversations(await mine.claimed()) == [first.place.conversation]
            assert await numbers_of(mine, first.place.conversation) == numbers
            (last,) = await mine.arrive(event("4"))
            assert last.seq > numbers[-1]

    async def test_a_duplicate_tells_where_its_event_waits(self, tmp_path: Path) -> None:
        """Here or elsewhere, and under which number it is done."""
        async with self.pair(tmp_path) as (_, mine, other):
            (arrival,) = await mine.arrive(event("1"))
            for session, elsewhere in ((mine, False), (other, True)):
                (again,) = await session.ingest(event("1"))
                assert (again.status, again.pending) == ("duplicate", arrival.seq)
                assert again.elsewhere is elsewhere
            assert list(await other.store.pending([arrival.seq])) == [arrival.seq]
            await mine.commit(mine.turn(arrival))
            (done,) = await other.ingest(event("1"))
            assert done == Ingested("duplicate", done=arrival.seq)

    async def test_work_that_nobody_holds_has_to_be_claimed(self, tmp_path: Path) -> None:
        """It is not his who stores something behind it, who may be another than who claims it."""
        async with self.workers(tmp_path) as workers:
            first = await workers.start()
            (waits,) = await first.arrive(event("1"))
            await first.store.end(clean=True)
            mine, other = await workers.start(), await workers.start()
            number = await stored_elsewhere(mine, "2")
            (claim,) = await other.claimed()
            assert claim == Claim(waits.place.conversation, waits=True, owes=False)
            assert await mine.claimed() == []
            assert await numbers_of(other, claim.conversation) == [waits.seq, number]

    async def test_of_two_that_claim_at_once_each_gets_its_own(self, tmp_path: Path) -> None:
        """All of it together, and nothing twice; those that have waited longest come first."""
        async with self.workers(tmp_path) as workers:
            first = await workers.start()
            arrivals = await first.arrive(*(event(str(n), chat=str(n)) for n in range(20)))
            await first.store.end(clean=True)
            runs = [await workers.start() for _ in range(3)]
            found = await asyncio.gather(*(run.store.claim(4) for run in runs))
            claimed = [conversations(claims) for claims in found]
            every = [arrival.place.conversation for arrival in arrivals]
            assert sorted(number for numbers in claimed for number in numbers) == every[:12]
            assert [len(numbers) for numbers in claimed] == [4, 4, 4]
            rest = [conversations(await run.claimed()) for run in runs]
            assert rest == [every[12:], [], []]

    async def test_what_has_no_work_is_let_go(self, tmp_path: Path) -> None:
        """What has some stays, and what is another's; then it is his who stores into it next."""
        async with self.pair(tmp_path) as (_, mine, other):
            done, waits, owes = await mine.arrive(*(event(str(n), chat=str(n)) for n in range(3)))
            (theirs,) = await other.arrive(event("3", chat="3"))
            await mine.commit(mine.turn(done), mine.turn(owes, owed=[mine.reply(owes)]))
            held = [arrival.place.conversation for arrival in (done, waits, owes, theirs)]
            assert list(await mine.store.release(held)) == held[:1]
            assert list(await mine.store.release(held)) == []
            (again,) = await other.arrive(event("4", chat="0"))
            assert again.place == done.place
            mine.store.settle(Settled(held[2], owes.seq, 0))
            assert list(await mine.store.release(held)) == [held[2]]

    async def test_news_is_work(self, tmp_path: Path) -> None:
        """What was put into a conversation is not let go of before it is told."""
        async with self.pair(tmp_path) as (_, mine, other):
            (first,) = await mine.arrive(event("1"))
            await mine.commit(mine.turn(first))
            await stored_elsewhere(other, "2")
            assert list(await mine.store.release([first.place.conversation])) == []
            assert conversations(await mine.claimed()) == [first.place.conversation]

    async def test_a_turn_in_a_conversation_of_another_run_is_fenced(self, tmp_path: Path) -> None:
        """It was let go of, and is another's by now: nothing of it is done, nothing noted."""
        async with self.pair(tmp_path) as (_, mine, other):
            (first,) = await mine.arrive(event("1"))
            await mine.commit(mine.turn(first))
            await mine.store.release([first.place.conversation])
            (second,) = await other.arrive(event("2"))
            late = mine.turn(second, mine.change(A, None, "1"), owed=[mine.reply(second)])
            assert await mine.commit(late) == ["fenced"]
            assert not await mine.store.note(second.seq, "a", "1")
            assert await other.text(A) is None
            assert await other.owed(second) == []
            assert await other.commit(other.turn(second)) == ["applied"]

    async def test_a_run_is_woken_for_what_others_store(self, tmp_path: Path) -> None:
        """In what it holds; and for what nobody holds any more, because another run ended."""
        async with self.pair(tmp_path) as (_, mine, other):
            await mine.arrive(event("1"))
            await other.arrive(event("2", chat="theirs"))
            async with asyncio.timeout(PATIENCE):
                waiting = asyncio.create_task(work(mine))
                await settle_down(other)
                await stored_elsewhere(other, "3")
                assert len(await waiting) == 1
                waiting = asyncio.create_task(work(mine))
                await settle_down(other)
                await other.store.end(clean=True)
                assert len(await waiting) == 1

    async def test_a_run_is_woken_when_what_it_stored_is_settled(self, tmp_path: Path) -> None:
        """By another run: with the commit of a silent turn, else with what is owed last."""
        async with self.pair(tmp_path) as (_, mine, other):
            (first,) = await other.arrive(event("1"))
            await other.commit(other.turn(first))
            for owes in (False, True):
                number = await stored_elsewhere(mine, f"owes {owes}")
                (claim,) = await other.claimed()
                (arrival,) = await other.store.events(claim.conversation, 0, 1)
                async with asyncio.timeout(PATIENCE):
                    waiting = asyncio.create_task(_settled(mine, number))
                    await settle_down(other)
                    owed = other.replies(arrival, 1) if owes else ()
                    assert await other.commit(other.turn(arrival, owed=owed)) == ["applied"]
                    if owes:
                        await settle_down(other)
                        assert not waiting.done()
                        other.store.settle(Settled(claim.conversation, number, 0))
                        await other.store.flush()
                    await waiting


async def _settled(session: Session, number: int) -> None:
    """Return once another run has settled an event that this run has stored."""
    while await session.store.pending([number]):
        await session.store.wait()


class SharedContract(WorkersSuite):
    """Values and replies, among several runs."""

    async def test_no_update_of_a_shared_value_is_lost(self, tmp_path: Path) -> None:
        """Whether a run reads it and tries again, or finishes its turns late."""
        async with self.workers(tmp_path) as workers:
            runs = [await workers.start() for _ in range(3)]

            async def add(run: Session, number: int) -> None:
                (arrival,) = await run.arrive(event(str(number), chat=str(number)))
                while True:
                    turn = run.turn(arrival, _one_more(run, await run.value(A)))
                    outcomes = await run.commit(adding(run, arrival) if number % 2 else turn)
                    if outcomes == ["applied"]:
                        return
                    assert outcomes == ["conflict"]

            await asyncio.gather(*(add(runs[number % 3], number) for number in range(30)))
            assert await runs[0].text(A) == "30"

    async def test_a_reply_owed_in_a_conversation_of_another_run_is_its_own(
        self, tmp_path: Path
    ) -> None:
        """That run is told of it, and sends it behind what it owes there itself."""
        async with self.pair(tmp_path) as (_, mine, other):
            (here,) = await mine.arrive(event("1"))
            (there,) = await other.arrive(event("2", chat="there"))
            conversation = there.place.conversation
            await other.commit(other.turn(there, owed=[other.reply(there)]))
            foreign = Owed(here.seq, 0, '"hi"', conversation=conversation)
            await mine.commit(mine.turn(here, owed=[foreign]))
            news = Claim(conversation, waits=False, owes=True, is_news=True)
            assert await other.claimed() == [news]
            assert await other.owed(there) == [(there.seq, 0), (here.seq, 0)]
            assert await mine.claimed() == []

    async def test_a_reply_owed_in_another_conversation_is_always_told_of(
        self, tmp_path: Path
    ) -> None:
        """To whoever puts it there, too, if the conversation is its own, or nobody's."""
        async with self.pair(tmp_path) as (_, mine, other):
            (own,) = await mine.arrive(event("own", chat="own"))
            free = await mine.store.place(mine.account.id, Chat("free"), None)
            for number, where in enumerate((own.place.conversation, free.conversation)):
                (arrival,) = await mine.arrive(event(f"{number}", chat=f"{number}"))
                owed = Owed(arrival.seq, 0, '"hi"', conversation=where)
                await mine.commit(mine.turn(arrival, owed=[owed]))
                news = Claim(where, waits=not number, owes=True, is_news=True)
                assert await mine.claimed() == [news]
            assert await other.claimed() == []

    async def test_what_is_owed_behind_news_is_told_to_be(self, tmp_path: Path) -> None:
        """Whoever sends it looks into the outbox for what comes first."""
        async with self.pair(tmp_path) as (_, mine, other):
            first, second, third = await mine.arrive(*(event(str(n)) for n in range(3)))
            (there,) = await other.arrive(event("4", chat="there"))
            owes = [mine.turn(arrival, owed=[mine.reply(arrival)]) for arrival in (first, second)]
            assert await mine.commit(owes[0]) == ["applied"]
            foreign = Owed(there.seq, 0, '"hi"', conversation=first.place.conversation)
            await other.commit(other.turn(there, owed=[foreign]))
            assert await mine.commit(owes[1]) == ["behind"]
            assert await mine.owed(first) == [(first.seq, 0), (there.seq, 0), (second.seq, 0)]
            await mine.claimed()
            assert await mine.commit(mine.turn(third, owed=[mine.reply(third)])) == ["applied"]

    async def test_what_is_retried_comes_back_to_the_run_that_holds(self, tmp_path: Path) -> None:
        """Whichever run answers."""
        async with self.pair(tmp_path) as (_, mine, other):
            (arrival,) = await mine.arrive(event("1"))
            await mine.commit(mine.turn(arrival, dead=DeadLetter("event", "it broke")))
            await mine.ask("retry", (await mine.letters())[0])
            assert list(await other.store.answer(other.versions)) == []
            (news,) = await mine.claimed()
            assert (news.is_news, news.waits) == (True, True)
            assert len(await numbers_of(mine, arrival.place.conversation)) == 1

    async def test_a_value_of_a_conversation_is_set_by_the_run_that_holds_it(
        self, tmp_path: Path
    ) -> None:
        """Which remembers it; a shared one is set by any."""
        async with self.pair(tmp_path) as (_, mine, other):
            (arrival,) = await mine.arrive(event("1"))
            member = key("bot", "member", "a", arrival.place)
            for what in (member, A):
                await other.store.ask(Request(verb="set", key=what, text="1"))
            assert list(await other.store.answer(other.versions)) == [Answer(key=A)]
            assert list(await mine.store.answer(mine.versions)) == [Answer(key=member)]

    async def test_a_value_expires_in_the_run_that_holds_its_conversation(
        self, tmp_path: Path
    ) -> None:
        """Nobody else finds it, nor can remove it; where nobody holds it, who leads the clock."""
        async with self.pair(tmp_path) as (_, mine, other):
            (arrival,) = await mine.arrive(event("1"))
            due = Due(A, arrival.place.conversation)
            value = Value("1", next(mine.versions), expires_at=NOW)
            await mine.commit(mine.turn(arrival, Change(A, 0, value)))
            assert await other.leads("clock")
            assert [await _due(run) for run in (mine, other)] == [[due], []]
            expiry = Expiry(A, due.conversation, told=True)
            assert list(await other.store.expire([expiry])) == [None]
            assert await other.text(A) == "1"
            await mine.store.release([due.conversation])
            assert [await _due(run) for run in (mine, other)] == [[], [due]]
            (told,) = await other.store.expire([expiry])
            assert told
            assert await mine.claimed() == []
            assert await numbers_of(other, due.conversation) == [told.seq]

    async def test_what_is_remembered_is_recalled_by_all(self, tmp_path: Path) -> None:
        """So are cursors: whoever polls next goes on where the last has stopped."""
        async with self.pair(tmp_path) as (_, mine, other):
            await mine.store.remember(mine.account.id, "a", "1")
            await mine.store.ingest(mine.account.id, [event("1")], {"0": "c"})
            assert await other.store.recall(other.account.id, "a") == "1"
            assert (await other.store.account("test", "1")).cursors == {"0": "c"}


def _one_more(session: Session, before: Value | None) -> Change:
    return session.change(A, before, str(int(before.text) + 1 if before else 1))


async def _due(session: Session) -> list[Due]:
    return list(await session.store.due(("global", "a", 1), session.account.id, 0, 10))
