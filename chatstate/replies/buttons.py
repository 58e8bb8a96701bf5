"""Buttons below a reply, and how they stand in rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec

from chatstate.replies.texts import require_text

LABEL_LIMIT = 80
VALUE_LIMIT = 4000
ROW_LIMIT = 5
BUTTONS_LIMIT = ROW_LIMIT * ROW_LIMIT
_COMMAND = re.compile(r"/\w{1,32}(@\w+)?(\s.*)?", re.ASCII | re.DOTALL)

_OTHERS: Mapping[str, str] = {
    **dict.fromkeys(("callback_data", "custom_id", "data", "payload"), "what it sends is value="),
    **dict.fromkeys(("text", "title"), "what stands on it is label="),
    "url": "it opens no address: put that into the text, as in Markdown('[label](https://...)')",
}
"""What other libraries call a button's arguments, and what to write instead."""


class _ButtonMeta(msgspec.StructMeta):
    """Tells whoever knows another library what an argument is called here."""

    if not TYPE_CHECKING:  # a type checker is to go on knowing what a Button takes

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - a Button's class
            try:
                return super().__call__(*args, **kwargs)
            except TypeError as error:
                other = next((name for name in kwargs if name in _OTHERS), None)
                if other is None:
                    raise
                raise TypeError(f"Button has no argument {other}: {_OTHERS[other]}") from error


class Button(msgspec.Struct, frozen=True, gc=False, metaclass=_ButtonMeta):
    """A button below a reply. Who presses it sends `value`, or runs `command`.

    A value (the label by default) arrives as the text of a message and never runs a command; a
    command is what a person might type, such as `/vote 1`. The label has at most 80 characters,
    what it sends at most 4,000. Raises `TypeError` and `ValueError` for what is none of that.
    """

    label: str
    value: str | None = None
    command: str | None = None

    def __post_init__(self) -> None:
        require_text("Button.label", self.label)
        if not self.label.strip() or len(self.label) > LABEL_LIMIT:
            raise ValueError(f"a button's label has 1 to {LABEL_LIMIT} characters: {self.label!r}")
        if self.command is not None and self.value is not None:
            raise ValueError(f"button {self.label!r} has a value and a command; give one of them")
        require_text("what a button sends", self.sends)
        if self.command is not None and not _COMMAND.fullmatch(self.command):
            raise ValueError(f"a command is like /vote, or /vote 1: {self.command!r} is none")
        if not self.sends or len(self.sends) > VALUE_LIMIT:
            raise ValueError(
                f"button {self.label!r} sends {len(self.sends)} characters; 1 to {VALUE_LIMIT} "
                "are possible"
            )

    @property
    def sends(self) -> str:
        """What pressing it says: its command, its value, or else its label."""
        if self.command is not None:
            return self.command
        return self.label if self.value is None else self.value


Buttons: TypeAlias = Sequence[Button] | Sequence[Sequence[Button]]


def rows_of(buttons: Buttons) -> list[list[Button]]:
    """Return buttons in rows: as they were given, or up to five beside each other."""
    if any(not isinstance(entry, Button) for entry in buttons):
        return [list(row) for row in cast("Sequence[Sequence[Button]]", buttons)]
    flat = list(cast("Sequence[Button]", buttons))
    short = sum(len(button.label) for button in flat) <= _SHORT_ROW
    width = len(flat) if short and len(flat) <= ROW_LIMIT else -(-len(flat) // ROW_LIMIT)
    return [flat[first : first + width] for first in range(0, len(flat), max(width, 1))]


_SHORT_ROW = 40


def fit_label(text: str) -> str:
    """Return a text as a button's label: shortened, if it is longer than that may be."""
    return text if len(text) <= LABEL_LIMIT else f"{text[: LABEL_LIMIT - 1].rstrip()}…"
