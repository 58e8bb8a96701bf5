"""A process that is killed while it sets, fires, moves or cancels timers."""

import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from killing import Platform, Said, rows, worker

LONG = bool(os.environ.get("CHATSTATE_LONG"))
POINTS = ["committing", "fired", "ringing", "ring committing"]
MORE = ["before commit", "committed", "firing", "ring committed"]
ROOM = ("room", None)
TIMERS = "SELECT count(*) FROM timers"


def said(number: int, text: str) -> Said:
    return Said(number, "ann", ROOM, text)


@pytest.mark.parametrize("point", POINTS + (MORE if LONG else []))
async def test_a_timer_fires_once_wherever_the_process_dies(point: str, tmp_path: Path) -> None:
    """While it is set, while it fires, in its turn, and at the commit of that."""
    path, platform = tmp_path / "test.db", Platform()
    platform.say(said(1, "/later 1"))
    async with worker(platform, path, kill_point=point) as life:
        life.deliver(*platform.unacknowledged)
        assert await life.ended() == -signal.SIGKILL
    async with worker(platform, path) as life:
        life.deliver(*platform.unacknowledged)
        await platform.until(lambda: "ring 1" in [sent.text for sent in platform.effects()])
        assert await life.stop() == 0
    assert rung(path) == [1]
    assert Counter(sent.text for sent in platform.effects())["ring 1"] == 1
    assert rows(path, TIMERS) == [(0,)]


@pytest.mark.parametrize("point", ["committing", *(["before commit", "committed"] if LONG else [])])
@pytest.mark.parametrize(("command", "fires"), [("/later 1", [1]), ("/never 1", [])])
async def test_a_timer_is_moved_or_cancelled_wherever_the_process_dies(
    command: str, fires: list[int], point: str, tmp_path: Path
) -> None:
    """It fires once, at its new time, or never."""
    path, platform = tmp_path / "test.db", Platform()
    platform.say(said(1, "/wait 1"))
    async with worker(platform, path) as life:
        life.deliver(*platform.unacknowledged)
        await platform.until(lambda: 1 in platform.answered())
        assert await life.stop() == 0
    platform.say(said(2, command))
    async with worker(platform, path, kill_point=point) as life:
        life.deliver(*platform.unacknowledged)
        assert await life.ended() == -signal.SIGKILL
    async with worker(platform, path) as life:
        life.deliver(*platform.unacknowledged)
        await platform.until(lambda: 2 in platform.answered() and rings(platform) == set(fires))
        assert await life.stop() == 0
    assert rung(path) == fires
    assert rows(path, TIMERS) == [(0,)]


def rung(path: Path) -> list[int]:
    """Return the numbers of the timers that have fired, in their order."""
    found = rows(path, "SELECT value FROM sessions WHERE name = 'rung'")
    return [int(number) for (text,) in found for number in text.strip("[]").split(",") if number]


@pytest.mark.timeout(900 if LONG else 60)
@pytest.mark.parametrize("kills", [200 if LONG else 3])
async def test_kills_at_random_moments_let_each_timer_fire_once(kills: int, tmp_path: Path) -> None:
    """Set under load, moved and cancelled meanwhile: none is lost, and none fires twice."""
    path, platform, chance = tmp_path / "test.db", Platform(), random.Random(kills)
    numbers, cancelled = 0, set[int]()
    for _ in range(kills):
        async with worker(platform, path, pause=lambda: chance.uniform(0, 0.01)) as life:
            await life.ready.wait()
            for _ in range(20):
                numbers += 1
                platform.say(said(2 * numbers, f"/later {numbers}"))
                if chance.random() < 0.2:
                    cancelled.add(numbers)
                    platform.say(said(2 * numbers + 1, f"/never {numbers}"))
            life.deliver(*platform.unacknowledged)
            enough = len(platform.sent) + chance.randint(1, 30)
            await platform.until(lambda: len(platform.sent) >= enough)  # noqa: B023 - at once
            await life.kill()
    async with worker(platform, path) as life:
        life.deliver(*platform.unacknowledged)
        wanted = set(range(1, numbers + 1)) - cancelled
        await platform.until(lambda: wanted <= rings(platform))
        assert await life.stop() == 0
    counted = Counter(rung(path))
    assert set(counted.values()) == {1}
    assert wanted <= counted.keys()  # one that was cancelled may have fired before
    assert rows(path, TIMERS) == [(0,)]


def rings(platform: Platform) -> set[int]:
    """Return the numbers of the timers that people were told of."""
    texts = [sent.text for sent in platform.effects()]
    return {int(text.split()[1]) for text in texts if text.startswith("ring ")}
