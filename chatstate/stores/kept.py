"""What a store keeps beside messages of the bot's: buttons, and references to what is sent."""

from __future__ import annotations

import msgspec


class KeptButton(msgspec.Struct, frozen=True, gc=False):
    """What a button sends, kept under a reference because a platform has no room for it.

    It hangs on `part` of what its turn owes, and `command` tells whether it runs what it sends.
    One that is kept again under its reference says what the last one does.
    `conversation`: where, 0 for the turn's own.
    """

    ref: str
    part: int
    sends: str
    command: bool
    expires_at: float
    conversation: int = 0


class KeptReference(msgspec.Struct, frozen=True, gc=False):
    """A reference to a message that is owed: `part` of what its turn owes, in a `conversation`.

    Before its time is over, `ref` leads to that message, sent or not.
    """

    ref: str
    conversation: int
    part: int
    expires_at: float


class Reference(msgspec.Struct, frozen=True, gc=False):
    """What a reference leads to.

    - `conversation` is 0, and so is `turn`, as long as what `bot.send` was given has no turn yet.
    - `message` is the platform's id, None if it has none: it was not sent.
    - `content` is what the message should say by now, as it was amended; None if it was not.
    - `is_deleted`: it is there no more, or never shall be.
    - `newest` is the (turn, part) of the last change of it that is owed, None if none is.
    - `after` is the number of the newest event that was stored before it was noted as sent.
    """

    conversation: int
    turn: int
    message: str | None = None
    content: str | None = None
    is_deleted: bool = False
    newest: tuple[int, int] | None = None
    after: int = 0


class FoundButton(msgspec.Struct, frozen=True, gc=False):
    """A button as it was kept: where it is valid. `message` is None if its id was never told."""

    conversation: int
    message: str | None
    sends: str
    command: bool
