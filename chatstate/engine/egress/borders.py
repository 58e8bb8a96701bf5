"""Where the engine meets adapters: what crosses there passes the guards.

1. What an adapter is asked to perform has passed. What it renders carries the whole of which it is
   a part, so that a later try, or another process, can ask again.
2. So has what it asks the engine for, to show it by itself. What is refused at once elsewhere is
   delivered instead: the answer to it is a message like others.
3. What is shown in advance is shown whole each time: a guard cannot judge the end of a text alone.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, cast

from msgspec.structs import replace

from chatstate.adapter import (
    About,
    Action,
    Adapter,
    Capabilities,
    NativeCall,
    Part,
    Post,
    PostForm,
    Sent,
)
from chatstate.engine.egress.egress import Egress
from chatstate.engine.egress.menus import Menus
from chatstate.engine.host import AccountHost
from chatstate.errors import EgressError
from chatstate.messages import Command, Event, Message

log = logging.getLogger("chatstate.egress")


class _GuardedAdapter:
    """An adapter that is asked for what may leave alone. What is not here is the adapter's."""

    def __init__(self, adapter: Adapter, egress: Egress) -> None:
        self._adapter = adapter
        self._egress = egress

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    @property
    def capabilities(self) -> Capabilities:
        known = self._adapter.capabilities
        return known if known.preview == "full" else replace(known, preview="full")

    def render(self, post: Post) -> Sequence[Part]:
        parts = self._adapter.render(post)
        return [replace(part, post=post, nth=nth) for nth, part in enumerate(parts)]

    def native(self, call: NativeCall) -> Part:
        return replace(self._adapter.native(call), call=call)

    async def perform(self, action: Action) -> Sent:
        return await self._adapter.perform(await self._egress.action(self._adapter, action))


class _GuardedHost:
    """A host that tells an adapter nothing but what may leave. What is not here is the host's."""

    def __init__(self, host: AccountHost, adapter: Adapter, egress: Egress, menus: Menus) -> None:
        self._host = host
        self._adapter = adapter
        self._egress = egress
        self._menus = menus

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    @property
    def about(self) -> About:
        return self._menus.about(self._host.about)

    @property
    def commands(self) -> Sequence[Command]:
        return self._menus.commands

    def sentences(self, language: str | None) -> Mapping[str, str]:
        return self._menus.sentences(language)

    def refusal(self, message: Message) -> str | None:  # noqa: ARG002 - see the module's rules
        return None

    async def ask(self, event: Event) -> Sequence[Action] | None:
        actions = await self._host.ask(event)
        if actions is None:
            return None
        try:
            return [await self._egress.action(self._adapter, action) for action in actions]
        except EgressError as error:
            log.warning("%s is answered by nothing: %s", event.message.update, error)
            return []

    async def complete(self, event: Event) -> Sequence[str] | None:
        offered = await self._host.complete(event)
        if offered is None:
            return None
        name, chat = self._adapter.name, event.message.chat.id
        try:
            return await self._egress.thing(offered, "choices", name, chat)
        except EgressError as error:
            log.warning("nothing is offered to be typed: %s", error)
            return []

    def form(self, event: Event) -> Awaitable[PostForm | None] | None:
        asked = self._host.form(event)
        return self._form(asked, event) if asked else None

    async def _form(self, asked: Awaitable[PostForm | None], event: Event) -> PostForm | None:
        """Return a form as it is; else None: then its questions are asked one by one."""
        form = await asked
        if form is None:
            return None
        try:
            name, chat = self._adapter.name, event.message.chat.id
            kept = await self._egress.thing(form, "form", name, chat)
        except EgressError as error:
            log.warning("a form is not asked at once: %s", error)
            return None
        return form if kept == form else None  # its answers come by its labels


def guarded_adapter(adapter: Adapter, egress: Egress) -> Adapter:
    """Return an adapter as it is, for what may leave."""
    return cast("Adapter", _GuardedAdapter(adapter, egress))


def guarded_host(host: AccountHost, adapter: Adapter, egress: Egress, menus: Menus) -> AccountHost:
    """Return what an adapter may ask of the engine as it is, for what may leave."""
    return cast("AccountHost", _GuardedHost(host, adapter, egress, menus))
