"""Committing turns: a batch of them at once or, where that fails, one by one.

1. What a batch writes is gathered in one pass over it; then each statement runs once for all.
   What a turn does not use (dead letters, notes, buttons, other events) costs it one look.
2. Its conversations are locked first, in the order of their ids, with those in which it owes
   something: a turn in a conversation that is another run's is fenced.
3. A batch is first tried without savepoints. If some turn of it cannot be applied, the transaction
   is rolled back, and the turns are tried one by one in another.
4. A turn that is finished late is told what its values are while they are locked, and committed by
   itself. It is finished again if somebody has made one meanwhile that was not there to be locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from chatstate.stores.base import Outcome, TurnCommit
from chatstate.stores.postgres import buttons, holds, outbox, references, states, timers
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.holds import Hold
from chatstate.stores.postgres.transactions import Transaction
from chatstate.stores.rows import NotAllError, collapsed

_DONE = """UPDATE inbox AS i SET body = NULL, done_at = $3, attempt = g.attempt
    FROM unnest($1::bigint[], $2::bigint[]) AS g(seq, attempt)
    WHERE i.seq = g.seq AND i.done_at IS NULL
    AND (i.ahead OR NOT EXISTS (SELECT 1 FROM inbox AS e WHERE e.conversation = i.conversation
        AND e.seq < i.seq AND e.done_at IS NULL AND e.seq <> ALL($1::bigint[])))
    AND NOT EXISTS (SELECT 1 FROM inbox AS a WHERE a.seq = ANY($4::bigint[])
        AND (a.done_at IS NULL OR a.attempt IS NULL))
    RETURNING i.stored_by"""
# Events that had to make room (`drop_oldest`) while a handler had them already.
_DIES = """INSERT INTO dead_letters
        (bot, kind, conversation, person, turn, body, error, detail, died_at)
    SELECT a.bot, 'event', i.conversation, i.person, i.seq, i.body, g.error, g.detail, $4::float8
    FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS g(seq, error, detail, n)
    JOIN inbox AS i ON i.seq = g.seq AND i.done_at IS NULL
    JOIN accounts AS a ON a.id = i.account ORDER BY g.n"""
_FORGET_NOTES = "DELETE FROM notes WHERE turn = ANY($1::bigint[])"
_FATES = """SELECT i.seq, i.done_at IS NOT NULL, i.attempt, k.holder FROM inbox AS i
    JOIN conversations AS k ON k.id = i.conversation WHERE i.seq = ANY($1::bigint[])"""
NOTE = """INSERT INTO notes (turn, name, value)
    SELECT i.seq, $2, $3 FROM inbox AS i JOIN conversations AS k ON k.id = i.conversation
    WHERE i.seq = $1 AND i.done_at IS NULL AND (k.holder IS NULL OR k.holder = $4)
    ON CONFLICT (turn, name) DO UPDATE SET value = excluded.value"""
_TRIES = 3

_Fate = Literal["waiting", "dropped", "ours", "another's"]


async def together(transaction: Transaction, turns: Sequence[TurnCommit]) -> list[Outcome]:
    """Commit turns, all of them. Raises `NotAllError` if one of them cannot be applied as it is."""
    locked = await _locked(transaction, turns)
    if not _may_go_together(transaction.run, turns, locked):
        raise NotAllError
    return await _apply(transaction, locked, turns)


async def each(transaction: Transaction, turns: Sequence[TurnCommit]) -> list[Outcome]:
    """Commit turns in order; return the outcome of each."""
    locked = await _locked(transaction, turns)
    return [await _by_itself(transaction, locked, turn) for turn in turns]


async def _locked(transaction: Transaction, turns: Sequence[TurnCommit]) -> dict[int, Hold]:
    owed = {owed.conversation for turn in turns for owed in turn.owed} - {0}
    return await holds.lock(transaction, owed | {turn.place.conversation for turn in turns})


def _may_go_together(run: int, turns: Sequence[TurnCommit], locked: Mapping[int, Hold]) -> bool:
    """Tell whether turns may all be applied at once, as far as that shows already."""
    last: dict[int, int] = {}
    for turn in turns:
        conversation = turn.place.conversation
        first = min(turn.seq, *turn.also) if turn.also else turn.seq
        hold = locked.get(conversation)
        if turn.late or hold is None or hold.holder != run or first <= last.get(conversation, 0):
            return False
        last[conversation] = turn.seq
    return True


async def _by_itself(
    transaction: Transaction, locked: dict[int, Hold], turn: TurnCommit
) -> Outcome:
    events = (*turn.also, turn.seq)
    fates = await _fates(transaction, (*events, *turn.after), turn.attempt)
    live = [seq for seq in events if fates[seq] == "waiting"]
    told = {fates[seq] for seq in events}
    if not live or "another's" in told:
        return "applied" if "ours" in told else "fenced"
    if any(fates[seq] in ("waiting", "dropped") for seq in turn.after):
        return "conflict"
    turn = msgspec.structs.replace(turn, seq=live[-1], also=live[:-1], after=())
    for _ in range(_TRIES if turn.late else 1):
        outcome = await _try(transaction, locked, turn)
        if outcome != "conflict":
            return outcome
    return "conflict"


async def _try(transaction: Transaction, locked: dict[int, Hold], turn: TurnCommit) -> Outcome:
    await transaction.execute("SAVEPOINT turn")
    try:
        finished = await _finished(transaction, turn)
        owed = {owed.conversation for owed in finished.owed} - locked.keys() - {0}
        if owed:
            locked.update(await holds.lock(transaction, owed))
        (outcome,) = await _apply(transaction, locked, (finished,))
    except NotAllError:
        await transaction.execute("ROLLBACK TO turn")
        return "conflict"
    await transaction.execute("RELEASE turn")
    conversation = turn.place.conversation
    if locked[conversation].holder is None:
        await holds.recount(transaction, [conversation])
    return outcome


async def _finished(transaction: Transaction, turn: TurnCommit) -> TurnCommit:
    if turn.late is None:
        return turn
    values = await states.locked(transaction, turn.late.keys)
    finished = turn.late.finish(values)
    if finished is None:
        raise NotAllError
    return msgspec.structs.replace(finished, seq=turn.seq, also=turn.also, after=())


async def _fates(
    transaction: Transaction, numbers: Sequence[int], attempt: int
) -> dict[int, _Fate]:
    """Return what has become of events; one that is long pruned was somebody's."""
    found: dict[int, _Fate] = dict.fromkeys(numbers, "another's")
    for seq, done, by, holder in await transaction.fetch(_FATES, list(numbers)):
        if not done:
            found[seq] = "waiting" if holder in (None, transaction.run) else "another's"
        elif by is None:
            found[seq] = "dropped"
        elif by == attempt:
            found[seq] = "ours"
    return found


