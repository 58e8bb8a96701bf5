"""What a handler answers: a reply, or that a message of the bot's is removed.

1. What an author makes is checked when it is made: an error names the argument, and what to give.
2. It keeps no list that somebody may change later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import msgspec

from chatstate.files import File
from chatstate.messages import MessageRef
from chatstate.replies.buttons import ROW_LIMIT, Button, Buttons, rows_of
from chatstate.replies.native import Native
from chatstate.replies.texts import Markdown, require_text

FILES_LIMIT = 10


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
                require_text("Reply.text", self.text)
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


AnyReply: TypeAlias = Reply | Delete | Native
"""What an answer consists of."""


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
