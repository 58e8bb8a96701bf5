"""What a run shows: tables for people, JSON for programs.

1. Tables go out as soon as their race is over.
2. A ratio or figure that could not be measured is "-", in JSON null.
3. Nothing here measures or judges.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.bars import Verdict
from benchmarks.names import BARE
from benchmarks.races import Outcome, middle

NOISY = 1.3
_SIGNS = {"per_second": ">=", "cpu_us": "<="}
_WORDS = {True: "met", False: "missed", None: "not measured"}


class Setting(NamedTuple):
    """How a run was asked for. `loop` is the event loop on chatstate's side."""

    messages: int
    rounds: int
    loop: str


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
    print(f"{'':22} {'per s':>8} {'CPU us':>8} {'p50 ms':>8} {'p99 ms':>8}")
    for name, _, beside in outcome.race.contestants:
        if name in outcome.rounds:
            rate, cpu, half, most = outcome.median(name)
            compared = f"  {_number(_ratio(outcome, name, beside))} of {beside}" if beside else ""
            print(f"{name:22} {rate:>8,.0f} {cpu:>8.0f} {half:>8.2f} {most:>8.2f}{compared}")


def show_left_out(left_out: Mapping[str, str]) -> None:
    """Say who did not take part, a line each."""
    for name, reason in left_out.items():
        print(f"\n{name} is left out: {reason}")


def show_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Show the table of bars."""
    print(f"\n{'bars':26} {'of':22} {'bar':>7} {'measured':>8}")
    for verdict in verdicts:
        bar = verdict.bar
        asked = f"{_SIGNS[bar.figure]} {bar.bar:.2f}"
        measured = _number(verdict.measured)
        print(f"{bar.what:26} {bar.beside:22} {asked} {measured:>8}  {_WORDS[verdict.met]}")


def show_noise(outcomes: Sequence[Outcome]) -> None:
    """Warn if bare SQLite, which is always the same, was not always as fast."""
    for outcome in outcomes:
        spread = outcome.spread(BARE)
        if spread > NOISY:
            print(
                f"\nwarning: the machine was noisy: at {outcome.race.at_once} at once the fastest "
                f"round of {BARE} was {spread:.1f} times the slowest; measure again on a quiet one"
            )


def headline(verdict: Verdict) -> str:
    """Return the last line of `--quick`."""
    return f"{_number(verdict.measured)} of {verdict.bar.beside}"


def data(
    setting: Setting,
    outcomes: Sequence[Outcome],
    verdicts: Sequence[Verdict],
    left_out: Mapping[str, str],
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
        "noisy": any(outcome.spread(BARE) > NOISY for outcome in outcomes),
    }


def _race(outcome: Outcome) -> dict[str, Any]:
    return {
        "work": outcome.race.work,
        "at_once": outcome.race.at_once,
        "messages": outcome.messages,
        "spread_of_bare": outcome.spread(BARE),
        "contestants": {
            name: {
                "rounds": [figures._asdict() for figures in outcome.rounds[name]],
                "median": outcome.median(name)._asdict(),
                "beside": beside,
                "ratios": outcome.ratios(name, beside),
                "ratio": _ratio(outcome, name, beside),
            }
            for name, _, beside in outcome.race.contestants
            if name in outcome.rounds
        },
    }


def _bar(verdict: Verdict) -> dict[str, Any]:
    return {**verdict.bar._asdict(), "measured": verdict.measured, "met": verdict.met}


def _ratio(outcome: Outcome, name: str, beside: str | None) -> float | None:
    return middle(outcome.ratios(name, beside))


def _number(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}"
