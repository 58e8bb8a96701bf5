"""Calls on the page: what the bot says is written into the transcript, changed and deleted there.

1. What is written under a key that is known is there already, and its id is returned.
2. A change is made on what is there: if somebody else was faster, it is made again.
3. A file is kept under a key that is made of its call's, before its message is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from chatstate import Gone
from chatstate.adapter import Action, PageMessage, Sent, Transcript
from chatstate_web.live import Live
from chatstate_web.send import parts
from chatstate_web.send.parts import Body, PageFile

_LONGEST_ID = 16  # digits: browsers count no further exactly


class Calls:
    """Makes calls on the pages of one account."""

    def __init__(self, transcript: Transcript, live: Live) -> None:
        self._transcript = transcript
        self._live = live

    async def perform(self, action: Action) -> Sent:
        """Make one call."""
        thread = action.thread or ""
        if action.verb == "typing":
            self._live.type(action.chat, thread)
            return Sent()
        if action.preview:
            self._preview(action)
            return Sent()  # without an id: the answer itself is a message of its own
        if action.verb in ("send", "edit"):
            done = await (self._send if action.verb == "send" else self._edit)(action)
            self._live.wrote(action.chat, thread)
            return done
        if action.verb == "reaction":
            done = await self._react(action)
        else:
            done = await self._change(action, lambda _: None)
        self._live.tell(action.chat)
        return done

    def _preview(self, action: Action) -> None:
        body = parts.body_in(action.part)
        blocks = body.blocks or [["p", None, body.text]]
        self._live.show(action.chat, action.thread or "", action.key, blocks)

    async def _send(self, action: Action) -> Sent:
        body = await self._with_files(action)
        message = PageMessage(
            action.chat, action.key, parts.json_of(body), action.thread or "", body.keys
        )
        written = await self._transcript.write(message)
        return Sent(str(written.id))

    async def _edit(self, action: Action) -> Sent:
        now = await self._with_files(action)
        return await self._change(action, lambda before: parts.edited(before, now), must=True)

    async def _react(self, action: Action) -> Sent:
        emoji = parts.body_in(action.part).reaction or ""
        return await self._change(action, lambda before: parts.reacted(before, "bot", emoji))

    async def _change(
        self, action: Action, change: Callable[[Body], Body | None], *, must: bool = False
    ) -> Sent:
        """Change a message; raise `Gone` if it is gone and `must` be there."""
        changed = await amend(self._transcript, action.chat, action.message, change)
        if changed is None and must:
            raise Gone(f"message {action.message} of chat {action.chat} is gone")
        return Sent(action.message)

    async def _with_files(self, action: Action) -> Body:
        files: list[PageFile] = []
        for number, stored in enumerate(action.part.files):
            key = file_key(action.chat, action.key, number)
            await self._transcript.keep(key, Path(stored.path))
            files.append(parts.file_of(stored, key))
        return replace(parts.body_in(action.part), files=files, origin=action.origin or "")


async def amend(
    transcript: Transcript,
    chat: str,
    message: str | None,
    change: Callable[[Body], Body | None],
) -> PageMessage | None:
    """Let a message show what `change` makes of it, nothing if that is None.

    None is returned if there is no such message, or no more.
    """
    while (found := await _found(transcript, chat, message)) and found.body is not None:
        body = change(parts.body_of(found.body))
        told = parts.json_of(body) if body else None
        changed = await transcript.rewrite(found, told, body.keys if body else ())
        if changed:
            return changed
    return None


async def _found(transcript: Transcript, chat: str, message: str | None) -> PageMessage | None:
    if not (message and message.isdecimal() and len(message) <= _LONGEST_ID):
        return None
    return await transcript.find(chat, int(message))


def file_key(chat: str, key: str, number: int) -> str:
    """Return the key of a file: the same whenever the same is kept again, and nobody's to guess."""
    digest = hashlib.blake2b(f"{chat}\0{key}\0{number}".encode(), digest_size=16)
    return f"page-{digest.hexdigest()}"
