"""Quick answers: what a person may tap instead of typing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import msgspec

from chatstate.replies.buttons import check_label

SUGGESTIONS_LIMIT = 25


class ShareContact(msgspec.Struct, frozen=True, gc=False):
    """A suggestion to send one's own contact, with its phone number.

    `label` is what it shows; by default it says that, in the person's language.
    """

    label: str = ""


class ShareLocation(msgspec.Struct, frozen=True, gc=False):
    """A suggestion to send where one is. `label` is as in `ShareContact`."""

    label: str = ""


Suggestion: TypeAlias = str | ShareContact | ShareLocation
Suggestions: TypeAlias = Sequence[Suggestion]


def checked_suggestions(given: Any) -> tuple[Suggestion, ...]:
    """Return suggestions as they are now. Raises `TypeError` and `ValueError` for what is none."""
    if not isinstance(given, list | tuple):
        raise TypeError(f"Reply.suggestions must be a list of str, not {type(given).__name__}")
    kept = tuple(cast("list[Any]", given))
    for suggestion in kept:
        if isinstance(suggestion, str):
            check_label("a suggestion", suggestion)
        elif not isinstance(suggestion, ShareContact | ShareLocation):
            kind = type(suggestion).__name__
            raise TypeError(
                f"Reply.suggestions holds str, ShareContact and ShareLocation, not {kind}"
            )
        elif suggestion.label != "":
            check_label(f"{type(suggestion).__name__}.label", suggestion.label)
    if len(kept) > SUGGESTIONS_LIMIT:
        raise ValueError(f"a Reply has at most {SUGGESTIONS_LIMIT} suggestions, not {len(kept)}")
    return kept
