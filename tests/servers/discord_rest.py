"""Discord's REST interface: each request is recorded, struck by faults, checked, and answered.

The order is: faults before the effect, the token, the rate limit, Discord's document, the
effect, faults after it.
"""

import asyncio
import contextlib
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web
from servers.discord_application import Application
from servers.discord_faults import DOWNLOAD, Answer, Call, Fault, Faults
from servers.discord_interactions import Interactions
from servers.discord_messages import ApiError, Messages
from servers.discord_schema import Document
from servers.discord_world import Json, World

PREFIX = "/api/v10"
LARGEST_REQUEST = 128 * 1024 * 1024
FILE = re.compile(r"files\[[0-9]\]")

Endpoint = Callable[[Call], Any]


class Cut(Exception):  # noqa: N818 - no error of ours: what becomes of the connection
    """The connection was cut; nothing can be answered."""


class Rest:
    """The routes of Discord's document that are answered, and a record of what was asked.

    `violations` are requests that the document does not allow, or that it does not know.
    """

    def __init__(
        self, world: World, faults: Faults, endpoints: dict[str, Endpoint], document: Document
    ) -> None:
        self.world, self.faults = world, faults
        self.document = document
        self.endpoints = endpoints
        self.calls: list[Call] = []
        self.violations: list[str] = []

    def application(self) -> web.Application:
        """Return what serves it all, attachments too."""
        made = web.Application(client_max_size=LARGEST_REQUEST)
        for route, endpoint in self.endpoints.items():
            method, _, path = route.partition(" ")
            made.router.add_route(method, PREFIX + path, self._handler(route, endpoint))
        made.router.add_get(DOWNLOAD.removeprefix("GET "), self._download)
        made.router.add_route("*", "/{path:.*}", self._unknown)
        return made

    def _handler(
        self, route: str, endpoint: Endpoint
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            call = await _read(route, request)
            self.calls.append(call)
            try:
                answer = await self._answer(call, endpoint, request)
            except Cut:
                answer = Answer(0, "")
            call.status = answer.status
            self.world.changed()
            return _response(answer)

        return handle

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Answer as Discord's CDN does, which knows no tokens but ends addresses after a day."""
        call = await _read(DOWNLOAD, request)
        self.calls.append(call)
        with contextlib.suppress(Cut):
            if instead := await self._struck(self.faults.strike(call, "before"), request):
                return _response(instead)
        found = self.world.attachments.get(call.path["id"])
        call.status = 200 if found and self._is_signed(call) else 404
        if found is None or call.status == 404:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=found.content, content_type=found.media_type)

    def _is_signed(self, call: Call) -> bool:
        return self.world.now() <= int(call.query.get("ex", "0"), 16)

    async def _answer(self, call: Call, endpoint: Endpoint, request: web.Request) -> Answer:
        if instead := await self._struck(self.faults.strike(call, "before"), request):
            return instead
        if not self._authorized(call):
            return Answer(401, {"message": "401: Unauthorized", "code": 0})
        headers, refused = self.faults.count(call)
        if refused:
            return refused
        answer = self._effect(call, endpoint, headers)
        self.world.changed()
        return await self._struck(self.faults.strike(call, "after"), request) or answer

    def _authorized(self, call: Call) -> bool:
        """Tell whether the bot's token is there, where the path does not hold one of its own."""
        own = "interaction_token" in call.path or "webhook_token" in call.path
        return own or call.headers.get("authorization") == f"Bot {self.world.token}"

    def _effect(self, call: Call, endpoint: Endpoint, headers: dict[str, str]) -> Answer:
        broken = list(self._broken(call))
        if broken:
            self.violations += [f"{call.route}: {problem}" for problem in broken]
            return Answer(400, _form_error(broken), headers)
        try:
            told = endpoint(call)
        except ApiError as error:
            return Answer(error.status, error.body, headers)
        return Answer(204, "", headers) if told is None else Answer(200, told, headers)

    def _broken(self, call: Call) -> Iterator[str]:
        yield from self.document.problems(call.route, call.path, call.query, call.body)
        yield from (f"no part of a form: {name}" for name in call.files if not FILE.fullmatch(name))

    async def _struck(self, fault: Fault | None, request: web.Request) -> Answer | None:
        """Let a fault have its way; return the answer it gives, if any."""
        if fault is None:
            return None
        if fault.gate:
            await fault.gate.wait()
        if fault.cut:
            _cut(request, reset=fault.cut == "reset")
            raise Cut
        return fault.answer

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        self.violations.append(f"{request.method} {request.path}: is not known to the server")
        return _response(Answer(404, {"message": "404: Not Found", "code": 0}))


