"""What is asked of a platform: a reply as it gets it, its rendered parts, calls, and their outcome.

1. A part's content, an action and what became of it are stored as JSON: a field that is added has a
   default, so that what is stored can be read.
2. What a platform cannot do is never asked of it: its capabilities tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from chatstate.content import Content
from chatstate.text import StyledText

ButtonStyle = Literal["secondary", "primary", "success", "danger"]
Verb = Literal["send", "edit", "delete", "reaction", "native", "typing", "finish"]


class PostButton(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A button as a platform gets it: what it shows, and what a press gives back.

    `sends` is what a person would type instead. One that opens a `url` gives nothing back.
    """

    label: str
    data: str
    sends: str
    url: str = ""
    style: ButtonStyle = "secondary"
    disabled: bool = False


class PostOption(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An option of a select, as `PostButton` has it. `chosen`: it is marked already."""

    label: str
    data: str
    sends: str
    description: str = ""
    chosen: bool = False


class PostSelect(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A choice among options: of `min_values` to `max_values` of them.

    To choose gives back its `data`, and that of each option chosen. `marks`: where there are no
    selects, its options are buttons that mark and unmark, and its `data` is that of one more.
    """

    data: str
    options: Sequence[PostOption]
    placeholder: str = ""
    min_values: int = 1
    max_values: int = 1
    marks: bool = False


Share = Literal["", "contact", "location"]


class PostSuggestion(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A quick answer: to tap it is to send its label as a message, or to `share` what that says.

    `data` and `sends` are those of the button that stands for it where there are no suggestions.
    """

    label: str
    data: str = ""
    sends: str = ""
    share: Share = ""


class PostField(msgspec.Struct, frozen=True, gc=False):
    """One question of a form: its label, and an answer that is there already, to be changed."""

    label: str
    answer: str = ""


class PostForm(msgspec.Struct, frozen=True, gc=False):
    """Questions that are asked at once, all of them to be answered with a text."""

    title: str
    fields: Sequence[PostField]


class StoredFile(msgspec.Struct, frozen=True, gc=False):
    """A file that waits in the spool to be sent. `path` is where it lies; `size` in bytes.

    `is_voice`, `is_sticker`: it is to be shown as such, if that can be. One that is elsewhere has
    no key, no path and no size, but an `id` or a `url` (see `File`).
    """

    key: str
    name: str
    media_type: str
    size: int
    path: str = ""
    is_voice: bool = False
    id: str = ""
    url: str = ""
    is_sticker: bool = False


class PostCard(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A card: a title that leads to `url`, a text, named fields, a line of small print.

    Its picture is a file, or lies at the address `image`. `colour` is that of its edge, as RGB.
    """

    title: str = ""
    text: StyledText = StyledText("")
    fields: Sequence[tuple[str, StyledText]] = ()
    picture: StoredFile | None = None
    image: str = ""
    url: str = ""
    colour: int | None = None
    footer: str = ""


class Post(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A reply as a platform gets it: checked, with nothing that the platform lacks.

    `buttons` are rows, and a `select` is one more. `reply_to` is a message's id. `keeps`: of the
    message that it edits nothing but the buttons is to change. `reaction` is there in place of a
    text: the emoji that the bot's reaction to `reply_to` is to be, "" for none. It is rendered as
    one part, for the verb "reaction". `native` is what its author adds to the calls, by the
    platform's own names: JSON types. An adapter raises `ReplyError` for what it tells itself.
    What is `shared` is below the text, and never in an edit.
    `ping` are the ids of those who are notified, of the people whom the text mentions.
    """

    text: StyledText
    buttons: Sequence[Sequence[PostButton]] = ()
    files: Sequence[StoredFile] = ()
    reply_to: str | None = None
    silent: bool = False
    ephemeral: bool = False
    card: PostCard | None = None
    select: PostSelect | None = None
    suggestions: Sequence[PostSuggestion] = ()
    keeps: bool = False
    reaction: str | None = None
    native: Mapping[str, Any] = {}
    ping: Sequence[str] = ()
    shared: Content | None = None


class NativeCall(msgspec.Struct, frozen=True, gc=False):
    """A call by a platform's own name, as its author made it (see `Native`).

    `arguments` are JSON types. Each of `files` belongs where the one of `ways` with its number
    leads: by keys, and by numbers in lists. None stands there.
    """

    method: str
    arguments: Mapping[str, Any]
    files: Sequence[StoredFile] = ()
    ways: Sequence[Sequence[str | int]] = ()


class Part(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One rendered piece of a reply.

    `content` is JSON types only, read by the adapter that made it alone. `files` are those it
    carries, `has_buttons` whether the buttons hang on it, or a select. `keeps` is as in `Post`.
    `is_repeatable`, for a `NativeCall` alone: to make it twice does no harm. `post` or `call`, and
    `nth`, are the core's own: the whole of which it is the part of that number, where a bot has
    guards that are to see it again.
    """

    content: Mapping[str, Any]
    files: Sequence[StoredFile] = ()
    has_buttons: bool = False
    is_repeatable: bool = False
    keeps: bool = False
    post: Post | None = None
    call: NativeCall | None = None
    nth: int = 0


class Action(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One call to make on the platform.

    - `key` is the same whenever this call is repeated, also after a crash.
    - `chat` and `thread` are the platform's ids; `origin` is what the event carried that this
      answers.
    - `verb`: "send" the part; with a `message`, in place of that one, which could not be edited;
      "edit" `message` so that it shows the part; "delete" `message`; let the part be the bot's
      only "reaction" to `message`; make the "native" call that the part is; show that the bot is
      "typing"; "finish" what an event began that gets no answer (a waiting sign). Only what
      `capabilities` tell of is asked for.
    - `number`: which of the calls this is that answer the same event, from 0.
    - `preview`: an answer that is still being written. More previews of the same key follow, and
      at last the answer itself: as an edit of the message that `Sent` named, or, if it named none,
      as a message of its own. Only where messages can be edited. One that fails is not repeated.
    - `continues`: the part of a preview comes after what `message` shows, not in its place. Only
      where previews are a "delta", and while the text grows at its end.
    - `ref`, `changes` and `follows` are the core's own: the reference that leads to the message
      that is sent, that which leads to the `message` to edit or to delete, and whether it is the
      rest of what is before it.
    - `begun_at`: for `find` alone: when a call that may have done this was begun, or had failed,
      whichever is known (seconds since 1970). No other was begun before.
    - `best_before`: it is not begun later (seconds since 1970): nobody waits for it any more.
    """

    key: str
    chat: str
    thread: str | None = None
    part: Part = Part({})
    origin: str | None = None
    verb: Verb = "send"
    message: str | None = None
    number: int = 0
    preview: bool = False
    continues: bool = False
    begun_at: float | None = None
    best_before: float | None = None
    ref: str = ""
    changes: str = ""
    follows: bool = False


class Sent(msgspec.Struct, frozen=True, gc=False):
    """The platform has accepted an action, under this id if it gives one.

    A message that can be edited, deleted or pressed has one. `result`, of a "native" call: what the
    platform has returned, as JSON types.
    """

    message_id: str | None = None
    result: Any = None


class Absent(msgspec.Struct, frozen=True, gc=False):
    """The platform has not done an action; or it has, and doing it again changes nothing."""


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """Nobody can tell whether the platform has done an action."""


Found = Sent | Absent | Unknown
