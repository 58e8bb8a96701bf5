"""A process that is told to stop ends, whatever an author's code does."""

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from chatstate.cli import stopping
from chatstate.cli.loops import VARIABLE
from chatstate.engine import Engine, ending, engine, lifespans

BOT = """\
import asyncio, contextlib, os, threading, time
from chatstate import AdapterError, Interface
from chatstate.cli import starting, stopping
from chatstate.engine import ending

stopping.AT_MOST = 1.0
ending._CANCEL_SECONDS = 0.2
tasks = []

async def never_ends():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

async def stream():
    try:
        yield
    finally:
        await never_ends()

class Engine(starting.Engine):
    def __init__(self, *args, **options):
        super().__init__(*args, grace=0.1, **options)

    async def run(self):
        if "FAILS" in os.environ:
            tasks.append(asyncio.create_task(never_ends()))
            raise AdapterError("the token is wrong")
        await super().run()

starting.Engine = Engine

@contextlib.asynccontextmanager
async def lifespan(bot):
    yield
    if "NEVER_CLOSES" in os.environ:
        await never_ends()

bot = Interface(id="bot", lifespan=lifespan)

@bot.on_message
async def work(message: str) -> str:
    print("began", message, flush=True)
    if message == "hang":
        HERE
    return "done"

bot.run("console", store="sqlite:///a.db")
print("over", flush=True)
if "GOES_ON" in os.environ:
    time.sleep(stopping.AT_MOST + 0.5)
    print("still there", flush=True)
"""
IN_ITS_TURN = {
    "swallows its cancellation": "await never_ends()",
    "blocks the loop": "time.sleep(3600)",
    "blocks the loop with work": "while True: pass",
}
BESIDE_ITS_TURN = {
    "has a task that swallows its cancellation": "tasks.append(asyncio.create_task(never_ends()))",
    "has a stream that cannot be closed": "tasks.append(stream()); await anext(tasks[-1])",
    "has a thread of asyncio's that hangs": (
        "asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)"
    ),
    "has a thread that hangs": "threading.Thread(target=time.sleep, args=(3600,)).start()",
}


class Process:
    """A bot at a console that is a pipe."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self.stdin: IO[str] = process.stdin
        self.stdout: IO[str] = process.stdout
        self.stderr: IO[str] = process.stderr
        self.send_signal = process.send_signal
        self.wait = process.wait
        self.poll = process.poll

    def says(self, text: str) -> None:
        """Say something, and see that its turn begins."""
        self.stdin.write(f"{text}\n")
        self.stdin.flush()
        assert self.stdout.readline() == f"began {text}\n"


@contextmanager
def started(folder: Path, hanging: str = "pass", **environ: str) -> Generator[Process]:
    """Run the bot in a process of its own."""
    (folder / "bot.py").write_text(BOT.replace("HERE", hanging))
    with subprocess.Popen(
        [sys.executable, "bot.py"],
        cwd=folder,
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Process(process)
        finally:
            process.kill()


def test_what_a_stop_may_take_fits_into_what_is_promised() -> None:
    """Ten seconds at most: for turns, for what is cancelled then, and for lifespans."""
    grace = inspect.signature(Engine).parameters["grace"].default
    closing = engine._CLOSE_SECONDS + lifespans._CANCEL_SECONDS
    assert grace + ending._CANCEL_SECONDS + closing < stopping.AT_MOST == 10.0


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("how", IN_ITS_TURN)
def test_a_handler_that_hangs_keeps_no_process_from_ending(
    how: str, loop: str, tmp_path: Path
) -> None:
    """SIGTERM ends it, and at the next start its message is handled."""
    with started(tmp_path, IN_ITS_TURN[how], **{VARIABLE: loop}) as process:
        process.says("hang")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == ("loop" in how)
        told = process.stderr.read()
        assert "the process ends without it" in told
        assert ("work() does not end when it is cancelled" in told) == ("loop" not in how)
    with started(tmp_path, **{VARIABLE: loop}) as process:
        assert process.stdout.readline() == "began hang\n"
        assert process.stdout.readline() == "done\n"


@pytest.mark.parametrize(
    ("how", "ends"),
    [
        *((how, "SIGTERM") for how in BESIDE_ITS_TURN),
        *((how, "end of input") for how in BESIDE_ITS_TURN if how != "has a thread that hangs"),
    ],
)
def test_what_a_handler_has_left_behind_keeps_no_process_from_ending(
    how: str, ends: str, tmp_path: Path
) -> None:
    """Whether it was told to end, or has nothing left to do; its status is 0."""
    with started(tmp_path, BESIDE_ITS_TURN[how]) as process:
        process.says("hang")
        assert process.stdout.readline() == "done\n"
        if ends == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        assert process.wait() == 0


def test_a_lifespan_that_does_not_close_keeps_no_process_from_ending(tmp_path: Path) -> None:
    """What was said is answered before."""
    with started(tmp_path, NEVER_CLOSES="1") as process:
        process.says("hi")
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "done\n"
        assert process.wait() == 0
        assert "a lifespan of bot 'bot' did not close in time" in process.stderr.read()


def test_why_it_stopped_is_told_though_something_hangs(tmp_path: Path) -> None:
    """In one line, with status 1."""
    with started(tmp_path, FAILS="1") as process:
        assert process.wait() == 1
        assert "the token is wrong" in process.stderr.read()


def test_a_third_signal_ends_a_process_whose_loop_is_blocked(tmp_path: Path) -> None:
    """At once, with status 130."""
    with started(tmp_path, IN_ITS_TURN["blocks the loop"]) as process:
        process.says("hang")
        status = None
        while status is None:
            process.send_signal(signal.SIGINT)
            status = process.poll()
        assert status == 130


def test_after_ctrl_c_a_script_goes_on(tmp_path: Path) -> None:
    """As long as it likes: it was the bot that was told to stop."""
    with started(tmp_path, GOES_ON="1") as process:
        process.says("hi")
        assert process.stdout.readline() == "done\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "over\nstill there\n"
        assert process.wait() == 0
