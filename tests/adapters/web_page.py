"""A bot on a page, in this process, and people who speak HTTP with it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import httpx
import msgspec
from starlette.types import ASGIApp

from chatstate import Interface
from chatstate.adapter import Adapter
from chatstate.engine import Engine
from chatstate.stores.base import Store
from chatstate.testing import MemoryStore
from chatstate_web import WebAdapter

HOST = "http://localhost"
TOKEN = "let-me-in"  # noqa: S105 - of nothing
File = tuple[str, bytes, str]


@contextlib.asynccontextmanager
async def on(
    bot: Interface,
    adapter: WebAdapter | None = None,
    store: Store | None = None,
    told: Callable[[str], None] = lambda _name: None,
    **options: Any,
) -> AsyncIterator[WebAdapter]:
    """Run a bot on a page, a mounted one if need be, until the end of the block.

    `told` is what whoever has started it is told.
    """
    page = adapter or WebAdapter(listen=None, page_token=TOKEN, **options)

    def connected(_: Adapter, name: str) -> None:
        told(name)

    engine = Engine(bot, [page], store or MemoryStore(), connected=connected)
    await engine.start()
    waiting = asyncio.create_task(engine.wait())
    try:
        while page.app._opened is None and not waiting.done():
            await asyncio.sleep(0)
        yield page
    finally:
        engine.request_stop()
        await asyncio.wait([waiting])
        await engine.stop()


class Visitor:
    """Somebody who asks a page, from an address, with the cookies they were given."""

    def __init__(self, page: ASGIApp | None, address: str = "10.0.0.1", base: str = HOST) -> None:
        """Speak with an app, or with what listens at `base`."""
        transport = httpx.ASGITransport(page, client=(address, 1234)) if page else None
        headers = {"Origin": base.removesuffix("/chat")}
        self.client = httpx.AsyncClient(transport=transport, base_url=base, headers=headers)
        self._count = 0

    async def enter(self, **given: str) -> int:
        """Ask to be let in; return the status of the answer."""
        answer = await self.client.post("enter", json=given or {"token": TOKEN})
        return answer.status_code

    async def session(self) -> dict[str, Any]:
        """Return what the page is told of whoever opens it."""
        answer = await self.client.get("session")
        told: dict[str, Any] = answer.raise_for_status().json()
        return told

    async def post(
        self, *, files: Sequence[File] = (), headers: Mapping[str, str] = {}, **said: Any
    ) -> httpx.Response:
        """Do something; return the answer."""
        self._count += 1
        told = {"key": f"key-{self._count:08}", **said}
        form = {"said": msgspec.json.encode(told).decode()}
        given = [("file", file) for file in files]
        return await self.client.post("say", data=form, files=given, headers=dict(headers))

    async def say(self, text: str, **more: Any) -> None:
        """Say something, which must be taken."""
        (await self.post(text=text, **more)).raise_for_status()

    async def shown(self, thread: str = "") -> list[dict[str, Any]]:
        """Return the messages of a conversation, as they are told."""
        answer = await self.client.get("history", params={"thread": thread})
        told: list[dict[str, Any]] = answer.raise_for_status().json()
        return told

    async def texts(self, thread: str = "") -> list[str]:
        """Return their words."""
        return [message["body"].get("text", "") for message in await self.shown(thread)]

    async def until(self, count: int, thread: str = "") -> list[dict[str, Any]]:
        """Return the messages once there are so many."""
        while len(shown := await self.shown(thread)) < count:
            await asyncio.sleep(0.002)
        return shown


@contextlib.asynccontextmanager
async def visiting(page: ASGIApp, *addresses: str) -> AsyncIterator[list[Visitor]]:
    """Give visitors, one from each address, who have been let in nowhere yet."""
    visitors = [Visitor(page, address) for address in addresses]
    try:
        yield visitors
    finally:
        for visitor in visitors:
            await visitor.client.aclose()
