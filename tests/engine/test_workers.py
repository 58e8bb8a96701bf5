"""Several engines share the work of one bot on one store."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from random import Random
from typing import Any

import pytest
from engine.workers import office, settled, until

from chatstate import Event, Global, Interface, PerChat, PerMember, PerUser, Ref, Turn
from chatstate.adapter import Receipt
from chatstate.errors import LeaseLostError
from chatstate.stores.base import Arrival, Ingested, Outcome, TurnCommit


def remembering() -> Interface:
    """Return a bot that answers with all that was said to it, by each person in each chat."""
    bot = Interface(id="bot")

    @bot.on_message
    async def remember(message: str, said: PerMember[list[str]]) -> str:
        said.append(message)
        return " ".join(said)

    return bot


async def test_one_of_them_receives() -> None:
    """The others go on with it when that has stopped, from where it was."""
    async with office(remembering(), 3) as workers:
        first, second, third = workers.workers
        assert [worker.is_receiving for worker in workers.workers] == [True, False, False]
        host = await first.platform.connected()
        await settled(list(await host.deliver([workers.event("a")], "cursor 1")))
        await workers.stop(first)
        await workers.clock.advance(2)
        receiving = [worker for worker in (second, third) if worker.is_receiving]
        assert len(receiving) == 1
        host = await receiving[0].platform.connected()
        assert host.cursor == "cursor 1"


async def test_each_event_is_handled_once_and_in_order() -> None:
    """Whichever of them it comes to, and whoever holds its conversation."""
    random = Random(1)
    async with office(remembering(), 3) as workers:
        said: dict[str, list[str]] = {str(chat): [] for chat in range(5)}
        receipts = []
        for number in range(60):
            chat = random.choice(list(said))
            said[chat].append(str(number))
            event = workers.event(str(number), chat=chat)
            receipts += await random.choice(workers.workers).deliver(event)
        await settled(receipts)
        for chat, texts in said.items():
            every = [" ".join(texts[: end + 1]) for end in range(len(texts))]
            assert workers.texts(chat) == every


async def test_what_is_handled_elsewhere_settles() -> None:
    """A receipt for it, and for its duplicate, also where nothing is answered."""
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(message: str) -> str | None:
        return None if message == "silent" else message

    async with office(bot) as workers:
        here, there = workers.workers
        await settled(await here.deliver(workers.event("first")))
        for text in ("silent", "loud"):
            event = workers.event(text)
            here.store.stall()
            (receipt,) = await there.deliver(event)
            (again,) = await there.deliver(event)
            assert (receipt.status, again.status) == ("stored", "duplicate")
            here.store.recover()
            await settled([receipt, again])
        assert workers.texts() == ["first", "loud"]


async def test_a_duplicate_settles_whose_event_is_done_before_it_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The store has found that it waits, and answers when it does so no more."""
    entered, gate = asyncio.Event(), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(message: str) -> str:
        entered.set()
        await gate.wait()
        return message

    async with office(bot, 1) as workers:
        (worker,) = workers.workers
        event = workers.event("a")
        first = await worker.deliver(event)
        await entered.wait()
        real = worker.store.ingest

        async def ingest(*args: Any, **options: Any) -> Sequence[Ingested]:
            ingested = await real(*args, **options)
            gate.set()
            await settled(first)
            return ingested

        monkeypatch.setattr(worker.store, "ingest", ingest)
        again = await worker.deliver(event)
        settling = asyncio.ensure_future(settled(again))
        while not settling.done():
            await workers.clock.advance(1)
        assert workers.texts() == ["a"]


async def test_a_duplicate_of_what_is_committed_settles_when_its_replies_do() -> None:
    """As the event itself does: not while one is owed; at once if none is."""
    bot = Interface(id="bot")
    bot.on_message(lambda text: text if text == "loud" else None)
    async with office(bot, 1) as workers:
        (worker,) = workers.workers
        silent, loud = workers.event("silent"), workers.event("loud")
        await settled(await worker.deliver(silent))
        await settled(await worker.deliver(silent))
        worker.platform.stall()
        (first,) = await worker.deliver(loud)
        while not worker.platform.tries:
            await asyncio.sleep(0)
        both = [first, *await worker.deliver(loud)]
        settling = [asyncio.ensure_future(receipt.settled()) for receipt in both]
        await workers.clock.advance(3)
        assert [task.done() for task in settling] == [False, False]
        worker.platform.recover()
        while not all(task.done() for task in settling):
            await workers.clock.advance(1)
        assert workers.texts() == ["loud"]


async def test_others_go_on_with_the_work_of_a_dead_worker() -> None:
    """After its lease: events that ran, that waited, and replies that were owed."""
    entered, gate = asyncio.Event(), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(message: str, said: PerMember[list[str]]) -> str:
        said.append(message)
        if message == "b":
            entered.set()
            await gate.wait()
        return " ".join(said)

    async with office(bot, 3) as workers:
        dead, *others = workers.workers
        await settled(await dead.deliver(workers.event("a")))
        dead.platform.stall()
        await dead.deliver(workers.event("owed", chat="other"))
        await dead.deliver(workers.event("b"), workers.event("c"))
        await entered.wait()
        await until(lambda: not dead.parts.commits.task)
        receipts = await others[0].deliver(workers.event("d"))
        await workers.kill(dead)
        gate.set()
        await workers.outlive()
        await settled(receipts)
        assert workers.texts() == ["a", "a b", "a b c", "a b c d"]
        assert workers.texts("other") == ["owed"]


