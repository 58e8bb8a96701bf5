"""In which order what was done at the very same moment took effect, if in any.

1. Within a conversation it is the order of delivery. Between conversations none is promised.
2. A turn that changes what all share took effect when it was committed, and one that only looks at
   that some time before: so the order of commits is tried first, and then others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import cast

from chatstate.testing.simulation.differing import Difference, differs
from chatstate.testing.simulation.running import Ran, Runs
from chatstate.testing.transcripts.script import Act, Step, Where, joined, together

_TRIED = 2


async def nearest(
    runs: Runs, steps: Sequence[Step], calm: Ran, ran: Ran
) -> tuple[Difference | None, Ran]:
    """Return what differs from the run without trouble that is nearest, and that run.

    In `calm` people are in the order in which the steps tell of them; `ran` had all the `steps`.
    """
    groups = [_as_handled(same, ran.order) for same in together(calm.steps)]
    near = await _run(runs, groups, calm)
    found = differs(steps, near, ran)
    for place in _before(groups, steps[found[0]]) if found else ():
        for order in _other_orders(groups[place]):
            tried = await _run(runs, [*groups[:place], order, *groups[place + 1 :]], calm)
            again = differs(steps, tried, ran)
            if again is None:
                return None, tried
            if found and again[0] > found[0]:
                found, near, groups[place] = again, tried, order
    return found, near


def _before(groups: Sequence[Sequence[Step]], step: Step) -> Sequence[int]:
    """Return the places of the last groups that have other orders, up to a step."""
    places = [
        place
        for place, same in enumerate(groups)
        if len({_where(s) for s in same if isinstance(s.what, Act)}) > 1
    ]
    before = [place for place in places if groups[place][0].number <= step.number]
    return before[-_TRIED:]


async def _run(runs: Runs, groups: Sequence[Sequence[Step]], calm: Ran) -> Ran:
    order = [step for same in groups for step in same]
    is_as_told = [step.number for step in order] == [step.number for step in calm.steps]
    return calm if is_as_told else await runs.run(order, calmly=True)


def _as_handled(same: Sequence[Step], order: Sequence[int]) -> Sequence[Step]:
    """Return what was done at the same moment, in the order in which it was handled."""
    places = {number: place for place, number in enumerate(order)}
    return joined(sorted(same, key=lambda step: places.get(step.number, len(places))))


def _other_orders(same: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Yield all other orders that leave that of each conversation as it is."""
    for order in list(itertools.permutations(same))[1:]:
        if all(_of(order, step) == _of(same, step) for step in same):
            yield joined(order)


def _of(steps: Sequence[Step], about: Step) -> Sequence[int]:
    """Return the numbers of what is done where something is done."""
    return [step.number for step in steps if _where(step) == _where(about)]


def _where(step: Step) -> Where:
    return cast("Act", step.what).where
