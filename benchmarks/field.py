"""Who takes part in which race."""

from __future__ import annotations

from pathlib import Path

from benchmarks import names
from benchmarks.bars import JUDGED
from benchmarks.children import done
from benchmarks.contract import Work
from benchmarks.entrants import BY_NAME
from benchmarks.job import Job
from benchmarks.names import COUNT, ECHO, HOT, SYNC_ECHO, WAIT, WIDE
from benchmarks.races import Contestant, Race
from benchmarks.servers import Servers
from benchmarks.work import PEOPLE, Result

_FEWEST = 20
PEERS_ROUNDS = 2  # who is in no bar need not be known so exactly
_KEEPING = (names.AIOGRAM_REDIS, names.LANGGRAPH, names.LANGGRAPH_EXIT)
_PEERS = (
    names.TELEGRAM_PICKLE,
    names.AIOGRAM,
    names.NONEBOT,
    names.LANGGRAPH_MEMORY,
    names.AGENTS,
    names.GRADIO,
    names.GRADIO_QUEUE,
    *_KEEPING,
)
_WAITERS = tuple(name for name in _PEERS if name != names.LANGGRAPH_EXIT)
_FEW = (names.ASYNC, names.TELEGRAM, names.AIOGRAM_REDIS, names.LANGGRAPH_EXIT)
_EVERYBODY_ONCE = 0  # as many people as messages
_SERVED = (names.BARE_POSTGRES, names.BARE_POSTGRES_EACH, names.POSTGRES)


class Field:
    """Contestants, with the servers that they need; `uvloop` is what chatstate's own run on."""

    def __init__(self, servers: Servers, *, uvloop: bool = False) -> None:
        self._servers = servers
        self._loop = ("uvloop",) if uvloop else ()

    def races(self, *, quick: bool = False) -> tuple[Race, ...]:
        """Return the races: with `quick` those that bars are held against, without most peers."""
        bare, usual = self._plain(names.BARE, beside=None), self._own(names.ASYNC)
        threads = self._own(names.SYNC, "sync")
        hot_user = self._own(names.HOT_USER, beside=names.ASYNC, people=1)
        hot_global = self._own(names.HOT_GLOBAL, options=("one",), beside=names.ASYNC)
        peer = self._plain(names.TELEGRAM)
        memory = self._plain(names.DICT, "wait", beside=None)
        waiting = self._own(names.WAITING, "wait", beside=names.DICT)
        first = (bare, usual, threads, peer)
        second = (bare, usual, hot_user, hot_global, threads, peer)
        third = (memory, waiting)
        if quick:
            return Race(ECHO, 1, 10, first), Race(ECHO, 100, 1, second), Race(WAIT, 100, 1, third)
        alone = (names.BARE_POSTGRES, names.POSTGRES, *_KEEPING)
        together = (names.BARE_EACH, *_SERVED, *_PEERS, names.AGENTS_BLOB)
        return (
            Race(ECHO, 1, 10, first + self._all(alone)),
            Race(ECHO, 100, 1, second + self._all(together)),
            Race(WAIT, 100, 4, third + self._all((names.TELEGRAM, *_WAITERS), "wait", names.DICT)),
            Race(
                COUNT, 100, 4, (self._own(names.COUNTING, "count", beside=None), *self._counters())
            ),
            Race(SYNC_ECHO, 100, 4, self._sync()),
            Race(WIDE, 100, 4, self._few(_EVERYBODY_ONCE)),
            Race(HOT, 100, 4, self._few(1)),
        )

    def _counters(self) -> tuple[Contestant, ...]:
        return self._all((names.TELEGRAM, *_WAITERS), "count", names.COUNTING)

    def _sync(self) -> tuple[Contestant, ...]:
        others = (names.LANGGRAPH, names.LANGGRAPH_MEMORY, names.GRADIO, names.GRADIO_QUEUE)
        return (self._own(names.SYNC, "sync", beside=None), *self._all(others, "sync", names.SYNC))

    def _few(self, people: int) -> tuple[Contestant, ...]:
        beside = {name: None if name == names.ASYNC else names.ASYNC for name in _FEW}
        return tuple(
            self._contestant(name, name, "echo", beside[name], people, ()) for name in _FEW
        )

    def _all(
        self, those: tuple[str, ...], work: Work = "echo", beside: str = names.BARE
    ) -> tuple[Contestant, ...]:
        return tuple(self._plain(name, work, beside=beside) for name in those)

    def _own(
        self,
        name: str,
        work: Work = "echo",
        *,
        options: tuple[str, ...] = (),
        beside: str | None = names.BARE,
        people: int = PEOPLE,
    ) -> Contestant:
        """Return chatstate, doing a work on a file."""
        return self._contestant(name, names.ASYNC, work, beside, people, (*options, *self._loop))

    def _plain(
        self, name: str, work: Work = "echo", *, beside: str | None = names.BARE
    ) -> Contestant:
        own = self._loop if name == names.POSTGRES else ()
        return self._contestant(name, name, work, beside, PEOPLE, own)

    def _contestant(
        self,
        name: str,
        entrant_name: str,
        work: Work,
        beside: str | None,
        people: int,
        options: tuple[str, ...],
    ) -> Contestant:
        entrant = BY_NAME[entrant_name]

        def run(folder: Path, messages: int, at_once: int) -> Result:
            with self._servers.url(entrant.server, folder) as url:
                few = max(messages // entrant.share, _FEWEST)
                from_people = max(people // entrant.share, 1) if people else few
                told = (*entrant.options, *options)
                job = Job("speed", str(folder), work, url, told, few, at_once, from_people)
                return Result(**done(entrant, job))

        return Contestant(name, run, beside, None if name in JUDGED else PEERS_ROUNDS)
