"""What others ask of a bot's runs, fulfilled by one of them inside its open transaction.

1. A request about a dead letter is fulfilled by a run that has its account, one about a value by a
   run of its bot: that which holds the conversation, if the value is of one that is held.
2. Of several requests for one letter the newest counts; the letter is gone afterwards. Requests
   about values are fulfilled in their order. What another run has at hand is left to it.
3. What is stored of a letter may be unreadable, which is told when it is to be retried; it stays.
4. What comes back into a conversation that another run holds is told to that run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from chatstate.messages import Event
from chatstate.scope import Key
from chatstate.stores.base import Answer, Owed, Request, TurnCommit
from chatstate.stores.events import retried
from chatstate.stores.postgres import directory, erasing, holds, inbox, outbox, references
from chatstate.stores.postgres.transactions import Transaction

log = logging.getLogger("chatstate.store")

_decode_event = msgspec.json.Decoder(Event).decode
_decode = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.Encoder().encode

_BOT = "SELECT bot FROM accounts WHERE id = $1"
_ASK = """INSERT INTO requests (verb, letter, account, bot, asked_at, body)
    VALUES ($1, $2, $3, $4, $5, $6)"""
_OURS = """letter IN (SELECT d.id FROM dead_letters AS d
    JOIN conversations AS k ON k.id = d.conversation WHERE k.account = ANY($1::bigint[]))"""
ANY = f"""SELECT 1 WHERE EXISTS (SELECT 1 FROM requests WHERE verb IN ('set', 'delete')
    AND bot = $2) OR EXISTS (SELECT 1 FROM requests WHERE letter <> 0 AND {_OURS})"""  # noqa: S608 - ours
_OF_LETTERS = f"""SELECT verb, letter FROM requests WHERE letter <> 0 AND {_OURS}
    ORDER BY id FOR UPDATE SKIP LOCKED"""  # noqa: S608 - ours
_OF_VALUES = """SELECT id, body FROM requests WHERE verb IN ('set', 'delete') AND bot = $1
    ORDER BY id FOR UPDATE SKIP LOCKED"""
_LETTER = """SELECT kind, conversation, person, turn, part, body FROM dead_letters WHERE id = $1
    FOR UPDATE"""
_FULFILLED = "DELETE FROM requests WHERE letter = $1"
_DROP = "DELETE FROM dead_letters WHERE id = $1"
_DONE = "DELETE FROM requests WHERE id = $1"
_MOVE_NOTES = "UPDATE notes SET turn = $1 WHERE turn = $2"
_SET = """INSERT INTO states (bot, scope, name, place, person, value, version, schema, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6::text::json, $7, $8, $9)
    ON CONFLICT (bot, scope, name, place, person) DO UPDATE SET value = excluded.value,
        version = excluded.version, schema = excluded.schema, changed_at = excluded.changed_at"""
_DELETE = """DELETE FROM states
    WHERE bot = $1 AND scope = $2 AND name = $3 AND place = $4 AND person = $5"""
_PRUNE = """DELETE FROM requests AS r WHERE letter <> 0
    AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE id = r.letter)"""


async def ask(transaction: Transaction, request: Request) -> bool:
    """Note a request; see `Inspection.ask`."""
    if request.verb == "forget":
        return await erasing.note(transaction, request)
    if request.ref and not await references.expect(transaction, request.ref, request.expires_at):
        return False
    bot = request.key[0] if request.key else ""
    if request.account:
        bot = await transaction.fetchval(_BOT, request.account) or ""
    of = (request.verb, request.number, request.account, bot)
    await transaction.execute(_ASK, *of, transaction.now, _encode(request).decode())
    transaction.bots.add(bot or transaction.bot)
    return True


async def answer(
    transaction: Transaction, accounts: Sequence[int], versions: Iterator[int]
) -> list[Answer]:
    """Do what was asked; return what that has changed, as far as it is the run's."""
    rows = await transaction.fetch(_OF_LETTERS, accounts)
    newest = {letter: verb for verb, letter in rows}
    answers: list[Answer] = []
    for letter, verb in newest.items():
        await transaction.execute(_FULFILLED, letter)
        row = await transaction.fetchrow(_LETTER, letter)
        if row:
            answers += await _letter(transaction, letter, verb, row)
    for number, body in await transaction.fetch(_OF_VALUES, transaction.bot):
        answers += await _value(transaction, number, _decode(body), versions)
    return answers


async def prune(transaction: Transaction) -> None:
    """Forget requests about letters that are gone."""
    await transaction.execute(_PRUNE)


async def _letter(transaction: Transaction, letter: int, verb: str, row: Any) -> list[Answer]:
    kind, *of = row
    answers: list[Answer] = []
    try:
        if verb == "retry":
            back = _event if kind == "event" else _reply
            answers = await back(transaction, letter, *of)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        log.error("dead letter %d cannot be read, nor retried: %s", letter, error)  # noqa: TRY400 - where it was read tells nothing
        return []
    await transaction.execute(_DROP, letter)
    return answers


async def _event(
    transaction: Transaction,
    letter: int,
    conversation: int,
    person: int,
    turn: int,
    _: None,
    body: str,
) -> list[Answer]:
    event = retried(_decode_event(body), letter)
    place = await directory.place_in(transaction, conversation, person)
    locked = await holds.lock(transaction, [conversation])
    arrival = await inbox.add(transaction, place, event)
    moved: str = await transaction.execute(_MOVE_NOTES, arrival.seq, turn)
    if not await holds.put(transaction, locked, {conversation: arrival.seq}):
        return []
    return [Answer(arrival=msgspec.structs.replace(arrival, noted=moved != "UPDATE 0"))]


async def _reply(
    transaction: Transaction,
    _: int,
    conversation: int,
    person: int,
    turn: int,
    part: int,
    body: str,
) -> list[Answer]:
    place = await directory.place_in(transaction, conversation, person)
    locked = await holds.lock(transaction, [conversation])
    row = await outbox.owe(
        transaction, locked, [TurnCommit(turn, place, 0, owed=[Owed(turn, part, body)])]
    )
    if not await holds.put(transaction, locked, {conversation: holds.OWES + row}):
        return []
    return [Answer(conversation=conversation)]


async def _value(
    transaction: Transaction, number: int, request: Request, versions: Iterator[int]
) -> list[Answer]:
    key = Key(*request.key) if request.key else Key("", "global", "", 0, 0)
    if key.scope in ("member", "thread"):
        locked = await holds.lock(transaction, [key.place])
        if key.place in locked and locked[key.place].is_anothers(transaction.run):
            return []
    if request.verb == "set":
        new = (request.text, next(versions), request.schema, transaction.now)
        await transaction.execute(_SET, *key, *new)
    else:
        await transaction.execute(_DELETE, *key)
    await transaction.execute(_DONE, number)
    return [Answer(key=key)]
