"""Where the time of a message goes: async handlers, 100 at once, under cProfile.

1. A station is a folder of chatstate, with the files in it; the benchmark itself; asyncio; the
   rest of the standard library; or an installed package.
2. A function written in C counts for the station that calls it, unless it is of sqlite3 or
   msgspec, or waits in select: these are stations of their own.
3. Times are each function's own, in the loop's thread; what other threads do is not in it. The
   profile makes calls dearer than they are: compare stations with each other, and count calls.
4. The profile begins with the first message and ends with the last reply: no start is in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import cProfile
import importlib
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import chatstate
from benchmarks.contestants.chatstate_bot import bot
from benchmarks.contract import Replies, Setup
from benchmarks.work import PEOPLE, Result, write_all

_AT_ONCE = 100
_COSTLIEST = 30
_OWN_STATIONS = {"sqlite3": "sqlite3", "msgspec": "msgspec", "select.": "waiting for others"}
_CHATSTATE = Path(chatstate.__file__).parent
_PATHS = {name: Path(path) for name, path in sysconfig.get_paths().items()}
_PACKAGES = (_PATHS["purelib"], _PATHS["platlib"])
_PLACES = (
    (Path(__file__).parent, "benchmarks"),
    (_PATHS["stdlib"] / "asyncio", "asyncio"),
    (_PATHS["stdlib"], "standard library"),
)


class Share(NamedTuple):
    """A function's part in a run, or what a function spent in one written in C.

    `calls` are of Python functions, `c_calls` of those written in C; `seconds` are its own.
    """

    station: str
    file: str
    function: str
    calls: int
    c_calls: int
    seconds: float


def run(folder: Path, messages: int, *, uvloop: bool = False) -> None:
    """Measure without and with the profile, and print."""
    loop_factory = importlib.import_module("uvloop").new_event_loop if uvloop else None
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        for name in ("usual", "profiled"):
            (folder / name).mkdir()
        usual = runner.run(_measured(folder / "usual", messages, contextlib.nullcontext()))
        profile = cProfile.Profile()
        profiled = runner.run(_measured(folder / "profiled", messages, profile))
    print(
        f"\n{messages:,} messages, {_AT_ONCE} at once: {usual.figures().cpu_us:.0f} us CPU a "
        f"message without the profile, {profiled.figures().cpu_us:.0f} with it"
    )
    shares = list(shares_of(profile))
    _show_stations(shares, messages)
    _show_costliest(shares, messages)


async def _measured(
    folder: Path, messages: int, around: contextlib.AbstractContextManager[object]
) -> Result:
    replies = Replies()
    async with bot(Setup(folder, "echo"), replies) as say:
        with around:
            return await write_all(messages, _AT_ONCE, lambda number: say(number % PEOPLE, number))


def shares_of(profile: cProfile.Profile) -> Iterator[Share]:
    """Yield what each function did, and what each did in functions written in C."""
    for entry in profile.getstats():
        if isinstance(entry.code, CodeType):
            station, file = place_of(entry.code.co_filename)
            name = f"{file}:{entry.code.co_firstlineno} {entry.code.co_name}"
            yield Share(station, file, name, entry.callcount, 0, entry.inlinetime)
        else:
            station, file = "functions written in C", ""
        for called in entry.calls or ():
            if isinstance(called.code, str):
                owner = _owner(called.code) or station
                yield Share(owner, file, called.code, 0, called.callcount, called.inlinetime)


def _owner(c_function: str) -> str | None:
    return next((name for word, name in _OWN_STATIONS.items() if word in c_function), None)


def place_of(filename: str) -> tuple[str, str]:
    """Return a source file's station, and its name there."""
    path = Path(filename)
    if path.is_relative_to(_CHATSTATE):
        inside = path.relative_to(_CHATSTATE.parent)
        return str(inside.parent), str(inside)
    for root in _PACKAGES:
        if path.is_relative_to(root):
            inside = path.relative_to(root)
            return inside.parts[0].removesuffix(".py"), str(inside)
    for root, station in _PLACES:
        if path.is_relative_to(root):
            return station, str(path.relative_to(root.parent))
    return "made at run time", filename


def _show_stations(shares: Sequence[Share], messages: int) -> None:
    _head("stations, and their files")
    for station, inside in _grouped(shares, lambda share: share.station):
        _line(station, inside, messages)
        files = _grouped(inside, lambda share: share.file)
        if station.startswith("chatstate") and len(files) > 1:
            for file, functions in files:
                _line(f"  {Path(file).name}", functions, messages)


def _show_costliest(shares: Sequence[Share], messages: int) -> None:
    _head(f"the {_COSTLIEST} costliest functions")
    for function, calls in _grouped(shares, lambda share: share.function)[:_COSTLIEST]:
        _line(function, calls, messages)


def _grouped(shares: Iterable[Share], key: Callable[[Share], str]) -> list[tuple[str, list[Share]]]:
    groups: dict[str, list[Share]] = defaultdict(list)
    for share in shares:
        groups[key(share)].append(share)
    return sorted(groups.items(), key=lambda group: -_seconds(group[1]))


def _seconds(shares: Iterable[Share]) -> float:
    return sum(share.seconds for share in shares)


def _head(title: str) -> None:
    print(f"\n{title + ', per message':56} {'us':>8} {'calls':>8} {'C calls':>8}")


def _line(name: str, shares: Sequence[Share], messages: int) -> None:
    calls = sum(share.calls for share in shares) / messages
    c_calls = sum(share.c_calls for share in shares) / messages
    microseconds = _seconds(shares) / messages * 1e6
    print(f"{name:56} {microseconds:>8.1f} {calls:>8.1f} {c_calls:>8.1f}")
