"""What is right, beside what is fast: each contestant is killed, hurried, and told things thrice.

1. Killed: 200 people write, 100 at once, and the process gets SIGKILL after 600 replies. It is
   started again on what it left, and each person says one thing more. An answered message that is
   not in that reply is missing. Servers go on: only the bot is killed.
2. Hurried: 100 people at once add 1 to what is everybody's, each waiting 10 ms between reading and
   writing, as a handler that asks a model does. What the counter falls short of 100 is lost.
3. Told thrice: one update is delivered three times, as platforms do that saw no acknowledgement.
   What is counted is how often it changed the history, and how many replies there were.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import names
from benchmarks.children import begun, done
from benchmarks.contract import Work
from benchmarks.entrants import BY_NAME, Entrant
from benchmarks.environments import PATIENCE, Absent
from benchmarks.job import Do, Job
from benchmarks.servers import Servers
from benchmarks.work import number_of

_PEOPLE, _AT_ONCE, _REPLIES, _ENOUGH = 200, 100, 600, 1_000_000
_HURRIED = 100
_REPLY = b"message number "
CHECKED = (
    names.ASYNC,
    names.POSTGRES,
    names.TELEGRAM,
    names.TELEGRAM_PICKLE,
    names.AIOGRAM,
    names.AIOGRAM_REDIS,
    names.NONEBOT,
    names.LANGGRAPH,
    names.LANGGRAPH_EXIT,
    names.LANGGRAPH_MEMORY,
    names.AGENTS,
    names.GRADIO,
    names.GRADIO_QUEUE,
)


class Finding(NamedTuple):
    """What became of one contestant. `changes` and `replies` are those of one update's three."""

    name: str
    keeps: str
    answered: int
    missing: int
    lost: int
    changes: int
    replies: int


def check(
    servers: Servers, left_out: dict[str, str], told: Callable[[str], None] = lambda _name: None
) -> list[Finding]:
    """Look at each contestant but those `left_out`; who cannot take part is added there."""
    findings = []
    for name in CHECKED:
        told(name)
        if name in left_out:
            continue
        try:
            findings.append(looked_at(BY_NAME[name], servers))
        except Absent as reason:
            left_out[name] = str(reason)
    return findings


def looked_at(entrant: Entrant, servers: Servers) -> Finding:
    """Kill a contestant, hurry it, and tell it things thrice."""
    answered, gone = _killed(entrant, servers)
    counted = _once(entrant, servers, "counted", "slow count", _HURRIED)
    thrice = _once(entrant, servers, "thrice", "echo", 1)
    right = (answered, gone, _HURRIED - counted, thrice["changes"], thrice["replies"])
    return Finding(entrant.name, entrant.keeps, *right)


def _killed(entrant: Entrant, servers: Servers) -> tuple[int, int]:
    """Return how many messages were answered before the kill, and how many of them are missing."""
    with tempfile.TemporaryDirectory() as folder, servers.url(entrant.server, Path(folder)) as url:
        writing = Job("told", folder, "echo", url, entrant.options, _ENOUGH, _AT_ONCE, _PEOPLE)
        answered = _answered_until_killed(entrant, writing)
        asking = writing._replace(do="ask", messages=_PEOPLE, first=_ENOUGH)
        replies: dict[str, str] = done(entrant, asking)
    return len(answered), len(missing(answered, replies))


def _answered_until_killed(entrant: Entrant, job: Job) -> list[str]:
    """Return what was answered: also what was on its way to us when the process was killed."""
    with begun(entrant, job) as process, _killed_at_last(process):
        assert process.stdout  # noqa: S101 - for type checkers
        lines: list[bytes] = []
        for line in process.stdout:
            lines += [line] if line.startswith(_REPLY) else []  # a framework may write, too
            if len(lines) == _REPLIES:
                process.kill()
    if len(lines) < _REPLIES:
        raise Absent(f"it ended after {len(lines)} replies")
    return [line.decode().rstrip("\n") for line in lines if line.endswith(b"\n")]


@contextlib.contextmanager
def _killed_at_last(process: subprocess.Popen[bytes]) -> Generator[None]:
    """Kill what has stopped to answer."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def missing(answered: Sequence[str], replies: dict[str, str]) -> list[str]:
    """Return which of the answered messages are not in the reply to whoever wrote it."""
    kept = {person: set(reply.splitlines()) for person, reply in replies.items()}
    return [text for text in answered if text not in kept[str(number_of(text) % _PEOPLE)]]


def _once(entrant: Entrant, servers: Servers, do: Do, work: Work, messages: int) -> Any:
    with tempfile.TemporaryDirectory() as folder, servers.url(entrant.server, Path(folder)) as url:
        return done(
            entrant, Job(do, folder, work, url, entrant.options, messages, messages, _HURRIED)
        )
