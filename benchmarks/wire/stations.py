"""What is whose in the time of a bot on a platform.

1. A function counts for the station of its file, one written in C for that of its caller; SQLite's
   are the store's.
2. Waiting in select is nobody's. Threads are not in it: they are told of beside it.
"""

from __future__ import annotations

import cProfile
from collections import defaultdict
from types import CodeType

CLIENT = "the platform's client"
HTTP = "HTTP and sockets"
ADAPTER = "adapter"
ENGINE = "engine"
STORE = "store"
BOT = "the bot's own"
LOOP = "loop and standard library"
THREADS = "other threads"
STATIONS = (CLIENT, HTTP, ADAPTER, ENGINE, STORE, BOT, LOOP, THREADS)

_FOLDERS = (
    ("/benchmarks/", BOT),
    ("/chatstate/stores/", STORE),
    ("/chatstate/", ENGINE),
    ("/chatstate_", ADAPTER),
    ("/telegram/", CLIENT),
    ("/discord/", CLIENT),
    ("/site-packages/", HTTP),
)


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Return each station's part of the time that was not waited."""
    seconds: dict[str, float] = defaultdict(float)
    for entry in profile.getstats():
        station = LOOP
        if isinstance(entry.code, CodeType):
            station = station_of(entry.code.co_filename)
            seconds[station] += entry.inlinetime
        for called in entry.calls or ():
            if isinstance(called.code, str) and "select." not in called.code:
                is_stores = "sqlite3" in called.code
                seconds[STORE if is_stores else station] += called.inlinetime
    total = sum(seconds.values())
    return {station: spent / total for station, spent in seconds.items()} if total else {}


def station_of(filename: str) -> str:
    """Return whose a source file is: the last of its folders that is anybody's says so."""
    found = [(filename.rfind(folder), station) for folder, station in _FOLDERS]
    at, station = max(found)
    return station if at >= 0 else LOOP