def endpoints(
    messages: Messages, interactions: Interactions, application: Application
) -> dict[str, Endpoint]:
    """Return who answers which operation; the order decides between paths that both fit."""
    commands = "/applications/{application_id}/commands"
    guild_commands = "/applications/{application_id}/guilds/{guild_id}/commands"
    channel, webhook = "/channels/{channel_id}", "/webhooks/{webhook_id}/{webhook_token}"
    message = f"{channel}/messages/{{message_id}}"
    table: dict[str, Endpoint] = {
        "GET /users/@me": application.me,
        "GET /users/{user_id}": application.user,
        "POST /users/@me/channels": application.open_dm,
        "GET /oauth2/applications/@me": application.application,
        "GET /gateway": application.address,
        "GET /gateway/bot": application.address_for_bots,
        "GET /guilds/{guild_id}": application.guild,
        "GET /guilds/{guild_id}/members/{user_id}": application.member,
        "PUT /guilds/{guild_id}/bans/{user_id}": application.ban,
        "POST /guilds/{guild_id}/emojis": application.emoji,
        f"POST {channel}/invites": application.invite,
        f"GET {commands}": application.commands,
        f"PUT {commands}": application.replace_commands,
        f"GET {guild_commands}": application.commands,
        f"PUT {guild_commands}": application.replace_commands,
        f"GET {channel}": messages.channel,
        f"GET {channel}/messages": messages.history,
        f"POST {channel}/messages": messages.send,
        f"GET {message}": messages.fetch,
        f"PATCH {message}": messages.change,
        f"DELETE {message}": messages.remove,
        f"PUT {channel}/messages/pins/{{message_id}}": messages.pin,
        f"PUT {message}/reactions/{{emoji_name}}/@me": messages.react,
        f"DELETE {message}/reactions/{{emoji_name}}/@me": messages.unreact,
        f"POST {channel}/typing": messages.typing,
        "POST /interactions/{interaction_id}/{interaction_token}/callback": interactions.callback,
        f"POST {webhook}": interactions.follow_up,
    }
    for which in ("@original", "{message_id}"):
        table |= {
            f"GET {webhook}/messages/{which}": interactions.fetch,
            f"PATCH {webhook}/messages/{which}": interactions.change,
            f"DELETE {webhook}/messages/{which}": interactions.remove,
        }
    return table


def document() -> Document:
    return Document(Path(__file__).with_name("discord_api.json"))


async def _read(route: str, request: web.Request) -> Call:
    body: Any = None
    files: dict[str, tuple[str, str, bytes]] = {}
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            name, content = part.name or "", bytes(await part.read())
            if name == "payload_json":
                body = json.loads(content)
            else:
                kind = part.headers.get("Content-Type", "application/octet-stream")
                files[name] = (part.filename or "", kind, content)
        body = {} if body is None else body
    elif content := await request.read():
        body = json.loads(content)
    headers = {name.lower(): value for name, value in request.headers.items()}
    now = asyncio.get_running_loop().time()
    path, query = dict(request.match_info), dict(request.query)
    return Call(route, path, query, headers, body, files, now)


def _response(answer: Answer) -> web.Response:
    if isinstance(answer.body, str):
        status = answer.status or 500  # nobody is left to read it
        return web.Response(
            text=answer.body, status=status, headers=answer.headers, content_type="text/html"
        )
    # discord.py reads JSON only where the type is exactly this, without a charset.
    headers = answer.headers | {"Content-Type": "application/json"}
    return web.Response(
        body=json.dumps(answer.body).encode(), status=answer.status, headers=headers
    )


def _form_error(broken: list[str]) -> Json:
    errors = [{"code": "BASE_TYPE_INVALID", "message": problem} for problem in broken]
    return {
        "message": "Invalid Form Body",
        "code": 50035,
        "errors": {"request": {"_errors": errors}},
    }


def _cut(request: web.Request, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if reset:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert isinstance(transport, asyncio.Transport)
    transport.abort()
