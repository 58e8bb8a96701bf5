"""What travels: people, chats, messages in, replies out. Frozen data, no behaviour.

1. Ids are the platform's own, as strings, and unique within one bot account.
2. What an author makes (`Reply`, `Button`, `Markdown`, `Delete`) is checked when it is made, and
   keeps no list that somebody may change later.
3. Events are written to the inbox as JSON: a field that is added has a default, so that what is
   stored can be read.

The structs are `msgspec` ones because each is built once or more per message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import msgspec

from chatstate.files import Attachment, File

LABEL_LIMIT = 80
VALUE_LIMIT = 4000
ROW_LIMIT = 5
BUTTONS_LIMIT = ROW_LIMIT * ROW_LIMIT
FILES_LIMIT = 10
_COMMAND = re.compile(r"/\w{1,32}(@\w+)?(\s.*)?", re.ASCII | re.DOTALL)

MessageKind = Literal["message", "edit", "press", "join", "leave", "other", "expiry", "unreadable"]
ChatKind = Literal["private", "group", "channel"]


class User(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A person (or bot) on a platform.

    `id` is the platform's id as a string: whoever has the same on another platform is somebody
    else. `name` is what to call them; `language` is a BCP 47 tag, if the platform tells. `is_bot`:
    it is no person, but a bot or a webhook.
    """

    id: str
    name: str = ""
    language: str | None = None
    is_bot: bool = False


