"""Calls of the Bot API by its own names: `Native`.

1. The chat and the topic are filled in where the method takes them and its author names none. Of
   a method that python-telegram-bot does not know, Telegram is told both: it passes over what a
   method does not take.
2. A chat is named by `to=`, never by an argument: what is owed to a chat keeps its order there.
3. A file is a part of its own of the request. Where it is an argument itself, that has its name;
   within an argument "attach://..." stands for it ("Sending files").
4. What answers a query, or a press, is told which: it is not sent to a chat.
5. The id of the message that was made is told, and whatever else the Bot API returns.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, cast

from telegram import InputFile

from chatstate import ReplyError
from chatstate.adapter import Action, NativeCall, Part, Sent, StoredFile
from chatstate_telegram.client import ANSWER_SECONDS, Client
from chatstate_telegram.natives import is_repeatable
from chatstate_telegram.receive.others import Query, query_of
from chatstate_telegram.send.calls import thread_of
from chatstate_telegram.send.extras import parameters
from chatstate_telegram.send.files import UPLOAD_SECONDS, opened_file

_INSTEAD_OF_A_CHAT = ("inline_message_id", "user_id")
"""What a message or a gift goes to where a method takes that or a chat.

Not where a message of a chat is named, as by `setGameScore`.
"""


def part_of(call: NativeCall) -> Part:
    """Return the part that makes a call. Raises `ReplyError` for one that names a chat."""
    if "chat_id" in call.arguments:
        raise ReplyError(
            f"Native({call.method!r}): leave out chat_id; to another chat it is sent by "
            "turn.send(Native(...), to=chat)"
        )
    content = {"method": call.method, "arguments": call.arguments, "ways": call.ways}
    return Part(content, call.files, is_repeatable=is_repeatable(call.method))


async def make(client: Client, action: Action) -> Sent:
    """Make a call, and return what came of it."""
    content = action.part.content
    method: str = content["method"]
    arguments = copy.deepcopy(content["arguments"])
    for name, value in _place(method, arguments, action).items():
        arguments.setdefault(name, value)
    patience = UPLOAD_SECONDS if action.part.files else ANSWER_SECONDS
    with ExitStack() as opened:
        files = _attached(arguments, content["ways"], action.part.files, opened)
        result = await client.call(method, arguments, files, patience)
    return Sent(_message_id(result), result)


def _place(method: str, arguments: dict[str, Any], action: Action) -> dict[str, Any]:
    """Return the chat and the topic for a call, as far as the method takes them."""
    taken = parameters(method)
    needs_chat = taken.get("chat_id") is inspect.Parameter.empty
    is_elsewhere = any(name in arguments for name in _INSTEAD_OF_A_CHAT)
    if is_elsewhere and not needs_chat and "message_id" not in arguments:
        return {}
    query = query_of(action.origin) or Query("callback_query", action.origin or "")
    if action.origin and f"{query.kind}_id" in taken:
        return {f"{query.kind}_id": query.id}
    place = {"chat_id": action.chat, "message_thread_id": thread_of(action)}
    return {name: v for name, v in place.items() if v is not None and (not taken or name in taken)}


def _attached(
    arguments: dict[str, Any],
    ways: Sequence[Sequence[str | int]],
    files: Sequence[StoredFile],
    opened: ExitStack,
) -> dict[str, InputFile]:
    """Return files by the names of their parts, and let what is within an argument name them."""
    attached: dict[str, InputFile] = {}
    for number, (way, file) in enumerate(zip(ways, files, strict=True)):
        *above, last = way
        name = f"file{number}" if above else str(last)
        place: Any = arguments
        for step in above:
            place = place[step]
        sent = opened_file(file, opened)
        if isinstance(sent, str):  # it is there already
            place[last] = sent
        else:
            place[last] = f"attach://{name}" if above else None
            attached[name] = sent
    return attached


def _message_id(result: Any) -> str | None:
    first = next(iter(cast("list[Any]", result)), None) if isinstance(result, list) else result
    if not isinstance(first, dict):
        return None
    number = cast("dict[str, Any]", first).get("message_id")
    return None if number is None else str(number)
