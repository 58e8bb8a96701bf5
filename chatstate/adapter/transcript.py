"""What a page of ours shows of a conversation: kept for it, as no platform does.

1. Bodies of events and replies are erased once they are done; a page is loaded again later.
2. An id is given once in a chat. Each change of a message gets a `revision`, higher than all before
   in its chat: whoever has seen all up to one has missed nothing.
3. A thread keeps its newest `KEPT_MESSAGES`, none of them for more than `KEPT_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

KEPT_MESSAGES = 200
KEPT_SECONDS = 30 * 24 * 3600.0


class PageMessage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A message as a page shows it, whoever wrote it.

    - `key` is the same whenever it is written again; `body` is its adapter's own, None once it is
      deleted. `files` are the keys of those that hang on it, which go with it.
    - `id` and `revision` are the store's, and so is the time `at` which it was written.
    """

    chat: str
    key: str
    body: str | None
    thread: str = ""
    files: tuple[str, ...] = ()
    id: int = 0
    revision: int = 0
    at: float = 0.0


class Transcript(Protocol):
    """What the pages of one account show, durably. Chats are named by the adapter's own ids."""

    @property
    def is_sole(self) -> bool:
        """Whether nobody but this process writes it."""
        ...

    async def write(self, message: PageMessage) -> PageMessage:
        """Keep a message, and return it with its id.

        If its chat has one of this key already, that is returned as it is, and nothing is kept.
        """
        ...

    async def rewrite(
        self, message: PageMessage, body: str | None, files: Sequence[str] = ()
    ) -> PageMessage | None:
        """Let a message show something else; None deletes it. Files that it has no more go.

        None is returned, and nothing has changed, if it was changed since it was read.
        """
        ...

    async def read(
        self, chat: str, *, after: int = 0, thread: str | None = None, limit: int = KEPT_MESSAGES
    ) -> Sequence[PageMessage]:
        """Return what was changed after a revision, in the order of revisions."""
        ...

    async def find(self, chat: str, number: int) -> PageMessage | None:
        """Return the message of an id, None if there is none, or no more."""
        ...

    async def threads(self, chat: str) -> Sequence[PageMessage]:
        """Return the oldest message that is kept of each thread, that of the busiest first.

        That is the one in which something was written last.
        """
        ...

    async def erase(self, chat: str) -> None:
        """Forget all that is kept of a chat, its files too."""
        ...

    async def keep(self, key: str, source: Path) -> None:
        """Keep a copy of a file under a key, durably, until its message lets go of it."""
        ...

    async def fetch(self, key: str) -> Path | None:
        """Return where a kept file lies now on this machine; None if it is gone."""
        ...
