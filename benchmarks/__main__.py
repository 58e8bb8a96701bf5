"""Measure chatstate beside bare SQLite and its peers, or a single thing by name.

  echo      history echo side by side, and the bars (the default)
  profile   where the time of a message goes: calls and microseconds by station
  stall     how long the loop stands still when everybody writes at once
  sessions  what a million stored sessions cost
  imports   what `import chatstate` costs
  workers   1, 2 and 4 processes on the PostgreSQL of --postgres URL, beside SQLite

The last line of --quick is the ratio to bare SQLite of async handlers, 100 at once, with two
decimals: "0.21 of bare SQLite".
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
from pathlib import Path

from benchmarks import imports, report, sessions, stall, stations, workers
from benchmarks.bars import BARS, judge
from benchmarks.chatstate_echo import LoopFactory
from benchmarks.contestants import races
from benchmarks.names import MAY_BE_LEFT_OUT
from benchmarks.races import hold

_MESSAGES = 20_000  # fewer make shorter histories, so easier work
_ROUNDS, _QUICK_ROUNDS = 5, 2
_FEWEST = 20  # a tenth of them is written one by one, and figures need two


def main() -> None:
    """Run and print."""
    parser = _parser()
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    if options.messages < _FEWEST or options.rounds < 1:
        parser.error(f"--messages must be at least {_FEWEST}, --rounds at least 1")
    loop_factory = _uvloop(parser) if options.uvloop else None
    with tempfile.TemporaryDirectory() as folder:
        match options.what:
            case "echo":
                _echo(options, loop_factory)
            case "profile":
                stations.run(Path(folder), options.messages, loop_factory)
            case "stall":
                stall.run(Path(folder))
            case "sessions":
                sessions.run(Path(folder), rounds=options.rounds)
            case "imports":
                imports.run(options.rounds)
            case "workers":
                workers.run(Path(folder), options.postgres, options.messages)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choices = ("echo", "profile", "stall", "sessions", "imports", "workers")
    parser.add_argument("what", nargs="?", default="echo", choices=choices)
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
        help="echo in about a minute on an idle machine; see above for its last line",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures of echo there, too"
    )
    parser.add_argument(
        "--uvloop", action="store_true", help="echo, profile: uvloop on chatstate's side"
    )
    parser.add_argument(
        "--postgres", metavar="URL", default="postgresql://localhost/postgres", help="of workers"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=MAY_BE_LEFT_OUT,
        metavar="NAME",
        help=f"leave somebody out of echo; repeatable; one of: {'; '.join(MAY_BE_LEFT_OUT)}",
    )
    return parser


def _uvloop(parser: argparse.ArgumentParser) -> LoopFactory:
    try:
        factory: LoopFactory = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        parser.error("--uvloop needs uvloop, which is not installed: pip install uvloop")
    return factory


def _echo(options: argparse.Namespace, loop_factory: LoopFactory | None) -> None:
    setting = report.Setting(
        options.messages, options.rounds, "uvloop" if loop_factory else "asyncio"
    )
    report.show_setting(setting)
    left_out = dict.fromkeys(options.without, "by --without")
    outcomes = []
    for race in races(loop_factory):
        outcomes.append(hold(race, options.messages, options.rounds, left_out))
        report.show_outcome(outcomes[-1])
    verdicts = [judge(bar, outcomes) for bar in BARS]
    report.show_left_out(left_out)
    report.show_verdicts(verdicts)
    report.show_noise(outcomes)
    if options.json:
        figures = report.data(setting, outcomes, verdicts, left_out)
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.quick:
        print(f"\n{report.headline(verdicts[0])}")


if __name__ == "__main__":
    main()
