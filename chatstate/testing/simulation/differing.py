"""What differs between two runs of the same: in answers, in what is stored, in what is left.

1. What happens between things that people do belongs to what was done before.
2. The order of answers counts within each conversation, and that of what else is done there. When
   they come does not.
3. What was done at the very same moment may be in any order in the other run.
4. Of several edits in a chat after one thing that people do the last counts: it may be made alone.
5. What is refused for good is shown to us, and not to the bot: what it does to its messages in that
   chat later may fail.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

from chatstate.testing.simulation.running import Ran
from chatstate.testing.transcripts.playing import Played
from chatstate.testing.transcripts.script import Step, Trouble, Where, together
from chatstate.testing.transcripts.showing import Shown

Difference = tuple[int, str]
"""After the step at a place of the list, in words."""
Kind = tuple[Where, str]
"""Where something is said, or else done: "reacts", "deletes", "calls"."""
Answer = tuple[int, str]
"""What a bot has said, after the step at a place of the list."""


def differs(steps: Sequence[Step], calm: Ran, ran: Ran) -> Difference | None:
    """Return after which step troubles have made a difference, and which."""
    wanted, got = _answers(steps, calm), _answers(steps, ran)
    if any(ran.asked_again.rstrip(":") in text for texts in got.values() for _, text in texts):
        return None  # which is promised, and what follows is another conversation
    found = [
        first(*(_lasting(ran, kind, of) for of in (wanted, got))) for kind in {**wanted, **got}
    ]
    if differences := [difference for difference in found if difference]:
        at, without, with_ = min(differences)
        return at, f"without the trouble it is {without}; with it, {with_}"
    last = len(steps) - 1
    for owner in sorted({*calm.values, *ran.values}):
        before, after = calm.values.get(owner), ran.values.get(owner)
        if before != after:
            return last, f"without the trouble {owner} is {before} in the end; with it, {after}"
    if calm.left != ran.left:
        return last, f"with the trouble this is left: {', '.join(ran.left) or 'nothing'}"
    return None


def first(wanted: Sequence[Answer], got: Sequence[Answer]) -> tuple[int, str, str] | None:
    """Return after which step what was said differs first, what it should be, and what it is."""
    for expected, answer in itertools.zip_longest(wanted, got):
        if expected is None or answer is None or expected[1] != answer[1]:
            at = max(said[0] for said in (expected, answer) if said)
            return at, _words(expected), _words(answer)
    return None


def _answers(steps: Sequence[Step], ran: Ran) -> Mapping[Kind, Sequence[Answer]]:
    """Return what was said in each conversation, with the places of what people did before."""
    places = _places(steps)
    at, said = 0, defaultdict[Kind, list[Answer]](list)
    for step, done in zip(ran.steps, ran.played, strict=True):
        at = at if _is_trouble(step) else places[step.number]
        said[("", ""), ""] += [(at, done.problem)] if done.problem else ()
        for shown in done.shown:
            verb = shown.text.partition(":")[0]
            answers = said[shown.where, "" if verb == "edits" else verb]
            before = answers[-1] if answers else (-1, "")
            if verb == "edits" and before[0] == at and before[1].startswith("edits:"):
                answers.pop()
            answers.append((at, shown.text))
    return said


def _places(steps: Sequence[Step]) -> Mapping[int, int]:
    """Return the place of each step by its number: what is at once is at the last of it."""
    places: dict[int, int] = {}
    end = 0
    for same in together(steps):
        end += len(same)
        places.update({step.number: end - 1 for step in same if not _is_trouble(step)})
    return places


def _lasting(ran: Ran, kind: Kind, said: Mapping[Kind, Sequence[Answer]]) -> Sequence[Answer]:
    answers = said.get(kind, ())
    if kind[0][0] in ran.rejected:
        return [answer for answer in answers if answer[1].startswith(":")]
    return answers


def _words(answer: Answer | None) -> str:
    return repr(answer[1].strip(": ")) if answer else "nothing"


def spread(steps: Sequence[Step], calm: Ran) -> Sequence[Played]:
    """Return what was played without troubles, beside all steps.

    What is done at the very same moment is answered behind the last of it.
    """
    played = {step.number: done for step, done in zip(calm.steps, calm.played, strict=True)}
    behind: list[Played] = []
    for same in together(steps):
        numbers = [step.number for step in same if not _is_trouble(step)]
        done = [played[number] for number in sorted(numbers, key=list(played).index)]
        shown: list[Shown] = [each for one_of in done for each in one_of.shown]
        here = played[numbers[-1]].here if numbers else None
        behind += [Played((), None) for _ in same[1:]]
        behind.append(Played(shown, here))
    return behind


def _is_trouble(step: Step) -> bool:
    return isinstance(step.what, Trouble)
