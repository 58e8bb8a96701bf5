"""`Transcripts`: the verbs of what pages of ours show.

1. What is in a chat is read in the order of its revisions, of which none becomes visible before an
   earlier one.
2. Who lets a person's data go calls `erase_transcript` for the person's private chat; who lists it
   reads `transcript` to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chatstate.adapter.transcript import PageMessage


class Transcripts(Protocol):
    """Messages as pages show them; see `chatstate.adapter.transcript`. Chats by the page's ids."""

    async def transcribe(self, account: int, message: PageMessage) -> PageMessage:
        """Keep a message under its key, and return it with id, revision and time.

        If its chat has one of this key, nothing is kept, and that is returned. The oldest of its
        thread are forgotten beyond 200.
        """
        ...

    async def retranscribe(
        self, account: int, message: PageMessage, body: str | None, files: Sequence[str]
    ) -> PageMessage | None:
        """Change a message, unless it has another revision by now: then None is returned.

        With the body None it is deleted. Files that it had and has no more are discarded.
        """
        ...

    async def transcript(
        self, account: int, chat: str, after: int, limit: int, thread: str | None = None
    ) -> Sequence[PageMessage]:
        """Return the first messages with revisions above `after`, in that order.

        Deleted ones are among them, as long as they are kept. This needs no run.
        """
        ...

    async def transcribed(self, account: int, chat: str, number: int) -> PageMessage | None:
        """Return the message of an id, None if it is deleted, or not kept."""
        ...

    async def transcribed_threads(self, account: int, chat: str) -> Sequence[PageMessage]:
        """Return the oldest message of each thread, the thread written in last first."""
        ...

    async def erase_transcript(self, account: int, chat: str) -> None:
        """Forget a chat's messages and their files."""
        ...
