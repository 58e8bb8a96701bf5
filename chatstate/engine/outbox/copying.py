"""Files that are being copied: written in threads, dropped whenever nobody wants them any more.

1. One thread at a time writes a copy; `drop` may come from another at any moment.
2. A full disk is waited for, as the store waits for it; that is nobody's time.
3. A source is read once. So what a full disk does not take is kept, and the copy goes on with it.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

from chatstate.clock import TOLD_AT, Clock, growing_pauses
from chatstate.engine.threads import HandlerThreads

log = logging.getLogger("chatstate.files")

T = TypeVar("T")
Waiting = Callable[[], contextlib.AbstractContextManager[object]]
"""Makes a context in which nobody's time counts."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class NoRoomError(OSError):
    """The disk takes nothing more now; it may later, when somebody has made room."""


class _DroppedError(Exception):
    """The copy is not wanted any more; whoever writes it should stop."""


@contextlib.contextmanager
def needing_room(path: Path) -> Generator[None]:
    """Raise `NoRoomError` if what is done within fails for a reason that may pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise NoRoomError(error.errno, error.strerror, str(path)) from error


class Copy:
    """A file that is being written, of at most `limit` bytes; what is larger is only measured.

    If it is `durable`, it is on the disk once it is closed.
    """

    def __init__(self, target: Path, limit: int, *, durable: bool) -> None:
        self._target = target
        self._limit = limit
        self._durable = durable
        self._descriptor: int | None = None
        self._left = memoryview(b"")
        self._is_writing = False
        self._is_dropped = False
        self.size = 0

    def write_all(self, pieces: Iterator[bytes]) -> None:
        """Append pieces.

        Raises `NoRoomError`: then call it again with the same iterator, to go on. Raises
        `TypeError` for what is no bytes, `OSError`, and what the iterator raises.
        """
        self._write_left()
        for piece in pieces:
            if not isinstance(piece, bytes | bytearray | memoryview):
                raise TypeError(f"a stream gives bytes, not {type(piece).__name__}")
            self._left = memoryview(piece).cast("B")
            self.size += len(self._left)
            self._write_left()

    def close(self) -> None:
        """End the file, if it is not too large. Raises `NoRoomError`: then call it again."""
        with self._writing():
            if self.size > self._limit:
                return
            descriptor = self._opened()
            if self._durable:
                os.fsync(descriptor)
            self._descriptor = None
            os.close(descriptor)
            if self._durable:
                sync_folder(self._target.parent)

    def drop(self) -> None:
        """Remove what was written, now or as soon as nobody writes; nothing more is written."""
        self._is_dropped = True
        if not self._is_writing:
            self._remove()

    def _write_left(self) -> None:
        with self._writing():
            if self.size > self._limit:
                self._left = memoryview(b"")
                self._remove()
            while self._left:
                descriptor = self._opened()
                with needing_room(self._target):
                    written = os.write(descriptor, self._left)
                self._left = self._left[written:]

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

    def _opened(self) -> int:
        if self._descriptor is None:
            with needing_room(self._target):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
                self._descriptor = os.open(self._target, flags, 0o600)
        return self._descriptor

    def _remove(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._target.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Where folders cannot be opened there is no way."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Copier:
    """Writes copies in threads. While the disk is full it waits, within `waiting()`."""

    def __init__(self, threads: HandlerThreads, clock: Clock) -> None:
        self._threads = threads
        self._clock = clock

    async def write_stream(
        self, source: AsyncIterable[bytes], copy: Copy, waiting: Waiting
    ) -> None:
        """Append what a stream gives, and close the stream."""
        async with closing(source):
            async for piece in source:
                await self.write(functools.partial(copy.write_all, iter([piece])), waiting)

    async def write_pieces(self, pieces: Generator[bytes], copy: Copy, waiting: Waiting) -> None:
        """Append what a generator gives, and close it."""

        def write() -> None:
            try:
                copy.write_all(pieces)
            except NoRoomError:
                raise
            except BaseException:  # the copy was dropped, say
                pieces.close()
                raise

        try:
            await self.write(write, waiting)
        finally:
            with contextlib.suppress(ValueError):  # a thread still reads it, and closes it then
                pieces.close()

    async def write(self, write: Callable[[], object], waiting: Waiting) -> None:
        """Call `write` in a thread, again and again while it raises `NoRoomError`."""
        await self.until_done(lambda: self._threads.run(write), waiting)

    async def until_done(self, write: Callable[[], Awaitable[T]], waiting: Waiting) -> T:
        """Return what `write` returns, called again and again while it raises `NoRoomError`."""
        pauses = growing_pauses()
        while True:
            try:
                return await write()
            except NoRoomError as error:
                pause = next(pauses)
                if pause >= TOLD_AT:
                    what, why = error.filename, error.strerror
                    log.warning("%s cannot be written: %s; trying again", what, why)
            with waiting():
                await self._clock.sleep(pause)


@contextlib.asynccontextmanager
async def closing(stream: AsyncIterable[bytes]) -> AsyncGenerator[None]:
    """Close a stream in the end, if it is one that can be closed."""
    try:
        yield
    finally:
        close: Callable[[], Awaitable[None]] | None = getattr(stream, "aclose", None)
        if close:
            await close()
