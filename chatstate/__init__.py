"""chatstate: one function of (message, state) becomes a durable chat bot."""

from chatstate.arguments import Arg
from chatstate.errors import (
    AdapterError,
    Ambiguous,
    BindingError,
    ChatstateError,
    LoadError,
    Moved,
    Rejected,
    ReplyError,
    RetryAfter,
    SendError,
    StateError,
    StorageError,
    StoreLockedError,
    Unreachable,
    UserError,
)
from chatstate.interface import Interface
from chatstate.messages import Chat, Command, Event, Message, Reply, User
from chatstate.state import Global, PerChat, PerMember, PerThread, PerUser, Ref, State
from chatstate.turn import Turn

__all__ = [
    "AdapterError",
    "Ambiguous",
    "Arg",
    "BindingError",
    "Chat",
    "ChatstateError",
    "Command",
    "Event",
    "Global",
    "Interface",
    "LoadError",
    "Message",
    "Moved",
    "PerChat",
    "PerMember",
    "PerThread",
    "PerUser",
    "Ref",
    "Rejected",
    "Reply",
    "ReplyError",
    "RetryAfter",
    "SendError",
    "State",
    "StateError",
    "StorageError",
    "StoreLockedError",
    "Turn",
    "Unreachable",
    "User",
    "UserError",
]
