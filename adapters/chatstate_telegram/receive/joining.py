"""What is one message and comes as several updates: albums, and texts too long for one.

An album's files come under one `media_group_id`, and nothing tells which is the last one. A text
of more than 4,096 characters is cut by the client of who writes it, and its pieces come 60 to 200
milliseconds apart. So what may still grow waits for a moment, and so does what comes after it in
its chat.

1. What waits here is in the adapter's cursor, which is stored before it is acknowledged: a crash
   loses none of it.
2. So are the ids of updates that were joined, for as long as Telegram may give them again: a part
   that is delivered twice is no second message.
3. A part that comes too late is a message of its own. None is lost.
4. A text goes on one of at least 4,000 UTF-16 code units, of the same person in the same chat and
   topic, sent within a second or two. A command never does, and whatever else that person does
   meanwhile ends it.
5. What cannot be read is kept back by nothing here: it is told when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Any, cast

from chatstate_telegram.receive.content import is_command, units

Json = dict[str, Any]
Group = list[Json]
"""Updates that make one message: mostly one, several if they were joined."""

QUIET_SECONDS = 0.5
LONGEST_SECONDS = 3.0
PIECE_SECONDS = 1.0
LONGEST_TEXT_SECONDS = 10.0
_FULL = 4000
_APART = 2  # seconds between pieces, as Telegram dates them: whole ones
_LARGEST = 10
_REMEMBERED = 500
_NOTHING: Json = {}


class _Waiting:
    """What waits in one chat: until when for an album, and until when for a text."""

    def __init__(self, now: float) -> None:
        self.updates: list[Json] = []
        self._since = now
        self._album_due = self._text_due = now

    @property
    def due(self) -> float:
        """When it is complete, if nothing more comes."""
        return max(self._album_due, self._text_due)

    def add(self, update: Json, now: float) -> None:
        album = album_of(update)
        speaker = _speaker(update)
        self.updates.append(update)
        if album:
            count = sum(album_of(other) == album for other in self.updates)
            grows = min(now + QUIET_SECONDS, self._since + LONGEST_SECONDS)
            self._album_due = now if count == _LARGEST else grows
        if is_full(update):
            self._text_due = min(now + PIECE_SECONDS, self._since + LONGEST_TEXT_SECONDS)
        elif any(is_full(other) and _speaker(other) == speaker for other in self.updates):
            self._text_due = now


class Joining:
    """Sorts updates into groups, and keeps back what may still grow."""

    def __init__(self, kept: Json, now: float) -> None:
        self._waiting: dict[int, _Waiting] = {}
        self._done: dict[int, None] = {}
        self._read(kept, now)

    def sort(self, updates: Sequence[Json], now: float) -> list[Group]:
        """Return the groups that are complete now, in the order of each chat.

        An update that cannot be told from others is a group of its own.
        """
        ready: list[Group] = [[update] for update in updates if not self._keep(update, now)]
        for chat in [chat for chat, waiting in self._waiting.items() if waiting.due <= now]:
            ready += self._grouped(self._waiting.pop(chat).updates)
        return ready

    @property
    def due(self) -> float | None:
        """When something is complete, if nothing more comes."""
        return min((waiting.due for waiting in self._waiting.values()), default=None)

    def kept(self) -> Json:
        """Return what must be stored before anything is acknowledged."""
        held = [waiting.updates for waiting in self._waiting.values()]
        return {"held": held, "done": list(self._done)}

    def _read(self, kept: Json, now: float) -> None:
        self._done = dict.fromkeys(kept.get("done", []))
        for updates in cast("list[list[Json]]", kept.get("held", [])):
            for update in updates:
                self._keep(update, now)

    def _keep(self, update: Json, now: float) -> bool:
        """Keep an update back, if its chat waits, or it may grow; or if it came before."""
        try:
            return self._may_wait(update, now)
        except Exception:  # noqa: BLE001 - by the module's rule 5
            return False

    def _may_wait(self, update: Json, now: float) -> bool:
        chat = chat_of(update)
        if chat is None:
            return False
        if update["update_id"] in self._done:
            return True
        waiting = self._waiting.get(chat)
        if waiting is None and not (album_of(update) or is_full(update)):
            return False
        if waiting and update["update_id"] in [other["update_id"] for other in waiting.updates]:
            return True
        json.dumps([[[[update]]]])  # as deep as it will be in the cursor, and deeper
        hash((album_of(update), _speaker(update)))
        waiting = waiting or _Waiting(now)
        waiting.add(update, now)
        self._waiting[chat] = waiting
        return True

    def _grouped(self, updates: list[Json]) -> list[Group]:
        """Return the messages that updates make; each is one if they cannot be told apart."""
        try:
            return self._groups(updates)
        except Exception:  # noqa: BLE001 - by the module's rule 5
            return [[update] for update in updates]

    def _groups(self, updates: list[Json]) -> list[Group]:
        groups: dict[Hashable, Group] = {}
        latest: dict[Hashable, Group] = {}
        for update in updates:
            speaker, album = _speaker(update), album_of(update)
            before = latest.get(speaker)
            if before and _goes_on(update, before[-1]):
                before.append(update)
            else:
                latest[speaker] = groups.setdefault(album or update["update_id"], [])
                latest[speaker].append(update)
        joined = [group for group in groups.values() if len(group) > 1 or album_of(group[0])]
        self._done |= {update["update_id"]: None for group in joined for update in group}
        self._done = dict.fromkeys(list(self._done)[-_REMEMBERED:])
        return list(groups.values())


def chat_of(update: Json) -> int | None:
    """Return the id of the chat that an update comes from, if it is told as usual."""
    update_id: object = update.get("update_id")
    for value in update.values():
        content = cast("Json", value) if isinstance(value, dict) else {}
        place: object = content.get("message", content)
        chat: object = cast("Json", place).get("chat") if isinstance(place, dict) else None
        if isinstance(chat, dict) and isinstance(update_id, int):
            found: object = cast("Json", chat).get("id")
            return found if isinstance(found, int) else None
    return None


def album_of(update: Json) -> str | None:
    """Return the id of the album that a new message belongs to."""
    return _message(update).get("media_group_id")


def is_full(update: Json) -> bool:
    """Tell whether a new message is as long as one that goes on in the next."""
    text: object = _message(update).get("text")
    return isinstance(text, str) and 2 * len(text) >= _FULL and units(text) >= _FULL


def _goes_on(update: Json, before: Json) -> bool:
    """Tell whether a message of the same person is the next piece of the one before."""
    message = _message(update)
    is_text = isinstance(message.get("text"), str) and not is_command(message)
    return is_text and is_full(before) and _date(message) - _date(_message(before)) <= _APART


def _date(message: Json) -> int:
    date: object = message.get("date")
    return date if isinstance(date, int) else 0


def _speaker(update: Json) -> Hashable:
    """Return who speaks or presses, and in which topic; each other update is nobody's."""
    query: Json = update.get("callback_query") or _NOTHING
    message: Json = _message(update) or query.get("message") or _NOTHING
    who: Json = message.get("sender_chat") or (query or message).get("from") or _NOTHING
    topic: object = message.get("message_thread_id")
    return (topic, who["id"]) if who else int(update["update_id"])


def _message(update: Json) -> Json:
    found: object = update.get("message", update.get("channel_post"))
    return cast("Json", found) if isinstance(found, dict) else {}
