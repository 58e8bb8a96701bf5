"""How the cost of a message grows with sessions, chats, the size of a state, and handlers.

1. Each row is a run in a new process on a new file, 100 messages at once; rows of one kind differ
   in one number alone, and the rounds alternate between them.
2. The state is of 20 lines, where it is not what grows, and as large from the first message on.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from benchmarks import names
from benchmarks.children import done
from benchmarks.entrants import Entrant
from benchmarks.job import Job
from benchmarks.work import PEOPLE, Figures, Result

_AT_ONCE = 100
_GROWN = Entrant(names.ASYNC, "chatstate_grown", "every message")


class Row(NamedTuple):
    """One more of something: `share` of 10 does a tenth of the messages."""

    what: str
    number: int
    options: tuple[str, ...] = ()
    people: int = PEOPLE
    share: int = 1
    sessions: int = 0


ROWS = (
    *(Row("stored sessions", count, sessions=count) for count in (0, 100_000, 1_000_000)),
    *(Row("chats that write", count, people=count) for count in (100, 1_000, 10_000)),
    *(
        Row("bytes of a state", size, (f"bytes {size}",), share=share)
        for size, share in ((100, 1), (1_000, 1), (10_000, 2), (100_000, 20))
    ),
    *(Row("commands", count, (f"commands {count}",)) for count in (1, 10, 100, 1_000)),
)


class Grown(NamedTuple):
    """What a message costs with so many of something: the middle of the rounds."""

    what: str
    number: int
    figures: Figures


def measure(
    messages: int,
    rounds: int,
    told: Callable[[str], None] = lambda _name: None,
    rows: Sequence[Row] = ROWS,
) -> list[Grown]:
    """Measure each row."""
    grown = []
    for kind in dict.fromkeys(row.what for row in rows):
        alike = [row for row in rows if row.what == kind]
        with tempfile.TemporaryDirectory() as folder:
            grown += list(_alternating(alike, folder, messages, rounds, told))
    return grown


def _alternating(
    rows: Sequence[Row], folder: str, messages: int, rounds: int, told: Callable[[str], None]
) -> Iterator[Grown]:
    """Yield what rows of one kind cost, each of which is measured once in every round."""
    measured: dict[Row, list[Figures]] = {row: [] for row in rows}
    folders = {row: tempfile.mkdtemp(dir=folder) for row in rows}
    for number in range(rounds):
        for row in rows:
            told(f"{row.number:,} {row.what}")
            job = _job(row, folders[row], messages, number)
            if row.sessions and number == 0:
                done(_GROWN, job._replace(do="start", first=-1))  # makes the tables
                done(_GROWN, job._replace(do="fill", messages=row.sessions))
            measured[row].append(Result(**done(_GROWN, job)).figures())
    for row, runs in measured.items():
        medians = Figures(*map(statistics.median, zip(*runs, strict=True)))
        yield Grown(row.what, row.number, medians)


def _job(row: Row, folder: str, messages: int, number: int) -> Job:
    """Return a round's job: on the file of the rounds before, with messages of its own."""
    few = max(messages // row.share, 20)
    first = number * few
    return Job("speed", folder, "echo", "", row.options, few, _AT_ONCE, row.people, first)
