"""Calls with a body, and the files that go with it, read while they are sent.

discord.py itself makes a call again whose answer was that Discord has failed. That may have had an
effect: what must not be made twice goes with a `Once`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import discord
from discord.http import HTTPClient, Route

from chatstate import Ambiguous, Rejected
from chatstate.adapter import StoredFile


class Once(discord.File):
    """Keeps discord.py from making a call again, but for one that was told to wait.

    It goes with a call as a file does, which discord.py turns back before each try. Raises
    `Ambiguous`.
    """

    def __init__(self) -> None:
        self._status: int | None = None

    def heard(self, status: int) -> None:
        """Note how a try was answered."""
        self._status = status

    def reset(self, *, seek: int | bool = True) -> None:
        """See `discord.File.reset`."""
        if seek and self._status != HTTPStatus.TOO_MANY_REQUESTS:
            raise Ambiguous(f"Discord answered with status {self._status}")


async def request(
    http: HTTPClient,
    route: Route,
    body: Mapping[str, Any] | None = None,
    files: Sequence[StoredFile] = (),
    *,
    once: Once | None = None,
    **more: Any,
) -> Any:
    """Make a call with a body, and files. Raises `Rejected` if one of them is gone."""
    guards: list[discord.File] = [once] if once else []
    if once:
        more["trace_request_ctx"] = once
    if body is not None and not files:
        more["json"] = body
    if not files:
        return await http.request(route, files=guards, **more)
    with contextlib.ExitStack() as stack:
        opened: list[discord.File] = []
        for file in files:
            opened.append(await asyncio.to_thread(_open, file))
            stack.callback(opened[-1].close)
        form: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(body)}]
        form += [
            {
                "name": f"files[{number}]",
                "value": sent.fp,
                "filename": file.name,
                "content_type": file.media_type,
            }
            for number, (file, sent) in enumerate(zip(files, opened, strict=True))
        ]
        return await http.request(route, form=form, files=[*opened, *guards], **more)


def _open(file: StoredFile) -> discord.File:
    try:
        return discord.File(file.path, filename=file.name)
    except OSError as error:
        raise Rejected(f"{file.name} cannot be read: {error.strerror}") from error
