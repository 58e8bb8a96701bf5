"""Files, both ways: with a request, and from where Discord keeps them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, Route

from chatstate import Attachment, Rejected, Unreachable
from chatstate.adapter import StoredFile
from chatstate_discord.send.errors import meaning

_PIECE = 1 << 16


async def request(
    http: HTTPClient, route: Route, body: Mapping[str, Any], files: Sequence[StoredFile] = ()
) -> Any:
    """Make a call with a body, and files. Raises `Rejected` if one of them is gone."""
    if not files:
        return await http.request(route, json=body)
    with contextlib.ExitStack() as stack:
        opened: list[discord.File] = []
        for one in files:
            opened.append(await asyncio.to_thread(_open, one))
            stack.callback(opened[-1].close)
        form: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(body)}]
        form += [
            {
                "name": f"files[{number}]",
                "value": file.fp,
                "filename": one.name,
                "content_type": one.media_type,
            }
            for number, (one, file) in enumerate(zip(files, opened, strict=True))
        ]
        return await http.request(route, form=form, files=opened)


def _open(file: StoredFile) -> discord.File:
    try:
        return discord.File(file.path, filename=file.name)
    except OSError as error:
        raise Rejected(f"{file.name} cannot be read: {error.strerror}") from error


async def pieces(http: HTTPClient, attachment: Attachment) -> AsyncIterator[bytes]:
    """Yield the bytes of a received file. Its address is good for a day, then there is another.

    Raises `Rejected` if Discord has it no more, `Unreachable` if Discord cannot be reached.
    """
    where, _, url = attachment.ref.partition(" ")
    async with aiohttp.ClientSession() as session:
        for address in (url, ""):
            address = address or await _address(http, where)  # noqa: PLW2901 - asked for only now
            try:
                async with session.get(address) as answer:
                    if answer.status == HTTPStatus.OK:
                        async for piece in answer.content.iter_chunked(_PIECE):
                            yield piece
                        return
                    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                        raise Unreachable(f"Discord cannot give {attachment.name}: {answer.status}")
            except (aiohttp.ClientError, OSError) as error:
                raise Unreachable(f"{attachment.name} cannot be had now: {error}") from error
    raise Rejected(f"{attachment.name} is not on Discord any more")


async def _address(http: HTTPClient, where: str) -> str:
    channel, message, file = where.split("/")
    try:
        holder: Any = await http.get_message(int(channel), int(message))
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise meaning(error) from error
    for one in holder["attachments"]:
        if one["id"] == file:
            return str(one["url"])
    raise Rejected("the file was removed from its message")
