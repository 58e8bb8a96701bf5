"""The chart of history echo: how many messages a second each answers, and who keeps them.

It is SVG by hand, so that nothing need be installed, and can be read on a light and a dark page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

_ROW, _BAR, _LEFT, _WIDTH, _TOP = 24, 15, 230, 760, 62
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #57606a }
  .name { text-anchor: end } .title { font-weight: 600 } .own { font-weight: 700 }
  .keeps { fill: #1f883d } .loses { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #b1bac4 } .keeps { fill: #3fb950 } .loses { fill: #6e7681 }
  }
"""


class Bar(NamedTuple):
    """Somebody's rate, and whether all that was answered is kept."""

    name: str
    per_second: float
    keeps: bool


def bars_of(figures: Mapping[str, Any]) -> list[Bar]:
    """Return the bars of history echo at 100 at once, the fastest first.

    Who was killed keeps what was not missing; of bare databases that is known.
    """
    race = next(race for race in figures["races"] if race["at_once"] > 1)
    missing = {found["name"]: found["missing"] for found in figures.get("correctness", ())}
    bars = [
        Bar(name, told["median"]["per_second"], _keeps(name, missing))
        for name, told in race["contestants"].items()
    ]
    return sorted(bars, key=lambda bar: -bar.per_second)


def _keeps(name: str, missing: Mapping[str, int]) -> bool:
    return name.startswith(("bare", "chatstate")) if name not in missing else not missing[name]


def drawn(bars: Sequence[Bar]) -> str:
    """Return the chart as SVG."""
    most = max(bar.per_second for bar in bars)
    height = _TOP + len(bars) * _ROW + 8
    rows = "".join(_row(number, bar, most) for number, bar in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="History echo, messages a second">\n<style>{_STYLE}</style>\n'
        f'<text class="title" x="8" y="20">History echo, 100 at once: messages a second</text>\n'
        f'<rect class="keeps" x="8" y="32" width="{_BAR}" height="{_BAR}" rx="2"/>'
        f'<text x="30" y="44">no answered message is missing after SIGKILL</text>\n'
        f'<rect class="loses" x="380" y="32" width="{_BAR}" height="{_BAR}" rx="2"/>'
        f'<text x="402" y="44">some or all are</text>\n{rows}</svg>\n'
    )


def _row(number: int, bar: Bar, most: float) -> str:
    top = _TOP + number * _ROW
    length = max(1.0, bar.per_second / most * (_WIDTH - _LEFT - 70))
    own = " own" if bar.name.startswith("chatstate") else ""
    kind = "keeps" if bar.keeps else "loses"
    return (
        f'<text class="name{own}" x="{_LEFT - 8}" y="{top + 12}">{escape(bar.name)}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="2"/>'
        f'<text x="{_LEFT + length + 6:.1f}" y="{top + 12}">{bar.per_second:,.0f}</text>\n'
    )
