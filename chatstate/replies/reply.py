"""What a handler answers: a reply, that a message of the bot's is removed, or a reaction.

1. What an author makes is checked when it is made: an error names the argument, and what to give.
2. It keeps no list that somebody may change later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias, cast

import msgspec

from chatstate.checks import require_text
from chatstate.content import Contact, Content, Location, Poll, Sticker
from chatstate.files import File
from chatstate.mentions import mentioned
from chatstate.messages import MessageRef, User
from chatstate.replies.buttons import Buttons, checked_buttons
from chatstate.replies.cards import Card
from chatstate.replies.native import Native, checked_native
from chatstate.replies.selects import Select
from chatstate.replies.shared import check_shared
from chatstate.replies.suggestions import Suggestions, checked_suggestions
from chatstate.replies.texts import Markdown, check_styled
from chatstate.text import StyledText

FILES_LIMIT = 10
WITH_THE_ONE_BEFORE = timedelta(0)
"""Instead of `best_before`: it is the rest of the reply before it, and goes if that goes."""
_EMOJI_LIMIT = 100  # some are several characters, or have a name and a number


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer: text, buttons below it, files with it. What a platform lacks is written out.

    - `text` is plain, and no character in it is ever read as markup; or `Markdown`; or as somebody
      has formatted it: `Message.styled`. If it is empty and there are no files, nothing is sent.
    - `buttons`: `Button`s, or rows of them; at most 100, and 8 in a row.
    - `files`: at most 10.
    - `reply_to` and `edit` name another message of the chat: the one this answers visibly, and the
      bot's own one that this replaces (`message.pressed`, say).
    - `silent` rings nowhere. `ephemeral` is seen by the person alone, where a platform can.
    - `card` is shown below the text, `select` below the buttons.
    - `suggestions` are what a person may answer with one tap: texts, `ShareContact()` and
      `ShareLocation()`, at most 25. They come with a new message, and without buttons.

    - `ping` are people of those whom its text mentions (`User.mention`): they are notified, where a
      platform can leave that to a bot. Nobody else is, whatever the text says.
    - `location`, `contact`, `poll` or `sticker`: one of them, in a message of its own, below the
      text if need be. A poll has 2 to 10 options of at most 55 characters. A sticker is a
      `Sticker`, as `Message.sticker` is, or a `File`: one of WebP, say.
    - `native` adds what one platform alone knows to the calls that send it there, by the platform's
      name: `native={"telegram": {"protect_content": True}}`. It replaces nothing of the reply.
    - `best_before`: how long after the turn it may still be begun, a timedelta. Else it is a dead
      letter of the kind "stale": nobody gets this morning's weather in the evening.

    Raises `TypeError` and `ValueError` for what is none of that.
    """

    text: str | Markdown | StyledText = ""
    buttons: Buttons = ()
    files: Sequence[File] = ()
    reply_to: MessageRef | str | None = None
    silent: bool = False
    ephemeral: bool = False
    edit: MessageRef | str | None = None
    card: Card | None = None
    select: Select | None = None
    suggestions: Suggestions = ()
    native: Mapping[str, Mapping[str, Any]] | None = None
    ping: Sequence[User] = ()
    location: Location | None = None
    contact: Contact | None = None
    poll: Poll | None = None
    sticker: Sticker | File | None = None
    best_before: timedelta | None = None

    def __post_init__(self) -> None:
        if isinstance(self.text, str):
            if not self.text.isascii():
                require_text("Reply.text", self.text, names=True)
        elif not isinstance(self.text, Markdown):
            _check_styled(self.text)
        if self.buttons != ():
            msgspec.structs.force_setattr(self, "buttons", checked_buttons(self.buttons))
        if self.files != ():
            msgspec.structs.force_setattr(self, "files", _checked_files(self.files))
        if self.reply_to is not None or self.edit is not None:
            _check_references(self)
        if self.card is not None or self.select is not None or self.suggestions != ():
            _check_rich(self)
        if (
            self.ping != ()
            or self.native is not None
            or self.location is not None
            or self.contact is not None
            or self.poll is not None
            or self.sticker is not None
            or self.best_before is not None
        ):
            _check_added(self)
        if (self.buttons or self.select or self.suggestions) and not self.says_something:
            raise ValueError("buttons hang on a text: give the Reply one, or a card with words")

    @property
    def says_something(self) -> bool:
        """Whether there is anything for buttons to hang on: words, its own or those of a card."""
        text = self.text if isinstance(self.text, str) else self.text.text
        return bool(text.strip() or (self.card and self.card.words.strip()))

    @property
    def shared(self) -> Content | None:
        """The location, the contact, the poll, or the sticker that is no file, that it shows."""
        sticker = self.sticker if isinstance(self.sticker, Sticker) else None
        return self.location or self.contact or self.poll or sticker

    @property
    def all_files(self) -> Sequence[File]:
        """The files that it sends: the picture of its card, its own, and a sticker that is one."""
        if self.card is None and self.sticker is None:
            return self.files
        picture = self.card.file if self.card else None
        ends = (picture, *self.files, self.sticker)
        return [file for file in ends if isinstance(file, File)]


