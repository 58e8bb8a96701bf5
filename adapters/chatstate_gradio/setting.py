"""What is the same for all of an app, whatever its shape: who may use it, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chatstate_gradio.asking import forget
from chatstate_gradio.sweeping import Sweeper

_TIMEOUT = 3600.0  # Gradio has none: a model takes what it takes


class Setting(NamedTuple):
    """An app that is served as a bot.

    - `id` is the bot's; `names` are what components are called in the file, by their ids.
    - `largest` is how many bytes a file may have that is sent, None if that is open.
    - `allow` are those who may use it; nobody is named if everybody may.
    - `sweeper` removes what turns leave behind, if that is for the bot to do.
    """

    app: Any
    id: str
    names: Mapping[int, str]
    largest: int | None
    allow: Sequence[str]
    sweeper: Sweeper | None

    def tidy(self, sent: Sequence[Any]) -> None:
        """Remove what was laid down for a turn, which was sent payloads, and what is old."""
        forget(sent)
        if self.sweeper:
            self.sweeper.sweep()

    def options(self, fn: Any) -> dict[str, Any]:
        """Return what a bot is made with whose messages a function answers."""
        limit = fn.concurrency_limit
        if limit == "default":
            limit = self.app._queue.default_concurrency_limit
        only = {"allow": "owners", "owners": list(self.allow)} if self.allow else {}
        return {"id": self.id, "concurrency_limit": limit, "timeout": _TIMEOUT, **only}
