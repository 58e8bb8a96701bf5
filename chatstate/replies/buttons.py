"""Buttons below a reply, and how they stand in rows.

1. A button does one thing: it sends a value, runs a command, or opens an address.
2. A reply may have as many as the widest platform takes; where there is less room, rows are cut,
   and what is left over is written out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, cast

import msgspec

from chatstate.adapter.actions import ButtonStyle
from chatstate.checks import check_address, require_text
from chatstate.replies.naming import NamingMeta

LABEL_LIMIT = 80
VALUE_LIMIT = 4000
ADDRESS_LIMIT = 512
ROW_LIMIT = 8
BUTTONS_LIMIT = 100
"""How a button looks: as most do, or set off in blue, green or red."""
_STYLES = ("secondary", "primary", "success", "danger")
_COMMAND = re.compile(r"/\w{1,32}(@\w+)?(\s.*)?", re.ASCII | re.DOTALL)


class Button(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, metaclass=NamingMeta):
    """A button below a reply. Who presses it sends `value`, runs `command`, or opens `url`.

    - A value (the label by default) arrives as the text of a message and never runs a command; a
      command is what a person might type, such as `/vote 1`. What opens an address of the web
      sends nothing.
    - `style` is "secondary", "primary", "success" or "danger", where a platform has such.
    - `disabled`: it is shown, and does nothing.

    The label has at most 80 characters, what it sends at most 4,000, an address 512. Raises
    `TypeError` and `ValueError` for what is none of that.
    """

    others: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("callback_data", "custom_id", "data", "payload"), "what it sends is value="
        ),
        **dict.fromkeys(("text", "title"), "what stands on it is label="),
        **dict.fromkeys(("link", "href"), "the address that it opens is url="),
    }

    label: str
    value: str | None = None
    command: str | None = None
    url: str | None = None
    style: ButtonStyle = "secondary"
    disabled: bool = False

    def __post_init__(self) -> None:
        check_label("Button.label", self.label)
        if self.style not in _STYLES:
            raise ValueError(f"button {self.label!r}: style={self.style!r} is none of {_STYLES}")
        given = [name for name in ("value", "command", "url") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(
                f"button {self.label!r} has a {' and a '.join(given)}; give one of them"
            )
        if self.url is not None:
            check_address("Button.url", self.url, ADDRESS_LIMIT)
        else:
            self._check_what_it_sends()

    def _check_what_it_sends(self) -> None:
        require_text("what a button sends", self.sends)
        if self.command is not None and not is_command(self.command):
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


def check_label(what: str, label: object) -> None:
    """Raise `TypeError` or `ValueError` for what cannot stand on a button; `what` is its name."""
    require_text(what, label)
    text = cast("str", label)
    if not text.strip() or len(text) > LABEL_LIMIT:
        raise ValueError(f"{what} has 1 to {LABEL_LIMIT} characters: {text!r}")


def is_command(text: str) -> bool:
    """Tell whether a text is what a person types to run a command."""
    return _COMMAND.fullmatch(text) is not None


Buttons: TypeAlias = Sequence[Button] | Sequence[Sequence[Button]]


def rows_of(buttons: Buttons, width: int = ROW_LIMIT) -> list[list[Button]]:
    """Return buttons in rows: as they were given, or else at most so many beside each other.

    Short ones stand in one row, others in about five.
    """
    if any(not isinstance(entry, Button) for entry in buttons):
        return [list(row) for row in cast("Sequence[Sequence[Button]]", buttons)]
    flat = list(cast("Sequence[Button]", buttons))
    are_short = sum(len(button.label) for button in flat) <= _SHORT_ROW
    beside = len(flat) if are_short and len(flat) <= width else min(-(-len(flat) // _ROWS), width)
    return [flat[first : first + beside] for first in range(0, len(flat), max(beside, 1))]


_SHORT_ROW = 40
_ROWS = 5


def checked_buttons(given: Any) -> Buttons:
    """Return buttons as they are now: whoever made the list may change it later.

    Raises `TypeError` and `ValueError` for what no `Reply` can have.
    """
    if not isinstance(given, list | tuple):
        raise TypeError(f"Reply.buttons must be a list of Button, not {type(given).__name__}")
    entries = cast("list[Any]", given)
    kept = tuple(tuple(cast("list[Any]", row)) if isinstance(row, list) else row for row in entries)
    if not all(isinstance(entry, Button) for entry in kept):
        _check_rows(kept)
    rows = rows_of(kept)
    if any(not 1 <= len(row) <= ROW_LIMIT for row in rows) or sum(map(len, rows)) > BUTTONS_LIMIT:
        raise ValueError(
            f"a Reply has at most {BUTTONS_LIMIT} buttons, in rows of 1 to {ROW_LIMIT}"
        )
    return kept


def _check_rows(rows: tuple[Any, ...]) -> None:
    for row in rows:
        if not isinstance(row, tuple):
            raise TypeError("Reply.buttons must be a list of Button, or of rows of them")
        for button in cast("tuple[Any, ...]", row):
            if not isinstance(button, Button):
                raise TypeError(f"Reply.buttons holds Button, not {type(button).__name__}")


def fit_label(text: str) -> str:
    """Return a text as a button's label: shortened, if it is longer than that may be."""
    return text if len(text) <= LABEL_LIMIT else f"{text[: LABEL_LIMIT - 1].rstrip()}…"
