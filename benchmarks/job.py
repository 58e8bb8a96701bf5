"""One contestant does one job, in this process: `python -m benchmarks.job CONTESTANT JOB`.

1. JOB is a `Job` as JSON; what comes of it is JSON in the last line of standard output.
2. "speed" measures a race, "start" how long it takes until the first message is answered.
3. "told" writes messages until it is killed and tells of each reply; "ask" writes one message of
   each person, and returns the replies.
4. "counted" is 100 messages at once; the result is how far the counter has come. "thrice" is one
   update delivered three times; the result is how many replies there were, and how many changes.
5. "fill" stores `messages` other sessions.
6. Only the standard library is imported, as in all that peers run.
7. What a contestant has imported is taken out of garbage collection before anything is measured,
   for all of them alike: `Interface.run` does so, and whoever runs a peer can.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from benchmarks.contract import Replies, Say, Setup, Work
from benchmarks.work import PEOPLE, Result, peak_mb, write_all

Do = Literal["speed", "start", "told", "ask", "counted", "thrice", "fill"]


class Job(NamedTuple):
    """What is to be done. `first` is the number of the first message."""

    do: Do
    folder: str
    work: Work = "echo"
    url: str = ""
    options: tuple[str, ...] = ()
    messages: int = 0
    at_once: int = 1
    people: int = PEOPLE
    first: int = 0

    @property
    def setup(self) -> Setup:
        """What is asked of the contestant."""
        return Setup(Path(self.folder), self.work, self.url, frozenset(self.options), self.people)


def main(contestant: str, told: Mapping[str, Any]) -> Any:
    """Do a job, and return what is to be told of it."""
    module = importlib.import_module(f"benchmarks.contestants.{contestant}")
    job = Job(**told)
    gc.collect()
    gc.freeze()
    if job.do == "fill":
        module.fill(job.setup, job.messages)
        return None
    if job.do == "speed" and hasattr(module, "race"):
        result: Result = module.race(job.setup, job.messages, job.at_once)
        return result._asdict()
    faster = importlib.import_module("uvloop") if "uvloop" in job.options else None
    loop_factory = faster.new_event_loop if faster else None
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(_done(module, job))


async def _done(module: ModuleType, job: Job) -> Any:
    replies = Replies(told=job.do == "told")
    begun = time.perf_counter()
    async with module.bot(job.setup, replies) as say:
        match job.do:
            case "start":
                await say(job.first % job.people, job.first)
                return {"seconds": time.perf_counter() - begun, "peak_mb": peak_mb()}
            case "thrice":
                for _ in range(3):
                    await say(0, job.first)
                return {"replies": replies.sent, "changes": len(replies.last[0].splitlines())}
        result = await _written(job, say)
        if job.do != "ask" and replies.sent != job.messages:  # then some are owed from before
            raise RuntimeError(f"{job.messages} messages, {replies.sent} replies")
    match job.do:
        case "ask":
            return replies.last
        case "counted":
            return max(map(int, replies.last.values()))
    return result._asdict()


async def _written(job: Job, say: Say) -> Result:
    def write(number: int) -> Any:
        return say(number % job.people, number)

    return await write_all(job.messages, job.at_once, write, job.first)


if __name__ == "__main__":
    done = main(sys.argv[1], json.loads(sys.argv[2]))
    sys.stdout.write(f"\n{json.dumps(done)}\n")
