"""Timers, where several engines share the work of one bot.

Their handlers are async: the clock waits for the event loop, and for no thread.
"""

from datetime import timedelta

from engine.workers import office, settled

from chatstate import Chat, Global, Interface, Ref, Turn


def ringing() -> Interface:
    """Return a bot with a timer for whoever wants it, and a schedule."""
    bot = Interface(id="bot")

    @bot.on_timer
    async def ring(what: str) -> str:
        return what

    @bot.command
    async def later(turn: Turn, what: str) -> None:
        turn.later(timedelta(minutes=1), ring, what=what)

    @bot.every(timedelta(minutes=10))
    async def news(turn: Turn, issue: Global[Ref[int]]) -> None:
        issue.value += 1
        await turn.send(f"issue {issue.value}", to=Chat("news", "group"))

    return bot


async def test_a_timer_fires_in_one_of_them() -> None:
    """In that which holds its conversation, or which leads the clock where nobody does."""
    async with office(ringing(), 3) as workers:
        for number, worker in enumerate(workers.workers):
            event = workers.event(f"/later {number}", chat=f"{number}")
            await settled(await worker.deliver(event))
        for _ in range(12):
            await workers.clock.advance(10)
        assert [workers.texts(f"{number}") for number in range(3)] == [["0"], ["1"], ["2"]]


async def test_a_timer_of_a_worker_that_died_fires_elsewhere() -> None:
    """Once its lease is over."""
    async with office(ringing(), 2) as workers:
        first, _ = workers.workers
        await settled(await first.deliver(workers.event("/later tea")))
        await workers.kill(first)
        await workers.outlive()
        for _ in range(12):
            await workers.clock.advance(10)
        assert workers.texts() == ["tea"]


async def test_a_schedule_is_one_for_all_of_them() -> None:
    """However many there are, and whichever dies."""
    async with office(ringing(), 3) as workers:
        for _ in range(2):
            for _ in range(13):
                await workers.clock.advance(60)
            await workers.kill(workers.workers[0])
            await workers.outlive()
        issues = workers.texts("news")
        assert issues == [f"issue {number}" for number in range(1, len(issues) + 1)]
        assert len(issues) in (2, 3)
