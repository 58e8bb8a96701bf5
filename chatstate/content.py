"""What a message may hold besides words and files: a place, a contact, a poll, a sticker.

Frozen data.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Location(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, tag=True):
    """A place, in degrees. `title` and `address` are there if it is one that has a name."""

    latitude: float
    longitude: float
    title: str = ""
    address: str = ""

    @property
    def words(self) -> str:
        """It as text: where it is, and how it is called."""
        place = f"{self.latitude}, {self.longitude}"
        named = ", ".join(filter(None, (self.title, self.address)))
        return f"{named} ({place})" if named else place


class Contact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, tag=True):
    """Somebody's phone number and name.

    `user_id` is the id of their `User`, if the platform tells: whoever has shared their own number
    has the id of the message's `sender`.
    """

    phone: str
    name: str
    user_id: str | None = None

    @property
    def words(self) -> str:
        """It as text: the name, and the number."""
        return f"{self.name} {self.phone}"


class Poll(msgspec.Struct, frozen=True, omit_defaults=True, tag=True):
    """A question, and what may be answered. `several`: a person may choose more than one.

    `anonymous`: nobody sees who has chosen what, where a platform has such polls.
    """

    question: str
    options: Sequence[str]
    several: bool = False
    anonymous: bool = True

    def __post_init__(self) -> None:
        """Keep the options as they are now."""
        if isinstance(self.options, list):
            msgspec.structs.force_setattr(self, "options", tuple(self.options))

    @property
    def words(self) -> str:
        """It as text: the question, and a line for each option."""
        return "\n".join(filter(None, (self.question, *self.options)))


class Sticker(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, tag=True):
    """A sticker, by the platform's own `id`.

    `emoji` is what it stands for, `name` how it or its set is called, as far as that is told.
    """

    id: str
    emoji: str = ""
    name: str = ""

    @property
    def words(self) -> str:
        """It as text: its emoji, else its name between colons."""
        return self.emoji or (f":{self.name}:" if self.name else "🖼")


Content = Location | Contact | Poll | Sticker
"""What a message shows that is neither text nor a file."""
