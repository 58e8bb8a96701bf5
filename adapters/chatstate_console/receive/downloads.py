"""Files that are sent from here."""

from __future__ import annotations

import asyncio
import errno
import mimetypes
import os
from collections.abc import AsyncIterator
from pathlib import Path

from chatstate import Attachment, Rejected

_PIECE = 1 << 18


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


async def download(sent: Attachment) -> AsyncIterator[bytes]:
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
