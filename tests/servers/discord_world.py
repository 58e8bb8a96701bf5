"""What a Discord is made of: people, guilds, channels, messages, interactions.

Plain data and the clock it lives by; nothing here speaks HTTP or JSON. Ids are snowflakes as
strings: they grow with time, so their order is the order of what they name.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Json = dict[str, Any]
Found = TypeVar("Found")

EPOCH_MS = 1_420_070_400_000
TEXT, DM, PUBLIC_THREAD, FORUM = 0, 1, 11, 15
"""Channel types."""

SUPPRESS_EMBEDS, EPHEMERAL, LOADING = 1 << 2, 1 << 6, 1 << 7
SUPPRESS_NOTIFICATIONS, VOICE, COMPONENTS_V2 = 1 << 12, 1 << 13, 1 << 15
"""Message flags."""

PLAIN, JOINED, REPLY, SLASH = 0, 7, 19, 20
"""Message types."""

BUTTON, STRING_SELECT = 2, 3
PRESSABLE = (BUTTON, STRING_SELECT, 5, 6, 7, 8)
"""Types of components: a button, a button or a menu."""

MENTION = re.compile(r"<@!?(\d+)>")


@dataclass(eq=False)
class Person:
    """Somebody with an account; `takes_messages` is whether the bot may write to them."""

    id: str
    name: str
    is_bot: bool = False
    takes_messages: bool = True

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False)
class Guild:
    """A guild; `lobby` is its system channel, where Discord greets who joins.

    `admins` are the ids of those who have the role that may do everything.
    """

    id: str
    name: str
    members: dict[str, Person] = field(default_factory=dict, repr=False)
    channels: list["Channel"] = field(default_factory=list, repr=False)
    lobby: "Channel | None" = field(default=None, repr=False)
    admins: set[str] = field(default_factory=set)

    @property
    def admin_role(self) -> str:
        return str(int(self.id) + 1)

    @property
    def bot_role(self) -> str:
        """The role that Discord has made for the bot."""
        return str(int(self.id) + 2)


@dataclass(eq=False)
class Channel:
    """A place for messages; `denied` names what the bot may not do there, as Discord names it.

    Known names: VIEW_CHANNEL, SEND_MESSAGES, READ_MESSAGE_HISTORY, ATTACH_FILES, ADD_REACTIONS,
    MANAGE_MESSAGES.
    """

    id: str
    type: int
    name: str = ""
    guild: Guild | None = None
    parent: "Channel | None" = None
    owner: Person | None = None
    recipient: Person | None = None
    denied: set[str] = field(default_factory=set)
    messages: list["Message"] = field(default_factory=list, repr=False)

    @property
    def is_thread(self) -> bool:
        return self.type == PUBLIC_THREAD

    def denies(self, permission: str) -> bool:
        """Tell whether the bot lacks a permission here; a thread has those of its channel."""
        inherited = self.parent is not None and self.parent.denies(permission)
        return permission in self.denied or inherited


@dataclass(eq=False)
class Attachment:
    id: str
    name: str
    media_type: str
    content: bytes
    description: str | None = None


@dataclass(eq=False)
class Message:
    """A message as it stands now; `edits` are its earlier texts, oldest first.

    `reference` is the id of the message it answers, `mentions` the ids of the people it pings,
    `reactions` by emoji the ids of those who have reacted so.
    """

    id: str
    channel: Channel
    author: Person
    content: str
    time: float
    type: int = PLAIN
    flags: int = 0
    nonce: str | None = None
    reference: str | None = None
    mentions: tuple[str, ...] = ()
    mentions_everyone: bool = False
    attachments: list[Attachment] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    poll: Json | None = None
    stickers: list[str] = field(default_factory=list)
    layout: list[Json] = field(default_factory=list)
    interaction: "Interaction | None" = field(default=None, repr=False)
    edited: float | None = None
    edits: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    pinned: bool = False
    deleted: bool = False

    @property
    def components(self) -> list[tuple[str | None, str | None]]:
        """Its buttons and menus: label, and custom id (None for a link)."""
        return [
            (component.get("label"), component.get("custom_id")) for component in self.pressable()
        ]

    @property
    def files(self) -> list[tuple[str, str, bytes]]:
        """Its attachments: name, media type, bytes."""
        return [(file.name, file.media_type, file.content) for file in self.attachments]

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it shows that the bot is thinking."""
        return bool(self.flags & LOADING)

    @property
    def menu(self) -> Json | None:
        """Its menu of texts, if it has one."""
        menus = (c for c in self.pressable() if c["type"] == STRING_SELECT)
        return next(menus, None)

    def pressable(self) -> list[Json]:
        """Return its buttons and menus as components, wherever they stand in its layout."""
        return [component for component in nested(self.layout) if component["type"] in PRESSABLE]


