"""One bot that uses all doors and riches, killed at each step: on Telegram, Discord, the console.

Each platform is one run: at a step the process ends itself as by SIGKILL, at the next of the points
at which nothing may be lost there, and another one goes on. Each step is killed on one of its
platforms; with CHATSTATE_LONG=1 on all of them, and there is a run for each point a step may begin
with, so that all steps are killed at all points.
"""

import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from processes.lives import Life, life
from showcase.outcomes import check_platform
from showcase.script import SCRIPT, Step
from showcase.stages import EVERYWHERE, AtConsole, OnDiscord, OnTelegram, Stage, opened

from chatstate.stores.sqlite import SQLiteStore

BOT = Path(__file__).with_name("bot.py")
PROCESS = Path(__file__).with_name("process.py")
LONG = bool(os.environ.get("CHATSTATE_LONG"))
FIRST = range(len(EVERYWHERE)) if LONG else (0,)
HELD = "held: it may have been sent before a crash"
UNSURE = ("begun", "got", "sent")


class Run:
    """One run of the script. `number` counts the steps, `first` is the point of the first one."""

    def __init__(self, stage: Stage, first: int) -> None:
        self.stage = stage
        self.first = first
        self.done: list[Step] = []
        self.points = {1: "sent"}  # at which a process was killed, by the number of the step
        self.pings = 0
        self.fuse = stage.folder / "fuse"
        self.store = stage.folder / "kept.db"

    @contextlib.asynccontextmanager
    async def life(self, *options: str) -> AsyncIterator[Life]:
        """Run the bot until the end of the block, with more options than it usually has."""
        arguments = ["run", str(BOT), "--on", self.stage.name, "--store", f"sqlite:///{self.store}"]
        told = {**os.environ, **self.stage.environment, "SHOWCASE_FUSE": str(self.fuse)}
        stage = self.stage
        terminal = stage.terminal if isinstance(stage, AtConsole) else None
        with (stage.folder / "log").open("ab") as log:
            starting = life(
                *(str(PROCESS), *arguments, *stage.options, *options),
                env=told,
                stdin=terminal.stdin if terminal else DEVNULL,
                stdout=terminal.stdout if terminal else DEVNULL,
                stderr=log,
            )
            async with starting as process:
                await stage.ready()
                yield process
        await stage.left()

    async def play(self) -> None:
        """Let Alice do everything. Each process answers what killed the last one, and is killed."""
        before, *steps = [step for step in SCRIPT if self.stage.name in step.on]
        *groups, rest = parts(steps, self.stage.name)
        if self.stage.rehearsal:
            async with self.life(*self.stage.rehearsal):
                await self.stage.rehearsed()
        async with self.life():
            await self.act(before)  # whoever was never heard cannot be read back
            await self.see(before)
        for *calm, killed in groups:
            async with self.life() as process:
                await self.see(before)
                await self.go_on(calm)
                self.light(killed)
                await self.act(killed)
                assert await process.wait() == -signal.SIGKILL
            before = killed
        async with self.life():
            await self.see(before)
            await self.go_on(rest)
            assert await self.stage.offered("B") in (None, f"Berlin {len(self.done)}")
            await self.stage.interrupt()
            await self.stage.command("done")
            await self.stage.until("all: ")

    async def go_on(self, steps: Sequence[Step]) -> None:
        """Let Alice do what no process is killed at; that all of it is sent is noted then."""
        for step in steps:
            await self.act(step)
            await self.see(step)
        if steps:
            await self.ping()

    def light(self, step: Step) -> None:
        """Say where the process is to end."""
        points = self.stage.lasting if step.is_said else self.stage.doing
        point = points[(len(self.points) - 1 + self.first) % len(points)]
        self.points[len(self.done) + 1] = point
        self.fuse.write_text(point)

    async def act(self, step: Step) -> None:
        self.done.append(step)
        await step.act(self.stage)

    async def ping(self) -> None:
        """Return when the process has answered."""
        self.pings += 1
        await self.stage.command("ping", number=str(self.pings))
        await self.stage.until(f"pong {self.pings}.")

    async def see(self, step: Step) -> None:
        """Return when a step is answered, and what the process before this one has left is sent."""
        await self.ping()
        await self.stage.until(f"{step.name} {len(self.done)} {step.shows}".strip())


def parts(steps: Sequence[Step], platform: str) -> Iterator[Sequence[Step]]:
    """Yield steps up to each at which a process is killed on a platform, and then the rest."""
    part: list[Step] = []
    for step in steps:
        part.append(step)
        if LONG or step.on[SCRIPT.index(step) % len(step.on)] == platform:
            yield part
            part = []
    yield part


def check(run: Run) -> None:
    """Assert that all was done once and in order, and is shown once where nobody had to guess.

    What a platform without keys may have got, or not, is shown twice at most.
    """
    texts = run.stage.texts()
    assert any(f"all: {' '.join(step.name for step in run.done)}." in text for text in texts)
    for number, step in enumerate(run.done, 1):
        point = run.points.get(number, "")
        times = sum(bool(re.search(rf"\b{step.name} {number}\b", text)) for text in texts)
        wanted = 0 if step.goes and not run.stage.prints else step.times
        is_unsure = run.stage.repeats and point in UNSURE
        least = min(wanted, 1) if is_unsure else wanted  # what may not be made twice is held
        most = wanted + step.times if is_unsure else wanted
        assert least <= times <= most, (step, point)
    assert sum("now open" in text for text in texts) in range(1, 2 + run.stage.repeats)
    assert sum("board: 5" in text for text in texts) == 1


async def check_letters(run: Run) -> None:
    """Assert that nothing is dead but calls of which nobody knows whether they were made."""
    letters = await SQLiteStore(run.store).list("dead")
    assert {letter.error for letter in letters} <= {HELD}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("kind", [OnTelegram, OnDiscord, AtConsole])
async def test_everything_survives_a_kill_at_each_step(
    kind: type[Stage], first: int, tmp_path: Path
) -> None:
    """All is done once and in order; what was asked of the platform agrees with its description."""
    stage = kind(tmp_path)
    async with opened(stage):
        run = Run(stage, first)
        await run.play()
        check(run)
        check_platform(stage)
        await check_letters(run)
