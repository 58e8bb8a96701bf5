"""Simulates people who talk to a bot that is in trouble, and says what is wrong with it.

1. All of it follows from one seed. It is the bot's own doing if two runs differ.
2. What is found is shown by as little as leads to it: a transcript that fails as long as the bot is
   as it is.
"""

from __future__ import annotations

import contextlib
import logging
import random
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from chatstate.bot.interface import Interface
from chatstate.testing.simulation.client import WatchingClient
from chatstate.testing.simulation.judging import Finding, examine
from chatstate.testing.simulation.running import Invariant, Runs
from chatstate.testing.simulation.shrinking import shrunk
from chatstate.testing.simulation.talk import Talk, names
from chatstate.testing.simulation.troubles import troubled
from chatstate.testing.transcripts.playing import Player, people_of
from chatstate.testing.transcripts.script import Act, Pause, Step, apart, joined, together
from chatstate.testing.transcripts.writing import lines_of, step_of
from chatstate.testing.virtual import loop
from chatstate.testing.virtual.reloading import reloaded

_END = 10.0
_SHRINKING = 60.0  # seconds, for whoever waits for what is found


class SimulationError(AssertionError):
    """Something is wrong with a bot: `told` in words, and by a `transcript` that shows it."""

    def __init__(self, told: str, transcript: str) -> None:
        self.told = told
        self.transcript = transcript
        super().__init__(f"{told}\n\n{transcript}")


def simulate(
    bot: Interface | Callable[[], Interface],
    *,
    seed: int = 0,
    people: int = 3,
    steps: int = 100,
    invariants: Sequence[Invariant] = (),
    reset: Callable[[], object] = lambda: None,
    shared: bool = False,
    load: Callable[[], Interface] | None = None,
    tell: Callable[[str], object] = len,
) -> None:
    """Let people talk to a bot that is in trouble; see `TestClient.simulate`.

    `load` loads the bot anew once its modules are gone. `tell` is told what is wrong as soon as
    it is found; to find the least that shows it may take minutes.

    Raises `SimulationError`. It runs in a loop of its own, so in a thread that has none.
    """
    with _quiet(), contextlib.ExitStack() as stack:
        make = stack.enter_context(reloaded(bot, load)) if isinstance(bot, Interface) else bot
        runs = Runs(make, seed, invariants, reset, shared)
        found = loop.run(_found(runs, people, steps, tell))
    if found:
        story, finding = found
        told = f"with seed {seed}: {finding.told}"
        raise SimulationError(told, "".join(f"{line}\n" for line in _written(told, story, finding)))


async def _found(
    runs: Runs, number: int, steps: int, tell: Callable[[str], object]
) -> tuple[Sequence[Step], Finding] | None:
    """Return what is wrong, and the least that shows it."""
    talk = await _talk(runs, number, steps)
    end = step_of(Pause(_END), len(talk))
    story: Sequence[Step] = [*troubled(talk, _random(runs)), end]
    found = await examine(runs, story)
    if found is None or await examine(runs, story, found.kind) is None:
        return None  # a machine that stood still may have done it: what the bot does, it does again
    tell(found.told)
    least, until = (story, found), time.monotonic() + _SHRINKING

    async def fails(part: Sequence[Step]) -> bool:
        nonlocal least
        if time.monotonic() > until:
            return False
        part = apart(part)
        again = await examine(runs, part, found.kind)
        least = (part, again) if again else least
        return again is not None

    for part in (story[: found.at + 1], *_parts(story[: found.at + 1])):
        if len(part) < len(least[0]):
            await fails(part)
    await shrunk(least[0], fails)
    return least


def _parts(story: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Yield what may be enough: without pauses, and only what one person does."""
    yield [step for step in story if not isinstance(step.what, Pause)]
    for who in sorted(people_of(story)):
        yield [step for step in story if not isinstance(step.what, Act) or step.what.who == who]


async def _talk(runs: Runs, number: int, steps: int) -> Sequence[Step]:
    """Return what people say to a bot that is in no trouble.

    A bot that draws random numbers draws others when much happens at once, so then nothing does.
    """
    runs.reset()
    talk: list[Step] = []
    async with WatchingClient(runs.make, runs.seed) as client:
        player = Player(client, Path(), frozenset(names(number)), calmly=True)
        mind = Talk(client.bot, _random(runs), number)
        mind.is_steady = not runs.shared
        await player.begin()
        while sum(isinstance(step.what, Act) for step in talk) < steps:
            news = list(mind.next(client.platform))
            new = [step_of(what, place) for place, what in enumerate(news, len(talk))]
            talk += new
            for same in together(new):
                await player.play(same)
                mind.is_steady &= not client.has_drawn()
    return talk if mind.is_steady else [step for each in talk for step in joined([each])]


def _random(runs: Runs) -> random.Random:
    return random.Random(runs.seed)  # noqa: S311 - no secrets: it must be the same each time


def _written(told: str, story: Sequence[Step], finding: Finding) -> Iterator[str]:
    """Yield the lines of a transcript that fails as the simulation did."""
    yield from (f"# {line}" for line in told.split("\n"))
    for step, expected in zip(apart(story), finding.expected, strict=True):
        yield from lines_of(step.what)
        for shown in expected.shown:
            yield from shown.lines(expected.here)


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Tell nothing of troubles that are made on purpose, and leave random numbers as they are."""
    log, state = logging.getLogger("chatstate"), random.getstate()
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():  # a process that is killed leaves off in the middle
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            yield
    finally:
        log.setLevel(level)
        random.setstate(state)
