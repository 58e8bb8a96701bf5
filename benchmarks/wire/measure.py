"""Measures bots on platforms, end to end.

1. Each bot answers the same messages twice: once for its figures, and once under a profile, which
   says what part of the loop's time is whose. So stations add up to what was measured without it.
2. CPU time is the bot's alone. Rates and latencies are those of bot, server and people together,
   who share a machine, and so tell more of the server than of the bot.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.environments import Absent
from benchmarks.wire.people import PATIENCE, People, people_on
from benchmarks.wire.stations import THREADS
from benchmarks.work import write_all

_ROOT = Path(__file__).parents[2]
_AT_ONCE, _WARM = 20, 100
WIRES = (
    ("Telegram, polling", "polling", "chatstate"),
    ("Telegram, polling", "polling", "python-telegram-bot"),
    ("Telegram, webhook", "webhook", "chatstate"),
    ("Discord", "discord", "chatstate"),
    ("Discord", "discord", "discord.py"),
    ("the web page", "page", "chatstate"),
)


class Wire(NamedTuple):
    """What a message costs a bot on a platform. `stations` are microseconds of CPU."""

    platform: str
    bot: str
    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    peak_mb: float
    stations: dict[str, float]


def measure(
    messages: int, left_out: dict[str, str], told: Callable[[str], None] = lambda _name: None
) -> list[Wire]:
    """Measure each bot; who cannot take part is added to `left_out`."""
    wires = []
    for name, platform, bot in WIRES:
        told(f"{name}: {bot}")
        try:
            wires.append(asyncio.run(_measured(name, platform, bot, messages)))
        except (Absent, TimeoutError, AssertionError) as reason:
            left_out[f"{bot} on {name}"] = str(reason) or "it did not answer"
    return wires


async def _measured(name: str, platform: str, bot: str, messages: int) -> Wire:
    with tempfile.TemporaryDirectory() as folder:
        async with people_on(platform) as people:
            told = {**people.told, "platform": platform, "bot": bot, "folder": folder}
            process = await _started(told)
            try:
                async with asyncio.timeout(PATIENCE):
                    await people.ready()
                return await _compared(name, bot, people, process, messages)
            except TimeoutError as late:
                raise Absent(await _complaint(process)) from late
            finally:
                await _ended(process)


async def _compared(
    name: str, bot: str, people: People, process: asyncio.subprocess.Process, messages: int
) -> Wire:
    at_once = min(_AT_ONCE, messages)
    await write_all(min(_WARM, messages), at_once, people.say)
    await _tell(process, "start")
    result = await write_all(messages, at_once, people.say, _WARM)
    used = await _asked(process)
    await _tell(process, "profile")
    await write_all(max(messages // 4, 2), at_once, people.say, _WARM + messages)
    shares = (await _asked(process))["shares"]
    figures = result.figures()
    stations = {whose: share * used["loop"] / messages * 1e6 for whose, share in shares.items()}
    stations[THREADS] = (used["cpu"] - used["loop"]) / messages * 1e6
    cpu = used["cpu"] / messages * 1e6
    return Wire(
        name,
        bot,
        figures.per_second,
        cpu,
        figures.p50_ms,
        figures.p99_ms,
        used["peak_mb"],
        stations,
    )


async def _started(told: dict[str, Any]) -> asyncio.subprocess.Process:
    path = ":".join(str(_ROOT / folder) for folder in ("", "adapters", "bots"))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.wire.bots", json.dumps(told)),
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _tell(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdin  # noqa: S101 - for type checkers
    process.stdin.write(f"{word}\n".encode())
    await process.stdin.drain()


async def _asked(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout  # noqa: S101 - for type checkers
    await _tell(process, "stop")
    async with asyncio.timeout(PATIENCE):
        figures: dict[str, Any] = json.loads(await process.stdout.readline())
    return figures


async def _complaint(process: asyncio.subprocess.Process) -> str:
    """Return the last line of what a bot complained of that did not answer."""
    if process.returncode is None:
        process.kill()
    _, complaint = await process.communicate()
    lines = complaint.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it did not answer"


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    assert process.stdin  # noqa: S101 - for type checkers
    process.stdin.close()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
