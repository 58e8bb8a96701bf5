"""Who takes part in which race."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks import bare, plain_dict
from benchmarks.chatstate_echo import (
    Crowd,
    LoopFactory,
    echo_bot,
    global_bot,
    serve,
    sync_echo,
    waiting_echo,
)
from benchmarks.environments import output_of, python_with
from benchmarks.names import (
    ASYNC,
    BARE,
    DICT,
    ECHO,
    HOT_GLOBAL,
    HOT_USER,
    SYNC,
    TELEGRAM,
    WAIT,
    WAITING,
)
from benchmarks.races import Contestant, Race
from benchmarks.work import PEOPLE, Result
from chatstate import Interface

_TELEGRAM_VERSION = "22.8"
_ROOT = Path(__file__).parents[1]


def races(loop_factory: LoopFactory | None = None) -> tuple[Race, ...]:
    """Return the races; chatstate runs in loops that `loop_factory` makes, or in asyncio's."""

    def chatstate(
        name: str, bot: Callable[[], Interface], beside: str = BARE, people: int = PEOPLE
    ) -> Contestant:
        def run(folder: Path, messages: int, at_once: int) -> Result:
            crowd = Crowd(messages, at_once, people)
            return serve(bot(), crowd, folder, loop_factory=loop_factory)

        return Contestant(name, run, beside)

    base = Contestant(BARE, bare.run, None)
    usual = chatstate(ASYNC, echo_bot)
    threads = chatstate(SYNC, lambda: echo_bot(sync_echo))
    hot_user = chatstate(HOT_USER, echo_bot, beside=ASYNC, people=1)
    hot_global = chatstate(HOT_GLOBAL, global_bot, beside=ASYNC)
    peer = Contestant(TELEGRAM, _telegram, BARE)
    memory = Contestant(DICT, plain_dict.run, None)
    waiting = chatstate(WAITING, lambda: echo_bot(waiting_echo), beside=DICT)
    return (
        Race(ECHO, 1, 10, (base, usual, threads, peer)),
        Race(ECHO, 100, 1, (base, usual, hot_user, hot_global, threads, peer)),
        Race(WAIT, 100, 1, (memory, waiting)),
    )


def _telegram(_folder: Path, messages: int, at_once: int) -> Result:
    python = python_with(f"python-telegram-bot=={_TELEGRAM_VERSION}")
    # -E: no PYTHONPATH leads it to the packages of the environment that chatstate is in
    command = (str(python), "-E", "-m", "benchmarks.telegram_peer", str(messages), str(at_once))
    return Result(**json.loads(output_of(*command, folder=_ROOT)))
