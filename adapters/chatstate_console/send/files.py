"""Files that a bot sends, as the console keeps them."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from chatstate import Rejected
from chatstate.adapter import StoredFile

_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:]+")


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
            except BaseException:  # also on Ctrl-C: half a file is none
                target.unlink()
                raise
            return target
    raise AssertionError("names do not end")


def _names(name: str) -> Iterator[str]:
    """Yield a file's name, then others like it; each is a plain name in a folder."""
    plain = Path(_UNFIT.sub("_", name).strip(" .") or "file")
    yield plain.name
    yield from (f"{plain.stem}-{number}{plain.suffix}" for number in itertools.count(2))