async def test_a_worker_that_stood_still_stops_and_nothing_is_done_twice() -> None:
    """It says why. What it had begun is others' by then: its commit is refused."""
    entered, gate = asyncio.Event(), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(message: str, said: PerMember[list[str]], count: Global[Ref[int]]) -> str:
        said.append(message)
        count.value += 1
        if message == "b":
            entered.set()
            await gate.wait()
        return f"{' '.join(said)} {count.value}"

    async with office(bot) as workers:
        frozen, other = workers.workers
        await settled(await frozen.deliver(workers.event("a")))
        await frozen.deliver(workers.event("b"))
        await entered.wait()
        frozen.freeze()
        receipts = await other.deliver(workers.event("c"))
        gate.set()
        await workers.outlive()
        await settled(receipts)
        assert workers.texts() == ["a 1", "a b 2", "a b c 3"]
        frozen.thaw()
        with pytest.raises(LeaseLostError, match="taken for dead"):
            await workers.end(frozen)
        assert workers.texts() == ["a 1", "a b 2", "a b c 3"]


async def test_a_worker_that_stood_still_sends_nothing_that_others_have_sent() -> None:
    """It asks before, though it knows what was owed."""
    async with office(remembering()) as workers:
        frozen, other = workers.workers
        frozen.platform.stall()
        await frozen.deliver(workers.event("a"), workers.event("b"))
        await until(lambda: frozen.platform.tries)
        frozen.freeze()
        await workers.outlive()
        await until(lambda: len(workers.delivered) == 2)
        frozen.platform.recover()  # what it has begun, ends; what is next, it asks for
        await workers.clock.advance(0)
        assert frozen.platform.tries == 1
        frozen.thaw()
        with pytest.raises(LeaseLostError):
            await workers.end(frozen)
        assert workers.texts() == ["a", "a b"]
        assert frozen.platform.tries == 1
        assert other.platform.tries == 2


@pytest.mark.parametrize("ends", ["by an error", "never"])
async def test_a_worker_that_is_taken_for_dead_leaves_its_turns(ends: str) -> None:
    """It waits for none, and calls none a failure: they are others', who tell of them."""
    entered, gate, told = asyncio.Event(), asyncio.Event(), asyncio.Event()
    failures: list[BaseException] = []
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(message: str, turn: Turn) -> str:
        if entered.is_set():
            return message
        entered.set()
        await gate.wait()
        try:
            await turn.step("a call", lambda: None)
        except LeaseLostError:
            told.set()
            if ends == "never":
                await asyncio.Event().wait()
            raise
        return "it was not frozen"

    def on_failure(_: Event, error: BaseException) -> None:
        failures.append(error)

    async with office(bot, grace=1e6, on_failure=on_failure) as workers:
        frozen, _ = workers.workers
        await frozen.deliver(workers.event("a"))
        await entered.wait()
        frozen.freeze()
        await workers.outlive()
        await until(lambda: workers.delivered)
        gate.set()
        frozen.thaw()
        await told.wait()
        with pytest.raises(LeaseLostError):
            await workers.end(frozen)
        assert workers.texts() == ["a"]
        assert failures == []


async def test_what_is_just_being_committed_is_not_handled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though the inbox, if it is read just then, still has it."""
    bot, heard = Interface(id="bot"), list[str]()

    @bot.on_message
    async def answer(message: str) -> None:
        heard.append(message)

    async with office(bot, 1) as workers:
        (worker,) = workers.workers
        real = worker.store.commit

        async def commit(turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
            worker.parts.lanes.resume(turns[0].place.conversation)
            await workers.clock.advance(0)
            return await real(turns)

        monkeypatch.setattr(worker.store, "commit", commit)
        await settled(await worker.deliver(workers.event("a")))
        assert heard == ["a"]


async def test_what_comes_while_the_inbox_is_read_again_comes_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though its answer is older than what is told meanwhile."""
    async with office(remembering(), 1) as workers:
        (worker,) = workers.workers
        commit, events = worker.store.commit, worker.store.events
        receipts: list[Receipt] = []

        async def fail_once(_: Sequence[TurnCommit]) -> Sequence[Outcome]:
            monkeypatch.setattr(worker.store, "commit", commit)
            monkeypatch.setattr(worker.store, "events", read_slowly)
            return ["conflict"]

        async def read_slowly(*args: int) -> Sequence[Arrival]:
            monkeypatch.setattr(worker.store, "events", events)
            found = await events(*args)
            receipts.extend(await worker.deliver(workers.event("b")))
            return found

        monkeypatch.setattr(worker.store, "commit", fail_once)
        receipts += await worker.deliver(workers.event("a"))
        await until(lambda: len(receipts) > 1)
        await settled(receipts)
        assert workers.texts() == ["a", "a b"]


