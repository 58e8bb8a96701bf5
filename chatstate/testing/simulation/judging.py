"""What is wrong with a bot, by its runs: with troubles and without, with others and alone.

1. What happens between things that people do belongs to what was done before.
2. The order of answers counts within each conversation.
3. Somebody's answers may depend on others only if a turn was about them, or all, or the outside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chatstate.testing.simulation.running import Ran, Runs
from chatstate.testing.transcripts.playing import Played
from chatstate.testing.transcripts.script import Act, Step, Trouble, Where, private
from chatstate.testing.transcripts.showing import Shown

TROUBLE, LEAK, UNSTEADY = "trouble", "leak", "unsteady"
Answers = Mapping[Where, Sequence[str]]


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
    return list(_answers(steps, ran)) == list(_answers(steps, again)) and ran.values == again.values


def _calm(steps: Sequence[Step]) -> Sequence[Step]:
    return [step for step in steps if not isinstance(step.what, Trouble)]


def _differs(steps: Sequence[Step], calm: Ran, ran: Ran) -> tuple[int, str] | None:
    """Return after which step troubles have made a difference, and which."""
    wanted, got = _answers(steps, ran, _spread(steps, calm)), _answers(steps, ran)
    for (at, expected), (_, answers) in zip(wanted, got, strict=True):
        if expected != answers:
            return at, f"without the trouble it is {_words(expected)}; with it, {_words(answers)}"
    last = len(steps) - 1
    for owner in sorted({*calm.values, *ran.values}):
        before, after = calm.values.get(owner), ran.values.get(owner)
        if before != after:
            return last, f"without the trouble {owner} is {before} in the end; with it, {after}"
    if calm.left != ran.left:
        return last, f"with the trouble this is left: {', '.join(ran.left) or 'nothing'}"
    return None


def _answers(
    steps: Sequence[Step], ran: Ran, played: Sequence[Played] | None = None
) -> Iterator[tuple[int, Answers]]:
    """Yield what people were answered, with the place of what they did."""
    groups: list[tuple[int, list[Played]]] = []
    for place, (step, done) in enumerate(zip(steps, played or ran.played, strict=True)):
        if not (groups and isinstance(step.what, Trouble)):
            groups.append((place, []))
        groups[-1][1].append(done)
    for place, group in groups:
        yield place, _by_place(group)


def _by_place(played: Sequence[Played]) -> Answers:
    answers: defaultdict[Where, list[str]] = defaultdict(list)
    for done in played:
        answers["", ""] += [done.problem] if done.problem else ()
        for shown in done.shown:
            answers[shown.where].append(shown.text)
    return {where: texts for where, texts in sorted(answers.items()) if texts}


def _words(answers: Answers) -> str:
    texts = [f"{text.strip(': ')!r}" for texts in answers.values() for text in texts]
    return " and ".join(texts) or "nothing"


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
    in_rooms = {act.who for act in acts if act.where != private(act.who)}
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
                    f"without the others {who} is answered {_listed(_of(expected.shown, who))}; "
                    f"with them, {_listed(_of(done.shown, who))}"
                )
                right = [w or d for w, d in zip(wanted, together.played, strict=True)]
                spread = _spread(steps, msgspec.structs.replace(together, played=right))
                return Finding(LEAK, told, steps.index(calm[at]), spread)
    return None


def _of(shown: Sequence[Shown], who: str) -> list[str]:
    """Return what somebody is told in private."""
    return [each.text for each in shown if each.where == private(who)]


def _listed(texts: Sequence[str]) -> str:
    return _words({("", ""): texts})