_blank: Callable[[], Reply] = getattr(Reply(), "__copy__")  # noqa: B009 - its stubs lack it


def plain(text: str) -> Reply:
    """Return `Reply(text)`: a copy of a blank one takes half the time, and most are that."""
    if not text.isascii():
        return Reply(text)
    reply = _blank()
    msgspec.structs.force_setattr(reply, "text", text)
    return reply


class Delete(msgspec.Struct, frozen=True):
    """In place of a reply: remove a message of the bot's own, such as `message.pressed`."""

    message: MessageRef | str

    def __post_init__(self) -> None:
        if not isinstance(self.message, MessageRef | str):
            kind = type(self.message).__name__
            raise TypeError(f"Delete takes a MessageRef or a message's id, not {kind}")


class React(msgspec.Struct, frozen=True):
    """In place of a reply: the bot's own reaction to a message, by default to what is handled.

    A message has one reaction of the bot's: an emoji takes the place of the one before, and None
    or "" takes it away. Where there can be no such reaction, the emoji is written as an answer to
    the message. Raises `TypeError` and `ValueError` for what is no emoji.
    """

    emoji: str | None
    to: MessageRef | str | None = None

    def __post_init__(self) -> None:
        if self.emoji is not None:
            require_text("React.emoji", self.emoji)
            if len(self.emoji) > _EMOJI_LIMIT or any(map(str.isspace, self.emoji)):
                raise ValueError(f"React takes one emoji, without spaces: {self.emoji!r} is none")
        if not isinstance(self.to, MessageRef | str | None):
            kind = type(self.to).__name__
            raise TypeError(f"React.to must be a MessageRef or a message's id, not {kind}")


AnyReply: TypeAlias = Reply | Delete | React | Native
"""What an answer consists of."""


def _check_styled(text: Any) -> None:
    if not isinstance(text, StyledText):
        kind = type(text).__name__
        raise TypeError(f"Reply.text must be a str, Markdown or StyledText, not {kind}")
    check_styled("Reply.text", text)


def _check_added(reply: Reply) -> None:
    if reply.ping != ():
        msgspec.structs.force_setattr(reply, "ping", _checked_pings(reply))
    if reply.native is not None:
        msgspec.structs.force_setattr(reply, "native", checked_native(reply.native))
    if reply.best_before is not None:
        _check_best_before(reply.best_before)
    check_shared(reply)


def _check_best_before(given: Any) -> None:
    if not isinstance(given, timedelta):
        kind = type(given).__name__
        raise TypeError(f"Reply.best_before must be a timedelta, not {kind}")
    if given <= timedelta(0):
        raise ValueError(f"Reply.best_before={given}: use a timedelta above 0")


def _checked_pings(reply: Reply) -> tuple[User, ...]:
    """Return who is to be notified: people whom the reply mentions."""
    given: Any = reply.ping
    if not isinstance(given, list | tuple):
        raise TypeError(f"Reply.ping must be a list of User, not {type(given).__name__}")
    people = tuple(cast("list[Any]", given))
    said = mentioned(reply.text if isinstance(reply.text, str) else reply.text.text)
    for person in people:
        if not isinstance(person, User):
            raise TypeError(f"Reply.ping holds User, not {type(person).__name__}")
        if person.id not in said:
            raise ValueError(
                f"Reply.ping: the text does not mention {person.name or person.id}; put their "
                "`user.mention` into it"
            )
    return people


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


def _check_rich(reply: Reply) -> None:
    for name, kind in (("card", Card), ("select", Select)):
        given = getattr(reply, name)
        if not isinstance(given, kind | None):
            what = f"Reply.{name} must be a {kind.__name__}, not {type(given).__name__}"
            raise TypeError(what)
    if reply.suggestions != ():
        kept = checked_suggestions(reply.suggestions)
        msgspec.structs.force_setattr(reply, "suggestions", kept)
    if reply.suggestions and (reply.buttons or reply.select):
        raise ValueError("a Reply has buttons or suggestions, not both: return two of them")
    if reply.suggestions and reply.edit is not None:
        raise ValueError("suggestions come with a new message: leave edit= away")


def _check_references(reply: Reply) -> None:
    for name, given in (("reply_to", reply.reply_to), ("edit", reply.edit)):
        if not isinstance(given, MessageRef | str | None):
            kind = type(given).__name__
            raise TypeError(f"Reply.{name} must be a MessageRef or a message's id, not {kind}")


def files_of(reply: AnyReply) -> Sequence[File]:
    """Return the files of whatever is answered, in the order in which they are copied."""
    if isinstance(reply, Reply):
        return reply.all_files
    return reply.files if isinstance(reply, Native) else ()


def sharing(shared: Content) -> Reply:
    """Return the reply that shows a location, a contact, a poll or a sticker alone."""
    if isinstance(shared, Location):
        return Reply(location=shared)
    if isinstance(shared, Sticker):
        return Reply(sticker=shared)
    return Reply(contact=shared) if isinstance(shared, Contact) else Reply(poll=shared)
