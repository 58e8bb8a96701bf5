"""Which run holds which conversation.

1. A conversation is locked before anything is put into it. What there is in it is looked at in a
   statement of its own, afterwards: one that has waited for a lock sees what was there before.
2. Conversations are locked in the order of their ids.
3. One that nobody holds and that has no work is his who puts something into it, or whose he makes
   it; one that has work is his who claims it. What others put into one is news to its holder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from chatstate.stores.base import Claim
from chatstate.stores.postgres.transactions import Transaction

OWES = 1 << 62
"""Where conversations stand in line that owe replies only: behind all in which events wait."""

_LOCK = """SELECT id, chat, holder, news, ready, merged_into,
        (SELECT blocked_at IS NOT NULL FROM chats WHERE id = k.chat)
    FROM conversations AS k WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE OF k"""
_TAKE = "UPDATE conversations SET holder = $2, news = news OR $3 WHERE id = ANY($1::bigint[])"
_SHARING = """SELECT r.id FROM runs AS r JOIN present AS p ON p.run = r.id
    WHERE p.account = $1 AND r.ended_at IS NULL ORDER BY r.id FOR KEY SHARE OF r SKIP LOCKED"""
_NEWS = "UPDATE conversations SET news = true WHERE id = ANY($1::bigint[]) AND NOT news"
_READY = """UPDATE conversations SET ready = g.ready
    FROM unnest($1::bigint[], $2::bigint[]) AS g(id, ready)
    WHERE conversations.id = g.id AND conversations.ready > g.ready"""
_WAITS = "(SELECT min(seq) FROM inbox WHERE conversation = k.id AND done_at IS NULL)"
_OWED = '(SELECT min("row") FROM outbox WHERE conversation = k.id)'
WORK = f"coalesce({_WAITS}, {OWES} + {_OWED})"
"""Where the conversation `k` stands in line; NULL if it has no work."""
_LOCK_NEWS = """SELECT id FROM conversations WHERE holder = $1 AND news
    ORDER BY id LIMIT $2 FOR NO KEY UPDATE"""
_LOCK_READY = """SELECT id FROM conversations
    WHERE ready IS NOT NULL AND account = ANY($1::bigint[]) AND id <> ALL($3::bigint[])
    ORDER BY ready LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED"""
_CLAIM = f"""UPDATE conversations AS k SET holder = $2, news = false, ready = NULL
    WHERE id = ANY($1::bigint[])
    RETURNING id, {_WAITS} IS NOT NULL, {_OWED} IS NOT NULL, crashes"""  # noqa: S608 - ours
_LOCK_OURS = """SELECT id FROM conversations WHERE id = ANY($1::bigint[]) AND holder = $2
    ORDER BY id FOR NO KEY UPDATE"""
_RELEASE = f"""UPDATE conversations AS k
    SET holder = NULL, news = false, crashes = 0, ready = {WORK}
    WHERE id = ANY($1::bigint[]) AND ($2 OR {WORK} IS NULL) RETURNING id"""  # noqa: S608 - ours
_LOCK_HELD = """SELECT id FROM conversations WHERE holder = ANY($1::bigint[])
    ORDER BY id FOR NO KEY UPDATE"""
_FREE = f"""UPDATE conversations AS k SET holder = NULL, news = false, ready = {WORK},
        crashes = CASE WHEN $2 AND {WORK} IS NOT NULL THEN crashes + 1 ELSE 0 END
    WHERE id = ANY($1::bigint[])"""  # noqa: S608 - ours
_CLEAR = """UPDATE inbox SET crashes = 0
    WHERE conversation = ANY($1::bigint[]) AND done_at IS NULL AND crashes > 0"""
_RECOUNT = f"""UPDATE conversations AS k SET ready = {WORK}
    WHERE id = ANY($1::bigint[]) AND holder IS NULL"""  # noqa: S608 - ours


class Hold(NamedTuple):
    """A conversation that is locked: its chat, who holds it, and whether it takes nothing."""

    id: int
    chat: int
    holder: int | None
    news: bool
    ready: int | None
    merged_into: int | None
    is_blocked: bool

    def is_anothers(self, run: int) -> bool:
        """Tell whether another run holds it."""
        return self.holder not in (None, run)


async def lock(transaction: Transaction, conversations: Collection[int]) -> dict[int, Hold]:
    """Lock conversations until the end of the transaction; return how they are."""
    rows = await transaction.fetch(_LOCK, list(conversations))
    return {row[0]: Hold(*row) for row in rows}


async def put(
    transaction: Transaction,
    locked: Mapping[int, Hold],
    numbers: Mapping[int, int],
    *,
    is_told: bool = False,
    among: Sequence[int] = (),
) -> set[int]:
    """Note that something was put into conversations, by the first number of it in each.

    Return those of them in which it is the run's to handle, at once; not if it `is_told` as news.
    What nobody holds is shared out `among` runs, if any are named.
    """
    mine: set[int] = set()
    free: defaultdict[int, list[int]] = defaultdict(list)
    news: list[int] = []
    ready: list[int] = []
    for conversation in numbers:
        hold = locked[conversation]
        if hold.holder is None and hold.ready is not None:
            ready.append(conversation)
            transaction.tell(None)
        elif hold.holder is None:
            free[among[conversation % len(among)] if among else transaction.run].append(
                conversation
            )
        elif hold.holder == transaction.run and not hold.news and not is_told:
            mine.add(conversation)
        else:
            news.append(conversation)
            transaction.tell(hold.holder)
    mine.update(free.get(transaction.run, ()))
    for run, given in free.items():
        as_news = is_told or run != transaction.run
        await transaction.execute(_TAKE, given, run, as_news)
        if as_news:
            transaction.tell(run)
    if news:
        await transaction.execute(_NEWS, news)
    if ready:
        await transaction.execute(_READY, ready, [numbers[number] for number in ready])
    return mine


async def sharing(transaction: Transaction, account: int) -> Sequence[int]:
    """Return the runs that have an account, which do not end in this transaction."""
    return [row[0] for row in await transaction.fetch(_SHARING, account)]


async def claim(
    transaction: Transaction, accounts: Sequence[int], limit: int, but: Collection[int]
) -> list[Claim]:
    """Return the news of a run, and let it hold what nobody does, but for these."""
    news = await transaction.fetch(_LOCK_NEWS, transaction.run, limit)
    claims = await _claim(transaction, [row[0] for row in news], is_news=True)
    free = await transaction.fetch(_LOCK_READY, accounts, limit - len(claims), list(but))
    return claims + await _claim(transaction, [row[0] for row in free], is_news=False)


async def _claim(
    transaction: Transaction, conversations: Sequence[int], *, is_news: bool
) -> list[Claim]:
    if not conversations:
        return []
    rows = await transaction.fetch(_CLAIM, conversations, transaction.run)
    found = {
        number: Claim(number, waits, owes, 0 if is_news else crashes, is_news)
        for number, waits, owes, crashes in rows
    }
    return [found[number] for number in conversations]


async def release(
    transaction: Transaction, conversations: Sequence[int], *, working: bool
) -> list[int]:
    """Let go of those that have no work, or of all of them for others to claim; return which."""
    ours = [row[0] for row in await transaction.fetch(_LOCK_OURS, conversations, transaction.run)]
    gone = await transaction.fetch(_RELEASE, ours, working) if ours else ()
    if working and ours:
        await transaction.execute(_CLEAR, ours)
        transaction.tell(None)
    return [row[0] for row in gone]


async def free(transaction: Transaction, runs: Sequence[int], *, crashed: bool) -> None:
    """Let go of all that runs held which are over."""
    held = [row[0] for row in await transaction.fetch(_LOCK_HELD, runs)]
    if held:
        await transaction.execute(_FREE, held, crashed)
        if not crashed:
            await transaction.execute(_CLEAR, held)


async def recount(transaction: Transaction, conversations: Sequence[int]) -> None:
    """Note what is to be claimed of conversations that nobody holds."""
    await transaction.execute(_RECOUNT, conversations)
