"""Answers to what waits for one of its own kind: inline queries, and the steps of a payment.

1. An inline query is answered at once, by what `Host.ask` gives, or never. Texts are its results; a
   call by the Bot API's own name is made as it is. Telegram keeps neither for others.
2. A payment goes on by such a call alone (`answerPreCheckoutQuery`, `answerShippingQuery`). A text
   says why it does not; so the sentence does with which a failed turn ends.
3. Nothing is no answer: whoever pays is told by Telegram that the bot did not answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from telegram import Bot, InlineQueryResultArticle, InputTextMessageContent, MessageEntity

from chatstate import Event
from chatstate.adapter import Action, Host, Sent
from chatstate_telegram.receive.others import DEADLINE, Query, query_of
from chatstate_telegram.send.errors import meaning

log = logging.getLogger("chatstate.telegram")

_MOST_RESULTS = 50
_TITLE = 60


async def perform(bot: Bot, action: Action, query: Query) -> Sent | None:
    """Make a call that answers a query; None if it is to be made in the chat."""
    if action.verb == "finish":
        return Sent()
    if action.verb != "send" or action.number:
        return None
    text = str(action.part.content.get("text", ""))
    if query.kind == "pre_checkout_query":
        await bot.answer_pre_checkout_query(query.id, ok=False, error_message=text)
    else:
        await bot.answer_shipping_query(query.id, ok=False, error_message=text)
    return Sent(f"answer {action.origin}")


class InlineAnswers:
    """Answers inline queries, each in a task; `perform` makes a call by the Bot API's own name."""

    def __init__(self, bot: Bot, perform: Callable[[Action], Awaitable[Sent]]) -> None:
        self._bot = bot
        self._perform = perform
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, host: Host, event: Event) -> None:
        """Answer a query, as soon as the bot has."""
        task = asyncio.create_task(self._answer(host, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Answer nothing more."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _answer(self, host: Host, event: Event) -> None:
        try:
            async with asyncio.timeout(DEADLINE):
                actions = await host.ask(event)
                if actions is not None:
                    await self._show(event, actions)
        except Exception as error:  # noqa: BLE001 - nobody waits for it any more, whatever it is
            log.warning("an inline query could not be answered: %s", meaning(error))

    async def _show(self, event: Event, actions: Sequence[Action]) -> None:
        own = [action for action in actions if action.verb == "native"]
        for action in own:
            await self._perform(action)
        query = query_of(event.origin)
        if query and not own:
            results = [_result(number, action) for number, action in enumerate(actions)]
            few = results[:_MOST_RESULTS]
            await self._bot.answer_inline_query(query.id, few, cache_time=0, is_personal=True)


def _result(number: int, action: Action) -> InlineQueryResultArticle:
    content = action.part.content
    text: str = content["text"]
    entities: Sequence[dict[str, Any]] = content.get("entities", ())
    found = [MessageEntity(**entity) for entity in entities] or None
    said = InputTextMessageContent(text, entities=found)
    title, _, rest = text.partition("\n")
    return InlineQueryResultArticle(str(number), title[:_TITLE], said, description=rest or None)
