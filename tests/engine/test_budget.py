"""A turn costs no more than is known: calls, tasks, futures, statements, transactions."""

import pytest
from engine.budget import WRITE, budget, count, over
from engine.budget_kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_turn_stays_within_its_budget(kind: str) -> None:
    """What every turn pays for a feature it may not use is seen here, and agreed to, or mended."""
    agreed = budget()[kind]
    exceeded = over(count(kind, agreed), agreed)
    assert not exceeded, (
        f"turns of the kind {kind!r} cost more than before. Spare it; or, if it is worth it, "
        f"make it the budget: {WRITE}\n" + "\n".join(exceeded)
    )


def test_every_kind_has_a_budget() -> None:
    """And none is left of a kind that is gone."""
    assert set(budget()) == set(KINDS)
