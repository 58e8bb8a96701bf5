"""The figures of `docs/performance.md`, made of what `--json` wrote.

1. Of the page only what stands between `<!-- figures: NAME -->` and `<!-- end of figures -->` is
   written anew; each NAME is a function here. The rest is prose, which has no figures.
2. What was not measured is "-".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import chart
from benchmarks.field import PEERS_ROUNDS
from benchmarks.names import COUNT, HOT, SYNC_ECHO, WAIT, WIDE
from benchmarks.wire.stations import STATIONS

DOCS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
_FIGURES = ("messages/s", "CPU µs", "p50 ms", "p99 ms", "peak MB")
Data = Mapping[str, Any]


def write(figures: Data, docs: Path = DOCS) -> None:
    """Write the page's figures and its chart anew."""
    page = docs / "performance.md"
    page.write_text(filled(page.read_text(), figures))
    if figures.get("races"):
        svg = chart.drawn(chart.bars_of(figures))
        (docs / "images" / "performance.svg").write_text(svg)


def filled(page: str, figures: Data) -> str:
    """Return a page with its blocks of figures written anew."""

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}{BLOCKS[found[2]](figures)}\n{found[3]}"

    return _BLOCK.sub(block, page)


def _setting(data: Data) -> str:
    day, python, cpus = data["date"][:10], data["python"], data["cpus"]
    system = data["platform"].partition("-")[0]
    text = (
        f"Measured on {day}, Python {python}, {cpus} cores, {system}; rounds: "
        f"{data['rounds']}, of which medians are shown, of peers {PEERS_ROUNDS} at most."
    )
    noise = "".join(
        f"\n\n!!! warning\n    {line.removeprefix('warning: ')}" for line in data["warnings"]
    )
    return f"{text}{noise}"


def _echo(data: Data) -> str:
    """Speed and correctness in a table, the fastest first."""
    found = {finding["name"]: finding for finding in data.get("correctness", ())}
    rows = []
    for name, told in _contestants(data, "history echo", 100, by_rate=True):
        finding = found.get(name)
        checked = (
            (
                f"{finding['missing']} of {finding['answered']}",
                f"{finding['lost']} of 100",
                f"{finding['changes']} / {finding['replies']}",
            )
            if finding
            else ("-",) * 3
        )
        rows.append((name, *_figures(told["median"]), _ratio(told, "bare SQLite"), *checked))
    checks = (
        "missing after SIGKILL",
        "increments lost",
        "an update told thrice: changes / replies",
    )
    return _table(("", *_FIGURES, "of bare SQLite", *checks), rows)


def _single(data: Data) -> str:
    rows = [
        (name, *_figures(told["median"]), _ratio(told, "bare SQLite"))
        for name, told in _contestants(data, "history echo", 1, by_rate=True)
    ]
    return _table(("", *_FIGURES, "of bare SQLite"), rows)


def _works(data: Data) -> str:
    return "\n\n".join(
        f"**{work[0].upper()}{work[1:]}**\n\n"
        + _table(
            ("", *_FIGURES),
            [(name, *_figures(told["median"])) for name, told in _contestants(data, work, 100)],
        )
        for work in (WAIT, COUNT, SYNC_ECHO, WIDE, HOT)
    )


def _sessions(data: Data) -> str:
    rows = [
        (s["name"], f"{s['sessions']:,}", f"{s['seconds']:.3f}", f"{s['peak_mb']:.0f}")
        for s in data.get("sessions", ())
    ]
    return _table(("", "stored sessions", "seconds to the first reply", "peak MB"), rows)


def _wire(data: Data) -> str:
    wires = data.get("wire", ())
    rows = [(wire["platform"], wire["bot"], *_figures(wire)) for wire in wires]
    return _table(("", "bot", *_FIGURES), rows)


def _stations(data: Data) -> str:
    rows = [
        (
            wire["platform"],
            wire["bot"],
            *(f"{wire['stations'].get(name, 0):.0f}" for name in STATIONS),
            f"{wire['cpu_us']:.0f}",
        )
        for wire in data.get("wire", ())
    ]
    return _table(("CPU µs of a message", "bot", *STATIONS, "all"), rows)


def _growth(data: Data) -> str:
    rows = [(row["what"], f"{row['number']:,}", *_figures(row)) for row in data.get("growth", ())]
    return _table(("", "how many", *_FIGURES), rows)


def _bars(data: Data) -> str:
    signs = {"per_second": "≥", "cpu_us": "≤"}
    words = {True: "met", False: "missed", None: "not measured"}
    rows = []
    for bar in data["bars"]:
        measured = "-" if bar["measured"] is None else f"{bar['measured']:.2f}"
        asked = f"{signs[bar['figure']]} {bar['bar']:.2f}"
        rows.append((bar["what"], bar["beside"], asked, measured, words[bar["met"]]))
    return _table(("", "of", "bar", "measured", "which is"), rows)


def _absent(data: Data) -> str:
    lines = [f"- {name}: {reason}." for name, reason in data["left_out"].items()]
    return "\n".join(lines) or "Nobody."


BLOCKS: Mapping[str, Callable[[Data], str]] = {
    "setting": _setting,
    "echo": _echo,
    "single": _single,
    "works": _works,
    "sessions": _sessions,
    "wire": _wire,
    "stations": _stations,
    "growth": _growth,
    "bars": _bars,
    "absent": _absent,
}


def _contestants(
    data: Data, work: str, at_once: int, *, by_rate: bool = False
) -> list[tuple[str, Data]]:
    """Return who took part in a race, as the race has them or the fastest first."""
    races = [race for race in data["races"] if (race["work"], race["at_once"]) == (work, at_once)]
    told = [item for race in races for item in race["contestants"].items()]
    return sorted(told, key=lambda item: -item[1]["median"]["per_second"]) if by_rate else told


def _figures(told: Data) -> tuple[str, ...]:
    rate, cpu = f"{told['per_second']:,.0f}", f"{told['cpu_us']:,.0f}"
    return rate, cpu, f"{told['p50_ms']:.2f}", f"{told['p99_ms']:.2f}", f"{told['peak_mb']:.0f}"


def _ratio(told: Data, beside: str) -> str:
    return f"{told['ratio']:.2f}" if told["beside"] == beside else "-"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown, of which columns with figures are to the right."""
    rows = list(rows)
    if not rows:
        return "Not measured."
    rights = [
        all(row[at][:1].isdigit() or row[at] == "-" for row in rows) for at in range(len(columns))
    ]
    rule = ["---:" if right else "---" for right in rights]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows))


def _is_figure(cell: str) -> bool:
    return cell == "-" or cell[:1].isdigit()
