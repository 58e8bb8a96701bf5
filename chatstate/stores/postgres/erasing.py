"""Forgetting a person, inside the open transaction.

1. Private conversations of theirs end as those do that were merged into others: whoever remembers
   one looks again where it belongs.
2. Each worker says when nothing runs in it any more that may bring something back (`passed`).
3. Rows are gone at once; where they lay on the disk, `VACUUM` sees to in its own time.
"""

from __future__ import annotations

from typing import Any

from chatstate.inspection import Request
from chatstate.stores import erasing
from chatstate.stores.forgetting import Erased, Forgotten, Tombstones, mark_of
from chatstate.stores.postgres.transactions import Transaction

_TURNS = "CREATE TEMP TABLE forgetting (turn bigint PRIMARY KEY) ON COMMIT DROP"
_RECIPIENTS = f"""DELETE FROM recipients WHERE account = {{account}}
    AND (body::json -> 'user' ->> 'id' = $1 OR conversation IN {erasing.LANES}
    OR body::json -> 'chat' ->> 'id' IN ({erasing.IDS_OF_CHATS}))"""  # noqa: S608 - ours
_FILES = """DELETE FROM owed_files WHERE key ~ '^[0-9]+-'
    AND split_part(key, '-', 1)::bigint IN (SELECT turn FROM forgetting)"""
_END = f"""UPDATE conversations SET merged_into = id, ready = NULL, news = false
    WHERE id IN {erasing.LANES}"""  # noqa: S608 - ours
_LISTED = "SELECT id, audience FROM broadcasts WHERE position('\"listed\"' in audience) > 0"
_PASSED = "INSERT INTO passed VALUES ($1, $2) ON CONFLICT DO NOTHING"
_HAVE_ALL = """SELECT NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.bot = $1 AND r.ended_at IS NULL
    AND r.lease_until > coalesce($3::float8, extract(epoch FROM clock_timestamp()))
    AND NOT EXISTS (SELECT 1 FROM passed WHERE forgotten = $2 AND run = r.id))"""
_THEIR_SECRET = "SELECT secret FROM secrets WHERE bot = $1"  # noqa: S105 - a statement


async def note(transaction: Transaction, request: Request) -> bool:
    """Note that somebody is to be forgotten. False if they are already, or are not known."""
    person = int(request.number)
    known = await transaction.fetchrow(erasing.WHO.format(person=person))
    if known is None or await transaction.fetchrow(erasing.ASKED.format(person=person)):
        return False
    bot, account, platform, platform_id, user, secret = known
    mark = mark_of(bytes(secret), platform, platform_id, user)
    of = (bot, account, person, user, mark, transaction.now, request.turn)
    await transaction.execute(erasing.NOTE, *of)
    transaction.bots.add(bot)
    return True


async def rows(transaction: Transaction, *, is_open: bool = False) -> list[Forgotten]:
    """Return those who are to be forgotten, or were."""
    found = await transaction.fetch(erasing.OPEN if is_open else erasing.EVERY)
    return [Forgotten(*row) for row in found]


async def erase(transaction: Transaction, number: int) -> Erased:
    """Erase all that is of somebody."""
    forgotten = next((r for r in await rows(transaction) if r.number == number), None)
    if forgotten is None or not forgotten.user:
        return Erased()
    return await _Erasing(transaction, forgotten).all()


async def passed(transaction: Transaction, number: int, now: float | None) -> bool:
    """Note that a run holds nothing any more of somebody; tell whether none does."""
    await transaction.execute(_PASSED, number, transaction.run)
    return bool(await transaction.fetchval(_HAVE_ALL, transaction.bot, number, now))


async def forgot(transaction: Transaction, number: int) -> None:
    """Note that all is erased."""
    await transaction.execute(erasing.FORGOT.format(number=int(number)))


async def done(transaction: Transaction, number: int) -> None:
    """Note that it is done."""
    of = {"number": int(number), "now": float(transaction.now)}
    await transaction.execute(erasing.DONE.format_map(of))
    await transaction.execute("DELETE FROM passed WHERE forgotten = $1", number)


async def bury(transaction: Transaction, bot: str, tombstones: Tombstones) -> None:
    """Let tombstones be those of all who were forgotten."""
    secret = await transaction.fetchval(_THEIR_SECRET, bot)
    marks = await transaction.fetch(erasing.MARKS)
    tombstones.set(bytes(secret), [(mark, at) for mark, at in marks])


class _Erasing:
    def __init__(self, transaction: Transaction, forgotten: Forgotten) -> None:
        self._transaction = transaction
        self._user = forgotten.user
        self._own = {
            "number": forgotten.number,
            "person": forgotten.person,
            "account": forgotten.account,
            "now": float(transaction.now),
        }

    async def all(self) -> Erased:
        await self._do(_TURNS)
        await self._do(erasing.ADOPT)
        await self._do(erasing.FIND)
        turns = [row[0] for row in await self._rows(erasing.FOUND)]
        lanes = [row[0] for row in await self._rows(erasing.OF_LANES)]
        chats = [row[0] for row in await self._rows(erasing.OF_CHATS)]
        await self._unsay(lanes)
        for statement in (_RECIPIENTS, _FILES, _END):
            await self._do(statement)
        for condition in erasing.VALUES:
            await self._do(f"DELETE FROM states WHERE {condition}")  # noqa: S608 - ours
        for statement in erasing.ERASE:
            await self._do(statement)
        return Erased(turns, lanes, chats)

    async def _do(self, statement: str) -> None:
        await self._transaction.execute(statement.format_map(self._own), *self._given(statement))

    async def _rows(self, statement: str) -> list[Any]:
        given = self._given(statement)
        return await self._transaction.fetch(statement.format_map(self._own), *given)

    def _given(self, statement: str) -> tuple[str, ...]:
        return (self._user,) if "$1" in statement else ()

    async def _unsay(self, lanes: list[int]) -> None:
        """Drop what is to be said to them, or to be set of theirs, and lists that name them."""
        transaction = self._transaction
        chats = [row[0] for row in await self._rows(erasing.IDS_OF_CHATS)]
        asked = await transaction.fetch("SELECT id, account, body FROM requests FOR UPDATE")
        for number, account, body in asked:
            if erasing.is_theirs(body, account, self._own, self._user, chats, lanes):
                await transaction.execute("DELETE FROM requests WHERE id = $1", number)
        for number, audience in await transaction.fetch(_LISTED):
            left = erasing.without(audience, int(self._own["account"]), self._user, chats)
            await transaction.execute(
                "UPDATE broadcasts SET audience = $1 WHERE id = $2", left, number
            )
