"""With whom people are linked, as their turns see it: whose `user` values they use.

1. A turn looks that up before its values are loaded, and again whenever it runs again.
2. It was not what it is any more if a link is made, or ended, before the turn's commit. Values that
   are there are written anew by that; so it is a conflict. Where a turn makes the first value, it
   writes the row of the link with it, as it was: that is a conflict, too.
3. Only a bot that links has any of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from chatstate.engine.states.cache import Entry, StateCache
from chatstate.messages import Message
from chatstate.scope import Key, Place
from chatstate.state.bound import BoundState
from chatstate.state.declaration import State
from chatstate.stores.base import Arrival, Change
from chatstate.stores.links import LINK, Link, link_key

LINKS = BoundState(State(Link(), scope="user", name=LINK), "link", Link)


def as_said_by(first: Arrival, later: Arrival) -> Arrival:
    """Return what somebody has said later, in the same name as what they said first."""
    sender, event = first.event.message.sender, later.event
    event = replace(event, message=replace(event.message, sender=sender))
    return replace(later, place=first.place, event=event)


def as_now(before: Message, now: Message) -> Message:
    """Return what somebody said before, in the name that is theirs now."""
    linked = now.sender.linked
    if before.sender.linked == linked:
        return before
    return replace(before, sender=replace(before.sender, linked=linked))


class Links:
    """Knows them for one bot."""

    def __init__(self, bot: str, *, cache: StateCache, versions: Iterator[int]) -> None:
        self._bot = bot
        self._cache = cache
        self._versions = versions

    async def joined(self, arrival: Arrival, rows: dict[int, tuple[Key, Entry]]) -> Arrival:
        """Return an event in the name of whoever its sender is linked with; note the row of that.

        That is for `is_still_so`, by the person whose values are used.
        """
        place, event = arrival.place, arrival.event
        if not place.person:
            return arrival
        person = await self.root(place, rows)
        sender = replace(event.message.sender, linked=str(person))
        event = replace(event, message=replace(event.message, sender=sender))
        return replace(arrival, place=place._replace(user=person), event=event)

    async def root(self, place: Place, rows: dict[int, tuple[Key, Entry]]) -> int:
        """Return whose values those of the person at a place are, and note the row of that."""
        key = link_key(self._bot, place.person)
        (entry,) = await self._cache.load([key], place)
        link: Link = LINKS.read(entry.value)[0] if entry.value else Link()
        person = link.root or place.person
        rows[person] = (key, entry)
        return person

    def guards(
        self, rows: dict[int, tuple[Key, Entry]], changes: Sequence[Change]
    ) -> list[Change] | None:
        """Return what is to be written so that new values are a conflict if links have changed.

        None if they have by now.
        """
        made = {c.key.person for c in changes if c.key.scope == "user" and not c.expected}
        written = {change.key for change in changes}
        guards: list[Change] = []
        for person in made.intersection(rows):
            key, entry = rows[person]
            if key in written:
                continue
            now = self._cache.find(key)
            if now is not None and now.version != entry.version:
                return None
            text = entry.value.text if entry.value else LINKS.encode(Link())
            value = LINKS.written(text, next(self._versions), float)  # it never expires
            guards.append(Change(key, entry.version, value))
        return guards
