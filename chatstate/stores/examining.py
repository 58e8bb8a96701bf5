"""What both backends tell of a store in the same words, for `chatstate doctor`."""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.adapter import Finding, fine
from chatstate.stores.control import engine_version

TIMERS = """SELECT a.bot, t.handler, count(*)
    FROM timers AS t JOIN accounts AS a ON a.id = t.account GROUP BY 1, 2 ORDER BY 1, 2"""
"""How many timers are set, by bot and handler."""


def of_schema(missing: Sequence[str]) -> Finding:
    """Return how the tables are, of which these migrations have not been made."""
    here = f"chatstate {engine_version()}"
    if not missing:
        return fine("schema", f"is that of {here}")
    told = f"is older than {here} (it lacks {', '.join(missing)})"
    return fine("schema", f"{told}: it is brought up to date when the bot is started")
