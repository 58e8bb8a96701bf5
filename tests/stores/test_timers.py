"""Timers on SQLite: what is due is found however many there are."""

import itertools
import os
import sqlite3
from pathlib import Path

from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.base import Arrival, StoredTimer, TimerChange, TurnCommit
from chatstate.stores.sqlite import SQLiteStore, timers

NOW = 1_800_000_000.0
MANY = 1_000_000 if os.environ.get("CHATSTATE_LONG") else 20_000


def plan(path: Path, statement: str, *values: object) -> list[str]:
    """Return how SQLite goes about a statement."""
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        return [row[-1] for row in found]
    finally:
        connection.close()


async def opened(path: Path) -> tuple[SQLiteStore, int, Arrival]:
    """Return an open store, its account, and an event that waits."""
    store = SQLiteStore(path, clock=lambda: NOW)
    await store.open("bot")
    account = await store.account("test", "1")
    event = Event("1", Message("hi", User("alice"), Chat("room", "group")))
    (stored,) = await store.ingest(account.id, [event])
    assert stored.arrival
    return store, account.id, stored.arrival


async def test_what_is_due_is_found_by_an_index(tmp_path: Path) -> None:
    """Neither the timers that are set nor those that were missed are gone through."""
    store, account, _ = await opened(tmp_path / "a.db")
    await store.end(clean=True)
    due = plan(tmp_path / "a.db", timers._DUE, account, NOW, 64)
    assert due[0] == "SEARCH t USING INDEX timers_due (account=? AND due_at<?)"
    assert not [step for step in due if "TEMP B-TREE" in step or step.startswith("SCAN")]
    for statement in (timers._NEXT, timers._HANDLERS):
        steps = plan(tmp_path / "a.db", statement, f"[{account}]")
        assert not [step for step in steps if step.startswith("SCAN t")]


async def test_many_stored_timers_cost_nothing_until_they_are_due(tmp_path: Path) -> None:
    """To look for what is due, and to open the store, takes as long as with none."""
    store, account, arrival = await opened(tmp_path / "a.db")
    numbers = itertools.count(1)
    place = arrival.place
    stored = [
        TimerChange(
            place.person,
            str(n),
            StoredTimer(place.conversation, place.person, str(n), n, NOW + n, f"h{n % 3}", "{}"),
        )
        for n in itertools.islice(numbers, MANY)
    ]
    await store.commit([TurnCommit(arrival.seq, place, MANY + 1, timers=stored)])
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    store._reader.set_progress_handler(count, 100)
    fired = await store.fire([account], 10)
    known = await store.timer_handlers([account])
    assert fired.next_at == NOW + 1
    assert list(known) == ["h0", "h1", "h2"]
    assert steps < 20  # hundreds of SQLite's instructions, of which each row would take some
    await store.end(clean=True)
