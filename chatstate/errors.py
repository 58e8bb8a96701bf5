"""Every error chatstate raises on purpose.

1. There are two audiences, never mixed: a `UserError`'s text is shown to the person in the chat;
   all others speak to the bot's author or operator and say what to do.
2. What an adapter's call raises is a `SendError`, and each kind of it says what may be done next.
"""

from __future__ import annotations

_DAY = 24 * 3600


class ChatstateError(Exception):
    """Base of all errors of chatstate."""


class UserError(ChatstateError):
    """Raise it in a handler: its text is shown to the person, and nothing of the turn is kept."""


class TryLater(ChatstateError):  # noqa: N818 - what is to be done, as the platforms' own words
    """Raise it in a handler: nothing of the turn is kept, and it begins anew after `seconds`.

    At most a day. Its event stays first in its conversation, across restarts; what `turn.step` has
    returned is remembered. /cancel, and an event that interrupts it, end the wait. One that is put
    off more than 10 times is a dead letter. Raises `ValueError` for any other length of time.
    """

    def __init__(self, seconds: float) -> None:
        if not 0 <= seconds <= _DAY:
            raise ValueError(f"TryLater({seconds}): a turn is put off for 0 to {_DAY} seconds")
        super().__init__(f"it asks to be tried again in {seconds:g} s")
        self.seconds = seconds


class BindingError(ChatstateError):
    """A handler, an input or a state was declared in a way that cannot work.

    Raised at registration, naming the parameter and saying what is possible.
    """


class StateError(ChatstateError):
    """A value cannot be kept, or what is stored does not fit the state's type.

    The text holds the path inside the value and the remedy. The turn fails; nothing is stored.
    """


class OtherVersionError(StateError):
    """An event is for another version of the code: of what it needs, this one knows too little.

    A value is of a newer version, say, or a timer for a handler that is not there. Where several
    workers run the bot, it is left to those that can handle it; else the turn fails.
    """


class ReplyError(ChatstateError):
    """A handler returned something that is no reply. The text names the type and what is.

    `no_reply` is what was returned, where that is of no kind that says something.
    """

    def __init__(self, text: str, no_reply: object = None) -> None:
        super().__init__(text)
        self.no_reply = no_reply


class LoadError(ChatstateError):
    """A bot, an adapter or a store could not be found or loaded by its name."""


class LifespanError(ChatstateError):
    """What a bot's lifespan opens could not be opened, or failed while the bot ran."""


class StorageError(ChatstateError):
    """The store cannot be read or written: the text says what failed, where, and what to do."""


class StoreLockedError(StorageError):
    """Another process runs on this store file; the text says which."""


class LeaseLostError(StorageError):
    """A run was taken for dead, since it stood still for too long: its work is others' now."""


class AdapterError(ChatstateError):
    """An adapter cannot go on (a bad token, say); the text says what to do."""


class SendError(ChatstateError):
    """Base of what an adapter's `perform` raises when one call did not plainly succeed."""


class RetryAfter(SendError):  # noqa: N818 - the platforms' own word
    """The platform asks to wait: the call had no effect and is repeated after `seconds`.

    With `account=True` every conversation of the account waits, otherwise only this one.
    """

    def __init__(self, seconds: float, *, account: bool = False) -> None:
        super().__init__(f"the platform asks to wait {seconds} s")
        self.seconds = seconds
        self.account = account


class Unreachable(SendError):  # noqa: N818 - a state of the network, as the others here
    """The call surely did not reach the platform; it is repeated with growing pauses."""


class Rejected(SendError):  # noqa: N818 - a verdict, not a malfunction
    """The platform refuses this call for good; the reply becomes a dead letter."""


class Blocked(Rejected):
    """The chat takes nothing from the bot any more: it was blocked, thrown out, or nobody is there.

    It is marked, and broadcasts leave it out, until anything comes from there again.
    """


class EgressError(Rejected):
    """A guard of what leaves (`@bot.egress`) has stopped something, or has failed: it stays here.

    The text names the guard, and nothing of what was to leave. `is_stopped`: that is what the guard
    wanted. What waits in the outbox becomes a dead letter.
    """

    def __init__(self, text: str, *, is_stopped: bool = False) -> None:
        super().__init__(text)
        self.is_stopped = is_stopped


class Gone(Rejected):
    """The platform has no such message any more: there is nothing to edit."""


class Ambiguous(SendError):  # noqa: N818 - a state of knowledge, not a malfunction
    """The call may or may not have taken effect; the policy `on_ambiguous` decides."""


class Moved(SendError):  # noqa: N818 - what the platform says of the chat
    """The chat has a new id on the platform; it is noted and the call is repeated there."""

    def __init__(self, chat: str) -> None:
        super().__init__(f"the chat has moved to {chat}")
        self.chat = chat
