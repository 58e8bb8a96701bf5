"""What becomes of a reply on a platform that lacks something, or has no room for it.

1. What a platform lacks is told by one table, which says what is shown instead.
2. Buttons beyond those of a message are written out below its text, as all are where there are
   none: a press sends a text, and so does whoever types it.
3. What is too large to be sent is told with its name and size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from chatstate.adapter import Capabilities, Post, PostButton, StoredFile
from chatstate.files import readable_size
from chatstate.language.sentences import say
from chatstate.replies import BUTTONS_LIMIT, ROW_LIMIT
from chatstate.text import StyledText


@dataclass(frozen=True)
class Degradation:
    """A post that wants `capability`, and what it becomes where that is missing."""

    capability: str
    wants: Callable[[Post], object]
    instead: Callable[[Post, Mapping[str, str]], Post]


def degrade(post: Post, capabilities: Capabilities, sentences: Mapping[str, str]) -> Post:
    """Return `post` without what the platform lacks, and with that written out instead.

    `sentences` are the framework's, by name (see `chatstate.language.sentences`).
    """
    for degradation in DEGRADATIONS:
        if degradation.wants(post) and not getattr(capabilities, degradation.capability):
            post = degradation.instead(post, sentences)
    if post.buttons:
        post = _with_room(post, sentences)
    large = [file for file in post.files if file.size > capabilities.file_bytes]
    if large:
        kept = [file for file in post.files if file not in large]
        post = _noted(replace(post, files=kept), large, "file_too_large", sentences)
    return post


def _buttons_as_list(post: Post, sentences: Mapping[str, str]) -> Post:
    return replace(_with_list(post, _flat(post.buttons), 1, sentences), buttons=())


def _with_room(post: Post, sentences: Mapping[str, str]) -> Post:
    """Return the post with as many buttons as a message has room for, and a text above them."""
    buttons = _flat(post.buttons)
    if len(buttons) > BUTTONS_LIMIT:
        surplus = buttons[BUTTONS_LIMIT:]
        post = _with_list(post, surplus, BUTTONS_LIMIT + 1, sentences)
        rows = range(0, BUTTONS_LIMIT, ROW_LIMIT)
        post = replace(post, buttons=[buttons[first : first + ROW_LIMIT] for first in rows])
    if not post.text.text.strip():
        post = _with_lines(post, [say(sentences, "choose")])
    return post


def _flat(rows: Sequence[Sequence[PostButton]]) -> list[PostButton]:
    return [button for row in rows for button in row]


def _with_list(
    post: Post, buttons: Sequence[PostButton], first: int, sentences: Mapping[str, str]
) -> Post:
    """Return the post with a list of what can be sent below its text, numbered from `first`."""
    lines = [say(sentences, "choose")]
    for number, button in enumerate(buttons, first):
        same = button.label.casefold() == button.sends.casefold()
        name = "choice_same" if same else "choice"
        line = say(sentences, name, number=number, label=button.label, sends=button.sends)
        lines.append(line)
    return _with_lines(post, lines)


def _files_as_notes(post: Post, sentences: Mapping[str, str]) -> Post:
    return _noted(replace(post, files=()), post.files, "file", sentences)


def _noted(
    post: Post, files: Sequence[StoredFile], sentence: str, sentences: Mapping[str, str]
) -> Post:
    lines = [
        say(sentences, sentence, file=file.name, size=readable_size(file.size)) for file in files
    ]
    return _with_lines(post, lines)


def _with_lines(post: Post, lines: Sequence[str]) -> Post:
    """Return the post with lines below its text."""
    above = f"{post.text.text.rstrip()}\n\n" if post.text.text.strip() else ""
    text = StyledText(post.text.text, post.text.spans)
    if above:
        text = text.cut(0, len(above) - 2)
    return replace(post, text=StyledText(above + "\n".join(lines), text.spans))


DEGRADATIONS: Sequence[Degradation] = (
    Degradation("buttons", lambda post: post.buttons, _buttons_as_list),
    Degradation("files", lambda post: post.files, _files_as_notes),
    Degradation("reply_to", lambda post: post.reply_to, lambda p, _: replace(p, reply_to=None)),
    Degradation("silent", lambda post: post.silent, lambda p, _: replace(p, silent=False)),
    Degradation("ephemeral", lambda post: post.ephemeral, lambda p, _: replace(p, ephemeral=False)),
)
"""In the order in which they are applied.

Three more degrade where they arise: an edit becomes a new message (see `rendering`); a table is
laid out in a monospaced block when Markdown is parsed, for every platform; and markup is written
out by an adapter whose platform has none (`chatstate.markup.plain`), after the text is cut.
"""
