"""What a handler returned, to replies.

1. A value is read by its kind, never by the handler it came from: text, Markdown, replies, files,
   images, messages in Gradio's form, and lists of these. Anything else is a `ReplyError`.
2. A path is sent only if it is in the turn's own folder: its name may come from a person or a
   model. Whoever means another file says `File(path)`.
3. What Gradio would keep of a message (content, metadata, options) stays with the reply.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from chatstate.content import Content
from chatstate.errors import ReplyError
from chatstate.files import File
from chatstate.replies import (
    AnyReply,
    Button,
    Card,
    Delete,
    Markdown,
    Native,
    React,
    Reply,
    fit_label,
    plain,
    sharing,
)
from chatstate.text import StyledText

Answers = list[AnyReply]

_SHORT = 0.1  # seconds; what is shorter is shown in milliseconds
_SAID = Markdown | StyledText | Card | Content | File
_SAYING = frozenset({"content", "text", "files"})
_ACCEPTED = (
    "str, Markdown, StyledText, Reply, File, Card, Location, Contact, Poll, Sticker, Delete, "
    "React, Native, a PIL image, a dict or dataclass "
    "with content or with text and files, a list of these, or None for no reply"
)


class Returns(msgspec.Struct, frozen=True):
    """How returned values are read.

    `folder` is the turn's own, if it has one: paths in it may be sent. `markdown`: a `str` is
    Markdown, not plain text.
    """

    folder: Path | None = None
    markdown: bool = False

    def text(self, text: str) -> str | Markdown:
        """Return a text as what it is."""
        return Markdown(text) if self.markdown else text

    def file(self, path: str | os.PathLike[str]) -> File:
        """Return the file at a path of the turn's own.

        Raises `ReplyError` for any other, since its name may come from a person or a model.
        """
        found = Path(path).resolve()
        if self.folder is None or not found.is_relative_to(self.folder.resolve()):
            raise ReplyError(
                f"{os.fspath(path)!r} is not in the turn's own folder (turn.folder), so it is not "
                "sent; a handler that means it returns File(path)"
            )
        try:
            return File(found)
        except (OSError, ValueError) as error:
            raise ReplyError(f"{os.fspath(path)!r} cannot be sent: {error}") from error


class NoReply(NamedTuple):
    """A value of no kind that says something, how it was given, and by which other function."""

    value: Any
    how: str = "returned"
    by: Callable[..., Any] | None = None

    @property
    def remedy(self) -> str:
        """What its author may do."""
        if inspect.isawaitable(self.value):
            return "await it first"
        return remedy_for(cast("type[Any]", type(self.value)))

    @property
    def error(self) -> ReplyError:
        """What to raise for it."""
        kind = kind_of(self.value)
        return ReplyError(f"a handler {self.how} {kind}; possible: {_ACCEPTED}", self)


def remedy_for(class_: type[Any]) -> str:
    """Return what to do about a value of a class that says nothing."""
    if issubclass(class_, bytes | bytearray):
        return "return File(...)"
    if issubclass(class_, tuple | set | frozenset | Iterator | AsyncIterator):
        return "return list(...) for several replies, or say outputs="
    return "return str(...)"


def told_of(error: ReplyError, **how: Any) -> ReplyError:
    """Return an error that says in what other way a value was given, or by whom."""
    if not isinstance(error.no_reply, NoReply):
        return error
    told = error.no_reply._replace(**how).error
    told.__suppress_context__ = True
    return told


class FittedReply(Reply, frozen=True):
    """A reply of as many buttons and files as there are: it is made to fit when it is rendered.

    What a model or a folder holds is no mistake of the author's, so it must not fail the answer.
    """

    def __post_init__(self) -> None:
        """Take what was checked by whoever made it."""


class MessageReply(FittedReply, frozen=True):
    """A reply from a message in Gradio's form, which a history keeps as it was."""

    content: str = ""
    metadata: dict[str, Any] | None = None
    options: list[dict[str, Any]] | None = None


def replies(value: Any, returns: Returns = Returns()) -> Answers:  # noqa: B008 - it is frozen
    """Return what `value` says. Raises `ReplyError` for what is no reply."""
    if isinstance(value, str):
        return [Reply(Markdown(value)) if returns.markdown else plain(value)]
    if value is None:
        return []
    if isinstance(value, (Reply, Delete, React)):
        return [value]
    if isinstance(value, (Markdown, StyledText)):
        return [Reply(value)]
    if isinstance(value, list):
        return [reply for part in cast("list[Any]", value) for reply in replies(part, returns)]
    return [_rich(value, returns)]


def _with_otherwise(native: Native, returns: Returns) -> Native:
    """Return a call whose `otherwise` is read, so that it is judged on every platform."""
    try:
        otherwise = replies(native.otherwise, returns)
    except ReplyError as error:
        raise told_of(error, how=f"gave Native({native.method!r}) as otherwise")  # noqa: B904 - it suppresses what it replaces
    return Native(native.method, native.on, otherwise, **native.arguments)


def _rich(value: Any, returns: Returns) -> Reply | Native:
    if isinstance(value, Native):
        return _with_otherwise(value, returns)
    if isinstance(value, Card):
        return Reply(card=value)
    if isinstance(value, Content):
        return sharing(value)
    if isinstance(value, File) or _is_image(value):
        return Reply(files=[value if isinstance(value, File) else _image(value)])
    fields = _fields(value)
    if "content" in fields:
        return _message(fields, returns)
    if "text" in fields or "files" in fields:
        text = _str(fields.get("text") or "", "text")
        return fitted(returns.text(text), _files(fields, returns), ())
    raise NoReply(value).error


