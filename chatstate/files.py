"""Files as data: those a bot sends, and those it gets.

1. A `File` is checked when it is made: it exists, and its name is safe on any system.
2. Its bytes are copied when its handler has returned; a stream is read then, and once.
3. What came with a message has the name and the type that its sender claims.
4. Sizes are bytes; people read them in units of 1,000.
5. What is on a platform already, or lies at an address, is named by that, and never copied here.
"""

from __future__ import annotations

import io
import mimetypes
import os
import re
from collections.abc import AsyncIterable, Iterable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import msgspec

from chatstate.checks import check_address, require_text

ANY_TYPE = "application/octet-stream"
NAME_BYTES = 200
ADDRESS_LIMIT = 2048
_UNIT = 1000
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}( *;[ -~]{0,200})?", re.ASCII)
# Separators, wildcards, controls, what is invisible or turns text around, halves of characters.
# Joiners (200c, 200d) stay: Persian and emoji need them.
_UNFIT = re.compile(
    r'[/\\:*?"<>|\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e'
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows

Source = str | os.PathLike[str] | bytes | BinaryIO | Iterable[bytes] | AsyncIterable[bytes]
"""Where a file's bytes come from: a path, the bytes, or a stream that is read once."""


class File(msgspec.Struct, frozen=True):
    """A file to send, or one that was received.

    - `source`: its path, its bytes, or a stream of bytes that is read once and then closed (a
      binary file, or an iterable, sync or async, of bytes).
    - Or `id`, in place of that: what the platform knows it by, such as the `id` of an `Attachment`.
      Or `url`: where it lies in the web. Nothing is copied then: the platform has it, or fetches
      it; where it cannot, its name or its address is shown.
    - `name` is what people see: the path's by default, or the address's.
    - `media_type` is guessed from the name by default.
    - `voice`: it is a voice note (OGG with Opus, MP3 or M4A), where a platform has such; elsewhere
      it is a file like others.

    What it holds is copied once the handler has returned, so it must be there until then
    (`turn.folder` is a place for files of that kind), and no longer. Raises `FileNotFoundError`
    if there is no such file, `ValueError` for a name, a media type or an address that is none, and
    where there is nothing of the three, or more; and `TypeError` for a source of another kind.
    """

    source: Source | None = None
    name: str = ""
    media_type: str = ""
    voice: bool = False
    id: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.source, bytearray | memoryview):
            msgspec.structs.force_setattr(self, "source", bytes(self.source))
        _check_given(self)
        if self.name != safe_name(self.name, ""):
            raise ValueError(
                f"{self.name!r} is no file name; {safe_name(self.name)!r} would be: at most "
                f"{NAME_BYTES} bytes, and nothing that separates folders, is invisible or "
                "turns text around"
            )
        if self.media_type and not is_media_type(self.media_type):
            raise ValueError(f"{self.media_type!r} is no media type; one is like image/png")
        name = self.name or self._own_name
        media_type = self.media_type or type_of(name)
        msgspec.structs.force_setattr(self, "media_type", media_type)
        msgspec.structs.force_setattr(self, "name", name or f"file{extension(media_type)}")

    @property
    def path(self) -> Path | None:
        """Where it lies, if its source is a path."""
        return Path(self.source) if isinstance(self.source, str | os.PathLike) else None

    @property
    def is_elsewhere(self) -> bool:
        """Whether it has an `id` or a `url`, and nothing of it is here."""
        return self.source is None

    @property
    def _own_name(self) -> str:
        if self.url:
            return safe_name(unquote(urlsplit(self.url).path).rpartition("/")[2], "")
        return safe_name(self.path.name) if self.path else ""

    def read(self) -> bytes:
        """Return the bytes of a file that lies at a path. Raises `OSError`, `TypeError`."""
        if isinstance(self.source, bytes):
            return self.source
        if self.source is None:
            raise TypeError(f"{self.id or self.url} is not here: what came is turn.download(...)")
        if self.path is None:
            raise TypeError("a stream can be read once only, when it is sent")
        return self.path.read_bytes()


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that came with a message, still on the platform.

    `ref` is what the adapter finds it by; `size` is in bytes, if the platform tells. `is_voice`: it
    was spoken for this message. `id` is what it is sent again by, with `File(id=...)`; "" where a
    platform has no such ids. Names and types are the sender's claims.
    """

    ref: str
    name: str = "file"
    media_type: str = ANY_TYPE
    size: int | None = None
    is_voice: bool = False
    id: str = ""


def type_of(name: str) -> str:
    """Return the media type that a file's name tells."""
    return mimetypes.guess_type(name)[0] or ANY_TYPE


def extension(media_type: str) -> str:
    """Return the usual ending of names of a media type, with its dot; '' if there is none."""
    return mimetypes.guess_extension(media_type.partition(";")[0].strip()) or ""


def is_media_type(text: str) -> bool:
    """Tell whether `text` has the form of a media type."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def safe_name(name: str, default: str = "file") -> str:
    """Return a name that is one plain file name on any system, keeping its ending.

    What separates folders, is invisible or turns text around becomes an underscore; a name of
    more than 200 bytes is shortened before its ending. If nothing is left, it is `default`.
    """
    plain = _shortened(_UNFIT.sub("_", name).strip(" ."))
    if _RESERVED.fullmatch(plain):
        plain = _shortened(f"_{plain}")
    return plain or default


def readable_size(size: int) -> str:
    """Return a number of bytes as people read it, such as 1.4 MB."""
    if size < _UNIT:
        return f"{size} byte{'s'[: size != 1]}"
    amount = size / _UNIT
    for unit in ("kB", "MB"):
        if round(amount, 1) < _UNIT:
            return f"{amount:.1f} {unit}"
        amount /= _UNIT
    return f"{amount:.1f} GB"


def _check_given(file: File) -> None:
    """Raise what `File` raises for where it is."""
    source: Any = file.source
    given = {"source": source is not None, "id": file.id != "", "url": file.url != ""}
    names = [f"{name}=" for name, is_given in given.items() if is_given]
    if not names:
        raise ValueError(
            "a File is made of a path, of bytes or a stream, or of id= or url=; here is nothing of "
            "it. An Attachment without an id is sent again by what turn.download gives"
        )
    if len(names) > 1:
        raise ValueError(f"a File has one of source, id= and url=, not {' and '.join(names)}")
    if file.id != "":
        require_text("File.id", file.id)
    elif file.url != "":
        check_address("File.url", file.url, ADDRESS_LIMIT)
    elif (path := file.path) is None:
        _check_source(source)
    elif not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")


def _check_source(source: object) -> None:
    if isinstance(source, io.TextIOBase):
        raise TypeError('a File is made of bytes: open it with mode "rb"')
    if not isinstance(source, bytes | Iterable | AsyncIterable):
        kind = type(source).__name__
        raise TypeError(f"File takes a path, bytes or a stream of bytes, not {kind}")


def _shortened(name: str) -> str:
    if len(name.encode()) <= NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > NAME_BYTES // 2:
        stem, dot, ending = name, "", ""
    room = NAME_BYTES - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" .") + dot + ending