async def _apply(
    transaction: Transaction, locked: Mapping[int, Hold], turns: Sequence[TurnCommit]
) -> list[Outcome]:
    """Write what turns do. Raises `NotAllError` if one of them cannot be applied as it is."""
    changes = collapsed(turns)
    events = [(seq, turn.attempt) for turn in turns for seq in (*turn.also, turn.seq)]
    own = {seq for seq, _ in events}
    after = {seq for turn in turns for seq in turn.after} - own
    special = [turn for turn in turns if _is_special(turn)]
    await _die(transaction, special)
    done = await transaction.fetch(_DONE, *columns(events, 2), transaction.now, list(after))
    if len(done) != len(events):
        raise NotAllError
    transaction.runs.update(row[0] for row in done if row[0] != transaction.run)
    await states.write(transaction, changes)
    await outbox.owe(transaction, locked, turns)
    if special:
        await _finish(transaction, special)
    return [_outcome(turn, locked) for turn in turns]


def _outcome(turn: TurnCommit, locked: Mapping[int, Hold]) -> Outcome:
    return "behind" if turn.owed and locked[turn.place.conversation].news else "applied"


def _is_special(turn: TurnCommit) -> bool:
    return bool(
        turn.dead or turn.noted or turn.buttons or turn.used or turn.references or turn.timers
    )


async def _die(transaction: Transaction, turns: Sequence[TurnCommit]) -> None:
    """Keep the events of turns that failed, before they are erased."""
    dead = [
        (seq, turn.dead.error, turn.dead.detail)
        for turn in turns
        if turn.dead
        for seq in (*turn.also, turn.seq)
    ]
    if dead:
        await transaction.execute(_DIES, *columns(dead, 3), transaction.now)


async def _finish(transaction: Transaction, turns: Sequence[TurnCommit]) -> None:
    """Do what only some turns ask for. Those that died keep their notes, to be tried again."""
    noted = [
        seq for turn in turns if turn.noted and not turn.dead for seq in (*turn.also, turn.seq)
    ]
    if noted:
        await transaction.execute(_FORGET_NOTES, noted)
    await states.use(transaction, turns)
    await buttons.keep(transaction, turns)
    await references.keep(transaction, turns)
    await timers.change(transaction, turns)
