"""A choice among options: one of them, or several.

1. An option is known by what it sends: no two of a select send the same.
2. No more options are to be chosen than a select has, nor marked than may be chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import msgspec

from chatstate.checks import require_text
from chatstate.replies.buttons import VALUE_LIMIT, check_label
from chatstate.replies.naming import NamingMeta

OPTIONS_LIMIT = 25
HINT_LIMIT = 100


class Option(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, metaclass=NamingMeta):
    """One of what a `Select` offers. Who chooses it sends `value`, the label by default.

    The label has at most 80 characters, `description`, which stands below it, 100. `chosen`: it is
    marked from the beginning. Raises `TypeError` and `ValueError` for what is none of that.
    """

    others: ClassVar[Mapping[str, str]] = {
        "default": "what is marked from the beginning is chosen=",
        "emoji": "write it into label=",
    }

    label: str
    value: str | None = None
    description: str = ""
    chosen: bool = False

    def __post_init__(self) -> None:
        check_label("Option.label", self.label)
        require_text("Option.value", self.sends)
        if not 1 <= len(self.sends) <= VALUE_LIMIT:
            raise ValueError(
                f"option {self.label!r} sends {len(self.sends)} characters; 1 to {VALUE_LIMIT} "
                "are possible"
            )
        require_text("Option.description", self.description)
        if len(self.description) > HINT_LIMIT:
            raise ValueError(
                f"the description of option {self.label!r} has {len(self.description)} characters; "
                f"at most {HINT_LIMIT} are possible"
            )

    @property
    def sends(self) -> str:
        """What choosing it says: its value, or else its label."""
        return self.label if self.value is None else self.value


class Select(msgspec.Struct, frozen=True, omit_defaults=True, metaclass=NamingMeta):
    """A choice among options below a reply: of one, or of `min_values` to `max_values` of them.

    What is chosen is a press: `Message.selected` are the values, and `Message.text` is all of them
    with commas between. `options` are 1 to 25 `Option`s, or texts; no two send the same. What is
    still to be chosen is told by `placeholder`, of at most 100 characters, where there is a place
    for it. Raises `TypeError` and `ValueError` for what is none of that.
    """

    others: ClassVar[Mapping[str, str]] = {
        "choices": "what can be chosen is options=",
        "multiple": "how many can be chosen is max_values=",
        "custom_id": "each option sends its value",
    }

    options: Sequence[Option | str]
    placeholder: str = ""
    min_values: int = 1
    max_values: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.options, list | tuple):
            kind = type(self.options).__name__
            raise TypeError(f"Select.options must be a list of Option or str, not {kind}")
        made = tuple(_option(option) for option in cast("Sequence[Any]", self.options))
        msgspec.structs.force_setattr(self, "options", made)
        if not 1 <= len(made) <= OPTIONS_LIMIT:
            raise ValueError(f"a Select has 1 to {OPTIONS_LIMIT} options, not {len(made)}")
        _check_distinct(made)
        require_text("Select.placeholder", self.placeholder)
        if len(self.placeholder) > HINT_LIMIT:
            raise ValueError(f"Select.placeholder has at most {HINT_LIMIT} characters")
        self._check_numbers()

    def _check_numbers(self) -> None:
        for name in ("min_values", "max_values"):
            if type(getattr(self, name)) is not int:
                kind = type(getattr(self, name)).__name__
                raise TypeError(f"Select.{name} must be an int, not {kind}")
        if not 0 <= self.min_values <= self.max_values <= len(self.options) or not self.max_values:
            raise ValueError(
                f"Select.min_values={self.min_values} and max_values={self.max_values} must be in "
                f"order, and no more than the {len(self.options)} options"
            )
        if sum(option.chosen for option in self.choices) > self.max_values:
            raise ValueError(f"more than {self.max_values} options of the Select are chosen")

    @property
    def choices(self) -> tuple[Option, ...]:
        """The options."""
        return cast("tuple[Option, ...]", self.options)

    @property
    def is_of_one(self) -> bool:
        """Whether exactly one option is to be chosen."""
        return self.min_values == self.max_values == 1


def _option(given: Any) -> Option:
    if isinstance(given, Option):
        return given
    if not isinstance(given, str):
        raise TypeError(f"Select.options holds Option or str, not {type(given).__name__}")
    return Option(given)


def _check_distinct(options: Sequence[Option]) -> None:
    seen: set[str] = set()
    for option in options:
        if option.sends in seen:
            raise ValueError(f"two options of a Select send {option.sends!r}; let them differ")
        seen.add(option.sends)
