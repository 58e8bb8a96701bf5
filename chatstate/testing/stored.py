"""What a store has of a bot's states, by names for people."""

from __future__ import annotations

from collections.abc import Iterable

from chatstate.stores.base import Entry, Filter

EVERYTHING = Filter(limit=1_000_000)
"""All values that there are, in a test."""


def stored_values(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the JSON of values, by the state's name and whose they are."""
    return {_owner(entry): entry.body for entry in entries}


def _owner(entry: Entry) -> str:
    """Return the name of a state, and whose value it is."""
    name = entry.key.name if entry.key else ""
    person = f" of {entry.person}" if entry.person else ""
    chat = "" if entry.chat == f"private-{entry.person}" else entry.chat
    place = f"{chat}/{entry.thread}" if entry.thread else chat
    return f"{name}{person}{f' in {place}' if place else ''}"
