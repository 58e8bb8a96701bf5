"""Which run holds which conversation, and for how long.

1. A conversation is one run's at a time. One that nobody holds and that has no work is his who
   puts something into it; one that has work is his who claims it.
2. What is put into a conversation by others than its holder is news: it is told by `claim`. Until
   then whatever comes after it is news too, so that the holder gets all of it in its order.
3. A run whose lease is over is buried by whoever looks next: what it held is free, and a crash is
   counted against each conversation that had work.
4. Whoever may have something to do is woken.
"""

from __future__ import annotations

from collections.abc import Collection

from chatstate.stores.base import Claim, Role
from chatstate.testing.memory.tables import MemoryData, Worker


def is_anothers(data: MemoryData, conversation: int, worker: Worker) -> bool:
    """Tell whether a conversation is held by another run."""
    return data.conversations[conversation].holder not in (None, worker)


def is_for(data: MemoryData, conversation: int, worker: Worker) -> bool:
    """Tell whether what is due in a conversation is a run's: its own, or nobody's if it leads."""
    holder = data.conversations[conversation].holder
    leader = data.leaders.get(Role("clock", data.account_of(conversation)))
    return holder is worker or (holder is None and leader is worker)


def put(data: MemoryData, conversation: int, worker: Worker, *, share: bool = False) -> bool:
    """Tell whether what a run is putting into a conversation is its own to handle, at once.

    To be called before it is put there. If not, whoever it concerns is woken. What nobody holds is
    given to one of all that have the account, if they `share` it.
    """
    row = data.conversations[conversation]
    if row.holder is None and not data.has_work(conversation):
        account = data.account_of(conversation)
        runs = [run for run in data.workers.values() if account in run.accounts]
        row.holder = runs[conversation % len(runs)] if share else worker
    if row.holder is None:
        wake(data, worker.bot)
        return False
    if row.holder is worker and conversation not in worker.news:
        return True
    tell(data, conversation)
    return False


def tell(data: MemoryData, conversation: int) -> None:
    """Let the holder of a conversation know that there is something new, or else everybody."""
    holder = data.conversations[conversation].holder
    if holder is None:
        wake(data, data.bot_of(data.account_of(conversation)))
    else:
        holder.news[conversation] = None
        holder.woken.set()


def wake(data: MemoryData, bot: str) -> None:
    """Let all runs of a bot look whether there is something for them."""
    for worker in data.workers.values():
        if worker.bot == bot:
            worker.woken.set()


def claim(data: MemoryData, worker: Worker, limit: int, but: Collection[int]) -> list[Claim]:
    """Return the news of a run, and let it hold what nobody does, but for these."""
    found = [_claim(data, number, is_news=True) for number in list(worker.news)[:limit]]
    for news in found:
        del worker.news[news.conversation]
    work = _with_work(data, worker)
    free = [number for number in work if not (data.conversations[number].holder or number in but)]
    for number in sorted(free, key=lambda number: _since(data, number))[: limit - len(found)]:
        row = data.conversations[number]
        row.holder = worker
        found.append(_claim(data, number, crashes=row.crashes))
    return found


def release(data: MemoryData, worker: Worker, conversation: int) -> bool:
    """Let go of a conversation, if it has no work; tell whether."""
    row = data.conversations[conversation]
    if row.holder is not worker or data.has_work(conversation):
        return False
    row.holder, row.crashes = None, 0
    worker.news.pop(conversation, None)
    return True


def leave(data: MemoryData, worker: Worker, conversation: int) -> bool:
    """Let go of a conversation for others to claim; tell whether."""
    row = data.conversations[conversation]
    if row.holder is not worker:
        return False
    row.holder, row.crashes = None, 0
    worker.news.pop(conversation, None)
    _clear(data, conversation, crashed=False)
    wake(data, worker.bot)
    return True


def cede(data: MemoryData, worker: Worker, roles: Collection[Role]) -> None:
    """Let go of those of these roles that a run has."""
    for role in roles:
        if data.leaders.get(role) is worker:
            del data.leaders[role]


def bury(data: MemoryData, now: float, *, but: Worker) -> None:
    """End the runs whose lease is over."""
    for worker in list(data.workers.values()):
        if worker is not but and worker.until <= now:
            data.crashed_at = now
            end(data, worker, crashed=True)


def end(data: MemoryData, worker: Worker, *, crashed: bool) -> None:
    """End a run, and free all that it held."""
    worker.is_over = True
    del data.workers[worker.id]
    cede(data, worker, list(data.leaders))
    for number, row in data.conversations.items():
        if row.holder is worker:
            row.holder = None
            row.crashes = row.crashes + 1 if crashed and data.has_work(number) else 0
            _clear(data, number, crashed=crashed)
    worker.woken.set()
    wake(data, worker.bot)


def _clear(data: MemoryData, conversation: int, *, crashed: bool) -> None:
    """Suspect no event of a conversation, unless its run has crashed."""
    for row in data.waiting.get(conversation, {}).values():
        row.crashes = row.crashes if crashed else 0


def _with_work(data: MemoryData, worker: Worker) -> list[int]:
    numbers = {*data.waiting, *data.lines}
    return [n for n in numbers if data.has_work(n) and data.account_of(n) in worker.accounts]


def _claim(
    data: MemoryData, conversation: int, *, crashes: int = 0, is_news: bool = False
) -> Claim:
    waits, owes = data.waiting.get(conversation), data.lines.get(conversation)
    return Claim(conversation, bool(waits), bool(owes), crashes, is_news)


def _since(data: MemoryData, conversation: int) -> tuple[bool, int]:
    """Return what conversations are ordered by: those with events first, the oldest first."""
    waits, owes = data.waiting.get(conversation), data.lines.get(conversation)
    return not waits, next(iter(waits or owes or ()))
