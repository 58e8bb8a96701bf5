"""Albums: several files that somebody sent as one message, and Telegram gives as several.

Each file comes as an update of its own, under one `media_group_id`, and nothing tells which is
the last one. So an album waits for a moment, and so does what comes after it in its chat, as long
as it may still grow.

1. What waits here is in the adapter's cursor, which is stored before it is acknowledged: a crash
   loses none of it.
2. So are the ids of updates that went into an album, for as long as Telegram may give them again:
   a part that is delivered twice is no second album.
3. A part that comes too late is a message of its own. None is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

Json = dict[str, Any]
Group = list[Json]
"""Updates that make one message: mostly one, several if it is an album."""

QUIET_SECONDS = 0.5
LONGEST_SECONDS = 3.0
_LARGEST = 10
_REMEMBERED = 500


class _Waiting:
    """What waits in one chat."""

    def __init__(self, now: float) -> None:
        self.updates: list[Json] = []
        self.since = now
        self.due = now + QUIET_SECONDS

    def add(self, update: Json, now: float) -> None:
        self.updates.append(update)
        if album_of(update):
            self.due = min(now + QUIET_SECONDS, self.since + LONGEST_SECONDS)


class Albums:
    """Sorts updates into groups, and keeps back what may still grow."""

    def __init__(self, kept: Json, now: float) -> None:
        self._waiting: dict[Any, _Waiting] = {}
        self._done: list[int] = []
        self._read(kept, now)

    def sort(self, updates: Sequence[Json], now: float) -> list[Group]:
        """Return the groups that are complete now, in the order of each chat.

        An update that cannot be told from others is a group of its own.
        """
        ready: list[Group] = [[update] for update in updates if not self._keep(update, now)]
        for chat in [chat for chat, waiting in self._waiting.items() if waiting.due <= now]:
            ready += self._groups(self._waiting.pop(chat).updates)
        return ready

    @property
    def due(self) -> float | None:
        """When something is complete, if nothing more comes."""
        return min((waiting.due for waiting in self._waiting.values()), default=None)

    def kept(self) -> Json:
        """Return what must be stored before anything is acknowledged."""
        return {"held": [waiting.updates for waiting in self._waiting.values()], "done": self._done}

    def _read(self, kept: Json, now: float) -> None:
        self._done = list(kept.get("done", []))
        for updates in cast("list[list[Json]]", kept.get("held", [])):
            for update in updates:
                self._keep(update, now)

    def _keep(self, update: Json, now: float) -> bool:
        """Keep an update back, if its chat waits, or it is of an album; or if it came before."""
        chat, album = chat_of(update), album_of(update)
        if chat is None:
            return False
        waiting = self._waiting.get(chat)
        if waiting is None and album is None:
            return False
        known = waiting.updates if waiting else []
        if update["update_id"] in (*self._done, *(other["update_id"] for other in known)):
            return True
        waiting = self._waiting.setdefault(chat, _Waiting(now))
        waiting.add(update, now)
        if album and sum(album_of(other) == album for other in waiting.updates) == _LARGEST:
            waiting.due = now
        return True

    def _groups(self, updates: list[Json]) -> list[Group]:
        groups: dict[Any, Group] = {}
        for update in updates:
            album = album_of(update)
            groups.setdefault(album or update["update_id"], []).append(update)
            if album:
                self._done.append(update["update_id"])
        del self._done[:-_REMEMBERED]
        return list(groups.values())


def chat_of(update: Json) -> Any:
    """Return the id of the chat that an update comes from, if it is told as usual."""
    update_id: object = update.get("update_id")
    for value in update.values():
        content = cast("Json", value) if isinstance(value, dict) else {}
        place: object = content.get("message", content)
        chat: object = cast("Json", place).get("chat") if isinstance(place, dict) else None
        if isinstance(chat, dict) and isinstance(update_id, int):
            return cast("Json", chat).get("id")
    return None


def album_of(update: Json) -> str | None:
    """Return the id of the album that a new message belongs to."""
    for kind in ("message", "channel_post"):
        content: object = update.get(kind)
        if isinstance(content, dict):
            return cast("Json", content).get("media_group_id")
    return None
