"""What the pages of one account show, in its store; and the files on them."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from chatstate.adapter import PageMessage
from chatstate.adapter.transcript import KEPT_MESSAGES
from chatstate.engine.outbox.copying import sync_folder
from chatstate.stores.base import Store, owed_folder


class AccountTranscript:
    """See `chatstate.adapter.Transcript`."""

    def __init__(self, store: Store, account: int) -> None:
        self._store = store
        self._account = account

    @property
    def is_sole(self) -> bool:
        """See `Transcript.is_sole`."""
        return self._store.is_sole

    async def write(self, message: PageMessage) -> PageMessage:
        """See `Transcript.write`."""
        return await self._store.transcribe(self._account, message)

    async def rewrite(
        self, message: PageMessage, body: str | None, files: Sequence[str] = ()
    ) -> PageMessage | None:
        """See `Transcript.rewrite`."""
        return await self._store.retranscribe(self._account, message, body, files)

    async def read(
        self, chat: str, *, after: int = 0, thread: str | None = None, limit: int = KEPT_MESSAGES
    ) -> Sequence[PageMessage]:
        """See `Transcript.read`."""
        return await self._store.transcript(self._account, chat, after, limit, thread)

    async def find(self, chat: str, number: int) -> PageMessage | None:
        """See `Transcript.find`."""
        return await self._store.transcribed(self._account, chat, number)

    async def threads(self, chat: str) -> Sequence[PageMessage]:
        """See `Transcript.threads`."""
        return await self._store.transcribed_threads(self._account, chat)

    async def erase(self, chat: str) -> None:
        """See `Transcript.erase`."""
        await self._store.erase_transcript(self._account, chat)

    async def keep(self, key: str, source: Path) -> None:
        """See `Transcript.keep`."""
        target = owed_folder(self._store.folder) / key
        await asyncio.to_thread(_copy, source, target)
        await self._store.keep(key, target)

    async def fetch(self, key: str) -> Path | None:
        """See `Transcript.fetch`."""
        return await self._store.fetch(key)


def _copy(source: Path, target: Path) -> None:
    """Copy a file, durably, in place of what an interrupted copy has left."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = target.with_name(f"{target.name}.half")
    with source.open("rb") as file, half.open("wb") as copy:
        half.chmod(0o600)
        shutil.copyfileobj(file, copy)
        copy.flush()
        os.fsync(copy.fileno())
    half.replace(target)
    sync_folder(target.parent)
