"""SQLite with nothing around it, doing the rows that a durable turn cannot do without.

Two transactions for what is written at once: it arrives; it is done, with the state it changed and
the reply it owes. `synchronous=FULL`: what was answered survives the power. No handler, no loop, no
dispatch, nothing that is looked up. With the option "each" every message has two of its own.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec
from sqlite_utils import Database

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import Result, Stopwatch, answer, kept, text
from chatstate import Chat, Event, Message, User
from chatstate.adapter import Action, Part
from chatstate.stores.sqlite.schema import migrate

_ARRIVE = """INSERT INTO inbox (seq, account, event_id, conversation, person, body, arrived_at)
    VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_DONE = "UPDATE inbox SET body = NULL, done_at = ?, attempt = ? WHERE seq = ?"
_NAME = "INSERT OR IGNORE INTO state_names VALUES (1, 'echo', 'member', 'history')"
_STATE = """INSERT INTO state_values
    (state, place, person, value, version, schema, changed_at)
    VALUES (1, ?, ?, ?, ?, 1, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version"""
_OWE = """INSERT INTO outbox (conversation, turn, part, body, owed_at, begun_at)
    VALUES (?, ?, 0, ?, ?, ?)"""
_SETTLE = "DELETE FROM outbox WHERE conversation = ? AND turn = ? AND part = 0"
_STATES = "SELECT person, value FROM state_values"
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(list[str]).decode


class _Echo:
    """The bot. States are also in memory, as a cache would have them."""

    def __init__(self, folder: Path, take: Callable[[int, str], None]) -> None:
        self._database = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        migrate(Database(self._database), "bare.db")
        self._database.execute(_NAME)
        self._states: dict[int, str] = dict(self._database.execute(_STATES))
        self._settled: list[tuple[int, int]] = []
        self._take = take

    def handle(self, numbers: Sequence[int], person_of: Callable[[int], int]) -> None:
        """Take in messages, and answer them."""
        now, database = time.perf_counter(), self._database
        database.execute("BEGIN IMMEDIATE")
        database.executemany(_ARRIVE, [_arrival(n, person_of(n), now) for n in numbers])
        database.execute("COMMIT")
        changed: list[tuple[object, ...]] = []
        owed: list[tuple[object, ...]] = []
        replies: list[tuple[int, str]] = []
        for number in numbers:
            person = person_of(number)
            history = kept(_decode(self._states.get(person, "[]")), text(number))
            self._states[person] = _encode(history).decode()
            changed.append((person, person, self._states[person], number, now))
            replies.append((person, answer(history)))
            part = Part({"text": replies[-1][1]})
            action = Action(f"{person}-{number}-0", str(person), None, part)
            owed.append((person, number, _encode(action).decode(), now, now))
        database.execute("BEGIN IMMEDIATE")
        database.executemany(_DONE, [(now, n, n) for n in numbers])
        database.executemany(_STATE, changed)
        database.executemany(_OWE, owed)
        database.executemany(_SETTLE, self._settled)
        database.execute("COMMIT")
        self._settled = [(person_of(n), n) for n in numbers]
        for person, reply in replies:
            self._take(person, reply)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def race(setup: Setup, messages: int, at_once: int) -> Result:
    """Take in, handle, and settle `messages`, `at_once` in each pair of transactions."""
    echo = _Echo(setup.folder, lambda _person, _reply: None)
    together = 1 if "each" in setup.options else at_once
    latencies: list[float] = []
    watch = Stopwatch()
    for first in range(0, messages, together):
        begun = time.perf_counter()
        numbers = range(first, min(first + together, messages))
        echo.handle(numbers, lambda number: number % setup.people)
        latencies += [time.perf_counter() - begun] * len(numbers)
    result = watch.stop(messages, latencies)
    echo.close()
    return result


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what answers a message by itself."""
    with contextlib.closing(_Echo(setup.folder, replies.take)) as echo:

        async def say(person: int, number: int) -> None:
            echo.handle([number], lambda _: person)

        yield say


def _arrival(number: int, person: int, now: float) -> tuple[object, ...]:
    message = Message(text(number), User(str(person), str(person)), Chat(str(person)))
    event = Event(f"event-{number}", message)
    return (number, event.id, person, person, _encode(event).decode(), now)
