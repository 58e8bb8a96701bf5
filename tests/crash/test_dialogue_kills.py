"""A bot that is killed while people answer its questions takes each answer once."""

import json
import os
import random
import signal
from pathlib import Path

import pytest
from killing import Platform, Said, rows, worker

LONG = bool(os.environ.get("CHATSTATE_LONG"))
ROOM = ("room", None)
KEPT = "SELECT person, value FROM sessions WHERE scope = 'member' AND name = 'member'"
POINTS = ("storing", "stored", "before commit", "committing", "committed", "begun", "got", "sent")


def kept(path: Path) -> dict[str, list[int]]:
    return {person: json.loads(text) for person, text in rows(path, KEPT)}


@pytest.mark.parametrize("point", POINTS if LONG else ("before commit", "committed"))
async def test_an_answer_is_taken_once_wherever_the_process_dies(
    point: str, tmp_path: Path
) -> None:
    """And the question after it is put, once for each key."""
    path, platform = tmp_path / "test.db", Platform()
    said = [
        platform.say(Said(n, "ann", ROOM, text)) for n, text in enumerate(("/gather", *"789"), 1)
    ]
    async with worker(platform, path) as life:
        life.deliver(said[0])
        await platform.until(lambda: 1 in platform.answered())
        assert await life.stop() == 0
    async with worker(platform, path, kill_point=point) as life:
        life.deliver(said[1])
        assert await life.ended() == -signal.SIGKILL
    async with worker(platform, path) as life:
        life.deliver(*platform.unacknowledged)
        await platform.until(lambda: {1, 2, 3, 4} <= platform.answered())
        assert await life.stop() == 0
    shown = [sent.text for sent in platform.effects()]
    asked = [f"number {n}?" for n in range(3)]
    assert list(dict.fromkeys(shown)) == [*asked, "got [7, 8, 9]"]
    assert kept(path) == {"ann": [7, 8, 9]}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kills", "dialogues"), [(200, 400)] if LONG else [(3, 12)])
async def test_kills_at_random_moments_take_each_answer_once(
    kills: int, dialogues: int, tmp_path: Path
) -> None:
    """Of many people, each in their order."""
    path, platform, chance = tmp_path / "test.db", Platform(), random.Random(kills)
    wanted: dict[str, list[int]] = {}
    for number in range(dialogues):
        person, first = f"p{number % 5}", 4 * number + 1
        where = (f"chat of {person}", None)
        platform.say(Said(first, person, where, "/gather"))
        for answer in range(first + 1, first + 4):
            platform.say(Said(answer, person, where, str(answer)))
            wanted.setdefault(person, []).append(answer)
    most = max(8 * dialogues // kills, 2)
    for number in range(kills):
        least = (
            1 if number % 3 else 12
        )  # what is suspected runs to its end, or it would be given up
        async with worker(platform, path, pause=lambda: chance.uniform(0, 0.01)) as life:
            enough = platform.lines + chance.randint(least, least + most)
            life.deliver(*platform.unacknowledged[:20])
            await platform.until(
                lambda: platform.lines >= enough or not platform.unacknowledged  # noqa: B023 - at once
            )
            await life.kill()
    async with worker(platform, path) as life:
        life.deliver(*platform.unacknowledged)
        await platform.until(lambda: kept(path) == wanted)  # a question may be a dead letter by now
        assert await life.stop() == 0
    assert kept(path) == wanted
