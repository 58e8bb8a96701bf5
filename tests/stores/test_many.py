"""Statements about many rows."""

import contextlib
import sqlite3

import pytest

from chatstate.stores.sqlite.many import Many

INSERT = Many("INSERT INTO t VALUES {rows} ON CONFLICT DO NOTHING", "(?, ?)")
COUNTS = (0, 1, 3, 4, 15, 16, 21, 63, 64, 65, 200)


@pytest.mark.parametrize("count", COUNTS)
def test_a_statement_is_done_for_each_row_once(count: int) -> None:
    """However many there are; their order is kept."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (n INTEGER UNIQUE, mark TEXT)")
        rows = [(number, f"row {number}") for number in reversed(range(count))]
        assert INSERT.run(database, [value for row in rows for value in row]) == count
        assert list(database.execute("SELECT * FROM t ORDER BY rowid")) == rows


@pytest.mark.parametrize("count", COUNTS)
def test_it_tells_how_many_rows_it_changed(count: int) -> None:
    """Those that were there already are not."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (n INTEGER UNIQUE, mark TEXT)")
        database.executemany("INSERT INTO t VALUES (?, '')", [(n,) for n in range(0, count, 3)])
        there = len(range(0, count, 3))
        values = [value for n in range(count) for value in (n, "")]
        assert INSERT.run(database, values) == count - there
