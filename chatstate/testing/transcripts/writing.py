"""What happens, as lines of a transcript: those that `reading` makes the same of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from chatstate.testing.transcripts.script import (
    Act,
    Late,
    Look,
    Pause,
    Set,
    Shift,
    Step,
    Trouble,
    What,
    private,
)

_UNITS = (("d", 86_400.0), ("h", 3_600.0), ("m", 60.0))


def step_of(what: What, number: int = 0) -> Step:
    """Return a step in which something happens, with its lines."""
    return Step(what, number, tuple(lines_of(what)))


def lines_of(what: What) -> Sequence[str]:
    """Return the lines that say what happens."""
    if isinstance(what, Act):
        return _act(what)
    if isinstance(what, Pause):
        return [f"+ {' '.join(_time(what.seconds))}"]
    return [f"! {_directive(what)}"]


def _directive(what: Trouble | Late | Shift | Set | Look) -> str:
    if isinstance(what, Trouble):
        return f"{what.fault}{f' at {what.moment}' if what.moment else ''}"
    if isinstance(what, Late):
        return f"late {' '.join(_time(what.seconds))}"
    if isinstance(what, Shift):
        sign = "-" if what.seconds < 0 else "+"
        return f"clock {sign}{' '.join(_time(abs(what.seconds)))}"
    if isinstance(what, Set):
        return f"clock {datetime.fromtimestamp(what.time, UTC):%Y-%m-%d %H:%M:%S.%f}"
    return "state"


def _act(act: Act) -> Sequence[str]:
    head = act.who if act.where == private(act.who) else f"{act.who} in {_named(act)}"
    if act.at_once:
        head = f"& {head}"
    if act.verb in ("joins", "leaves", "is admin"):
        return [f"{head} {act.verb}"]
    if act.verb != "says":
        head = f"{head} {act.verb}"
    if act.taps:
        return [f"{head}: {' '.join(f'[{label}]' for label in act.taps)}"]
    text = f"\\{act.text}" if act.text.startswith(("[", "<", "\\")) else act.text
    first, *more = [*text.split("\n"), *(f"<{file}>" for file in act.files)]
    return [f"{head}: {first}".rstrip(), *(f"  {line}".rstrip() for line in more)]


def _named(act: Act) -> str:
    chat, thread = act.where
    room = "" if chat == private(act.who)[0] else chat
    return f"{room}/{thread}" if thread else room


def _time(seconds: float) -> Iterator[str]:
    for unit, length in _UNITS:
        if seconds >= length:
            yield f"{int(seconds // length)}{unit}"
            seconds %= length
    if seconds:
        yield f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
