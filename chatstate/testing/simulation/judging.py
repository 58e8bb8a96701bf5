"""What is wrong with a bot, by its runs: with troubles and without, with others and alone.

1. What happens between things that people do belongs to what was done before.
2. The order of answers counts within each conversation. When they come does not.
3. Somebody's answers may depend on others only if a turn was about them, or all, or the outside.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from chatstate.testing.simulation.running import Ran, Runs
from chatstate.testing.transcripts.playing import Played
from chatstate.testing.transcripts.script import Act, Step, Trouble, Where, private
from chatstate.testing.transcripts.showing import Shown

TROUBLE, LEAK, UNSTEADY = "trouble", "leak", "unsteady"
Answer = tuple[int, str]
"""What a bot has said, after the step at a place of the list."""


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
    calm = _calm(steps)
    alone = await runs.run(calm)
    if found := _odd(steps, calm, alone, alone, kind):
        return found
    ran = await runs.run(steps) if len(calm) < len(steps) and kind != LEAK else alone
    if found := _odd(steps, steps, ran, alone, kind):
        return found
    if kind in ("", TROUBLE, UNSTEADY) and (differs := _differs(steps, alone, ran)):
        at, told = differs
        is_steady = kind == TROUBLE or _is_same(calm, alone, await runs.run(calm))
        if not is_steady:
            at, told = len(steps) - 1, "the bot does otherwise each time, also without trouble"
        return Finding(TROUBLE if is_steady else UNSTEADY, told, at, _spread(steps, alone))
    return await _leak(runs, steps, calm, alone) if kind in ("", LEAK) else None


def _odd(
    steps: Sequence[Step], done: Sequence[Step], ran: Ran, calm: Ran, kind: str
) -> Finding | None:
    """Return the first odd thing of a run in which `done` of all `steps` were."""
    for odd in ran.odd:
        if kind in ("", odd.kind):
            return Finding(odd.kind, odd.told, steps.index(done[odd.at]), _spread(steps, calm))
    return None


def _is_same(steps: Sequence[Step], ran: Ran, again: Ran) -> bool:
    return _differs(steps, ran, again) is None


def _calm(steps: Sequence[Step]) -> Sequence[Step]:
    return [step for step in steps if not isinstance(step.what, Trouble)]


def _differs(steps: Sequence[Step], calm: Ran, ran: Ran) -> tuple[int, str] | None:
    """Return after which step troubles have made a difference, and which."""
    wanted, got = _answers(steps, _spread(steps, calm)), _answers(steps, ran.played)
    if any(ran.asked_again.rstrip(":") in text for texts in got.values() for _, text in texts):
        return None  # which is promised, and what follows is another conversation
    found = [_first(wanted.get(where, ()), got.get(where, ())) for where in {**wanted, **got}]
    if answers := [difference for difference in found if difference]:
        return min(answers)
    last = len(steps) - 1
    for owner in sorted({*calm.values, *ran.values}):
        before, after = calm.values.get(owner), ran.values.get(owner)
        if before != after:
            return last, f"without the trouble {owner} is {before} in the end; with it, {after}"
    if calm.left != ran.left:
        return last, f"with the trouble this is left: {', '.join(ran.left) or 'nothing'}"
    return None


def _first(wanted: Sequence[Answer], got: Sequence[Answer]) -> tuple[int, str] | None:
    """Return the first difference of what was said in a conversation, and after which step."""
    for expected, answer in itertools.zip_longest(wanted, got):
        if expected is None or answer is None or expected[1] != answer[1]:
            at = max(said[0] for said in (expected, answer) if said)
            without, with_ = (_words([said[1]] if said else ()) for said in (expected, answer))
            return at, f"without the trouble it is {without}; with it, {with_}"
    return None


def _answers(steps: Sequence[Step], played: Sequence[Played]) -> Mapping[Where, Sequence[Answer]]:
    """Return what was said in each conversation, with the places of what people did before."""
    at, said = 0, defaultdict[Where, list[Answer]](list)
    for place, (step, done) in enumerate(zip(steps, played, strict=True)):
        at = at if isinstance(step.what, Trouble) else place
        said["", ""] += [(at, done.problem)] if done.problem else ()
        for shown in done.shown:
            said[shown.where].append((at, shown.text))
    return said


def _words(texts: Sequence[str]) -> str:
    return " and ".join(repr(text.strip(": ")) for text in texts) or "nothing"


def _spread(steps: Sequence[Step], calm: Ran) -> Sequence[Played]:
    """Return what was played without troubles, beside all steps."""
    played = iter(calm.played)
    nothing = Played((), None)
    return [nothing if isinstance(step.what, Trouble) else next(played) for step in steps]


async def _leak(
    runs: Runs, steps: Sequence[Step], calm: Sequence[Step], together: Ran
) -> Finding | None:
    """Return that somebody is answered otherwise than if there were nobody else."""
    acts = [step.what for step in calm if isinstance(step.what, Act)]
    people = {act.who for act in acts}
    in_rooms = {act.who for act in acts if act.where[0] != private(act.who)[0]}
    if together.shares or runs.shared or len(people) == 1:
        return None
    for who in sorted(people - in_rooms):
        own = [not isinstance(step.what, Act) or step.what.who == who for step in calm]
        of_own = [step for step, is_own in zip(calm, own, strict=True) if is_own]
        alone = await runs.run(of_own, among=calm)
        played = iter(alone.played)
        wanted = [next(played) if is_own else None for is_own in own]
        for at, (done, expected) in enumerate(zip(together.played, wanted, strict=True)):
            if expected and _of(done.shown, who) != _of(expected.shown, who):
                told = (
                    f"without the others {who} is answered {_words(_of(expected.shown, who))}; "
                    f"with them, {_words(_of(done.shown, who))}"
                )
                right = [w or d for w, d in zip(wanted, together.played, strict=True)]
                spread = _spread(steps, msgspec.structs.replace(together, played=right))
                return Finding(LEAK, told, steps.index(calm[at]), spread)
    return None


def _of(shown: Sequence[Shown], who: str) -> list[str]:
    """Return what somebody is told in private."""
    return [each.text for each in shown if each.where[0] == private(who)[0]]
