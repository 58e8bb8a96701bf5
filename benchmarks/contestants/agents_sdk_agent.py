"""Microsoft's Agents SDK, with its storage in memory: nothing is kept.

Promised: conversation and user state are loaded before a turn and written after it, so after its
replies are sent; of two turns at once the later one wins. Its durable storages (Blob Storage,
Cosmos DB) are services of Azure; there is none for files or a database of one's own.

1. Writers give activities to `ChannelAdapter.run_pipeline` and `AgentApplication.on_turn`, as its
   hosting packages do. Activities are ready-made: no JSON is parsed, and nobody is authenticated.
2. What is global is an item of the storage, which the author reads and writes.
3. Sends are counted at the adapter, which contacts nobody. Handlers are coroutines.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from microsoft_agents.activity import (
    Activity,
    ActivityTypes,
    ChannelAccount,
    ConversationAccount,
    ConversationReference,
    ResourceResponse,
)
from microsoft_agents.hosting.core import (
    AgentApplication,
    ChannelAdapter,
    ClaimsIdentity,
    MemoryStorage,
    Storage,
    StoreItem,
    TurnContext,
    TurnState,
)

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait

_HISTORY = "ConversationState.history"


class _Count(StoreItem):
    def __init__(self, count: int = 0) -> None:
        self.count = count

    def store_item_to_json(self) -> dict[str, Any]:
        return {"count": self.count}

    @staticmethod
    def from_json_to_store_item(json_data: Any) -> _Count:
        return _Count(json_data["count"])


class _Counter(ChannelAdapter):
    def __init__(self, replies: Replies) -> None:
        super().__init__()
        self._replies = replies

    async def send_activities(
        self, context: TurnContext, activities: list[Activity]
    ) -> list[ResourceResponse]:
        for activity in activities:
            if activity.type == ActivityTypes.message:
                self._replies.take(int(context.activity.from_property.id), activity.text)
        return [ResourceResponse(id="1") for _ in activities]

    async def update_activity(self, context: TurnContext, activity: Activity) -> None:
        """Nothing is changed."""

    async def delete_activity(self, context: TurnContext, reference: ConversationReference) -> None:
        """Nothing is taken back."""


def _application(work: str, storage: Storage) -> AgentApplication[TurnState]:
    """Return what an author writes for a work. What signs in has no connections: nobody does."""
    application = AgentApplication[TurnState](storage=storage, connection_manager=object())

    async def echo(context: TurnContext, state: TurnState) -> None:
        if work == "wait":
            await wait()
        history = kept(state.get_value(_HISTORY, list), context.activity.text)
        state.set_value(_HISTORY, history)
        await context.send_activity(answer(history))

    async def count(context: TurnContext, _: TurnState) -> None:
        found = await storage.read(["count"], target_cls=_Count)
        counted = found.get("count", _Count())
        if work == "slow count":
            await wait()
        await storage.write({"count": _Count(counted.count + 1)})
        await context.send_activity(str(counted.count + 1))

    application.activity("message")(count if work.endswith("count") else echo)
    return application


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what an agent does with activities."""
    adapter, storage = _Counter(replies), MemoryStorage()
    application = _application(setup.work, storage)
    nobody = ClaimsIdentity({}, False)

    async def say(person: int, number: int) -> None:
        context = TurnContext(adapter, _activity(person, number), nobody)
        await adapter.run_pipeline(context, application.on_turn)

    yield say


def _activity(person: int, number: int) -> Activity:
    return Activity(
        type="message",
        id=str(number),
        text=text(number),
        channel_id="crowd",
        service_url="http://localhost",
        from_property=ChannelAccount(id=str(person)),
        recipient=ChannelAccount(id="bot"),
        conversation=ConversationAccount(id=str(person)),
    )
