"""SQLite with nothing around it, doing the rows that a durable turn cannot do without."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import msgspec

from benchmarks.work import KEPT, PEOPLE, Result, Stopwatch, answer, text

_SCHEMA = """
CREATE TABLE inbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT UNIQUE,
    conversation INTEGER, body TEXT, done_at REAL);
CREATE TABLE states (conversation INTEGER PRIMARY KEY, value TEXT);
CREATE TABLE outbox (turn INTEGER PRIMARY KEY, body TEXT);
"""


def run(folder: Path, messages: int, at_once: int) -> Result:
    """Take in, handle, and settle `messages`, `at_once` in each pair of transactions."""
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(_SCHEMA)
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(list[str]).decode
    states: dict[int, str] = {}
    settled: list[tuple[int]] = []
    latencies: list[float] = []
    watch = Stopwatch()
    for first in range(0, messages, at_once):
        begun = time.perf_counter()
        numbers = range(first, min(first + at_once, messages))
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO inbox VALUES (?, ?, ?, ?, NULL)",
            [(n + 1, f"event-{n}", n % PEOPLE, encode(text(n)).decode()) for n in numbers],
        )
        database.execute("COMMIT")
        changed: list[tuple[int, str]] = []
        owed: list[tuple[int, str]] = []
        for n in numbers:
            history = [*decode(states.get(n % PEOPLE, "[]")), text(n)][-KEPT:]
            states[n % PEOPLE] = encode(history).decode()
            changed.append((n % PEOPLE, states[n % PEOPLE]))
            owed.append((n + 1, encode({"text": answer(history)}).decode()))
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "UPDATE inbox SET body = NULL, done_at = ? WHERE seq = ?",
            [(begun, n + 1) for n in numbers],
        )
        database.executemany(
            "INSERT INTO states VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            changed,
        )
        database.executemany("INSERT INTO outbox VALUES (?, ?)", owed)
        database.executemany("DELETE FROM outbox WHERE turn = ?", settled)
        database.execute("COMMIT")
        settled = [(n + 1,) for n in numbers]
        latencies += [time.perf_counter() - begun] * len(numbers)
    result = watch.stop(messages, latencies)
    database.close()
    return result
