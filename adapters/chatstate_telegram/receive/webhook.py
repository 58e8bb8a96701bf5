"""Webhooks: Telegram posts each update, and it is answered when the update is taken in.

`Webhook` is an ASGI app, to be served by a `listener` or to be mounted in an author's own app.

1. Every request needs the secret that `setWebhook` was given, which is made from the token, so that
   each process of the bot knows it and nobody else does.
2. 200 says that an update is durable, or that it would never be one. 503 lets Telegram post it
   again: while the bot starts or stops.
3. Of several workers each listens, and one takes all in, or albums and the order would be torn
   apart: the others hand over what is posted to them. By their ids that one puts all into order.
4. The webhook is looked after: whoever takes it away is told of, and it is set again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chatstate.adapter import Host
from chatstate.adapter.http import Listener
from chatstate_telegram.client import Client, Refusal, hide
from chatstate_telegram.options import TelegramOptions
from chatstate_telegram.receive.content import number_of
from chatstate_telegram.receive.ordering import Ordering, Take
from chatstate_telegram.receive.trouble import Trouble

log = logging.getLogger("chatstate.telegram")

HEADER = "X-Telegram-Bot-Api-Secret-Token"
BODY_BYTES = 1_000_000  # an update has some kilobytes
_TELL_SECONDS = 60.0


def secret_of(token: str) -> str:
    """Return the secret that Telegram sends with each update; the token cannot be told from it."""
    return hashlib.blake2b(b"chatstate webhook", key=token.encode()[:64]).hexdigest()


class Webhook:
    """Answers Telegram's requests: until `give` or `open`, and after `close`, with 503: try again.

    `requests` is how many wait for their update to be durable.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._ordering: Ordering | None = None
        self._receiver: Host | None = None
        self.requests = 0
        self._strangers = 0
        self._told_at = float("-inf")

    def give(self, host: Host) -> None:
        """Pass updates on to the worker that takes all in, until `open`."""
        self._receiver = host

    def open(self, take: Take, peers: Callable[[], int] = lambda: 1) -> None:
        """Take updates in with this, in their order, whichever of so many workers they come to."""
        self._ordering = Ordering(take, peers)

    async def take_passed(self, host: Host) -> None:
        """Take in what was posted to other workers, in its order, until cancelled."""
        async for updates in host.passed():
            if self._ordering is None:
                return
            taking = [self._ordering.take([json.loads(update)]) for update in updates.values()]
            await asyncio.gather(*taking)

    def close(self) -> None:
        """Take no more in."""
        if self._ordering:
            self._ordering.close()
        self._ordering = self._receiver = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        if scope["type"] != "http":
            return
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        given = request.headers.get(HEADER, "").encode()
        if not hmac.compare_digest(given, self._secret):
            self._tell_of_stranger()
            return Response(status_code=403)
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        try:
            update: Any = json.loads(body)
        except ValueError:
            return Response(status_code=400)
        except RecursionError as error:  # it would be so again, so it need not come again
            log.error("an update cannot be read (%s) and is left out", error)  # noqa: TRY400 - as `Intake` tells it
            return Response(status_code=200)
        return Response(status_code=200 if await self._is_taken(update) else 503)

    def _tell_of_stranger(self) -> None:
        """Tell who came with a wrong secret, or none; not each time, as it may be anybody."""
        self._strangers += 1
        now = asyncio.get_running_loop().time()
        if now - self._told_at < _TELL_SECONDS:
            return
        log.warning(
            "%d requests to the webhook came without its secret and were refused (403): if they "
            "are Telegram's, another process has set the webhook with a secret of its own",
            self._strangers,
        )
        self._strangers, self._told_at = 0, now

    async def _is_taken(self, update: Any) -> bool:
        """Tell whether an update is durable, or unreadable, which it would be again."""
        if self._ordering:
            taking: asyncio.Future[None] = self._ordering.take([update])
        elif self._receiver:
            name = f"{number_of(update) or 0:020}"  # so that the first are read first
            taking = asyncio.ensure_future(self._receiver.pass_on(name, json.dumps(update)))
        else:
            return False
        self.requests += 1
        await asyncio.wait([taking])
        self.requests -= 1
        return not taking.cancelled() and taking.exception() is None


async def _body(request: Request) -> bytes | None:
    """Return what was posted; None if that is too much."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES:
                return None
    except ClientDisconnect:
        return b""
    return bytes(body)


class Registration:
    """Tells Telegram where to post which `kinds`, and looks now and then whether it still knows."""

    def __init__(
        self,
        client: Client,
        url: str,
        secret: str,
        options: TelegramOptions,
        *,
        trouble: Trouble,
        kinds: Sequence[str],
    ) -> None:
        hide(secret)
        self._client = client
        self._url = url
        self._secret = secret
        self._kinds = kinds
        self._look_seconds = options.look_seconds
        self._connections = options.max_connections
        self._failure: object = None
        self._is_lost = False
        self._trouble = trouble

    async def run(self) -> None:
        """Work until cancelled. Raises `AdapterError` if the token is refused."""
        await self._trouble.until_done(self._set)
        log.info("waiting for updates at %s", self._url)
        while True:
            await asyncio.sleep(self._look_seconds)
            await self._trouble.until_done(self._look)

    async def _set(self) -> None:
        await self._client.bot.set_webhook(
            self._url,
            secret_token=self._secret,
            allowed_updates=self._kinds,
            max_connections=self._connections,
        )

    async def _look(self) -> None:
        try:
            info = await self._client.bot.get_webhook_info()
        except Refusal as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return  # a server that does not tell is none that has forgotten
        if info.url != self._url:
            log.warning(
                "another process has taken this bot's webhook away, or polls with its token: "
                "stop it; the webhook is set again"
            )
            await self._set()
        elif info.last_error_date is not None and info.last_error_date != self._failure:
            self._failure = info.last_error_date
            why = info.last_error_message
            told = f"Telegram could not post to the webhook: {why}; let {self._url} lead to the bot"
            log.warning("%s", told)
            self._trouble.lost(told)
            self._is_lost = True
        elif self._is_lost and not info.pending_update_count:
            self._is_lost = False
            self._trouble.found()


def listener(app: Webhook, url: str, listen: str) -> Listener:
    """Return what serves a webhook at the path of its URL, at an address such as 127.0.0.1:8080.

    Raises `AdapterError` if it cannot listen there.
    """
    path = urlsplit(url).path or "/"

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != path:
            await Response(status_code=404)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return Listener(serve, listen)
