"""Received files, as a stream: never whole in memory, and never more than the limit.

1. A path on this machine is refused, unless it leads to a file in the folder of a Bot API server
   that runs with `--local`, which gives paths in place of files.
2. No error holds the address of a file: the token is in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from pathlib import Path

import httpx

from chatstate import Attachment, Rejected, SendError, Unreachable
from chatstate_telegram.client import Client, trusted
from chatstate_telegram.send.errors import judged, says

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_PIECE = 1 << 18
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


async def download(
    client: Client, attachment: Attachment, limit: int, *, local: str | None = None
) -> AsyncIterator[bytes]:
    """Yield the bytes of a file, at most `limit` and a piece. `local` is such a server's folder.

    Raises `Rejected` if Telegram does not give it, `Unreachable` if it cannot now.
    """
    path = await _path(client, attachment)
    pieces = (
        _fetched(client.file_url(path), attachment)
        if not path.startswith("/")
        else _read(await asyncio.to_thread(_inside, path, local, attachment), attachment)
    )
    received = 0
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece
            received += len(piece)
            if received > limit:
                return


async def _path(client: Client, attachment: Attachment) -> str:
    """Return where Telegram, or a server of one's own, keeps the file."""
    try:
        answer = await client.bot.get_file(attachment.ref)
    except Exception as error:  # `judged` tells what it is
        if says(error, "file is too big"):
            raise Rejected(f"{attachment.name} is larger than what Telegram gives") from error
        what = await judged(error, client)
        raise (what if isinstance(what, SendError) else Rejected(str(what))) from error
    path = (answer.file_path or "").removeprefix(client.file_url(""))
    if not path or ".." in path.split("/"):
        raise Rejected(f"{attachment.name} is kept where it cannot be fetched from")
    return path


async def _fetched(url: str, attachment: Attachment) -> AsyncGenerator[bytes]:
    try:
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT, verify=trusted()) as http,
            http.stream("GET", url) as answer,
        ):
            _check(answer.status_code, attachment)
            async for piece in answer.aiter_bytes():
                yield piece
    except httpx.HTTPError as error:
        what = f"{attachment.name} could not be fetched: {type(error).__name__}"
        raise Unreachable(what) from None  # the error's request holds the token


def _check(status: int, attachment: Attachment) -> None:
    if status == HTTPStatus.OK:
        return
    what = f"Telegram does not give {attachment.name} (HTTP status {status})"
    passes = status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    raise Unreachable(what) if passes else Rejected(what)


def _inside(path: str, local: str | None, attachment: Attachment) -> Path:
    """Return a path on this machine, if it leads to a file in the server's folder."""
    if local is None:
        raise Rejected(
            f"{attachment.name} is kept on the machine of the Bot API server: "
            "name the folder that it keeps files in with --local"
        )
    found = Path(path).resolve()
    if not found.is_relative_to(Path(local).resolve()):
        raise Rejected(f"{attachment.name} is kept outside of {local}, and is not read from there")
    if not found.is_file():
        raise Rejected(f"{attachment.name} is not in {local} any more")
    return found


async def _read(path: Path, attachment: Attachment) -> AsyncGenerator[bytes]:
    try:
        file = await asyncio.to_thread(path.open, "rb")
        try:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece
        finally:
            file.close()
    except OSError as error:
        raise Rejected(f"{attachment.name} cannot be read: {error.strerror}") from error
