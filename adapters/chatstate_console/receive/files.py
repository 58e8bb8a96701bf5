"""Files on the console: those one sends from here, and those a bot sends."""

from __future__ import annotations

import asyncio
import errno
import itertools
import mimetypes
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from chatstate import Attachment, Rejected
from chatstate.adapter import StoredFile

_PIECE = 1 << 18
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:]+")


def attachment(path: str) -> Attachment:
    """Return a local file as something that came with a message. Raises `OSError`."""
    try:
        where = Path(path).expanduser().resolve()
        size = where.stat().st_size
    except (ValueError, RuntimeError) as error:  # a NUL in it, or a home that nobody has
        raise OSError(errno.EINVAL, str(error), path) from error
    if not where.is_file():
        code = errno.EISDIR if where.is_dir() else errno.EINVAL
        raise OSError(code, os.strerror(code), path)
    os.close(os.open(where, os.O_RDONLY))  # what may not be read is told now
    media_type = mimetypes.guess_type(where.name)[0] or "application/octet-stream"
    return Attachment(str(where), where.name, media_type, size)


async def pieces(sent: Attachment) -> AsyncIterator[bytes]:
    """Yield a local file's bytes. Raises `Rejected` if it cannot be read any more."""
    try:
        file = await asyncio.to_thread(open, sent.ref, "rb")
        try:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece
        finally:
            file.close()
    except OSError as error:
        raise Rejected(f"{sent.ref} cannot be read any more: {error.strerror}") from error


async def keep(file: StoredFile, folder: Path) -> Path:
    """Copy a file into `folder` under a name that is new there, and return where it lies.

    Raises `Rejected` if that cannot be done.
    """
    try:
        return await asyncio.to_thread(_copy, file, folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Rejected(f"{file.name} cannot be kept in {folder}: {reason}") from error


def _copy(file: StoredFile, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with Path(file.path).open("rb") as source:
        for name in _names(file.name):
            target = folder / name
            try:
                copy = target.open("xb")
            except FileExistsError:
                continue
            try:
                with copy:
                    shutil.copyfileobj(source, copy)
                    copy.flush()
                    os.fsync(copy.fileno())
            except BaseException:
                target.unlink()
                raise
            return target
    raise AssertionError("names do not end")


def _names(name: str) -> Iterator[str]:
    """Yield a file's name, then others like it; each is a plain name in a folder."""
    plain = Path(_UNFIT.sub("_", name).strip(" .") or "file")
    yield plain.name
    yield from (f"{plain.stem}-{number}{plain.suffix}" for number in itertools.count(2))
