"""Answers that are being written, as drafts ("sendMessageDraft"): in private chats.

1. A draft is no message: nothing is lost or doubled with one. It goes when a message comes, or
   after `LASTS` seconds. The answer itself is sent as any other.
2. The previews of one answer have one number, also after a crash: what is shown then changes.
3. A Bot API server that knows no drafts is asked once. Where one is refused it is a message, which
   is edited from then on.
4. What is sent waits for a draft that is on its way to the same chat: it would be shown below it.
5. Whoever presses Stop ("MessageGenerationStopped") ends the answer whose draft that is, and no
   other. That may come before the answer to the call, which may be lost, too.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from http import HTTPStatus

from chatstate.adapter import Action
from chatstate_telegram.client import Client, Refusal
from chatstate_telegram.send.calls import entities_of, thread_of

log = logging.getLogger("chatstate.telegram")

LASTS = 30.0
_STOPPABLE = {"can_stop": True, "keep_on_stop": True}  # newer than python-telegram-bot's


class Drafts:
    """Shows drafts by one client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._are_known = True
        self._on_their_way: dict[asyncio.Task[bool], str] = {}
        self._shown: dict[tuple[str, int | None], set[int]] = {}

    def may_show(self, action: Action) -> bool:
        """Tell whether an action is a preview that can be a draft."""
        is_private = action.chat.isdecimal()
        return action.preview and action.verb == "send" and is_private and self._are_known

    async def show(self, action: Action) -> bool:
        """Show a preview; tell whether that is possible."""
        call = asyncio.create_task(self._show(action))
        self._on_their_way[call] = action.chat
        call.add_done_callback(self._on_their_way.pop)
        return await asyncio.shield(call)

    async def over(self, action: Action) -> None:
        """Return when no draft is on its way to the chat of what is to be sent now."""
        calls = [call for call, chat in self._on_their_way.items() if chat == action.chat]
        if calls:
            await asyncio.wait(calls)
        self._shown.pop((action.chat, thread_of(action)), None)

    def is_shown(self, chat: str, thread: int | None, number: int) -> bool:
        """Tell whether a draft is what is shown of an answer now, as far as anybody knows."""
        return number in self._shown.get((chat, thread), ())

    async def _show(self, action: Action) -> bool:
        number, thread = zlib.crc32(action.key.encode()) or 1, thread_of(action)
        shown = self._shown.setdefault((action.chat, thread), set())
        shown.add(number)
        try:
            await self._client.bot.send_message_draft(
                int(action.chat),
                number,
                action.part.content["text"],
                message_thread_id=thread,
                entities=entities_of(action.part),
                api_kwargs=_STOPPABLE,
            )
        except Refusal as refusal:
            shown.discard(number)
            if not await self._is_impossible(refusal):
                raise
            return False
        return True

    async def _is_impossible(self, refusal: Refusal) -> bool:
        if refusal.status == HTTPStatus.NOT_FOUND and await self._client.is_known():
            self._are_known = False
            log.info("this Bot API server knows no drafts: answers are shown in messages")
            return True
        return refusal.status == HTTPStatus.BAD_REQUEST
