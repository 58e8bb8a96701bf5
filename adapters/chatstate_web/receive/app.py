"""The page's app: what it answers to browsers, at addresses below where it is mounted.

1. The page itself is files that are the same for everybody, and say nothing of anybody.
2. All else is told to a person, whom a cookie names; who has none is asked to enter.
3. A file is given to whoever has the message on which it hangs, and is never a page by itself.
4. Until the bot runs, and once it stops, what a person asks is answered with 503: try again.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from chatstate import Command, StorageError
from chatstate.adapter import Host, PageMessage
from chatstate_web.live import Live
from chatstate_web.options import WebOptions
from chatstate_web.receive import wire
from chatstate_web.receive.cookies import LASTS, Cookies, Person
from chatstate_web.receive.doors import Door, Entry
from chatstate_web.receive.guard import Guard, TooMuchError, network_of
from chatstate_web.receive.inspector import Inspector, Wanted
from chatstate_web.receive.intake import Intake, NothingThereError
from chatstate_web.receive.links import Links
from chatstate_web.receive.rates import Rates
from chatstate_web.receive.streams import Stream, shown
from chatstate_web.receive.wire import number_of
from chatstate_web.receive.words import words_of
from chatstate_web.send.parts import body_of

importlib.import_module("python_multipart")  # Starlette reads forms by it: missed now, not then

_PAGE = Path(__file__).parent.parent / "page"
_TYPES = {"index.html": "text/html", "page.css": "text/css", "icon.svg": "image/svg+xml"}
_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "audio/", "video/")
_ENTRIES = 20
"""How often an address may try to enter within a minute."""
_STREAMS = 30
"""How many pages of one person may be open."""
_FILES = 10
_TITLE = 60
T = TypeVar("T")
Answer = Callable[["Opened", Request, Person], Awaitable[Response]]
_encode = msgspec.json.Encoder().encode


class Opened:
    """What answers while the bot runs, for one host. `failed` is done if it cannot go on."""

    def __init__(self, host: Host, cookies: Cookies, intake: Intake, inspector: Inspector) -> None:
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.host = host
        self.transcript = host.transcript
        self.cookies = cookies
        self.intake = intake
        self.inspector = inspector

    def fail(self, error: StorageError) -> None:
        """Note that nothing can be taken in any more."""
        if not self.failed.done():
            self.failed.set_exception(error)


class Page:
    """The app. `open` lets it answer, `close` no more.

    `machines` are routes of those who have no browser, and prove themselves who they are.
    """

    def __init__(
        self,
        options: WebOptions,
        door: Door,
        links: Links,
        live: Live,
        machines: Sequence[BaseRoute] = (),
    ) -> None:
        self._options = options
        self._door = door
        self._links = links
        self._live = live
        self._opened: Opened | None = None
        self._entries = Rates(_ENTRIES, time.monotonic)
        routes: list[BaseRoute] = [
            Route(f"/{name}", _file(name), methods=["GET"]) for name in _names()
        ]
        routes += [
            Route("/", _file("index.html"), methods=["GET"]),
            Route("/enter", self._enter, methods=["POST"]),
            Route("/leave", self._leave, methods=["POST"]),
            Route("/words", self._words, methods=["GET"]),
            *machines,
            self._route("/session", self._session, "GET"),
            self._route("/history", _history, "GET"),
            self._route("/events", self._events, "GET"),
            self._route("/say", self._say, "POST"),
            self._route("/stop", _stop, "POST"),
            self._route("/link", self._link, "POST"),
            self._route("/inspector", self._inspect, "GET"),
            self._route("/inspector", self._ask, "POST"),
            self._route("/files/{message}/{number}", _download, "GET"),
        ]
        app = Starlette(routes=routes, exception_handlers={ClientDisconnect: _gone})
        self._guarded = Guard(app, options, time.monotonic)

    def open(self, host: Host, secret: bytes) -> asyncio.Future[None]:
        """Answer from now on. What is returned raises `StorageError` once that has no sense."""
        cookies = Cookies(secret, self._door.entrance, host.about.id)
        inspector = Inspector(host)
        intake = Intake(host, self._live, inspector, self._options.received_bytes)
        self._opened = Opened(host, cookies, intake, inspector)
        self._live.begin()
        return self._opened.failed

    def close(self) -> None:
        """Answer no more, and let go of pages that are open."""
        if self._opened:
            self._opened.inspector.close()
        self._opened = None
        self._live.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        await self._guarded(scope, receive, send)

    def _route(self, path: str, answer: Answer, method: str) -> Route:
        """Return a route for people who were let in."""

        async def respond(request: Request) -> Response:
            opened = self._opened
            if opened is None:
                return PlainTextResponse("the bot does not run now", 503, {"Retry-After": "1"})
            person = opened.cookies.person(_cookie(request, opened.cookies), _now())
            if person is None:
                return _json({"asks": self._door.asks, "title": opened.host.about.title}, 401)
            return await answer(opened, request, person)

        return Route(path, respond, methods=[method])

    async def _enter(self, request: Request) -> Response:
        if (opened := self._opened) is None:
            return PlainTextResponse("the bot does not run now", 503, {"Retry-After": "1"})
        if self._entries.wait(network_of(request.scope)):
            return PlainTextResponse("that was too often: wait a minute", 429)
        entry = await _posted(request, Entry)
        known = opened.cookies.known(_cookie(request, opened.cookies), _now())
        person = await self._door.enter(entry, known) if entry else None
        if person is None:
            return PlainTextResponse("that is not right", 403)
        response = Response(status_code=204)
        self._set_cookie(request, response, opened.cookies, opened.cookies.make(person, _now()))
        return response

    async def _words(self, request: Request) -> Response:
        """Tell the page's own words, in the language that a browser asks for."""
        if (opened := self._opened) is None:
            return PlainTextResponse("the bot does not run now", 503, {"Retry-After": "1"})
        return _json(words_of(opened.host.sentences(_language(request))))

    async def _leave(self, request: Request) -> Response:
        response = Response(status_code=204)
        if self._opened:
            self._set_cookie(request, response, self._opened.cookies, "")
        return response

    def _set_cookie(
        self, request: Request, response: Response, cookies: Cookies, value: str
    ) -> None:
        response.set_cookie(
            cookies.name,
            value,
            max_age=LASTS if value else 0,
            path=request.scope.get("root_path") or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    async def _session(self, opened: Opened, _: Request, person: Person) -> Response:
        about, host = opened.host.about, opened.host
        threads = await opened.transcript.threads(person.id)
        newest = (
            await opened.transcript.read(person.id, thread=threads[0].thread) if threads else ()
        )
        return _json(
            {
                "person": person.id,
                "name": person.name,
                "title": about.title,
                "description": about.description,
                "conversations": [_titled(oldest) for oldest in threads],
                "commands": [
                    _listed(c) for c in host.commands if not c.menu and c.chats != "group"
                ],
                "edits": "edit" in host.kinds,
                "reactions": "reaction" in host.kinds,
                "inspects": self._door.is_owner(person),
                "revision": newest[-1].revision if newest else 0,
            }
        )

    async def _inspect(self, opened: Opened, _: Request, person: Person) -> Response:
        if not self._door.is_owner(person):
            return PlainTextResponse("that is for owners", 403)
        return _json(await opened.inspector.look(person))

    async def _ask(self, opened: Opened, request: Request, person: Person) -> Response:
        wanted = await _posted(request, Wanted)
        if wanted is None or not self._door.is_owner(person):
            return PlainTextResponse("that is for owners", 403)
        await opened.inspector.ask(wanted)
        return Response(status_code=204)

    async def _events(self, opened: Opened, request: Request, person: Person) -> Response:
        if self._live.count(person.id) >= _STREAMS:
            return PlainTextResponse("too many pages are open", 429)
        seen = request.headers.get("last-event-id") or request.query_params.get("after", "0")
        stream = Stream(opened.transcript, self._live, person.id, number_of(seen) or 0)
        headers = {"X-Accel-Buffering": "no"}
        return StreamingResponse(stream.events(), media_type="text/event-stream", headers=headers)

    async def _say(self, opened: Opened, request: Request, person: Person) -> Response:
        try:
            async with request.form(max_files=_FILES, max_fields=1) as form:
                said = wire.read(str(form.get("said", "")))
                uploads = [file for file in form.getlist("file") if isinstance(file, UploadFile)]
                asked = await opened.intake.take(person, said, uploads, _language(request))
        except HTTPException as error:  # which a form makes of what it cannot read
            if isinstance(error.__context__, TooMuchError):
                return PlainTextResponse("that is too large", 413)
            raise
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return PlainTextResponse("that cannot be read", 400)
        except NothingThereError:
            return PlainTextResponse("what it is about is not there any more", 410)
        except StorageError as error:
            opened.fail(error)
            raise
        return _json({"form": asked})

    async def _link(self, _opened: Opened, _: Request, person: Person) -> Response:
        return _json({"code": self._links.make(person)})


async def _gone(_: Request, __: Exception) -> Response:
    """Answer who went away while they posted, or took too long: that is no fault of ours."""
    return PlainTextResponse("that has not come in time", 408)


def _names() -> list[str]:
    return sorted(path.name for path in _PAGE.iterdir())


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a file of the page."""
    media_type = _TYPES.get(name, "text/javascript")

    async def respond(_: Request) -> Response:
        headers = {"Cache-Control": "no-cache"}
        return FileResponse(_PAGE / name, headers=headers, media_type=media_type)

    return respond


def _titled(oldest: PageMessage) -> dict[str, str]:
    """Return a conversation as it is listed: by what was said first, of what is kept."""
    return {"thread": oldest.thread, "title": body_of(oldest.body or "{}").text[:_TITLE]}


def _listed(command: Command) -> dict[str, str]:
    usage = command.usage or f"/{command.name}"
    return {"name": command.name, "usage": usage, "description": command.description}


async def _history(opened: Opened, request: Request, person: Person) -> Response:
    thread = request.query_params.get("thread", "")
    found = await opened.transcript.read(person.id, thread=thread)
    return _json([shown(message) for message in found if message.body is not None])


async def _stop(opened: Opened, request: Request, person: Person) -> Response:
    asked = await _posted(request, dict[str, str])
    opened.intake.stop(person, (asked or {}).get("thread", ""))
    return Response(status_code=204)


async def _download(opened: Opened, request: Request, person: Person) -> Response:
    message, number = (number_of(request.path_params[name]) for name in ("message", "number"))
    found = None if message is None else await opened.transcript.find(person.id, message)
    files = body_of(found.body).files if found and found.body else ()
    file = None if number is None else next(iter(files[number : number + 1]), None)
    path = await opened.transcript.fetch(file.key) if file and file.key else None
    if file is None or path is None:
        return PlainTextResponse("there is no such file", 404)
    return FileResponse(
        path,
        media_type=file.type,
        filename=file.name,
        content_disposition_type="inline" if file.type.startswith(_INLINE) else "attachment",
        headers={"Content-Security-Policy": "default-src 'none'; sandbox"},
    )


async def _posted(request: Request, kind: type[T]) -> T | None:
    """Return what was posted as JSON; None if it is something else."""
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TooMuchError):
        return None


def _cookie(request: Request, cookies: Cookies) -> str:
    return request.cookies.get(cookies.name, "")


def _json(value: Any, status: int = 200) -> Response:
    return Response(_encode(value), status, media_type="application/json")


def _language(request: Request) -> str | None:
    """Return the language that a browser asks for first."""
    asked = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()
    return asked if asked and asked != "*" and len(asked) <= 35 else None  # noqa: PLR2004 - of a tag


def _now() -> float:
    return time.time()
