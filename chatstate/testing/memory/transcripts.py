"""`Transcripts`, on dicts: what pages of ours show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from chatstate.adapter.transcript import KEPT_MESSAGES, KEPT_SECONDS, PageMessage
from chatstate.testing.memory.tables import MemoryData
from chatstate.testing.memory.verbs import Verbs, verb


class MemoryTranscripts(Verbs):
    """The verbs of `chatstate.stores.transcripts.Transcripts`."""

    @verb
    def transcribe(self, account: int, message: PageMessage) -> PageMessage:
        kept = self._data.transcripts[account, message.chat]
        for known in kept.values():
            if known.key == message.key:
                return known
        number = self._revision(account, message.chat)
        written = replace(message, id=number, revision=number, at=self._clock())
        kept[number] = written
        of_thread = [n for n, other in kept.items() if other.thread == message.thread]
        forget(self._data, kept, of_thread[:-KEPT_MESSAGES])
        return written

    @verb
    def retranscribe(
        self, account: int, message: PageMessage, body: str | None, files: Sequence[str]
    ) -> PageMessage | None:
        kept = self._data.transcripts[account, message.chat]
        known = kept.get(message.id)
        if known is None or known.revision != message.revision:
            return None
        number = self._revision(account, message.chat)
        kept[message.id] = replace(known, body=body, files=tuple(files), revision=number)
        _discard(self._data, set(known.files) - set(files))
        return kept[message.id]

    async def transcript(
        self, account: int, chat: str, after: int, limit: int, thread: str | None = None
    ) -> Sequence[PageMessage]:
        await self.way()
        kept = self._data.transcripts[account, chat].values()
        found = [
            message
            for message in sorted(kept, key=lambda message: message.revision)
            if message.revision > after and thread in (None, message.thread)
        ]
        return found[:limit]

    @verb
    def transcribed(self, account: int, chat: str, number: int) -> PageMessage | None:
        found = self._data.transcripts[account, chat].get(number)
        return None if found is None or found.body is None else found

    @verb
    def transcribed_threads(self, account: int, chat: str) -> Sequence[PageMessage]:
        oldest: dict[str, PageMessage] = {}
        newest: dict[str, int] = {}
        for message in self._data.transcripts[account, chat].values():
            if message.body is not None:
                oldest.setdefault(message.thread, message)
            newest[message.thread] = message.id
        return sorted(oldest.values(), key=lambda message: -newest[message.thread])

    @verb
    def erase_transcript(self, account: int, chat: str) -> None:
        kept = self._data.transcripts.pop((account, chat), {})
        forget(self._data, kept, list(kept))
        self._data.revisions.pop((account, chat), None)

    def _revision(self, account: int, chat: str) -> int:
        newest = self._data.revisions.get((account, chat), 0)
        number = max(newest + 1, int(self._clock() * 1000))
        self._data.revisions[account, chat] = number
        return number


def prune(data: MemoryData, now: float) -> None:
    """Forget what is too old."""
    for kept in data.transcripts.values():
        old = [number for number, message in kept.items() if message.at < now - KEPT_SECONDS]
        forget(data, kept, old)


def forget(data: MemoryData, kept: dict[int, PageMessage], numbers: Collection[int]) -> None:
    """Forget messages, and their files."""
    for number in numbers:
        _discard(data, kept.pop(number).files)


def _discard(data: MemoryData, keys: Iterable[str]) -> None:
    for key in keys:
        data.files.pop(key, None)
