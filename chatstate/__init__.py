"""chatstate: one function of (message, state) becomes a durable chat bot.

`Interface` and `ChatInterface` are bots; `State` and its scopes are what they remember; the rest
is what handlers take and return, and the errors that can be caught.

1. A bot needs nothing but these names.
2. Its tests take `chatstate.testing`, a store `chatstate.stores.base`, an adapter
   `chatstate.adapter`, `chatstate.files`, `chatstate.markup` and `chatstate.text`.
"""

from chatstate.bot.annotations import Arg, Complete
from chatstate.bot.injected import CallNext
from chatstate.bot.interface import Interface
from chatstate.bot.kinds import Kind, Said
from chatstate.bot.outgoing import Outgoing
from chatstate.bot.resources import Resource
from chatstate.bot.schedules import Schedule
from chatstate.bot.timers import Timer
from chatstate.bot.turn import Turn
from chatstate.chat.interface import ChatInterface
from chatstate.clock import Clock
from chatstate.content import Contact, Location, Poll, Sticker
from chatstate.errors import (
    AdapterError,
    Ambiguous,
    BindingError,
    Blocked,
    ChatstateError,
    EgressError,
    Gone,
    LeaseLostError,
    LifespanError,
    LoadError,
    Moved,
    OtherVersionError,
    Rejected,
    ReplyError,
    RetryAfter,
    SendError,
    StateError,
    StorageError,
    StoreLockedError,
    TryLater,
    Unreachable,
    UserError,
)
from chatstate.files import Attachment, File
from chatstate.mentions import custom_emoji, timestamp
from chatstate.messages import (
    Chat,
    Command,
    CommandGroup,
    CommandOption,
    Event,
    Message,
    MessageRef,
    Reaction,
    User,
)
from chatstate.progress import Progress
from chatstate.replies import (
    Button,
    Card,
    Delete,
    Markdown,
    Native,
    Option,
    React,
    Reply,
    Select,
    ShareContact,
    ShareLocation,
)
from chatstate.state.declaration import Global, PerChat, PerMember, PerThread, PerUser, Ref, State
from chatstate.text import StyledText

__all__ = [
    "AdapterError",
    "Ambiguous",
    "Arg",
    "Attachment",
    "BindingError",
    "Blocked",
    "Button",
    "CallNext",
    "Card",
    "Chat",
    "ChatInterface",
    "ChatstateError",
    "Clock",
    "Command",
    "CommandGroup",
    "CommandOption",
    "Complete",
    "Contact",
    "Delete",
    "EgressError",
    "Event",
    "File",
    "Global",
    "Gone",
    "Interface",
    "Kind",
    "LeaseLostError",
    "LifespanError",
    "LoadError",
    "Location",
    "Markdown",
    "Message",
    "MessageRef",
    "Moved",
    "Native",
    "Option",
    "OtherVersionError",
    "Outgoing",
    "PerChat",
    "PerMember",
    "PerThread",
    "PerUser",
    "Poll",
    "Progress",
    "React",
    "Reaction",
    "Ref",
    "Rejected",
    "Reply",
    "ReplyError",
    "Resource",
    "RetryAfter",
    "Said",
    "Schedule",
    "Select",
    "SendError",
    "ShareContact",
    "ShareLocation",
    "State",
    "StateError",
    "Sticker",
    "StorageError",
    "StoreLockedError",
    "StyledText",
    "Timer",
    "TryLater",
    "Turn",
    "Unreachable",
    "User",
    "UserError",
    "custom_emoji",
    "timestamp",
]
