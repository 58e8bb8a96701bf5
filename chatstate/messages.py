"""What comes in: people, chats, what they did, and the commands they may use. Frozen data.

1. Ids are the platform's own, as strings, and unique within one bot account.
2. Events are written to the inbox as JSON: a field that is added has a default, so that what is
   stored can be read.

The structs are `msgspec` ones because each is built once or more per message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from chatstate.content import Contact, Location, Poll, Sticker
from chatstate.files import Attachment
from chatstate.language_tags import spoken
from chatstate.mentions import mention
from chatstate.text import StyledText

MessageKind = Literal[
    "message",
    "edit",
    "press",
    "reaction",
    "join",
    "leave",
    "other",
    "complete",
    "expiry",
    "send",
    "sent",
    "timer",
    "answer",
    "unreadable",
]
ChatKind = Literal["private", "group", "channel"]


class User(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A person (or bot) on a platform.

    `id` is the platform's id as a string: whoever has the same on another platform is somebody
    else. `name` is what to call them; `language` is a BCP 47 tag, if the platform tells. `is_bot`:
    it is no person, but a bot or a webhook. `linked` is what `person` is of whoever has spoken to a
    bot that links people.
    """

    id: str
    name: str = ""
    language: str | None = None
    is_bot: bool = False
    linked: str = ""

    @property
    def person(self) -> str:
        """Who it is, on whatever platforms: the same for all that are linked; else the `id`."""
        return self.linked or self.id

    @property
    def mention(self) -> str:
        """Their name, to be put into a text or `Markdown`: shown as a mention where that can be.

        It notifies them only if the reply says so: see `Reply.ping`.
        """
        return mention("user", self.id, self.name)


