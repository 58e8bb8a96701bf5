"""A bot that is killed again and again, under load, loses nothing and doubles nothing."""

from pathlib import Path

import pytest
from siege import Siege


@pytest.mark.parametrize(("policy", "kills"), [("repeat", 8), ("hold", 4)])
async def test_kills_at_random_moments_lose_and_double_nothing(
    policy: str, kills: int, tmp_path: Path
) -> None:
    """Every message is in each state once and in order; every reply arrives, once per key."""
    siege = Siege(tmp_path / "test.db", policy=policy, seed=kills)
    await siege.run(kills)
    siege.check()
    assert siege.kills == kills
