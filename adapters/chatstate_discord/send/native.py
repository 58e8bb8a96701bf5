"""Calls of Discord's routes by their own names: `Native`.

1. What a path names in braces is taken out of the arguments: the channel is that of the chat, or of
   its thread, and the guild the one that it is in. No other channel is named there: that is `to=`.
2. Of what is left, GET and DELETE make a query, the others a body, empty if nothing is left; some
   routes have none. `reason` goes to the audit log.
3. What is said pings nobody but those that `ping` lists, whatever stands in the text; an author's
   own `allowed_mentions` counts as it is.
4. Files go beside what is said, and a file within it is named there ("Uploading Files"). Where
   nothing is said they are image data ("Image Data").
5. A new message has a nonce, so that it can be looked for when the answer was lost.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from discord.http import HTTPClient, Route

from chatstate import Rejected, ReplyError
from chatstate.adapter import Action, NativeCall, Part, Sent, StoredFile
from chatstate_discord.natives import is_repeatable
from chatstate_discord.send import parts
from chatstate_discord.send.requests import Once, request

_NAMED = re.compile(r"\{([\w.]+)\}")
_CHANNEL = re.compile(r"/channels/(?!\{channel[._]id\})")
_NEW_MESSAGE = "/channels/{channel_id}/messages"
_ASKING = ("GET", "DELETE")
_SAYS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"(POST|PATCH) .*/messages(/(?!bulk-delete)[^/]+)?"), ""),
    (re.compile(r"POST /webhooks/[^/]+/[^/]+"), ""),
    (re.compile(r"POST .*/threads"), "message"),
)
"""Routes that say something, and the name of what they say in their body."""

_BODILESS = re.compile(
    r"PUT .*/(pins|thread-members|roles|templates|reactions/[^/]+)/[^/]+"
    r"|POST .*/(typing|crosspost|expire|consume)"
)
"""Routes without a body. Others want one, though it is empty ("Create Channel Invite")."""

Guild = Callable[[str], str | None]
"""Returns the guild that a channel is in."""


def part_of(call: NativeCall) -> Part:
    """Return the part that calls a route.

    Raises `ReplyError` for one that names a channel, or lacks what its path names.
    """
    verb, _, written = call.method.partition(" ")
    path = _NAMED.sub(lambda found: f"{{{_plain(found[1])}}}", written)
    named = [_plain(name) for name in _NAMED.findall(path)]
    if ("channel_id" in named and "channel_id" in call.arguments) or _CHANNEL.search(path):
        raise ReplyError(
            f"Native({call.method!r}): write {{channel_id}} and give none; to another chat it is "
            "sent by turn.send(Native(...), to=chat)"
        )
    if not isinstance(call.arguments.get("ping", []), list):
        raise ReplyError(f"Native({call.method!r}): ping= lists those who are pinged: [user]")
    missing = set(named) - call.arguments.keys() - {"channel_id", "guild_id"}
    if missing:
        raise ReplyError(f"Native({call.method!r}) needs {', '.join(sorted(missing))}=")
    content: dict[str, Any] = {
        "route": [verb, path],
        "params": {name: call.arguments[name] for name in named if name in call.arguments},
        "arguments": {n: value for n, value in call.arguments.items() if n not in named},
        "ways": call.ways,
    }
    return Part(content, call.files, is_repeatable=is_repeatable(call.method))


def is_findable(part: Part) -> bool:
    """Tell whether what a call makes can be looked for: a new message."""
    return bool(part.content["route"] == ["POST", _NEW_MESSAGE])


async def make(http: HTTPClient, action: Action, nonce: str, guild: Guild) -> Sent:
    """Make a call, and return what came of it."""
    part, content = action.part, action.part.content
    verb, path = content["route"]
    route = Route(verb, path, **_params(content["params"], path, action, guild))
    body: dict[str, Any] = copy.deepcopy(content["arguments"])
    more: dict[str, Any] = {"reason": body.pop("reason", None)}
    if not (part.is_repeatable or is_findable(part)):
        more["once"] = Once()
    if verb in _ASKING:
        return Sent(result=await request(http, route, params=_query(body), **more))
    said, ways = _said(f"{verb} {path}", body), content["ways"]
    if said is None:
        await _inline(body, ways, part.files)
        has_body = body or not _BODILESS.fullmatch(f"{verb} {path}")
        return Sent(result=await request(http, route, body if has_body else None, **more))
    _say(said, body, ways, part.files)
    if is_findable(part):
        body |= {"nonce": nonce, "enforce_nonce": True}
    told = await request(http, route, body, part.files, **more)
    return Sent(str(told["id"]) if is_findable(part) else None, told)


def _plain(name: str) -> str:
    """Return a name as Python writes it: Discord's documentation has `{channel.id}`."""
    return name.replace(".", "_")


def _params(given: Mapping[str, Any], path: str, action: Action, guild: Guild) -> Mapping[str, str]:
    channel = str(action.thread or action.chat)
    params = {name: str(value) for name, value in given.items()}
    if "{channel_id}" in path:
        params["channel_id"] = channel
    if "{guild_id}" in path and "guild_id" not in params:
        found = guild(channel)
        if found is None:
            raise Rejected(f"chat {action.chat} is in no guild, and {path} needs one")
        params["guild_id"] = found
    return params


def _said(route: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a call says, of its body; None if it says nothing."""
    for pattern, name in _SAYS:
        if pattern.fullmatch(route):
            said = arguments.get(name) if name else arguments
            return cast("dict[str, Any]", said) if isinstance(said, dict) else None
    return None


def _say(
    said: dict[str, Any],
    body: dict[str, Any],
    ways: Sequence[Sequence[str | int]],
    files: Sequence[StoredFile],
) -> None:
    """Let what is said in a body ping nobody unasked, and name its files."""
    pinged = body.pop("ping", ())
    said.setdefault("allowed_mentions", {**parts.NOBODY, **({"users": pinged} if pinged else {})})
    for way, file in zip(ways, files, strict=True):
        if way[-1] != "file" and list(way[-2:-1]) != ["files"]:
            _put(body, way, f"attachment://{file.name}")
    for beside in ("file", "files"):
        said.pop(beside, None)
    if files:
        names = [{"id": number, "filename": file.name} for number, file in enumerate(files)]
        said.setdefault("attachments", names)


async def _inline(
    body: dict[str, Any], ways: Sequence[Sequence[str | int]], files: Sequence[StoredFile]
) -> None:
    """Put files into a body, as image data."""
    for way, file in zip(ways, files, strict=True):
        data = await asyncio.to_thread(_read, file)
        encoded = base64.b64encode(data).decode()
        _put(body, way, f"data:{file.media_type};base64,{encoded}")


def _read(file: StoredFile) -> bytes:
    try:
        return Path(file.path).read_bytes()
    except OSError as error:
        raise Rejected(f"{file.name} cannot be read: {error.strerror}") from error


def _put(body: Any, way: Sequence[str | int], value: str) -> None:
    *above, last = way
    for step in above:
        body = body[step]
    body[last] = value


def _query(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return arguments as a query has them; one that is None is left out."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in arguments.items()
        if value is not None
    }
