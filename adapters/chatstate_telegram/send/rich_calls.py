"""Rich messages ("sendRichMessage"), where they are wanted and can be had.

1. An app that is too old shows a placeholder for one, so they are sent if whoever runs the bot says
   so.
2. A Bot API server that knows none is asked once. Where one is refused its text is sent as usual:
   with the table laid out in letters of one width.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, cast

from chatstate.adapter import Action
from chatstate_telegram.client import ANSWER_SECONDS, Client, Refusal
from chatstate_telegram.send.calls import message_of, where_of
from chatstate_telegram.send.errors import says

log = logging.getLogger("chatstate.telegram")


class RichMessages:
    """Sends and edits them by one client, if they are `wanted`."""

    def __init__(self, client: Client, *, wanted: bool) -> None:
        self._client = client
        self._wanted = wanted

    async def show(self, action: Action) -> str | None:
        """Send or edit a rich message and return its id; None for what is to be a usual one."""
        content = action.part.content
        if not self._wanted or "rich" not in content or action.preview:
            return None
        arguments: dict[str, Any] = {"rich_message": {"html": content["rich"]}}
        if "buttons" in content:
            arguments["reply_markup"] = {"inline_keyboard": content["buttons"]}
        try:
            return await self._called(action, arguments)
        except Refusal as refusal:
            if not await self._is_impossible(refusal):
                raise
            return None

    async def _called(self, action: Action, arguments: dict[str, Any]) -> str:
        if action.verb == "edit":
            arguments |= {"chat_id": action.chat, "message_id": message_of(action)}
            await self._client.call("editMessageText", arguments, {}, ANSWER_SECONDS)
            return str(action.message)
        arguments |= where_of(action)
        if reply := arguments.get("reply_parameters"):
            arguments["reply_parameters"] = reply.to_dict()
        sent = await self._client.call("sendRichMessage", arguments, {}, ANSWER_SECONDS)
        return str(cast("dict[str, Any]", sent)["message_id"])

    async def _is_impossible(self, refusal: Refusal) -> bool:
        if refusal.status == HTTPStatus.NOT_FOUND and await self._client.is_known():
            self._wanted = False
            log.info("this Bot API server knows no rich messages: tables are laid out as text")
            return True
        is_done = says(refusal, "message is not modified")
        return refusal.status == HTTPStatus.BAD_REQUEST and not is_done
