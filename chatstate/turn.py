"""`Turn`: one event on its way to its commit, as a handler sees it."""

from __future__ import annotations

import msgspec

from chatstate.messages import Chat, Message, User


class Turn(msgspec.Struct, frozen=True):
    """What a handler may know of the event it handles.

    `text` is what the person said: for a command the rest of its line. `platform` is the
    adapter's name.
    """

    message: Message
    text: str
    platform: str

    @property
    def user(self) -> User:
        """Who speaks."""
        return self.message.sender

    @property
    def chat(self) -> Chat:
        """Where."""
        return self.message.chat
