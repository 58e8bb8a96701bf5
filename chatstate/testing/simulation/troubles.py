"""What befalls a bot while people talk to it: what is promised to make no difference to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from chatstate.testing.transcripts.script import Act, Step, Trouble, together
from chatstate.testing.transcripts.writing import step_of
from chatstate.testing.virtual.store import MOMENTS

_BEFORE = (
    *(Trouble("crash", moment) for moment in MOMENTS),
    Trouble("crash"),
    Trouble("restart"),
    Trouble("refuse"),
    Trouble("reject"),
    Trouble("lose"),
)
_BEFORE_IT, _AFTER_IT = 0.8, 0.3
_AFTER = (Trouble("repeat"), Trouble("crash"), Trouble("restart"))


def troubled(talk: Sequence[Step], random: Random) -> Iterator[Step]:
    """Yield what happens, with troubles before or after most of what somebody does."""
    for same in together(talk):
        is_act = isinstance(same[0].what, Act)
        if is_act and random.random() < _BEFORE_IT:
            yield step_of(random.choice(_BEFORE))
        yield from same
        if is_act and random.random() < _AFTER_IT:
            yield step_of(random.choice(_AFTER))