@dataclass(eq=False)
class Interaction:
    """A slash command (type 2) or a press (type 3), and what the bot made of it.

    `response` is the type of the callback that acknowledged it, `acknowledged_after` seconds;
    `original` is the message that shows the answer, or for a press the one pressed.
    """

    id: str
    token: str
    type: int
    person: Person
    channel: Channel
    arrived: float
    data: Json
    message: Message | None = None
    response: int | None = None
    acknowledged_after: float | None = None
    ephemeral: bool = False
    original: Message | None = None
    followups: list[Message] = field(default_factory=list, repr=False)
    callback: Json | None = None


@dataclass(frozen=True)
class Typing:
    """The bot showed that it is typing."""

    channel: Channel
    time: float


def nested(components: Iterable[Json]) -> Iterable[Json]:
    """Yield components and all that stand in them."""
    for component in components:
        yield component
        yield from nested(component.get("components") or ())
        yield from nested([component["accessory"]] if component.get("accessory") else ())


@dataclass
class Limits:
    """Seconds for which things hold; a test may change them, or put the clock forward.

    `nonce`: Discord says "in the past few minutes".
    """

    acknowledge: float = 3.0
    interaction_token: float = 15 * 60.0
    nonce: float = 3 * 60.0
    attachment: float = 24 * 3600.0


class World:
    """Everything there is, a clock that can be put forward, and a bell for whoever waits."""

    def __init__(self, token: str, bot: Person) -> None:
        self.token = token
        self.bot = bot
        self.limits = Limits()
        self.people: dict[str, Person] = {bot.id: bot}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self.attachments: dict[str, Attachment] = {}
        self.interactions: dict[str, Interaction] = {}
        self.commands: dict[str | None, list[Json]] = {None: []}
        self.bans: dict[tuple[str, str], Json] = {}
        self.invites: list[str] = []
        self.emoji: dict[str, str] = {}
        self.stickers: dict[str, str] = {}
        self.typing: list[Typing] = []
        self.nonces: dict[str, Message] = {}
        self.disallowed_intents = 0
        self._ahead = 0.0
        self._last_id = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def now(self) -> float:
        """Return the server's time, in seconds since 1970."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the server's clock forward."""
        self._ahead += seconds

    def new_id(self) -> str:
        self._last_id = max(self._last_id + 1, (int(self.now() * 1000) - EPOCH_MS) << 22)
        return str(self._last_id)

    def person(self, id: str, name: str, *, is_bot: bool = False) -> Person:
        return self.people.setdefault(id, Person(id, name, is_bot))

    def guild(self, id: str, name: str) -> Guild:
        """Make a guild, with the bot in it; its id is its role `@everyone`'s too."""
        self.guilds[id] = Guild(id, name, members={self.bot.id: self.bot})
        return self.guilds[id]

    def channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        if channel.guild:
            channel.guild.channels.append(channel)
        return channel

    def dm(self, person: Person) -> Channel:
        """Return the one private channel of the bot with somebody."""
        found = (channel for channel in self.channels.values() if channel.recipient is person)
        return next(found, None) or self.channel(Channel(self.new_id(), DM, recipient=person))

    def add(self, message: Message) -> Message:
        message.channel.messages.append(message)
        self.messages[message.id] = message
        self.attachments |= {file.id: file for file in message.attachments}
        return message

    def interaction(
        self, type: int, person: Person, channel: Channel, data: Json, message: Message | None
    ) -> Interaction:
        """Make an interaction that arrives now; its token is about as long as Discord's."""
        made = Interaction(
            id=self.new_id(),
            token=secrets.token_urlsafe(150),
            type=type,
            person=person,
            channel=channel,
            arrived=self.now(),
            data=data,
            message=message,
        )
        self.interactions[made.id] = made
        return made

    def visible(self, channel: Channel) -> list[Message]:
        """Return the messages that everybody in a channel sees, oldest first."""
        return [
            message for message in channel.messages if not message.ephemeral and not message.deleted
        ]

    def by_token(self, token: str) -> Interaction | None:
        found = (
            interaction for interaction in self.interactions.values() if interaction.token == token
        )
        return next(found, None)

    def named(self, text: str) -> tuple[str, ...]:
        """Return the ids of the people a text names, each once."""
        return tuple(
            person for person in dict.fromkeys(MENTION.findall(text)) if person in self.people
        )

    def changed(self) -> None:
        """Ring for everyone who waits."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_for(self, predicate: Callable[[], Found], seconds: float) -> Found:
        """Return what the predicate returns as soon as that is true; it is asked at each change.

        Raises `TimeoutError`.
        """
        async with asyncio.timeout(seconds):
            while not (found := predicate()):
                bell = asyncio.get_running_loop().create_future()
                self._waiting.add(bell)
                try:
                    await bell
                finally:
                    self._waiting.discard(bell)
        return found
