"""Measure chatstate beside bare databases and its peers, or a single thing by name.

  all          echo, correctness, sessions, wire and growth (the default): about ten minutes
  echo         history echo and other work side by side, and the bars
  correctness  what is missing after SIGKILL, lost at once, done twice
  sessions     what 100,000 and a million stored sessions cost
  wire         what a message costs end to end, on the servers that adapters are tested against
  growth       how that grows with sessions, chats, the size of a state, handlers
  docs FILE    the figures and the chart of docs/performance.md, of what --json wrote
  profile      where the time of a message goes: calls and microseconds by station
  stall        how long the loop stands still when everybody writes at once
  imports      what `import chatstate` costs
  workers      1, 2 and 4 processes on a PostgreSQL, beside SQLite

The last line of --quick is the ratio to bare SQLite of async handlers, 100 at once, with two
decimals: "0.21 of bare SQLite".
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import chart, imports, noise, page, report, stall, stations, workers
from benchmarks.bars import BARS, judge
from benchmarks.names import MAY_BE_LEFT_OUT
from benchmarks.parts import PARTS, Asked, Run
from benchmarks.servers import Servers

_MESSAGES = 20_000  # fewer make shorter histories, so easier work
_ROUNDS, _QUICK_ROUNDS = 3, 2
_FEWEST = 20  # a tenth of them is written one by one, and figures need two
_OTHERS = ("profile", "stall", "imports", "workers", "docs")


def main() -> None:
    """Run and print."""
    parser = _parser()
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    if options.messages < _FEWEST or options.rounds < 1:
        parser.error(f"--messages must be at least {_FEWEST}, --rounds at least 1")
    if options.uvloop and not importlib.util.find_spec("uvloop"):
        parser.error("--uvloop needs uvloop, which is not installed: pip install uvloop")
    if options.what == "docs" and options.file is None:
        parser.error("docs needs the FILE that --json wrote")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # servers are stopped then, too
    with Servers(options.postgres) as servers, tempfile.TemporaryDirectory() as folder:
        match "profile" if options.profile else options.what:
            case "profile":
                stations.run(Path(folder), options.messages, uvloop=options.uvloop)
            case "stall":
                stall.run(Path(folder))
            case "docs":
                page.write(json.loads(options.file.read_text()))
            case "imports":
                imports.run(options.rounds)
            case "workers":
                workers.run(Path(folder), servers, options.messages)
            case what:
                _measure(options, servers, PARTS if what == "all" else (what,))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choices = ("all", *PARTS, *_OTHERS)
    parser.add_argument("what", nargs="?", default="all", choices=choices)
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="of docs")
    parser.add_argument(
        "--messages",
        type=int,
        default=_MESSAGES,
        metavar="N",
        help=f"at 100 at once (default {_MESSAGES}); a tenth of them at 1 at once",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        metavar="N",
        help=f"default {_ROUNDS}, with --quick {_QUICK_ROUNDS}; medians are of rounds",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only what bars are held against: a minute, if nothing else runs; see above for its "
        "last line",
    )
    parser.add_argument("--profile", action="store_true", help="the same as `profile`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument(
        "--chart", type=Path, metavar="FILE", help="draw history echo there, as SVG"
    )
    parser.add_argument(
        "--uvloop", action="store_true", help="echo, profile: uvloop on chatstate's side"
    )
    parser.add_argument(
        "--postgres", metavar="URL", help="a server that is there; else one is started"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=MAY_BE_LEFT_OUT,
        metavar="NAME",
        help=f"leave somebody out; repeatable; one of: {'; '.join(MAY_BE_LEFT_OUT)}",
    )
    return parser


def _measure(options: argparse.Namespace, servers: Servers, parts: Sequence[str]) -> None:
    """Measure some of `PARTS`, and show and write what came of it."""
    loop = "uvloop" if options.uvloop else "asyncio"
    setting = report.Setting(options.messages, options.rounds, loop, noise.load())
    report.show_setting(setting)
    left_out = dict.fromkeys(options.without, "by --without")
    asked = Asked(options.messages, options.rounds, options.quick, options.uvloop)
    run = Run(asked, servers, left_out)
    if options.quick:
        parts = ("echo",)
    for part in parts:
        getattr(run, part)()
    report.show_left_out(left_out)
    verdicts = [judge(bar, run.outcomes) for bar in BARS] if run.outcomes else []
    report.show_verdicts(verdicts)
    warnings = list(noise.warnings(run.outcomes, setting.load))
    for warning in warnings:
        print(f"\n{warning}")
    found = {**report.data(setting, run.outcomes, verdicts, left_out, warnings), **run.others}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.chart and run.outcomes:
        options.chart.write_text(chart.drawn(chart.bars_of(found)))
    if options.quick:
        print(f"\n{report.headline(verdicts[0])}")


if __name__ == "__main__":
    main()