class Chat(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A private chat, a group or a channel; `id` is the platform's id as a string."""

    id: str
    kind: ChatKind = "private"
    title: str = ""

    @property
    def mention(self) -> str:
        """Its title, to be put into a text or `Markdown`: a link to it where that can be."""
        return mention("chat", self.id, self.title)


class MessageRef(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A message: by the platform's id, with what is known of it.

    - `chat` and `thread` are where it is; without a chat it is one of the same conversation.
    - `sent`: it is one of the bot's own, which may not have left yet: its `id` is "", and this is
      what the store knows it by. Kept in a state, a timer or a step's result, such a reference
      lives for 30 days.
    """

    id: str
    text: str = ""
    sender: User | None = None
    chat: Chat | None = None
    thread: str | None = None
    sent: str = ""


Target = Chat | User | MessageRef
"""Where something is sent: to a chat, to a person in private, or to where a message is."""


class Reaction(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How somebody's reactions to the message `target` have changed.

    Each is an emoji; one that is a platform's own is as `React` takes it there.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    target: MessageRef


class Message(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What somebody did in a chat: wrote, edited, pressed a button, reacted, joined or left.

    One of the kind "other" has neither words of somebody's nor files: a payment, a story, a new
    title, whatever a platform comes to have. `update` is the platform's own name for it, such as
    "telegram:poll_answer", and `raw` tells all of it; `text` is mostly "". Where the platform names
    no chat, `chat` is the sender's private one. Where it names nobody, the `sender` has no id; if
    it names no chat either, nor has the `chat`: nothing can be answered there.

    One of the kind "complete" asks what may be typed: `text` is a command, `arguments` what has
    been given of those, the last being typed.

    One of the kind "expiry" comes from chatstate: a state named `text` has expired. Its sender is
    whose it was, if it was a person's, else nobody: a `User` whose id is empty. One of the kind
    "sent" tells what came of a `Native` call: `text` is its method, `id` that of the message it has
    made, if that is one, and `raw` has its "arguments" and the "result"; its sender is whom it
    answers. One of the kind "timer" tells that a timer has fired: `text` is its key, `time` when it
    was due, its sender who has set it. One of the kind "unreadable" stands for what is stored and
    cannot be read, one of the kind "send" for what `bot.send` was given; no handler gets these.

    - `text` of a press is the button's value, or its command.
    - `thread` is the platform's id of a thread or topic in the chat.
    - `styled` is the text as it was formatted; None if it was not. To return it shows it alike. Its
      own text may differ: where a platform's texts have marks, `text` has them, and this has none.
    - `arguments` are those of a command, as text by name, if the platform has asked for each by
      itself; then `text` is the command alone, such as `/vote`.
    - `answers` are those to the questions of a form, as text by label, if the platform has asked
      all at once; the rest is what began the form.
    - `mentions` are the people named in the text, in its order.
    - `reply_to` is what it answers, `pressed` the message that the pressed button hangs on.
    - `selected` are the values that were chosen of a `Select`, in its order; None for all else.
      The `text` is all of them, with commas between.
    - `reaction` is what one of the kind "reaction" tells; its `id` is the target's. Where nobody
      tells who it was, the `sender` has no id.
    - `location`, `contact`, `poll` and `sticker` are what was sent of these; `text` has its words.
    - `quote` is what it quotes of another message, as far as the platform tells the words: the part
      that somebody has chosen, else all of what it answers, which may be in another chat.
    - `addressed` is false for what is said in a group to nobody in particular, and heard by a bot
      that hears all there.
    - `time` is timezone-aware. `raw` is the platform's own payload, as JSON types; of a kind that
      the bot has no handler for it is not kept.
    """

    text: str
    sender: User
    chat: Chat
    kind: MessageKind = "message"
    thread: str | None = None
    id: str | None = None
    arguments: dict[str, str] | None = None
    mentions: tuple[User, ...] = ()
    reply_to: MessageRef | None = None
    quote: str | None = None
    pressed: MessageRef | None = None
    attachments: tuple[Attachment, ...] = ()
    time: datetime | None = None
    raw: dict[str, Any] | None = None
    update: str = ""
    selected: tuple[str, ...] | None = None
    reaction: Reaction | None = None
    location: Location | None = None
    contact: Contact | None = None
    poll: Poll | None = None
    addressed: bool = True
    sticker: Sticker | None = None
    styled: StyledText | None = None
    answers: dict[str, str] | None = None

    @property
    def ref(self) -> MessageRef:
        """Where this message is, and its id: to be kept, or for `turn.send(..., to=)`."""
        return MessageRef(self.id or "", chat=self.chat, thread=self.thread)


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A message as an adapter delivers it.

    `id` is unique within the bot's account and the same when the platform delivers again.
    `origin` is the adapter's own note (an interaction's token, say): it is stored with the
    event and handed back with each of its replies. `best_before`: after this (seconds since 1970)
    nobody waits any more for what is answered first, so until then that goes before all else that
    is owed in the conversation.
    """

    id: str
    message: Message
    origin: str | None = None
    best_before: float | None = None


OptionKind = Literal["text", "whole", "number", "truth", "person"]
ChatPlace = Literal["private", "group"]
"""Where a command is for: private chats, or all others."""


class CommandOption(msgspec.Struct, frozen=True, omit_defaults=True):
    """An argument of a command, for platforms that ask for each by itself.

    `choices` are all that is possible, if they are few; `least` and `most` are bounds. `completes`:
    the bot tells what may be typed, if it is asked by an event of the kind "complete".
    """

    name: str
    kind: OptionKind = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    description: str = ""
    completes: bool = False


Chosen = Literal["message", "user"]
"""What the menu is of that a command stands in."""


class Menu(msgspec.Struct, frozen=True):
    """Where a command stands in the menu of a message or of a person, and under which title."""

    title: str
    of: Chosen


class CommandGroup(msgspec.Struct, frozen=True, omit_defaults=True):
    """A group of commands: what their names begin with, and what it is described as."""

    name: str
    description: str = ""
    translations: Mapping[str, str] = {}

    def described(self, language: str | None) -> str:
        """Return its description in a language (a BCP 47 tag), else in the bot's own."""
        return spoken(self.translations, language) or self.description


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command a bot answers to, for help texts and platforms' menus.

    - `name` is the whole of it: that of one in a group is like `config set`.
    - `translations` are descriptions by language (a BCP 47 tag in small letters).
    - `groups` are those it is in, the outermost first.
    - `for_admins`: nobody else may use it; in private chats everybody may.
    - `chats`: where it is for, None if everywhere.
    - `menu`: it is for a message or a person that is chosen from a menu, where platforms have such.
      It comes as if it were typed, and what is chosen as what it answers, or as a mention.
    - `is_tool`: programs may call it, too, each argument by its name.
    """

    name: str
    description: str
    usage: str = ""
    options: tuple[CommandOption, ...] = ()
    translations: Mapping[str, str] = {}
    groups: tuple[CommandGroup, ...] = ()
    for_admins: bool = False
    chats: ChatPlace | None = None
    menu: Menu | None = None
    is_tool: bool = False

    def described(self, language: str | None) -> str:
        """Return its description in a language (a BCP 47 tag), else in the bot's own."""
        return spoken(self.translations, language) or self.description
