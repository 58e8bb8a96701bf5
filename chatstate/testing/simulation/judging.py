"""What is wrong with a bot, by its runs: with troubles and without, with others and alone.

1. Without trouble nothing happens at once, and all else is the same: what people do, and the clock.
2. A bot that answers otherwise each time, also without trouble, is told by that.
3. Somebody's answers may depend on others only if a turn was about them, or all, or the outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
from msgspec.structs import replace

from chatstate.testing.simulation.differing import Answer, Difference, differs, first, spread
from chatstate.testing.simulation.ordering import nearest
from chatstate.testing.simulation.running import Ran, Runs
from chatstate.testing.transcripts.playing import Played
from chatstate.testing.transcripts.script import (
    Act,
    Step,
    Trouble,
    apart,
    private,
    together,
)

TROUBLE, LEAK, UNSTEADY = "trouble", "leak", "unsteady"


class Finding(msgspec.Struct, frozen=True):
    """What is wrong, after the step at a place of the list: a `kind`, and words for people.

    `expected` is what each step should have been answered.
    """

    kind: str
    told: str
    at: int
    expected: Sequence[Played]


async def examine(runs: Runs, steps: Sequence[Step], kind: str = "") -> Finding | None:
    """Return what is wrong with a bot to which this happens, if it is of a kind, or of any."""
    alone = await runs.run(_calm(steps), calmly=True)
    if found := _odd(steps, alone, alone, kind):
        return found
    leak = await _leak(runs, steps, alone) if kind in ("", LEAK) else None
    if leak or kind == LEAK:
        return leak
    is_calm = len(list(together(alone.steps))) == len(steps)
    ran = alone if is_calm else await runs.run(steps)
    if found := _odd(steps, ran, alone, kind):
        return found
    if kind in ("", TROUBLE, UNSTEADY):
        difference, near = await nearest(runs, steps, alone, ran)
        if difference:
            is_steady = kind == TROUBLE or await _is_steady(runs, alone)
            return _differing(steps, difference, near, is_steady=is_steady)
    return None


async def _is_steady(runs: Runs, calm: Ran) -> bool:
    again = await runs.run(calm.steps, calmly=True)
    return differs(calm.steps, calm, again) is None


def _differing(
    steps: Sequence[Step], difference: Difference, near: Ran, *, is_steady: bool
) -> Finding:
    """Return what trouble has changed, or that the bot does otherwise without any."""
    if is_steady:
        return Finding(TROUBLE, difference[1], difference[0], spread(steps, near))
    told = "the bot does otherwise each time, also without trouble"
    return Finding(UNSTEADY, told, len(steps) - 1, spread(steps, near))


def _odd(steps: Sequence[Step], ran: Ran, calm: Ran, kind: str) -> Finding | None:
    """Return the first odd thing of a run."""
    for odd in ran.odd:
        if kind in ("", odd.kind):
            at = steps.index(ran.steps[odd.at])
            return Finding(odd.kind, odd.told, at, spread(steps, calm))
    return None


def _calm(steps: Sequence[Step]) -> Sequence[Step]:
    """Return what happens without troubles. What they stand between is not at the same moment."""
    return [step for step in apart(steps) if not isinstance(step.what, Trouble)]


async def _leak(runs: Runs, steps: Sequence[Step], all_: Ran) -> Finding | None:
    """Return that somebody is answered otherwise than if there were nobody else."""
    calm = all_.steps
    acts = [step.what for step in calm if isinstance(step.what, Act)]
    people = {act.who for act in acts}
    in_rooms = {act.who for act in acts if act.where[0] != private(act.who)[0]}
    if all_.shares or runs.shared or len(people) == 1:
        return None
    for who in sorted(people - in_rooms):
        alone = await runs.run(_own(calm, who), among=calm, calmly=True)
        if difference := first(_said(calm, alone, who), _said(calm, all_, who)):
            at, without, with_ = difference
            right = _with(all_, alone, who)
            told = f"without the others {who} is answered {without}; with them, {with_}"
            return Finding(LEAK, told, steps.index(calm[at]), spread(steps, right))
    return None


def _said(steps: Sequence[Step], ran: Ran, who: str) -> Sequence[Answer]:
    """Return what somebody is told in private, in a run of some of the steps."""
    places = {step.number: place for place, step in enumerate(steps)}
    return [
        (places[step.number], each.text)
        for step, done in zip(ran.steps, ran.played, strict=True)
        for each in done.shown
        if each.where[0] == private(who)[0]
    ]


def _with(all_: Ran, alone: Ran, who: str) -> Ran:
    """Return a run in which somebody is answered as if they were alone."""
    each = zip(all_.steps, all_.played, alone.played, strict=True)
    played = [done if _is_of_others(step, who) else right for step, done, right in each]
    return replace(all_, played=played)


def _own(steps: Sequence[Step], who: str) -> Sequence[Step]:
    """Return what somebody does, and what nobody does. In the time of all else nothing happens."""
    return [_without(step) if _is_of_others(step, who) else step for step in steps]


def _is_of_others(step: Step, who: str) -> bool:
    return isinstance(step.what, Act) and step.what.who != who


def _without(step: Step) -> Step:
    return replace(step, what=replace(cast("Act", step.what), verb="speaks", taps=()))
