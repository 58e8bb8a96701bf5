"""SQLite with nothing around it, doing the rows that a durable turn cannot do without."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from sqlite_utils import Database

from benchmarks.work import KEPT, PEOPLE, Result, Stopwatch, answer, text
from chatstate import Chat, Event, Message, User
from chatstate.adapter import Action
from chatstate.stores.sqlite.schema import migrate

_ARRIVE = """INSERT INTO inbox (seq, account, event_id, conversation, person, body, arrived_at)
    VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_DONE = "UPDATE inbox SET body = NULL, done_at = ?, attempt = ? WHERE seq = ?"
_NAME = "INSERT INTO state_names VALUES (1, 'echo', 'member', 'history')"
_STATE = """INSERT INTO state_values
    (state, place, person, value, version, schema, changed_at)
    VALUES (1, ?, ?, ?, ?, 1, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version"""
_OWE = """INSERT INTO outbox (conversation, turn, part, body, owed_at, begun_at)
    VALUES (?, ?, 0, ?, ?, ?)"""
_SETTLE = "DELETE FROM outbox WHERE conversation = ? AND turn = ? AND part = 0"


def run(folder: Path, messages: int, at_once: int) -> Result:
    """Take in, handle, and settle `messages`, `at_once` in each pair of transactions."""
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    migrate(Database(database), "bare.db")
    database.execute(_NAME)
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(list[str]).decode
    states: dict[int, str] = {}
    settled: list[tuple[int, int]] = []
    latencies: list[float] = []
    watch = Stopwatch()
    for first in range(0, messages, at_once):
        begun = time.perf_counter()
        numbers = range(first, min(first + at_once, messages))
        database.execute("BEGIN IMMEDIATE")
        database.executemany(_ARRIVE, [_arrival(n, encode, begun) for n in numbers])
        database.execute("COMMIT")
        changed: list[tuple[object, ...]] = []
        owed: list[tuple[object, ...]] = []
        for n in numbers:
            person = n % PEOPLE
            history = [*decode(states.get(person, "[]")), text(n)][-KEPT:]
            states[person] = encode(history).decode()
            changed.append((person, person, states[person], n, begun))
            action = Action(f"{person}-{n}-0", str(person), None, {"text": answer(history)})
            owed.append((person, n, encode(action).decode(), begun, begun))
        database.execute("BEGIN IMMEDIATE")
        database.executemany(_DONE, [(begun, n, n) for n in numbers])
        database.executemany(_STATE, changed)
        database.executemany(_OWE, owed)
        database.executemany(_SETTLE, settled)
        database.execute("COMMIT")
        settled = [(n % PEOPLE, n) for n in numbers]
        latencies += [time.perf_counter() - begun] * len(numbers)
    result = watch.stop(messages, latencies)
    database.close()
    return result


def _arrival(number: int, encode: Callable[[Event], bytes], now: float) -> tuple[object, ...]:
    person = number % PEOPLE
    message = Message(text(number), User(str(person), str(person)), Chat(str(person)))
    event = Event(f"event-{number}", message)
    return (number, event.id, person, person, encode(event).decode(), now)
