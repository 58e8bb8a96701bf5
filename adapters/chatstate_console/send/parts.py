"""Between replies and what the console shows of them. Pure functions.

1. A part's `content` is the reply itself; what it carries of files is in the part.
2. What can be pressed is numbered through, buttons before options, and `:press` takes the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from chatstate.adapter import Part, Post, PostButton, PostCard, PostOption, PostSelect
from chatstate.text import StyledText
from chatstate_console.session import Said

_WORDS_SHOWN = 40


class Entry(msgspec.Struct, frozen=True):
    """What is printed at once. `heads`, `files` and `foot` are the console's own words about it.

    `buttons` are lines, such as `[1] Yes  [2] No`; `number` is what `:press` knows them by. The
    `card` is shown below the text.
    """

    heads: Sequence[str] = ()
    text: StyledText = StyledText("")
    files: Sequence[str] = ()
    buttons: Sequence[str] = ()
    number: int = 0
    card: PostCard | None = None


def part(post: Post) -> Part:
    """Return a reply as one part."""
    picture = post.card.picture if post.card else None
    files = (*([picture] if picture else ()), *post.files)
    content = msgspec.to_builtins(replace(post, files=()))
    return Part(content, files, has_buttons=bool(post.buttons or post.select))


def post(part: Part) -> Post:
    """Return the reply that a part was made of; all its files are among the files."""
    return replace(msgspec.convert(part.content, Post), files=part.files)


def button_lines(post: Post) -> list[str]:
    """Return what can be pressed, numbered: a line for each row of buttons, and each option."""
    lines: list[str] = []
    number = 0
    for row in post.buttons:
        lines.append("  ".join(_numbered(number + n, button) for n, button in enumerate(row, 1)))
        number += len(row)
    return [*lines, *_option_lines(post.select, number + 1)] if post.select else lines


def _option_lines(select: PostSelect, first: int) -> list[str]:
    options = [_numbered(number, option) for number, option in enumerate(select.options, first)]
    hint = [f"[{select.placeholder}]"] if select.placeholder else []
    if select.max_values > 1:
        example = f":press {first}, {first + 1}"
        most = f"{select.min_values} to {select.max_values}"
        hint.append(f"[choose {most} of these: {example}]")
    return [*hint, *options]


def _numbered(number: int, choice: PostButton | PostOption) -> str:
    if isinstance(choice, PostOption):
        described = f" ({choice.description})" if choice.description else ""
        return f"[{number}] {'✓ ' * choice.chosen}{choice.label}{described}"
    opens = f": {choice.url}" if choice.url else ""
    return f"[{'-' if choice.disabled else number}] {choice.label}{opens}"


def answers(post: Post, said: Said | None) -> list[str]:
    """Return what tells which message a reply answers, if it names one."""
    if post.reply_to is None:
        return []
    return [f"[in reply to: {_named(said)}]"]


def replaces(said: Said | None) -> str:
    """Return what tells which message was edited."""
    return f"[edited: {_named(said)}]"


def removes(said: Said | None) -> str:
    """Return what tells which message was deleted."""
    return f"[deleted: {_named(said)}]"


def reacts(emoji: str, said: Said | None) -> str:
    """Return what tells of the bot's reaction to a message, or that there is none any more."""
    return f"[{emoji} to: {_named(said)}]" if emoji else f"[no reaction to: {_named(said)}]"


def file_line(path: object, size: int) -> str:
    """Return what tells where a received file lies, and how large it is."""
    return f"[file: {path}, {_readable(size)}]"


def _named(said: Said | None) -> str:
    return first_words(said.text) if said else "an earlier message"


def first_words(text: str) -> str:
    """Return the beginning of a text in one line, whole words if possible."""
    words = " ".join(text.split())
    if len(words) <= _WORDS_SHOWN:
        return words
    cut = words[: _WORDS_SHOWN + 1].rpartition(" ")[0] or words[:_WORDS_SHOWN]
    return f"{cut}…"


def _readable(size: int) -> str:
    amount = float(size)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - of one unit
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
