"""A page of our own as a platform: `WebAdapter`.

1. What people do is durable before it is answered, once under its key; what the bot says is kept in
   the store, and shown to whoever opens the page.
2. Where another worker receives, what is performed here is kept all the same, and shown there.
3. It listens on this machine alone unless it is told otherwise, and asks everybody for something.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any

from chatstate import AdapterError, Attachment, Rejected
from chatstate.adapter import (
    Action,
    Adapter,
    Capabilities,
    Finding,
    Host,
    Part,
    Post,
    Sent,
    Updates,
    options_from,
)
from chatstate.adapter.http import Listener, split_address
from chatstate_web.examining import findings
from chatstate_web.live import LASTS, Live
from chatstate_web.options import WebOptions
from chatstate_web.receive.app import Page
from chatstate_web.receive.callers import callers_in
from chatstate_web.receive.calling import ToolDoor
from chatstate_web.receive.doors import Check, Door
from chatstate_web.receive.links import Links
from chatstate_web.receive.webhooks import Webhooks
from chatstate_web.send import parts
from chatstate_web.send.calls import Calls

_SECRET = "secret"  # noqa: S105 - the name that it is remembered under
_SECRET_BYTES = 32
_PIECE = 1 << 18
_REF = re.compile(r"page-[0-9a-f]{32}")
_SENT_FOR = 24 * 3600.0


class WebAdapter(Adapter):
    """A page in the browser.

    `options`, or options by name, are those of `WebOptions`; without `options` the environment says
    what is not named. `web_auth` may be a function of a name and a password, which tells whether
    they are right; it may be async. With `listen=None` nothing listens, because `app` is mounted
    elsewhere.

    Raises `AdapterError` for options that cannot be: for a page that others could open, and that
    asks for no password.
    """

    Options = WebOptions
    name = "web"
    account = "local"
    updates = Updates(frozenset())  # people write, press and react here, and that is all

    def __init__(
        self,
        options: WebOptions | None = None,
        *,
        web_auth: str | Check = "",
        **named: Any,
    ) -> None:
        check = None if isinstance(web_auth, str) else web_auth
        given = {**named, "web_auth": web_auth} if web_auth and check is None else named
        self.options = options_from(WebOptions, options, given, adapter=self.name)
        if not (self.options.is_local or self.options.web_auth or check):
            raise AdapterError(
                f"at {self.options.listen} others could open the page: give it a password with "
                "--web-auth, or let it listen at 127.0.0.1"
            )
        self.capabilities = _capabilities(self.options)
        self._live = Live()
        self._links = Links(time.monotonic)
        self._door = Door(self.options, check, self._links)
        self._callers = callers_in(self.options.keys)
        self._webhooks = Webhooks(self._callers)
        self._tools = ToolDoor(self.options, self._callers)

    @cached_property
    def app(self) -> Page:
        """What answers browsers, as an ASGI app: mount it where people are to find the page."""
        machines = [*self._webhooks.routes, *self._tools.routes]
        return Page(self.options, self._door, self._links, self._live, machines)

    @property
    def token(self) -> str:
        """What lets people in where nothing else does; a new one each time, unless one is set."""
        return self._door.token

    def attach(self, host: Host) -> None:
        """Take the host: what is performed is written by it."""
        self._transcript = host.transcript
        self._calls = Calls(host.transcript, self._live)

    async def run(self, host: Host) -> None:
        """Answer browsers until cancelled. Raises `StorageError` if nothing can be stored."""
        async with contextlib.AsyncExitStack() as opened:
            listener = self._listener()
            if listener:
                opened.callback(listener.close)
            self._webhooks.open(host)
            opened.callback(self._webhooks.close)
            await opened.enter_async_context(self._tools.serving(host, self._url(listener)))
            failed = self.app.open(host, await _secret(host))
            host.connected(self._address(listener))
            running: list[asyncio.Future[None]] = [failed]
            if listener:
                running.append(asyncio.create_task(listener.run()))
                opened.push_async_callback(_ended, running[-1])
            opened.callback(self.app.close)  # before the listener: an open page ends by this alone
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            await done.pop()

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        return (parts.part(post),)

    async def perform(self, action: Action) -> Sent:
        """Write, change or delete what the page shows."""
        return await self._calls.perform(action)

    async def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Yield the bytes of a file that somebody has sent."""
        is_ours = _REF.fullmatch(attachment.ref)
        path = await self._transcript.fetch(attachment.ref) if is_ours else None
        if path is None:
            raise Rejected(f"{attachment.name} is not kept any more")
        file = await asyncio.to_thread(path.open, "rb")
        try:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece
        finally:
            file.close()

    async def examine(self, kinds: AbstractSet[str]) -> Sequence[Finding]:  # noqa: ARG002 - a page needs nothing for any kind
        """Return how the page is: its address, who is let in, its names, and its issuer."""
        told = findings(self.options, self._door, self._callers)
        return [found async for found in told]

    async def private_chat(self, user: str) -> str:
        """Return the chat with somebody, which has the person's own id."""
        return user

    def _listener(self) -> Listener | None:
        """Return what listens, bound already, so that an address in use is told at once."""
        if self.options.listen is None:
            return None
        return Listener(self.app, self.options.listen, self.options.proxies)

    def _address(self, listener: Listener | None) -> str:
        """Return what people open: with the token behind it, where one lets them in."""
        opens = "" if self._door.asks != "token" else f"#token={self.token}"
        return f"{self._url(listener) or 'a page of another app, /'}{opens}"

    def _url(self, listener: Listener | None) -> str:
        """Return where the page is; "" if another app has it."""
        if listener is None or self.options.listen is None:
            return ""
        host, _ = split_address(self.options.listen)
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{listener.port}/"


async def _secret(host: Host) -> bytes:
    """Return the secret by which the page signs its cookies: the same at each start."""
    known = await host.recall(_SECRET)
    if known is None:
        known = secrets.token_hex(_SECRET_BYTES)
        await host.remember(_SECRET, known)
    return bytes.fromhex(known)


async def _ended(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _capabilities(options: WebOptions) -> Capabilities:
    return Capabilities(
        markup=True,
        buttons=True,
        button_bytes=4096,
        row_width=8,
        max_rows=25,
        link_buttons=True,
        button_styles=True,
        disabled_buttons=True,
        select=True,
        edit_buttons=True,
        suggestions=True,
        cards=True,
        files=True,
        file_bytes=options.file_bytes,
        received_bytes=options.received_bytes,
        edit=True,
        edit_pause=0.2,
        preview_lasts=LASTS,
        reactions=True,
        typing=5.0,
        threads=True,
        reply_to=True,
        ephemeral=True,
        modals=25,
        guests=options.lets_guests_in,
        idempotent_for=_SENT_FOR,
    )