def is_reply(value: Any) -> bool:
    """Tell whether a value is of a kind that says something, however it is filled."""
    if isinstance(value, list):
        return all(map(is_reply, cast("list[Any]", value)))
    if value is None or isinstance(value, str | AnyReply | _SAID):
        return True
    return _is_image(value) or not _SAYING.isdisjoint(_fields(value))


def kind_of(value: Any) -> str:
    """Return what to call a value in an error."""
    return type(value).__name__


def _fields(value: Any) -> Mapping[str, Any]:
    """Return the fields of a dict or a dataclass object; none of anything else."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {}


def _message(fields: Mapping[str, Any], returns: Returns) -> Reply:
    """Return a message in Gradio's form: role, content, metadata, options."""
    texts: list[str] = []
    files: list[File] = []
    content = fields["content"]
    pieces = cast("Sequence[Any]", content if isinstance(content, list | tuple) else [content])
    for piece in pieces:
        _add_content(piece, texts, files, returns)
    metadata = dict(_fields(fields.get("metadata"))) or None
    options = [dict(_fields(part)) for part in cast("Sequence[Any]", fields.get("options") or ())]
    buttons = [_option(option) for option in options]
    return message_reply(
        "\n".join(texts), returns, metadata, options=options or None, files=files, buttons=buttons
    )


def message_reply(
    content: str,
    returns: Returns,
    metadata: dict[str, Any] | None = None,
    *,
    options: list[dict[str, Any]] | None = None,
    files: Sequence[File] = (),
    buttons: Sequence[Button] = (),
) -> MessageReply:
    """Return a message in Gradio's form, with what its metadata say above the content."""
    text = returns.text("\n".join([*_heading(metadata or {}, returns), content]))
    reply = fitted(text, files, buttons)
    return MessageReply(
        reply.text,
        reply.buttons,
        reply.files,
        content=content,
        metadata=metadata,
        options=options,
    )


def _heading(metadata: Mapping[str, Any], returns: Returns) -> list[str]:
    """Return the title, and below it the log, the status and how long it took."""
    title = metadata.get("title")
    if not title:
        return []
    details = [metadata.get("log"), metadata.get("status"), _duration(metadata.get("duration"))]
    below = " · ".join(str(detail) for detail in details if detail)
    return [f"**{title}**" if returns.markdown else str(title), *([below] if below else [])]


def _duration(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    if isinstance(seconds, int) or seconds >= _SHORT:
        return f"{round(seconds, 1)} s"
    return f"{seconds * 1000:.1f} ms"


def _add_content(piece: Any, texts: list[str], files: list[File], returns: Returns) -> None:
    fields = _fields(piece)
    if isinstance(piece, str):
        texts.append(piece)
    elif fields.get("type") == "text":
        texts.append(_str(fields.get("text"), "text"))
    elif isinstance(piece, File | os.PathLike) or _is_image(piece):
        files.append(file_of(piece, returns))
    elif fields.get("type") == "file" and "file" in fields:
        files.append(file_of(_fields(fields["file"]).get("path"), returns))
    elif "path" in fields:
        files.append(file_of(fields["path"], returns))
    elif piece is not None:
        raise ReplyError(f"a message's content is {kind_of(piece)}; possible: str, a file")


def _option(fields: Mapping[str, Any]) -> Button:
    value = fields.get("value")
    if value is None:
        raise ReplyError("an option of a message is a dict with a value, and maybe a label")
    label = _str(fields.get("label") or value, "label")
    try:
        return Button(fit_label(label), _str(value, "value"))
    except ValueError as error:
        raise ReplyError(f"option {label!r}: {error}") from error


def fitted(text: str | Markdown, files: Sequence[File], buttons: Sequence[Button]) -> FittedReply:
    """Return a reply of any number of files and buttons. Raises `ReplyError` if it has no text."""
    try:
        return FittedReply(Reply(text).text, tuple(buttons), tuple(files))
    except ValueError as error:
        raise ReplyError(str(error)) from error


def _files(fields: Mapping[str, Any], returns: Returns) -> list[File]:
    files: Any = fields.get("files") or []
    if not isinstance(files, list | tuple):
        raise ReplyError(f"files is {kind_of(files)}, not a list")
    return [file_of(file, returns) for file in cast("list[Any]", files)]


def file_of(value: Any, returns: Returns) -> File:
    """Return a file that a handler returned. Raises `ReplyError` for what is none."""
    if isinstance(value, File):
        return value
    if _is_image(value):
        return _image(value)
    if isinstance(value, bytes):
        return File(value)
    if isinstance(value, str | os.PathLike):
        return returns.file(cast("str | os.PathLike[str]", value))
    path = _fields(value).get("path")
    if path is None:
        raise ReplyError(f"{kind_of(value)} is no file; possible: File, bytes, a PIL image, a path")
    return file_of(path, returns)


def _is_image(value: Any) -> bool:
    pillow = sys.modules.get("PIL.Image")  # who has made an image has loaded it
    return pillow is not None and isinstance(value, pillow.Image)


def _image(image: Any) -> File:
    data = io.BytesIO()
    image.save(data, "PNG")
    return File(data.getvalue(), "image.png")


def _str(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ReplyError(f"{what} of a message is {kind_of(value)}, not str")
    return value
