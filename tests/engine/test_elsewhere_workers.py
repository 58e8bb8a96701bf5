"""What goes elsewhere, where several engines share the work: whoever holds the target sends it."""

import asyncio
from random import Random

from engine.workers import Office, Worker, office, settled, until

from chatstate import Chat, Global, Interface, MessageRef, Ref, Reply, Turn

ROOM = Chat("room", "group")


def telling() -> Interface:
    """Return a bot that tells the room what it is told elsewhere, and echoes in the room."""
    bot = Interface(id="tells")

    @bot.on_message
    async def tell(message: str, turn: Turn, board: Global[Ref[MessageRef | None]]) -> Reply | None:
        if turn.chat.id == "room":
            return Reply(message)
        if message == "board":
            board.value = await turn.send("board", to=ROOM)
        elif message.startswith("="):
            return Reply(message, edit=board.value)
        else:
            await turn.send(message, to=ROOM)
        return None

    return bot


async def held(workers: Office, worker: Worker, *, chat: str, text: str) -> None:
    """Let a worker hold a conversation from now on."""
    await settled(await worker.deliver(workers.event(text, chat=chat)))


async def test_the_holder_of_the_target_sends() -> None:
    """The other one owes it, and its receipt is settled once it is sent; nothing is in doubt."""
    async with office(telling()) as workers:
        here, there = workers.workers
        await held(workers, there, chat="room", text="first")
        tries = here.platform.tries
        await settled(await here.deliver(workers.event("hi", chat="a")))
        assert workers.texts() == ["first", "hi"]
        assert (here.platform.tries, there.platform.tries) == (tries, 2)


async def test_a_target_that_nobody_holds_is_sent_to() -> None:
    """By who owes it there, and in order with what is said there next, whoever it comes to."""
    async with office(telling()) as workers:
        here, there = workers.workers
        receipts = await here.deliver(workers.event("one", chat="a"))
        receipts += await there.deliver(workers.event("two", chat="b"))
        receipts += await there.deliver(workers.event("three"))
        await settled(receipts)
        assert sorted(workers.texts()) == ["one", "three", "two"]


async def test_the_order_there_is_that_of_the_commits() -> None:
    """Among all of them: as the outbox has numbered what was owed to the room."""
    random = Random(1)
    async with office(telling(), 3) as workers:
        owed: list[str] = []
        for worker in workers.workers:
            _note_owed(workers, worker, owed)
        receipts = []
        for number in range(40):
            chat = random.choice(["room", "a", "b", "c"])
            worker = random.choice(workers.workers)
            receipts += await worker.deliver(workers.event(str(number), chat=chat))
        await settled(receipts)
        assert len(owed) == 40
        assert workers.texts() == owed


def _note_owed(workers: Office, worker: Worker, owed: list[str]) -> None:
    """Note the texts of what is owed to the room, in the order of their rows."""
    commit = worker.store._owe

    def owe(turn, now):  # type: ignore[no-untyped-def]  # as it is
        before = {number for line in workers.data.lines.values() for number in line}
        told = commit(turn, now)
        for conversation, line in workers.data.lines.items():
            chat = workers.data.chats[workers.data.conversations[conversation].chat].platform_id
            for number, row in line.items():
                if chat == "room" and number not in before:
                    owed.append(row.owed.body.partition('"text":{"text":"')[2].partition('"')[0])
        return told

    worker.store._owe = owe  # type: ignore[method-assign]  # it stops there


async def test_edits_go_through_the_holder_too() -> None:
    """They wait there behind what they edit, and only the newest is made."""
    async with office(telling()) as workers:
        here, there = workers.workers
        await held(workers, there, chat="room", text="first")
        there.platform.stall()
        receipts = await here.deliver(
            *(workers.event(text, chat="a") for text in ("board", "=1", "=2"))
        )
        await until(lambda: sum(map(len, workers.data.lines.values())) == 3)
        there.platform.recover()
        await settled(receipts)
        assert workers.texts() == ["first", "board", "=2"]


async def test_what_is_owed_elsewhere_outlives_who_owes_it_and_who_holds_it() -> None:
    """The one is killed after its commit, the other before it has sent: the third does."""
    async with office(telling(), 3) as workers:
        here, there, third = workers.workers
        await held(workers, there, chat="room", text="first")
        there.platform.stall()
        await here.deliver(workers.event("hi", chat="a"))
        await until(lambda: any(workers.data.lines.values()))
        await workers.kill(here)
        await workers.kill(there)
        await workers.outlive()
        await held(workers, third, chat="room", text="last")
        assert workers.texts() == ["first", "hi", "last"]


async def test_bot_send_is_said_by_the_holder() -> None:
    """Asked of either engine it is sent once, and both receipts tell."""
    bot = telling()
    async with office(bot) as workers:
        here, there = workers.workers
        await held(workers, there, chat="room", text="first")
        receipts = [await worker.engine.send(ROOM, "hi", None, "key") for worker in (here, there)]
        assert [receipt.status for receipt in receipts] == ["stored", "duplicate"]
        waiting = asyncio.gather(*(receipt.settled() for receipt in receipts))
        while not waiting.done():
            await workers.clock.advance(1)
        assert workers.texts() == ["first", "hi"]


async def test_what_bot_send_was_given_outlives_its_engine() -> None:
    """Killed once it is stored: another engine says it."""
    async with office(telling()) as workers:
        here, there = workers.workers
        here.parts.outside.look = lambda: None  # type: ignore[method-assign]  # it is killed before
        await here.engine.send(ROOM, "hi", None, None)
        await workers.kill(here)
        await workers.outlive()
        await until(lambda: workers.texts() == ["hi"])
        assert there.platform.tries == 1
