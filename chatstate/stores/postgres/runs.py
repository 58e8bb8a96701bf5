"""Runs: how they begin, live and end.

1. A run is alive as long as it beats, by the clock of the server. Whoever claims, beats or leads
   buries those that do not.
2. An end takes `FOR UPDATE` on the run's row first. So it waits for what its transactions have
   under way; a burial does not wait: it leaves a run alone that has something under way.
3. What a run held is free then, and a crash is counted against each conversation that had work.
4. On a server that is another than before, all runs are over, and numbers of runs jump: those that
   were given away after the last that is known here are never given again.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from chatstate.stores.base import Run
from chatstate.stores.control import engine_version
from chatstate.stores.postgres import holds
from chatstate.stores.postgres.connection import Server
from chatstate.stores.postgres.transactions import Transaction

log = logging.getLogger("chatstate.store")

_JUMP = 1000
TIME = "coalesce($1::float8, extract(epoch FROM clock_timestamp()))"
"""The time of leases: a test's, else the server's."""

_KNOWN = "SELECT system_id, timeline FROM server"
_NOTE_SERVER = "INSERT INTO server VALUES ($1, $2)"
_BEGIN = f"""INSERT INTO runs (bot, versions, host, pid, engine, started_at, lease_until)
    VALUES ($2, $3, $4, $5, $6, {TIME}, {TIME} + $7) RETURNING id"""  # noqa: S608 - ours
_SIGN = "INSERT INTO secrets VALUES ($1, $2) ON CONFLICT DO NOTHING"
_SIGNS = "SELECT secret FROM secrets WHERE bot = $1"
_JUMPS = "SELECT setval(pg_get_serial_sequence('runs', 'id'), max(id) + $1) FROM runs"
_ALIVE = "SELECT id FROM runs WHERE ended_at IS NULL FOR UPDATE"
_BEAT = f"UPDATE runs SET lease_until = {TIME} + $2 WHERE id = $3"  # noqa: S608 - ours
_DEAD = f"""SELECT id, bot, pid, host FROM runs WHERE ended_at IS NULL
    AND lease_until <= {TIME} AND id <> $2 ORDER BY id FOR UPDATE SKIP LOCKED"""  # noqa: S608 - ours
_END = f"UPDATE runs SET ended_at = {TIME} WHERE id = ANY($2::bigint[]) RETURNING id, bot"  # noqa: S608 - ours
_END_PRESENCE = """WITH ended AS (DELETE FROM roles WHERE run = ANY($1::bigint[]))
    DELETE FROM present WHERE run = ANY($1::bigint[])"""


async def begin(
    connection: asyncpg.Connection,
    bot: str,
    versions: Mapping[str, int],
    lease: float,
    now: float | None,
    server: Server,
) -> Run:
    """Begin a run of a bot, inside the open transaction."""
    await _move_in(connection, server, now)
    of = (bot, msgspec.json.encode(versions).decode(), socket.gethostname(), os.getpid())
    number = await connection.fetchval(_BEGIN, now, *of, engine_version(), lease)
    await connection.execute(_SIGN, bot, secrets.token_bytes(32))
    return Run(number, await connection.fetchval(_SIGNS, bot), lease)


async def _move_in(connection: asyncpg.Connection, server: Server, now: float | None) -> None:
    known = await connection.fetchrow(_KNOWN)
    if known is None:
        await connection.execute(_NOTE_SERVER, *server)
    elif Server(*known) != server:
        alive = await connection.fetch(_ALIVE)
        transaction = Transaction(connection, 0, "", 0.0)
        await _end(transaction, [row[0] for row in alive], now, crashed=True)
        await connection.execute(_JUMPS, _JUMP)
        await connection.execute("UPDATE server SET system_id = $1, timeline = $2", *server)


async def beat(transaction: Transaction, lease: float, now: float | None) -> None:
    """Make a run's lease longer."""
    await transaction.execute(_BEAT, now, lease, transaction.run)
    await bury(transaction, now)


async def bury(transaction: Transaction, now: float | None) -> None:
    """End the other runs whose lease is over."""
    dead = await transaction.fetch(_DEAD, now, transaction.run)
    for run in dead:
        log.warning(
            "run %d of bot %r, process %d@%s, was silent for too long and is taken for dead: what "
            "it held goes on elsewhere; if the process is still there, it is frozen: end it",
            *run,
        )
    if dead:
        await _end(transaction, [row[0] for row in dead], now, crashed=True)


async def end(transaction: Transaction, now: float | None, *, clean: bool) -> None:
    """End the run itself."""
    await _end(transaction, [transaction.run], now, crashed=not clean)


async def _end(
    transaction: Transaction, runs: Sequence[int], now: float | None, *, crashed: bool
) -> None:
    ended = await transaction.fetch(_END, now, runs)
    await transaction.execute(_END_PRESENCE, runs)
    await holds.free(transaction, runs, crashed=crashed)
    for run, bot in ended:
        transaction.runs.add(run)
        transaction.bots.add(bot)