async def test_a_reply_that_is_just_committed_is_sent_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though the outbox, if it is read just then, has it before this process knows."""
    async with office(remembering(), 1) as workers:
        (worker,) = workers.workers
        real = worker.store.commit

        async def commit(turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
            outcomes = await real(turns)
            worker.parts.sender.resume(turns[0].place.conversation)
            await workers.clock.advance(0)
            return outcomes

        monkeypatch.setattr(worker.store, "commit", commit)
        await settled(await worker.deliver(workers.event("a")))
        assert worker.platform.tries == 1


async def test_what_is_said_elsewhere_is_gathered_too() -> None:
    """A turn that waits for what its person still writes takes what comes to another worker."""
    bot = Interface(id="bot")

    @bot.on_message(overlap="merge", window=2.0)
    async def answer(message: str) -> str:
        return message.replace("\n", " ")

    async with office(bot) as workers:
        here, there = workers.workers
        receipts = await here.deliver(workers.event("a"))
        for text in ("b", "c"):
            await workers.clock.advance(1)
            receipts += await there.deliver(workers.event(text))
        await workers.clock.advance(3)
        await settled(receipts)
        assert workers.texts() == ["a b c"]


async def test_what_is_said_elsewhere_interrupts() -> None:
    """The turn that runs ends, as if it had come to the worker where that runs."""
    bot, entered = Interface(id="bot"), asyncio.Event()

    @bot.on_message(overlap="interrupt")
    async def answer(message: str) -> str:
        if message == "a":
            entered.set()
            await asyncio.Event().wait()
        return message

    async with office(bot) as workers:
        here, there = workers.workers
        receipts = await here.deliver(workers.event("a"))
        await entered.wait()
        receipts += await there.deliver(workers.event("b"))
        await settled(receipts)
        assert workers.texts()[-1] == "b"


async def test_an_idle_conversation_is_let_go_and_read_anew() -> None:
    """Whoever has something said in it next has it, with all that was said."""
    heard: list[str] = []
    bot = Interface(id="bot")

    @bot.on_message
    async def remember(message: str, said: PerMember[list[str]]) -> str:
        heard.append(message)
        said.append(message)
        return " ".join(said)

    async with office(bot) as workers:
        here, there = workers.workers
        await settled(await here.deliver(workers.event("a")))
        for _ in range(5):
            await workers.clock.advance(14)
        await settled(await there.deliver(workers.event("b")))
        assert there.platform.tries == 1
        for _ in range(5):
            await workers.clock.advance(14)
        await settled(await here.deliver(workers.event("c")))
        assert here.platform.tries == 2
        assert workers.texts() == ["a", "a b", "a b c"]
        assert heard == ["a", "b", "c"]


async def test_a_lifespan_may_take_longer_than_a_lease() -> None:
    """The store is held from the beginning."""
    opening = asyncio.Event()

    @contextlib.asynccontextmanager
    async def lifespan(_: Interface) -> AsyncGenerator[None]:
        opening.set()
        await gate.wait()
        yield

    gate = asyncio.Event()
    gate.set()
    async with office(Interface(lambda message: message, id="bot", lifespan=lifespan)) as workers:
        gate.clear()
        opening.clear()
        starting = asyncio.create_task(workers.start())
        await opening.wait()
        await workers.outlive()
        gate.set()
        late = await starting
        await settled(await late.deliver(workers.event("a")))
        assert workers.texts() == ["a"]


async def test_no_update_of_a_shared_value_is_lost() -> None:
    """Of a person, a chat or everybody, whether it is changed in place or replaced."""
    bot = Interface(id="bot")

    @bot.on_message
    async def count(
        message: str,
        ours: PerChat[list[str]],
        mine: PerUser[list[str]],
        everybody: Global[Ref[int]],
    ) -> None:
        ours.append(message)
        mine.append(message)
        await asyncio.sleep(0)
        everybody.value += 1

    @bot.command
    async def show(
        ours: PerChat[list[str]], mine: PerUser[list[str]], everybody: Global[Ref[int]]
    ) -> str:
        return f"{len(ours)} {len(mine)} {everybody.value}"

    assert await shown_after_sixty(bot) == ["60 60 60"]


async def test_no_function_that_is_applied_is_lost() -> None:
    """And no handler runs again for it."""
    bot, runs = Interface(id="bot"), 0

    @bot.on_message
    async def count(message: str, turn: Turn) -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        turn.apply(int, lambda value: value + 1)

    @bot.command
    async def show(everybody: Global[Ref[int]]) -> str:
        return str(everybody.value)

    assert await shown_after_sixty(bot) == ["60"]
    assert runs == 60


async def shown_after_sixty(bot: Interface) -> list[str]:
    """Return what `/show` says after sixty messages in six threads, each with three workers."""
    async with office(bot, 3) as workers:
        receipts = []
        for number in range(60):
            event = workers.event(str(number), thread=str(number % 6))
            receipts += await workers.workers[number % 3].deliver(event)
        await settled(receipts)
        await settled(await workers.workers[1].deliver(workers.event("/show", thread="0")))
        return workers.texts()
