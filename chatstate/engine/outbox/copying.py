"""One file that is being copied: written in threads, dropped whenever nobody wants it any more."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO


class _DroppedError(Exception):
    """The copy is not wanted any more; whoever writes it should stop."""


class Copy:
    """A file that is being written, of at most `limit` bytes; what is larger is only measured.

    One thread at a time writes; `drop` may come from another at any moment. If it is `durable`,
    it is on the disk once it is closed.
    """

    def __init__(self, target: Path, limit: int, *, durable: bool) -> None:
        self._target = target
        self._limit = limit
        self._durable = durable
        self._file: BinaryIO | None = None
        self._is_writing = False
        self._is_dropped = False
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Append bytes. Raises `TypeError` for what is none, and `OSError`."""
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise TypeError(f"a stream gives bytes, not {type(piece).__name__}")
        with self._writing():
            self.size += memoryview(piece).nbytes
            if self.size <= self._limit:
                self._opened().write(piece)
            else:
                self._remove()

    def write_all(self, pieces: Generator[bytes]) -> None:
        """Append pieces, and close."""
        with contextlib.closing(pieces):
            for piece in pieces:
                self.write(piece)
        self.close()

    def close(self) -> None:
        """End the file, if it is not too large."""
        with self._writing():
            if self.size > self._limit:
                return
            file = self._opened()
            if self._durable:
                file.flush()
                os.fsync(file.fileno())
            file.close()
            if self._durable:
                sync_folder(self._target.parent)

    def drop(self) -> None:
        """Remove what was written, now or as soon as nobody writes; nothing more is written."""
        self._is_dropped = True
        if not self._is_writing:
            self._remove()

    @contextlib.contextmanager
    def _writing(self) -> Generator[None]:
        self._is_writing = True
        try:
            if self._is_dropped:
                raise _DroppedError
            yield
        finally:
            self._is_writing = False
            if self._is_dropped:
                self._remove()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            descriptor = os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._file = os.fdopen(descriptor, "wb")
        return self._file

    def _remove(self) -> None:
        if self._file is not None:
            self._file.close()
            self._target.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Where folders cannot be opened there is no way."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
