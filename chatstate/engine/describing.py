"""What an error says of itself, whatever it is: an author's `__str__` may raise anything."""

from __future__ import annotations

import traceback


def describe(error: BaseException) -> str:
    """Return an error in one line."""
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - see above
        return name
    return f"{name}: {text}" if text else name


def told_in_full(error: BaseException) -> str:
    """Return an error with its traceback."""
    try:
        return "".join(traceback.format_exception(error))
    except BaseException:  # noqa: BLE001 - see above
        return describe(error)
