"""The folder of a turn, and the received files that are fetched into it, each once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chatstate.engine.outbox.spool import Spool
from chatstate.engine.turns.turn import RunningTurn
from chatstate.files import Attachment, File


def folder_of(turn: RunningTurn, spool: Spool) -> Path:
    """Return the turn's own folder, made when it is asked for."""
    if turn.folder is None:
        turn.folder = spool.new_folder(turn.arrival.seq)
    return turn.folder


async def download(
    turn: RunningTurn, spool: Spool, attachment: Attachment, folder: Callable[[], Path]
) -> File:
    """Return a file that came with a turn's message, fetched into `folder()` unless it is there."""
    if turn.fetched is None:
        turn.fetched = {}
    fetched = turn.fetched
    if attachment not in fetched:
        file = await spool.download(turn.place.account, attachment, folder, turn.untimed)
        fetched[attachment] = file
    return fetched[attachment]