class Chat(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A private chat, a group or a channel; `id` is the platform's id as a string."""

    id: str
    kind: ChatKind = "private"
    title: str = ""


class MessageRef(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Another message of the same chat: by the platform's id, with what is known of it."""

    id: str
    text: str = ""
    sender: User | None = None


class Message(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What somebody did in a chat: wrote, edited, pressed a button, joined or left.

    One of the kind "other" has neither words of somebody's nor files: a payment, a story, a new
    title, whatever a platform comes to have. `raw` tells what it is, `text` is mostly "".

    One of the kind "expiry" comes from chatstate: a state named `text` has expired. Its sender is
    whose it was, if it was a person's, else nobody: a `User` whose id is empty. One of the kind
    "unreadable" stands for what is stored and cannot be read; no handler gets it.

    - `text` of a press is the button's value, or its command.
    - `thread` is the platform's id of a thread or topic in the chat.
    - `arguments` are those of a command, as text by name, if the platform has asked for each by
      itself; then `text` is the command alone, such as `/vote`.
    - `mentions` are the people named in the text, in its order.
    - `reply_to` is what it answers, `pressed` the message that the pressed button hangs on.
    - `quote` is what it quotes of another message, as far as the platform tells the words: the part
      that somebody has chosen, else all of what it answers, which may be in another chat.
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


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A message as an adapter delivers it.

    `id` is unique within the bot's account and the same when the platform delivers again.
    `origin` is the adapter's own note (an interaction's token, say): it is stored with the
    event and handed back with each of its replies.
    """

    id: str
    message: Message
    origin: str | None = None


class Markdown(msgspec.Struct, frozen=True, gc=False):
    """Text with markup: CommonMark with tables, strikethrough and task lists.

    It is shown as each platform can show it. Raises `TypeError` if `text` is no string.
    """

    text: str

    def __post_init__(self) -> None:
        _require_text("Markdown.text", self.text)


_OTHERS: Mapping[str, str] = {
    **dict.fromkeys(("callback_data", "custom_id", "data", "payload"), "what it sends is value="),
    **dict.fromkeys(("text", "title"), "what stands on it is label="),
    "url": "it opens no address: put that into the text, as in Markdown('[label](https://...)')",
}
"""What other libraries call a button's arguments, and what to write instead."""


class _ButtonMeta(msgspec.StructMeta):
    """Tells whoever knows another library what an argument is called here."""

    if not TYPE_CHECKING:  # a type checker is to go on knowing what a Button takes

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - a Button's class
            try:
                return super().__call__(*args, **kwargs)
            except TypeError as error:
                other = next((name for name in kwargs if name in _OTHERS), None)
                if other is None:
                    raise
                raise TypeError(f"Button has no argument {other}: {_OTHERS[other]}") from error


class Button(msgspec.Struct, frozen=True, gc=False, metaclass=_ButtonMeta):
    """A button below a reply. Who presses it sends `value`, or runs `command`.

    A value (the label by default) arrives as the text of a message and never runs a command; a
    command is what a person might type, such as `/vote 1`. The label has at most 80 characters,
    what it sends at most 4,000. Raises `TypeError` and `ValueError` for what is none of that.
    """

    label: str
    value: str | None = None
    command: str | None = None

    def __post_init__(self) -> None:
        _require_text("Button.label", self.label)
        if not self.label.strip() or len(self.label) > LABEL_LIMIT:
            raise ValueError(f"a button's label has 1 to {LABEL_LIMIT} characters: {self.label!r}")
        if self.command is not None and self.value is not None:
            raise ValueError(f"button {self.label!r} has a value and a command; give one of them")
        _require_text("what a button sends", self.sends)
        if self.command is not None and not _COMMAND.fullmatch(self.command):
            raise ValueError(f"a command is like /vote, or /vote 1: {self.command!r} is none")
        if not self.sends or len(self.sends) > VALUE_LIMIT:
            raise ValueError(
                f"button {self.label!r} sends {len(self.sends)} characters; 1 to {VALUE_LIMIT} "
                "are possible"
            )

    @property
    def sends(self) -> str:
        """What pressing it says: its command, its value, or else its label."""
        if self.command is not None:
            return self.command
        return self.label if self.value is None else self.value


Buttons: TypeAlias = Sequence[Button] | Sequence[Sequence[Button]]


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer: text, buttons below it, files with it. What a platform lacks is written out.

    - `text` is plain, and no character in it is ever read as markup; or `Markdown`. If it is empty
      and there are no files, nothing is sent.
    - `buttons`: `Button`s, or rows of them; at most 5 rows of 5.
    - `files`: at most 10.
    - `reply_to` and `edit` name another message of the chat: the one this answers visibly, and the
      bot's own one that this replaces (`message.pressed`, say).
    - `silent` rings nowhere. `ephemeral` is seen by the person alone, where a platform can.

    Raises `TypeError` and `ValueError` for what is none of that.
    """

    text: str | Markdown = ""
    buttons: Buttons = ()
    files: Sequence[File] = ()
    reply_to: MessageRef | str | None = None
    silent: bool = False
    ephemeral: bool = False
    edit: MessageRef | str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.text, str):
            if not self.text.isascii():
                _require_text("Reply.text", self.text)
        elif not isinstance(self.text, Markdown):
            kind = type(self.text).__name__
            raise TypeError(f"Reply.text must be a str or Markdown, not {kind}")
        if self.buttons != ():
            msgspec.structs.force_setattr(self, "buttons", _checked_buttons(self))
        if self.files != ():
            msgspec.structs.force_setattr(self, "files", _checked_files(self.files))
        if self.reply_to is not None or self.edit is not None:
            _check_references(self)


class Delete(msgspec.Struct, frozen=True):
    """In place of a reply: remove a message of the bot's own, such as `message.pressed`."""

    message: MessageRef | str

    def __post_init__(self) -> None:
        if not isinstance(self.message, MessageRef | str):
            kind = type(self.message).__name__
            raise TypeError(f"Delete takes a MessageRef or a message's id, not {kind}")


def fit_label(text: str) -> str:
    """Return a text as a button's label: shortened, if it is longer than that may be."""
    return text if len(text) <= LABEL_LIMIT else f"{text[: LABEL_LIMIT - 1].rstrip()}…"


OptionKind = Literal["text", "whole", "number", "truth", "person"]


class CommandOption(msgspec.Struct, frozen=True, omit_defaults=True):
    """An argument of a command, for platforms that ask for each by itself.

    `choices` are all that is possible, if they are few; `least` and `most` are bounds.
    """

    name: str
    kind: OptionKind = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None


class Command(msgspec.Struct, frozen=True):
    """A command a bot answers to, for help texts and platforms' menus."""

    name: str
    description: str
    usage: str = ""
    options: tuple[CommandOption, ...] = ()


def rows_of(buttons: Buttons) -> list[list[Button]]:
    """Return buttons in rows: as they were given, or up to five beside each other."""
    if any(not isinstance(entry, Button) for entry in buttons):
        return [list(row) for row in cast("Sequence[Sequence[Button]]", buttons)]
    flat = list(cast("Sequence[Button]", buttons))
    short = sum(len(button.label) for button in flat) <= _SHORT_ROW
    width = len(flat) if short and len(flat) <= ROW_LIMIT else -(-len(flat) // ROW_LIMIT)
    return [flat[first : first + width] for first in range(0, len(flat), max(width, 1))]


_SHORT_ROW = 40


def _checked_buttons(reply: Reply) -> Buttons:
    """Return a reply's buttons as they are now: whoever made the list may change it later."""
    given = cast("Sequence[Any]", reply.buttons)
    if not isinstance(given, list | tuple):
        raise TypeError(f"Reply.buttons must be a list of Button, not {type(given).__name__}")
    kept = tuple(tuple(cast("list[Any]", row)) if isinstance(row, list) else row for row in given)
    if not all(isinstance(entry, Button) for entry in kept):
        _check_rows(kept)
    rows = rows_of(kept)
    if len(rows) > ROW_LIMIT or any(not 1 <= len(row) <= ROW_LIMIT for row in rows):
        raise ValueError(f"a Reply has at most {ROW_LIMIT} rows of 1 to {ROW_LIMIT} buttons")
    if kept and not (reply.text if isinstance(reply.text, str) else reply.text.text).strip():
        raise ValueError("buttons hang on a text: give the Reply one")
    return kept


def _check_rows(rows: tuple[Any, ...]) -> None:
    for row in rows:
        if not isinstance(row, tuple):
            raise TypeError("Reply.buttons must be a list of Button, or of rows of them")
        for button in cast("tuple[Any, ...]", row):
            if not isinstance(button, Button):
                raise TypeError(f"Reply.buttons holds Button, not {type(button).__name__}")


def _checked_files(files: Any) -> tuple[File, ...]:
    if not isinstance(files, list | tuple):
        raise TypeError(f"Reply.files must be a list of File, not {type(files).__name__}")
    kept = tuple(cast("list[Any]", files))
    for file in kept:
        if not isinstance(file, File):
            raise TypeError(f"Reply.files holds File, not {type(file).__name__}")
    if len(kept) > FILES_LIMIT:
        raise ValueError(f"a Reply has at most {FILES_LIMIT} files, not {len(kept)}")
    return kept


def _check_references(reply: Reply) -> None:
    for name, given in (("reply_to", reply.reply_to), ("edit", reply.edit)):
        if not isinstance(given, MessageRef | str | None):
            kind = type(given).__name__
            raise TypeError(f"Reply.{name} must be a MessageRef or a message's id, not {kind}")


def _require_text(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} is no text: it has half a surrogate pair: {value!r}") from None
