"""Broadcasts that several engines carry out together."""

import pytest
from engine.workers import Office, Worker, office, settled

from chatstate import Interface
from chatstate.bot.sending import Announcement

CHATS = [f"c{n}" for n in range(40)]
NEWS = Announcement(reply="News!", to="groups", key="1", where=None, account=None)


def make_bot() -> Interface:
    bot = Interface(id="news")
    bot.on_message(lambda: None)
    return bot


async def meet(workers: Office) -> None:
    """Let each worker hold the conversations of some groups."""
    for number, chat in enumerate(CHATS):
        worker = workers.workers[number % len(workers.workers)]
        await settled(await worker.deliver(workers.event("hi", chat=chat)))


async def over(workers: Office, worker: Worker) -> None:
    """Return once a broadcast is over."""
    while (await worker.store.broadcasts())[0].standing != "done":
        await workers.clock.advance(0.5)


async def test_each_is_told_once_by_whoever_holds_the_conversation() -> None:
    """Whichever engine has taken them up, and whoever was asked first."""
    async with office(make_bot()) as workers:
        await meet(workers)
        here, there = workers.workers
        receipts = [await worker.engine.broadcast(NEWS) for worker in (here, there)]
        assert [receipt.status for receipt in receipts] == ["stored", "duplicate"]
        await over(workers, here)
        assert sorted(sent.chat for sent in workers.delivered) == sorted(CHATS)
        assert here.platform.tries
        assert there.platform.tries


@pytest.mark.parametrize("told", [1, 20])
async def test_others_go_on_when_an_engine_is_killed(told: int) -> None:
    """What it had taken up is theirs once its lease is over."""
    async with office(make_bot(), 3) as workers:
        await meet(workers)
        here, there, _ = workers.workers
        await here.engine.broadcast(NEWS)
        while len(workers.delivered) < told:
            await workers.clock.advance(0.01)
        await workers.kill(here)
        await workers.outlive()
        await over(workers, there)
        while len({sent.chat for sent in workers.delivered}) < len(CHATS):
            await workers.clock.advance(0.5)
        assert sorted(sent.chat for sent in workers.delivered) == sorted(CHATS)
