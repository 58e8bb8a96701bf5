"""Received files, as a stream: never whole in memory, and never from this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx

from chatstate import Attachment, Rejected, SendError, Unreachable
from chatstate_telegram.client import Client
from chatstate_telegram.send.errors import judged, says

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


async def download(client: Client, attachment: Attachment, limit: int) -> AsyncIterator[bytes]:
    """Yield the bytes of a file, at most `limit` and a piece.

    Raises `Rejected` if Telegram does not give it, `Unreachable` if it cannot now.
    """
    url = client.file_url(await _path(client, attachment))
    received = 0
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as http, http.stream("GET", url) as answer:
            _check(answer.status_code, attachment)
            async for piece in answer.aiter_bytes():
                yield piece
                received += len(piece)
                if received > limit:
                    return
    except httpx.HTTPError as error:
        what = f"{attachment.name} could not be fetched: {type(error).__name__}"
        raise Unreachable(what) from None  # the error's request holds the token


async def _path(client: Client, attachment: Attachment) -> str:
    """Return where Telegram keeps the file. A path on this machine is refused."""
    try:
        answer = await client.bot.get_file(attachment.ref)
    except Exception as error:
        if says(error, "file is too big"):
            raise Rejected(f"{attachment.name} is larger than the 20 MB Telegram gives") from error
        what = await judged(error, client)
        raise (what if isinstance(what, SendError) else Rejected(str(what))) from error
    path = (answer.file_path or "").removeprefix(client.file_url(""))
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise Rejected(f"{attachment.name} is kept where it cannot be fetched from")
    return path


def _check(status: int, attachment: Attachment) -> None:
    if status == HTTPStatus.OK:
        return
    what = f"Telegram does not give {attachment.name} (HTTP status {status})"
    raise Unreachable(what) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Rejected(what)
