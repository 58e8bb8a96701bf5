"""chatstate: one function of (message, state) becomes a durable chat bot."""

from chatstate.arguments import Arg
from chatstate.calls import CallNext
from chatstate.chat import ChatInterface
from chatstate.errors import (
    AdapterError,
    Ambiguous,
    BindingError,
    ChatstateError,
    LifespanError,
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
from chatstate.files import Attachment, File
from chatstate.interface import Interface
from chatstate.messages import (
    Button,
    Chat,
    Command,
    CommandOption,
    Delete,
    Event,
    Markdown,
    Message,
    MessageRef,
    Reply,
    User,
)
from chatstate.progress import Progress
from chatstate.resources import Resource
from chatstate.state import Global, PerChat, PerMember, PerThread, PerUser, Ref, State
from chatstate.turn import Turn

__all__ = [
    "AdapterError",
    "Ambiguous",
    "Arg",
    "Attachment",
    "BindingError",
    "Button",
    "CallNext",
    "Chat",
    "ChatInterface",
    "ChatstateError",
    "Command",
    "CommandOption",
    "Delete",
    "Event",
    "File",
    "Global",
    "Interface",
    "LifespanError",
    "LoadError",
    "Markdown",
    "Message",
    "MessageRef",
    "Moved",
    "PerChat",
    "PerMember",
    "PerThread",
    "PerUser",
    "Progress",
    "Ref",
    "Rejected",
    "Reply",
    "ReplyError",
    "Resource",
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
