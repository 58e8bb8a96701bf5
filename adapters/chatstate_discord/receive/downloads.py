"""Received files, as a stream: from where Discord keeps them, never whole in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient

from chatstate import Attachment, Rejected, Unreachable
from chatstate_discord.send.errors import meaning

_PIECE = 1 << 16
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_SERVERS_FAULT = HTTPStatus.INTERNAL_SERVER_ERROR


async def download(http: HTTPClient, attachment: Attachment) -> AsyncIterator[bytes]:
    """Yield the bytes of a received file. Its address is good for a day, then there is another.

    Raises `Rejected` if Discord has it no more, `Unreachable` if Discord cannot be reached.
    """
    where, _, url = attachment.ref.partition(" ")
    async with aiohttp.ClientSession() as session:
        for address in (url, ""):
            address = address or await _address(http, where)  # noqa: PLW2901 - asked for only now
            try:
                async with session.get(address, proxy=http.proxy) as answer:
                    if answer.status == HTTPStatus.OK:
                        async for piece in answer.content.iter_chunked(_PIECE):
                            yield piece
                        return
                    if answer.status in _PASSING or answer.status >= _SERVERS_FAULT:
                        raise Unreachable(f"Discord cannot give {attachment.name}: {answer.status}")
            except aiohttp.InvalidURL:  # it is none, however often it is asked for
                continue
            except (aiohttp.ClientError, OSError) as error:
                raise Unreachable(f"{attachment.name} cannot be had now: {error}") from error
    raise Rejected(f"{attachment.name} is not on Discord any more")


async def _address(http: HTTPClient, where: str) -> str:
    channel, message, file = where.split("/")
    try:
        holder: Any = await http.get_message(int(channel), int(message))
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise meaning(error) from error
    holders = [holder, *(snapshot["message"] for snapshot in holder.get("message_snapshots", ()))]
    for attached in (file for said in holders for file in said["attachments"]):
        if attached["id"] == file:
            return str(attached["url"])
    raise Rejected("the file was removed from its message")
