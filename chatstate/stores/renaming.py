"""A bot's new name in a store that is held: what both SQL stores do, and what they refuse."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chatstate.errors import LoadError

KNOWN = " UNION ".join(
    f"SELECT bot FROM {table}"  # noqa: S608 - ours
    for table in ("accounts", "tenants", "dead_letters", "broadcasts")
)
"""Selects the bots of which there is anything beside runs, secrets and values."""


def renaming(*more: str) -> Sequence[str]:
    """Return what lets the rows of these tables, too, be of another bot: `$1` is the old name."""
    named = ("secrets", "accounts", "tenants", "dead_letters", "broadcasts", "forgotten")
    tables = (*named, *more)
    return [
        "DELETE FROM secrets WHERE bot = $2",  # whatever it was for, nothing is left of that
        *(f"UPDATE {table} SET bot = $2 WHERE bot = $1" for table in tables),  # noqa: S608 - ours
    ]


def refuse_renaming(known: Collection[str], location: str, old: str, new: str) -> None:
    """Raise `LoadError` unless the store knows the old name, and nothing under the new one."""
    if not new.strip():
        raise LoadError("the new name is empty")
    if old not in known:
        there = ", ".join(sorted(known)) or "none"
        raise LoadError(f"{location} knows no bot {old!r}; it knows {there}")
    if new in known:
        raise LoadError(f"{location} has a bot {new!r} already: two bots cannot become one")
