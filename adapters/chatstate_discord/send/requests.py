"""Calls with a body, and the files that go with it, read while they are sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord.http import HTTPClient, Route

from chatstate import Rejected
from chatstate.adapter import StoredFile


async def request(
    http: HTTPClient, route: Route, body: Mapping[str, Any], files: Sequence[StoredFile] = ()
) -> Any:
    """Make a call with a body, and files. Raises `Rejected` if one of them is gone."""
    if not files:
        return await http.request(route, json=body)
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
        return await http.request(route, form=form, files=opened)


def _open(file: StoredFile) -> discord.File:
    try:
        return discord.File(file.path, filename=file.name)
    except OSError as error:
        raise Rejected(f"{file.name} cannot be read: {error.strerror}") from error
