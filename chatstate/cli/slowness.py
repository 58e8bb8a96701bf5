"""A bot's file that goes on and on is named, with the line that it is at."""

from __future__ import annotations

import contextlib
import linecache
import logging
import threading
from collections.abc import Generator
from pathlib import Path

from chatstate.engine.blocking import called, frames_of_threads
from chatstate.signature import short_path

log = logging.getLogger("chatstate")

PATIENCE = 30.0
"""Seconds: to import a large library may take as long."""


@contextlib.contextmanager
def named_if_slow(path: str, patience: float = PATIENCE) -> Generator[None]:
    """While a file is loaded in this thread, say where it is if that takes longer."""
    timer = threading.Timer(patience, _tell, (path, patience, threading.get_ident()))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _tell(path: str, patience: float, thread: int) -> None:
    file = Path(path).resolve()
    frames = [
        frame
        for frame in called(frames_of_threads().get(thread))
        if Path(frame.f_code.co_filename).resolve() == file
    ]
    if frames:
        line = frames[0].f_lineno
        log.warning(
            "%s:%s: %s: the file is still being loaded after %g s; what waits there, or serves, "
            "keeps the bot from starting",
            *(short_path(path), line, linecache.getline(str(file), line).strip(), patience),
        )
