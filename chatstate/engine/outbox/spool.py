"""Files on their way: those a reply owes, and those a turn has received.

1. A file that is owed is copied to the spool, durably, before the turn's commit. Its name there
   begins with the number of the turn, and it is removed once it is durably noted as sent. One
   whose reply is dead stays with the dead letter.
2. What a turn receives lies in a folder of the turn's own, which is removed when the turn ends.
3. A disk that is full is waited for, as the store waits for it. What a platform cannot give now is
   asked for again.
4. What a crash left of either is removed at the next start, known by the form of its name: nothing
   of a turn that may be running in another process. Whatever else lies there is somebody's, and
   stays.
5. What `bot.send` was given lies there under its reference, until its turn has copied it; what a
   crash leaves of that goes with the reference.
6. A file that is elsewhere, by its id or its address, has no key and is never here.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import re
import shutil
import sys
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, cast

from msgspec.structs import replace

from chatstate.adapter import Adapter, StoredFile
from chatstate.clock import Clock
from chatstate.engine.asking import asked_until_told
from chatstate.engine.outbox.addressing import Addresses
from chatstate.engine.outbox.copying import (
    Copier,
    Copy,
    Waiting,
    closing,
    needing_room,
    sync_folder,
)
from chatstate.engine.threads import HandlerThreads
from chatstate.errors import ReplyError, UserError
from chatstate.files import Attachment, File, is_media_type, readable_size, safe_name, type_of
from chatstate.language.sentences import Sentence
from chatstate.replies import AnyReply, files_of
from chatstate.stores.base import Arrival, Store, owed_folder

log = logging.getLogger("chatstate.files")

_PIECE = 1 << 18
_OWED = re.compile(r"[0-9]+-[0-9]+-[0-9a-f]{8}")
_TO_SEND = re.compile(r"send-[0-9a-z]+-[0-9]+-[0-9a-f]{8}")
_OF_A_TURN = re.compile(r"[0-9]+-[0-9]+(-[0-9a-f]{8})?")


class Spool:
    """Keeps files beside the store."""

    def __init__(
        self,
        store: Store,
        threads: HandlerThreads,
        adapters: Mapping[int, Adapter],
        clock: Clock,
    ) -> None:
        self._store = store
        self._adapters = adapters
        self._threads = threads
        self._clock = clock
        self._copier = Copier(threads, clock)
        self._owed = owed_folder(store.folder)
        self._turns = store.folder / "turns"
        self._numbers = itertools.count(1)

    # What replies owe

    async def take_all(
        self,
        arrival: Arrival,
        answer: Sequence[AnyReply],
        waiting: Waiting,
        addressed: Addresses = MappingProxyType({}),
    ) -> list[StoredFile]:
        """Copy the files of replies into the spool; return one for each, in their order.

        A `File` that is there several times is read once: its source may be a stream. A full disk
        is waited for within `waiting()`. Raises `ReplyError` if a file cannot be read; then none
        is kept.
        """
        files: list[File] = []
        limits: list[int] = []
        for reply in answer:
            if found := files_of(reply):
                there = addressed[id(reply)].arrival if id(reply) in addressed else arrival
                files += found
                limits += [self._limit(there)] * len(found)
        taken: list[StoredFile] = []
        try:
            for number, (file, limit) in enumerate(zip(files, limits, strict=True)):
                first = next(n for n, earlier in enumerate(files) if earlier is file)
                if first == number:
                    taken.append(await self._take(arrival.seq, file, limit, waiting))
                else:
                    taken.append(await self._take_again(arrival.seq, taken[first], limit, waiting))
        except BaseException:  # also when cancelled: no turn owes these files
            self.discard(taken)
            raise
        return taken

    def _limit(self, arrival: Arrival) -> int:
        capabilities = self._adapters[arrival.place.account].capabilities
        return capabilities.file_bytes if capabilities.files else 0

    async def _take(self, turn: int, file: File, limit: int, waiting: Waiting) -> StoredFile:
        """Copy a file into the spool. One of more than `limit` bytes is only measured."""
        if file.is_elsewhere:
            name, media_type, id_, url = file.name, file.media_type, file.id, file.url
            return StoredFile("", name, media_type, 0, "", file.voice, id_, url)
        return await self._put(f"{turn}-{self._suffix()}", file, limit, waiting)

    def _suffix(self) -> str:
        return f"{next(self._numbers)}-{os.urandom(4).hex()}"

    async def _put(self, key: str, file: File, limit: int, waiting: Waiting) -> StoredFile:
        target = self._owed / key
        try:
            await self._copier.write(functools.partial(_make_folder, self._owed), waiting)
            size = await self._copy(file, target, limit, waiting)
            if size <= limit:
                await self._store.keep(key, target)
        except (OSError, TypeError, ValueError) as error:
            raise ReplyError(f"file {file.name!r} cannot be copied to be sent: {error}") from error
        return StoredFile(key, file.name, file.media_type, size, str(target), file.voice)

    async def _take_again(
        self, turn: int, taken: StoredFile, limit: int, waiting: Waiting
    ) -> StoredFile:
        if taken.size > limit or not taken.key:
            return taken
        file = File(taken.path, taken.name, taken.media_type, taken.is_voice)
        return await self._take(turn, file, limit, waiting)

    async def keep_all(self, ref: str, files: Sequence[File]) -> list[str]:
        """Copy files of what is to be sent under a reference; return their keys.

        Raises `ReplyError` if one cannot be read; then none is kept.
        """
        keys: list[str] = []
        try:
            for file in files:
                keys.append(f"send-{ref}-{self._suffix()}")
                await self._put(keys[-1], file, sys.maxsize, contextlib.nullcontext)
        except BaseException:  # also when cancelled: nothing leads to these files
            self._store.discard(keys)
            raise
        return keys

    async def found(self, file: StoredFile) -> StoredFile:
        """Return a file that an earlier process has put into the spool, where it lies now."""
        if not file.key:
            return file
        path = await self._store.fetch(safe_name(file.key))
        return replace(file, path=str(path or ""))

    def lost(self, files: Iterable[StoredFile]) -> StoredFile | None:
        """Return the first of these that is in the spool no more."""
        return next((f for f in files if f.key and not Path(f.path).is_file()), None)

    def discard(self, files: Sequence[StoredFile]) -> None:
        """Remove files that are owed no more."""
        if files and (keys := [safe_name(file.key) for file in files if file.key]):
            self._store.discard(keys)

    async def sweep(self) -> None:
        """Remove what is owed no more, though it lies in the spool. While no turn runs here."""
        owed = await self._threads.run(functools.partial(_paths_in, self._owed, _OWED))
        turns = await self._threads.run(functools.partial(_paths_in, self._turns, _OF_A_TURN))
        running = await self._running((*owed, *turns))
        owing = running.union(await self._store.owing(_turns_of(owed)))
        left = [file for file in owed if _turn_of(file) not in owing]
        left += [folder for folder in turns if _turn_of(folder) not in running]
        for path in await self._threads.run(functools.partial(_paths_in, self._owed, _TO_SEND)):
            if await self._store.reference(path.name.split("-")[1]) is None:
                left.append(path)
        for path in left:
            await self._threads.run(functools.partial(_remove, path))

    async def _running(self, paths: Iterable[Path]) -> set[int]:
        """Return the turns to which files belong, and which other processes may be running."""
        if self._store.is_sole:
            return set()
        return set(await self._store.pending(_turns_of(paths)))

    async def _copy(self, file: File, target: Path, limit: int, waiting: Waiting) -> int:
        path = file.path
        if path is not None and path.stat().st_size > limit:
            return path.stat().st_size
        copy = Copy(target, limit, durable=True)
        try:
            if isinstance(file.source, AsyncIterable):
                await self._copier.write_stream(file.source, copy, waiting)
            else:
                await self._copier.write_pieces(_pieces(file), copy, waiting)
            await self._copier.write(copy.close, waiting)
        except BaseException:  # also when cancelled: half a copy is none
            copy.drop()
            raise
        return copy.size

    # What turns receive

    def new_folder(self, turn: int) -> Path:
        """Return a new folder for a turn. Raises `OSError`."""
        _make_folder(self._turns)
        folder = self._turns / f"{turn}-{next(self._numbers)}-{os.urandom(4).hex()}"
        _make(folder)
        return folder

    async def download(
        self,
        account: int,
        attachment: Attachment,
        make_folder: Callable[[], Path],
        waiting: Waiting,
    ) -> File:
        """Fetch a received file into a folder, asking for it again while it cannot be had.

        Raises `UserError` if it is larger than the adapter's limit, and what the adapter raises
        that does not pass.
        """
        adapter = self._adapters[account]
        limit = adapter.capabilities.received_bytes or adapter.capabilities.file_bytes
        name = safe_name(attachment.name)
        if attachment.size is not None and attachment.size > limit:
            raise _too_large(name, limit)

        async def folder() -> Path:
            return make_folder()

        place = await self._copier.until_done(folder, waiting) / f"{next(self._numbers)}"
        await self._copier.write(functools.partial(_make, place), waiting)
        target = place / name

        async def fetch() -> None:
            stream = _up_to(limit, name, adapter.open(attachment))
            copy = Copy(target, limit, durable=False)
            try:
                await self._copier.write_stream(stream, copy, waiting)
                await self._copier.write(copy.close, waiting)
            except BaseException:  # also when cancelled: half a copy is none
                copy.drop()
                raise

        await asked_until_told(self._clock, f"file {name!r}", fetch)
        media_type = attachment.media_type
        return File(target, name, media_type if is_media_type(media_type) else type_of(name))

    async def end_turn(self, folder: Path) -> None:
        """Remove a turn's folder."""
        await self._threads.run(functools.partial(_remove, folder))


