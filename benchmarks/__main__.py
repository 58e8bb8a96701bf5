"""`python -m benchmarks`: history echo side by side, and other figures by name."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import bare, chatstate_echo, imports, sessions, stall
from benchmarks.work import Result

Contestant = Callable[[Path, int, int], Result]
CONTESTANTS: dict[str, Contestant] = {
    "bare SQLite": bare.run,
    "chatstate, async": partial(chatstate_echo.run, threads=False),
    "chatstate, sync": partial(chatstate_echo.run, threads=True),
}


def _measure(messages: int, at_once: int, rounds: int) -> dict[str, list[Result]]:
    results: dict[str, list[Result]] = {name: [] for name in CONTESTANTS}
    for _ in range(rounds):
        for name, run in CONTESTANTS.items():
            with tempfile.TemporaryDirectory() as folder:
                results[name].append(run(Path(folder), messages, at_once))
    return results


def _show(at_once: int, results: dict[str, list[Result]]) -> None:
    print(f"\n{at_once} at once")
    print(f"{'':20} {'per s':>10} {'CPU us':>8} {'p50 ms':>8} {'p99 ms':>8} {'of bare':>8}")
    bares = results["bare SQLite"]
    for name, runs in results.items():
        ratio = statistics.median(
            one.rate / base.rate for one, base in zip(runs, bares, strict=True)
        )
        middle = sorted(runs, key=lambda one: one.rate)[len(runs) // 2]
        print(f"{name:20} {middle.line()} {ratio:>8.2f}")


def _echo(options: argparse.Namespace) -> None:
    for at_once, messages in ((1, options.messages // 10), (100, options.messages)):
        _show(at_once, _measure(messages, at_once, options.rounds))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what", nargs="?", default="echo", choices=("echo", "stall", "sessions", "imports")
    )
    parser.add_argument("--messages", type=int, default=20_000, help="at 100 at once")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        match options.what:
            case "echo":
                _echo(options)
            case "stall":
                stall.run(Path(folder))
            case "sessions":
                sessions.run(Path(folder), rounds=options.rounds)
            case "imports":
                imports.run(options.rounds)


if __name__ == "__main__":
    main()
