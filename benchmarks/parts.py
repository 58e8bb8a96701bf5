"""The parts of a run: each is measured, shown as soon as it is over, and kept for the JSON."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks import correctness, growth, report, sessions
from benchmarks.field import Field
from benchmarks.progress import progress
from benchmarks.races import Outcome, hold, steps_of
from benchmarks.servers import Servers
from benchmarks.wire import measure as wires

PARTS = ("echo", "correctness", "sessions", "wire", "growth")


class Asked(NamedTuple):
    """What a run was asked for: see the command line's help."""

    messages: int
    rounds: int
    quick: bool
    uvloop: bool


class Run:
    """A run: `outcomes` are those of the races, `others` what the other parts found."""

    def __init__(self, asked: Asked, servers: Servers, left_out: dict[str, str]) -> None:
        self.outcomes: list[Outcome] = []
        self.others: dict[str, Any] = {}
        self._asked = asked
        self._servers = servers
        self._left_out = left_out

    def echo(self) -> None:
        """Hold the races."""
        asked = self._asked
        races = Field(self._servers, uvloop=asked.uvloop).races(quick=asked.quick)
        steps = sum(steps_of(race, asked.rounds) for race in races)
        with progress("races", steps) as told:
            for race in races:
                self.outcomes.append(hold(race, asked.messages, asked.rounds, self._left_out, told))
                report.show_outcome(self.outcomes[-1])

    def correctness(self) -> None:
        """Kill, hurry, and tell things thrice."""
        with progress("correctness", len(correctness.CHECKED)) as told:
            findings = correctness.check(self._servers, self._left_out, told)
        report.show_findings(findings, self.outcomes)
        self.others["correctness"] = [finding._asdict() for finding in findings]

    def sessions(self) -> None:
        """Start with many sessions."""
        steps = len(sessions.KEEPERS) * len(sessions.SESSIONS)
        with progress("sessions", steps) as told:
            starts = sessions.measure(self._servers, self._left_out, self._asked.rounds, told=told)
        report.show_starts(starts)
        self.others["sessions"] = [start._asdict() for start in starts]

    def wire(self) -> None:
        """Answer people on platforms."""
        with progress("wire", len(wires.WIRES)) as told:
            found = wires.measure(self._asked.messages // 10, self._left_out, told)
        report.show_wires(found)
        self.others["wire"] = [wire._asdict() for wire in found]

    def growth(self) -> None:
        """Have more of everything."""
        messages, rounds = self._asked.messages // 2, self._asked.rounds
        with progress("growth", len(growth.ROWS) * rounds) as told:
            grown = growth.measure(messages, rounds, told)
        report.show_grown(grown)
        self.others["growth"] = [
            {"what": row.what, "number": row.number, **row.figures._asdict()} for row in grown
        ]
