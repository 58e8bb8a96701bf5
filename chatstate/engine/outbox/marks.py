"""Buttons that stand for a select of several: to press one marks or unmarks an option.

1. Each carries what was marked when it was shown, and how often that had changed. What was marked
   since is in memory, and in the store with the turn that marked it: whoever presses faster than
   the platform shows it loses nothing, though the process dies or another one goes on.
2. To press an option lets it be what it did not show. To do that again changes nothing.
3. What the buttons stand for is kept in the store, under a reference that they carry.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from chatstate.language.sentences import Sentence
from chatstate.replies import Button, Option, Reply, Select

_REMEMBERED = 1000


class Offered(msgspec.Struct, frozen=True):
    """What the buttons of one message stand for: a select, and the buttons above it."""

    select: Select
    rows: list[list[Button]]


class Mark(NamedTuple):
    """What a button carries: what is marked, as bits, how often it changed, and its option."""

    ref: str
    changes: int
    marked: int
    option: int | None = None

    @classmethod
    def read(cls, text: str) -> Mark:
        """Return what `str` has written."""
        ref, *numbers = text.split(".")
        return cls(ref, *(int(number, 16) for number in numbers))

    def __str__(self) -> str:
        """Return it as a button carries it."""
        numbers = [number for number in self[1:] if number is not None]
        return ".".join([self.ref, *(f"{number:x}" for number in numbers)])

    @property
    def key(self) -> str:
        """What is marked now is in the store under this."""
        return f"{self.ref}!"

    @property
    def has_option(self) -> bool:
        """Whether the option was marked when the button was shown."""
        return self.option is not None and bool(self.marked >> self.option & 1)


class MarkedReply(Reply, frozen=True):
    """A change of a message's buttons, and of nothing else: what is marked now."""

    mark: Mark = Mark("", 0, 0)

    def __post_init__(self) -> None:
        """Take what was checked when it was offered."""


class Marks:
    """Remembers what was marked last."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, Mark] = OrderedDict()

    def newest(self, mark: Mark) -> Mark:
        """Return what is marked now, if a button carries this."""
        known = self._newest.get(mark.ref)
        return known if known and known.changes >= mark.changes else mark

    def press(self, mark: Mark, select: Select) -> Mark:
        """Return what is marked once a button was pressed. Raises `Sentence` if that is much."""
        bit = 1 << (mark.option or 0)
        before = self.newest(mark)
        marked = before.marked & ~bit
        if not mark.has_option:
            marked = bit if select.max_values == 1 else marked | bit
        if marked.bit_count() > select.max_values:
            raise Sentence("too_many_chosen", number=select.max_values)
        now = Mark(mark.ref, before.changes + 1, marked)
        self.learn(now)
        return now

    def learn(self, mark: Mark) -> None:
        """Remember what is marked, if nothing newer is known."""
        self._newest[mark.ref] = self.newest(mark)
        self._newest.move_to_end(mark.ref)
        if len(self._newest) > _REMEMBERED:
            self._newest.popitem(last=False)


def first_mark(ref: str, options: Sequence[Option]) -> Mark:
    """Return what is marked from the beginning."""
    return Mark(ref, 0, sum(option.chosen << number for number, option in enumerate(options)))


def chosen(select: Select, mark: Mark) -> list[str]:
    """Return the values of what is marked."""
    return [o.sends for number, o in enumerate(select.choices) if mark.marked >> number & 1]


def as_marked(select: Select, mark: Mark) -> Select:
    """Return a select whose options are chosen as they are marked."""
    options = [
        replace(option, chosen=bool(mark.marked >> number & 1))
        for number, option in enumerate(select.choices)
    ]
    return replace(select, options=options)
