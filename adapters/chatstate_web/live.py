"""What open pages are told at once: that there is something new, and what is not kept.

1. What is kept is read from the transcript; here one is only told that there is more of it.
2. A draft is an answer that is being written. Who reads slowly gets the newest alone, and of that
   the blocks that are new.
3. A draft goes when something is written in its thread, or when nobody shows it again in time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

import msgspec

LASTS = 30.0
Blocks = Sequence[Any]


class Draft(msgspec.Struct, frozen=True):
    """An answer that is being written: under which key, as the blocks it is shown in."""

    key: str
    blocks: Blocks
    shown_at: float = 0.0


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a page is told of a thread: that the bot types, or what a draft has from a block on.

    `over`: what was shown of either is to go.
    """

    thread: str
    typing: bool = False
    over: bool = False
    key: str = ""
    first: int = 0
    blocks: Blocks = ()


class Watcher:
    """One open page. `changed` is set when there may be something for it.

    `has_more`: there may be more in the transcript than it has been told.
    """

    def __init__(self) -> None:
        self.has_more = True
        self.changed = asyncio.Event()
        self.changed.set()
        self._over: set[str] = set()
        self._typing: set[str] = set()
        self._drafts: dict[str, Draft] = {}
        self._shown: dict[str, Draft] = {}

    def tell(self) -> None:
        """Note that there is more in the transcript."""
        self.has_more = True
        self.changed.set()

    def type(self, thread: str) -> None:
        """Note that the bot types in a thread."""
        self._typing.add(thread)
        self.changed.set()

    def draft(self, thread: str, draft: Draft) -> None:
        """Note what a draft shows by now."""
        self._drafts[thread] = draft
        self.changed.set()

    def over(self, thread: str) -> None:
        """Note that nothing of that counts any more: something was written in a thread."""
        self._over.add(thread)
        self._typing.discard(thread)
        self._drafts.pop(thread, None)
        self._shown.pop(thread, None)
        self.tell()

    def news(self) -> Iterator[News]:
        """Yield what the page has not been told, which it is from now on."""
        over, self._over = self._over, set()
        yield from (News(thread, over=True) for thread in over)
        typing, self._typing = self._typing, set()
        drafts, self._drafts = self._drafts, {}
        for thread, draft in drafts.items():
            first = self._same(thread, draft)
            self._shown[thread] = draft
            yield News(thread, key=draft.key, first=first, blocks=draft.blocks[first:])
        for thread in typing - drafts.keys():
            yield News(thread, typing=True)

    def _same(self, thread: str, draft: Draft) -> int:
        """Return how many blocks the page shows already."""
        shown = self._shown.get(thread)
        if shown is None or shown.key != draft.key:
            return 0
        pairs = zip(shown.blocks, draft.blocks, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


class Live:
    """All open pages of a process, by the chat that they show. `is_over`: they are let go."""

    def __init__(self) -> None:
        self.is_over = False
        self._watchers: defaultdict[str, set[Watcher]] = defaultdict(set)
        self._drafts: dict[tuple[str, str], Draft] = {}

    def watch(self, chat: str) -> Watcher:
        """Return a new page's watcher, which knows the drafts that are shown now."""
        watcher = Watcher()
        self._watchers[chat].add(watcher)
        for (where, thread), draft in self._drafts.items():
            if where == chat and draft.shown_at > _now() - LASTS:
                watcher.draft(thread, draft)
        return watcher

    def leave(self, chat: str, watcher: Watcher) -> None:
        """Forget a page that was closed."""
        self._watchers[chat].discard(watcher)
        if not self._watchers[chat]:
            del self._watchers[chat]

    def count(self, chat: str) -> int:
        """Return how many pages show a chat."""
        return len(self._watchers.get(chat, ()))

    def type(self, chat: str, thread: str) -> None:
        """Show that the bot types."""
        for watcher in self._watchers.get(chat, ()):
            watcher.type(thread)

    def show(self, chat: str, thread: str, key: str, blocks: Blocks) -> None:
        """Show an answer that is being written."""
        draft, where = Draft(key, blocks, _now()), (chat, thread)
        self._drafts.pop(where, None)
        self._drafts[where] = draft  # behind all that were shown before
        self._forget()
        for watcher in self._watchers.get(chat, ()):
            watcher.draft(thread, draft)

    def _forget(self) -> None:
        """Forget drafts that nobody shows any more."""
        while self._drafts[oldest := next(iter(self._drafts))].shown_at < _now() - LASTS:
            del self._drafts[oldest]

    def wrote(self, chat: str, thread: str) -> None:
        """Tell that something of the bot's was written: what was shown before it is over."""
        self._drafts.pop((chat, thread), None)
        for watcher in self._watchers.get(chat, ()):
            watcher.over(thread)

    def tell(self, chat: str) -> None:
        """Tell that something has changed in a chat."""
        for watcher in self._watchers.get(chat, ()):
            watcher.tell()

    def begin(self) -> None:
        """Let pages be open."""
        self.is_over = False

    def end(self) -> None:
        """Let go of all pages."""
        self.is_over = True
        for watchers in list(self._watchers.values()):
            for watcher in list(watchers):
                watcher.changed.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
