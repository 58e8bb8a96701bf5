"""What a run shows: tables for people, JSON for programs.

1. Tables go out as soon as their part is over.
2. A ratio or figure that could not be measured is "-", in JSON null.
3. Nothing here measures or judges.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.bars import Verdict
from benchmarks.correctness import Finding
from benchmarks.growth import Grown
from benchmarks.names import ECHO
from benchmarks.races import Outcome, middle
from benchmarks.sessions import Start
from benchmarks.wire.measure import Wire
from benchmarks.wire.stations import STATIONS
from benchmarks.work import Figures

_SIGNS = {"per_second": ">=", "cpu_us": "<="}
_WORDS = {True: "met", False: "missed", None: "not measured"}
_FIGURES = ("per s", "CPU us", "p50 ms", "p99 ms", "peak MB")
_WIDTH = 160  # where nobody looks: nothing is cut
_console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)


class Setting(NamedTuple):
    """How a run was asked for. `loop` is the event loop on chatstate's side."""

    messages: int
    rounds: int
    loop: str
    load: float


def show_setting(setting: Setting) -> None:
    """Say how and where it is measured."""
    sides = "everywhere" if setting.loop == "asyncio" else "on chatstate's side alone"
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {setting.loop} {sides}, "
        f"rounds: {setting.rounds}"
    )


def show_outcome(outcome: Outcome) -> None:
    """Show a race: the median of each figure, and of the ratios."""
    print(f"\n{outcome.race.work}, {outcome.race.at_once} at once: {outcome.messages:,} messages")
    rows = []
    for name, _, beside, _ in outcome.race.contestants:
        if name in outcome.rounds:
            compared = f"{_number(_ratio(outcome, name, beside))} of {beside}" if beside else ""
            rows.append((name, *_figures(outcome.median(name)), compared))
    show_table(("", *_FIGURES, " "), rows)


def show_findings(findings: Sequence[Finding], outcomes: Sequence[Outcome]) -> None:
    """Show who was how fast, and what became of them: killed, hurried, and told things thrice."""
    print("\ncorrectness: killed after 600 replies; 100 increments at once; an update three times")
    rates = {
        name: f"{outcome.median(name).per_second:,.0f}"
        for outcome in outcomes
        if (outcome.race.work, outcome.race.at_once) == (ECHO, 100)
        for name in outcome.rounds
    }
    rows = [
        (name, keeps, rates.get(name, "-"), *map(str, counts)) for name, keeps, *counts in findings
    ]
    columns = ("answered", "of these missing", "increments lost", "changes", "replies")
    show_table(("", "keeps", "echo per s", *columns), rows, words=2)


def show_starts(starts: Sequence[Start]) -> None:
    """Show how long it takes to start, and what it takes of memory."""
    print("\nstart, to the first reply: the middle of the rounds")
    rows = [(s.name, f"{s.sessions:,}", f"{s.seconds:.3f}", f"{s.peak_mb:.0f}") for s in starts]
    show_table(("", "sessions", "seconds", "peak MB"), rows)


def show_wires(wires: Sequence[Wire]) -> None:
    """Show what a message costs from end to end, and where a bot's time goes."""
    print("\nend to end, 20 at once: a bot's CPU time; server and people share the machine")
    rows = [
        (wire.platform, wire.bot, *_figures(Figures(*wire[2:7])))  # in the same order
        for wire in wires
    ]
    show_table(("", "bot", *_FIGURES), rows, words=2)
    print("\nwhere it goes: CPU us of a message")
    parts = [
        (wire.platform, wire.bot, *(f"{wire.stations.get(name, 0):.0f}" for name in STATIONS))
        for wire in wires
    ]
    show_table(("", "bot", *STATIONS), parts, words=2)


def show_grown(grown: Sequence[Grown]) -> None:
    """Show what a message costs with more of something."""
    print("\ngrowth, 100 at once: the middle of the rounds")
    rows = [(row.what, f"{row.number:,}", *_figures(row.figures)) for row in grown]
    show_table(("", "number", *_FIGURES), rows)


def show_left_out(left_out: Mapping[str, str]) -> None:
    """Say who did not take part, a line each."""
    for name, reason in left_out.items():
        print(f"\n{name} is left out: {reason}")


def show_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Show the table of bars, if there was anything to judge."""
    if not verdicts:
        return
    print()
    rows = []
    for verdict in verdicts:
        bar = verdict.bar
        asked = f"{_SIGNS[bar.figure]} {bar.bar:.2f}"
        rows.append((bar.what, bar.beside, asked, _number(verdict.measured), _WORDS[verdict.met]))
    show_table(("bars", "of", "bar", "measured", "  "), rows, words=2)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> None:
    """Show a table, whose first `words` columns are words and all others figures."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        is_words = number < words or not column.strip()
        table.add_column(column, justify="left" if is_words else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    _console.print(table)


def _figures(figures: Figures) -> tuple[str, ...]:
    rate, cpu, half, most, peak = figures
    return f"{rate:,.0f}", f"{cpu:.0f}", f"{half:.2f}", f"{most:.2f}", f"{peak:.0f}"


def headline(verdict: Verdict) -> str:
    """Return the last line of `--quick`."""
    return f"{_number(verdict.measured)} of {verdict.bar.beside}"


def data(
    setting: Setting,
    outcomes: Sequence[Outcome],
    verdicts: Sequence[Verdict],
    left_out: Mapping[str, str],
    warnings: Sequence[str],
) -> dict[str, Any]:
    """Return all figures, of JSON's types."""
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        **setting._asdict(),
        "races": [_race(outcome) for outcome in outcomes],
        "bars": [_bar(verdict) for verdict in verdicts],
        "left_out": dict(left_out),
        "noisy": bool(warnings),
        "warnings": list(warnings),
    }


def _race(outcome: Outcome) -> dict[str, Any]:
    return {
        "work": outcome.race.work,
        "at_once": outcome.race.at_once,
        "messages": outcome.messages,
        "contestants": {
            name: {
                "rounds": [figures._asdict() for figures in outcome.rounds[name]],
                "median": outcome.median(name)._asdict(),
                "beside": beside,
                "ratios": outcome.ratios(name, beside),
                "ratio": _ratio(outcome, name, beside),
            }
            for name, _, beside, _ in outcome.race.contestants
            if name in outcome.rounds
        },
    }


def _bar(verdict: Verdict) -> dict[str, Any]:
    return {**verdict.bar._asdict(), "measured": verdict.measured, "met": verdict.met}


def _ratio(outcome: Outcome, name: str, beside: str | None) -> float | None:
    return middle(outcome.ratios(name, beside))


def _number(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}"