async def _up_to(limit: int, name: str, stream: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Yield what a stream gives. Raises `UserError` once that is more than `limit` bytes."""
    size = 0
    async with closing(stream):
        async for piece in stream:
            size += len(piece)
            if size > limit:
                raise _too_large(name, limit)
            yield piece


def _pieces(file: File) -> Generator[bytes]:
    """Yield the bytes of a file whose source is not async; a stream is closed in the end."""
    source = file.source
    if isinstance(source, bytes):
        yield source
        return
    stream = file.path.open("rb") if file.path else source
    try:
        if hasattr(stream, "read"):
            while piece := cast("BinaryIO", stream).read(_PIECE):
                yield piece
        else:
            yield from cast("Iterable[bytes]", stream)
    finally:
        close: Callable[[], object] | None = getattr(stream, "close", None)
        if close:
            close()


def _make_folder(folder: Path) -> None:
    """Make a folder in the store's own, for the owner alone, and durably."""
    for made in (folder.parent, folder):
        with contextlib.suppress(FileExistsError):
            _make(made)
            sync_folder(made.parent)


def _make(folder: Path) -> None:
    with needing_room(folder):
        folder.mkdir(mode=0o700)


def _paths_in(folder: Path, names: re.Pattern[str]) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if names.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("%s cannot be read: %s", folder, error)
        return []


def _remove(path: Path) -> None:
    """Remove a file or a folder; what cannot be removed is told, and stops nobody."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed: %s", path, error)


def _turns_of(paths: Iterable[Path]) -> list[int]:
    return sorted({_turn_of(path) for path in paths})


def _turn_of(path: Path) -> int:
    return int(path.name.partition("-")[0])


def _too_large(name: str, limit: int) -> UserError:
    return Sentence("received_too_large", file=name, size=readable_size(limit))
