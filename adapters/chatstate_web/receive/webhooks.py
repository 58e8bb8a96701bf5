"""Events of other systems: posted to `/events`, signed, and answered with what the bot replies.

1. A post is signed as Standard Webhooks are: `webhook-id` is its key, `webhook-timestamp` its time
   in seconds, and `webhook-signature` an HMAC of both and of the body. There are no cookies, so
   no other site's page can do anything here.
2. A post is answered once it is durable. The same key is the same event: with another body it is
   refused, and else nothing is done a second time, however late.
3. First the key is kept with a digest of the body, then the event is delivered, then it is noted
   that it was. Who died between is known by that.
4. What the bot replies is read from the conversation, where it is kept as long as all else there:
   a key is kept for as long, and none of anybody's words with it.
5. An answer that is not there in time is asked for later: by its key, or by the same post.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatstate import Chat, Event, Message, StorageError, User
from chatstate.adapter import Host, PageMessage, Receipt
from chatstate_web.receive.answers import replies_to
from chatstate_web.receive.callers import Callers, SigningKey
from chatstate_web.receive.wire import number_of

LARGEST = 1 << 18
"""How many bytes an event has at most."""
APART = 300.0
"""How many seconds the clocks of both sides may be apart."""
LONGEST_WAIT = 60.0
KNOWN_FOR = 40 * 3600.0
"""How long what is delivered again is surely known by its id: stores keep ids for 48 hours."""
Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]


class Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is posted: somebody, by an identity, says a `text` in a conversation.

    `data` is whatever else there is to know: `message.raw["data"]`.
    """

    conversation: Annotated[
        str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:-]{1,64}(/[A-Za-z0-9_-]{1,32})?$")
    ]
    identity: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
    text: Annotated[str, msgspec.Meta(max_length=100_000)]
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    data: Any = None


class Record(msgspec.Struct, frozen=True):
    """What is kept of a post: a digest, where it went and as whose; whether it was delivered."""

    digest: str
    conversation: str
    identity: str
    is_delivered: bool = False


class RefusedError(Exception):
    """A post that is not taken: with which status, and why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class Webhooks:
    """Takes events in for one account, while it is open. `clock` is in seconds since 1970."""

    def __init__(self, callers: Callers, clock: Callable[[], float] = time.time) -> None:
        self._callers = callers
        self._clock = clock
        self._host: Host | None = None
        self._settling: dict[str, asyncio.Task[None]] = {}
        self.routes = [
            Route("/events", self._answering(self._post), methods=["POST"]),
            Route("/events/{key}", self._answering(self._look), methods=["GET"]),
        ]

    def open(self, host: Host) -> None:
        """Take in from now on."""
        self._host = host

    def close(self) -> None:
        """Take nothing in any more."""
        self._host = None
        for settling in self._settling.values():
            settling.cancel()

    def _answering(self, take: Callable[[Host, Request], Any]) -> Callable[[Request], Any]:
        """Return what answers with what `take` returns, or with why it refuses."""

        async def respond(request: Request) -> Response:
            if self._host is None:
                return _told(HTTPStatus.SERVICE_UNAVAILABLE, error="the bot does not run now")
            try:
                answer: Response = await take(self._host, request)
            except RefusedError as error:
                return _told(error.status, error=str(error))
            except StorageError:
                return _told(HTTPStatus.SERVICE_UNAVAILABLE, error="that cannot be stored now")
            return answer

        return respond

    async def _post(self, host: Host, request: Request) -> Response:
        body = await _body_of(request)
        key = request.headers.get("webhook-id", "")
        name, signing = self._signed(request, key, body)
        posted = _read(body)
        _check(signing, posted)
        digest = hashlib.sha256(body).hexdigest()
        record = Record(digest, posted.conversation, posted.identity)
        kept = await _keep(host, _place_of(name, key), record)
        known = _record_of(kept)
        if known.digest != digest:
            why = f"webhook-id {key} is another event's: give each event an id of its own"
            raise RefusedError(HTTPStatus.CONFLICT, why)
        settling = await self._deliver(host, kept, _event_of(name, key, posted))
        return await self._answer(host, name, key, known, settling, _wait_of(request))

    async def _look(self, host: Host, request: Request) -> Response:
        key: str = request.path_params["key"]
        name, _ = self._signed(request, key, b"")
        place = _place_of(name, key)
        found = await host.transcript.read(place.chat, thread=place.thread)
        if not (found and _record_of(found[0]).is_delivered):
            raise RefusedError(HTTPStatus.NOT_FOUND, f"there is no event {key}, or no more")
        known = _record_of(found[0])
        posted = Posted(known.conversation, known.identity, "")  # it is known by its id
        settling = await self._deliver(host, found[0], _event_of(name, key, posted))
        return await self._answer(host, name, key, known, settling, _wait_of(request))

    def _signed(self, request: Request, key: str, body: bytes) -> tuple[str, SigningKey]:
        """Return who has signed a request, and with what."""
        unknown, headers = HTTPStatus.UNAUTHORIZED, request.headers
        at = number_of(headers.get("webhook-timestamp", ""))
        signatures = headers.get("webhook-signature", "")
        if at is None or not signatures or not _is_key(key):
            why = "webhook-id, webhook-timestamp or webhook-signature is missing, or none"
            raise RefusedError(unknown, why)
        content = b"%s.%s.%s" % (key.encode(), headers["webhook-timestamp"].encode(), body)
        found = self._callers.who_signed(signatures, content)
        if found is None:
            raise RefusedError(unknown, "webhook-signature is that of no key")
        if abs(self._clock() - at) > APART:
            why = f"webhook-timestamp is more than {APART:g} seconds from this machine's time"
            raise RefusedError(unknown, why)
        return found

    async def _deliver(
        self, host: Host, kept: PageMessage, event: Event
    ) -> asyncio.Task[None] | None:
        """Deliver an event and note that; return what ends once it is settled.

        None is returned if it was delivered so long ago that it is over.
        """
        known = _record_of(kept)
        if known.is_delivered and self._clock() - kept.at > KNOWN_FOR:
            return None
        (receipt,) = await host.deliver([event])
        if receipt.status == "refused":
            why = "too many events wait in this conversation"
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, why)
        settling = self._settled(event.id, receipt)
        if not known.is_delivered:
            noted = msgspec.structs.replace(known, is_delivered=True)
            await host.transcript.rewrite(kept, _written(noted))
        return settling

    def _settled(self, event: str, receipt: Receipt) -> asyncio.Task[None]:
        """Return what waits for the first receipt of an event, whoever asks.

        One of a duplicate knows nothing of replies that are owed, once the turn is committed.
        """
        settling = self._settling.get(event)
        if settling is None:
            settling = self._settling[event] = asyncio.create_task(_settled(receipt))
            settling.add_done_callback(lambda _: self._settling.pop(event))
        return settling

    async def _answer(
        self,
        host: Host,
        name: str,
        key: str,
        known: Record,
        settling: asyncio.Task[None] | None,
        seconds: float,
    ) -> Response:
        """Return what the bot has replied, or that it has not in time."""
        if settling:
            await asyncio.wait([settling], timeout=seconds)
        if settling and (settling.cancelled() or not settling.done()):
            where = {"Location": f"events/{key}", "Retry-After": "1"}
            return _told(HTTPStatus.ACCEPTED, where, receipt=key, status="waiting")
        chat, _, thread = known.conversation.partition("/")
        replies = await replies_to(host.transcript, chat, thread, _origin(name, key))
        return _told(HTTPStatus.OK, receipt=key, status="done", replies=replies)


def _is_key(text: str) -> bool:
    try:
        msgspec.convert(text, Key)
    except msgspec.ValidationError:
        return False
    return True


def _check(signing: SigningKey, posted: Posted) -> None:
    """Raise `RefusedError` for what a key is not for."""
    forbidden = HTTPStatus.FORBIDDEN
    if not signing.reaches(posted.conversation):
        raise RefusedError(forbidden, f"this key is not for conversation {posted.conversation}")
    if posted.identity not in signing.identities:
        raise RefusedError(forbidden, f"this key is not for identity {posted.identity}")


def _place_of(name: str, key: str) -> PageMessage:
    """Return where a post is kept: in a thread of its own, so that no other makes it go."""
    return PageMessage(f"events {name}", key, "", key)


async def _keep(host: Host, place: PageMessage, record: Record) -> PageMessage:
    return await host.transcript.write(msgspec.structs.replace(place, body=_written(record)))


def _written(record: Record) -> str:
    return msgspec.json.encode(record).decode()


def _record_of(kept: PageMessage) -> Record:
    return msgspec.json.decode(kept.body or "", type=Record)


def _origin(name: str, key: str) -> str:
    return f"events {name} {key}"


def _event_of(name: str, key: str, posted: Posted) -> Event:
    """Return a post as an event: in private where it is a person's own, else among several."""
    chat, _, thread = posted.conversation.partition("/")
    message = Message(
        posted.text,
        User(posted.identity, posted.name or posted.identity),
        Chat(chat, "private" if chat == posted.identity else "group"),
        thread=thread or None,
        raw={"data": posted.data},
    )
    return Event(_origin(name, key), message, origin=_origin(name, key))


async def _settled(receipt: Receipt) -> None:
    await receipt.settled()


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            why = f"an event has at most {LARGEST} bytes"
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why)
    return bytes(body)


def _read(body: bytes) -> Posted:
    try:
        return msgspec.json.decode(body, type=Posted)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"that is no event: {error}") from None


def _wait_of(request: Request) -> float:
    """Return for how many seconds an answer is waited for: `Prefer: wait=5` (RFC 7240)."""
    for preference in request.headers.get("prefer", "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.lower() == "wait" and value.isdecimal():
            return min(float(value), LONGEST_WAIT)
    return 0.0


def _told(status: HTTPStatus, headers: dict[str, str] | None = None, /, **told: Any) -> Response:
    body = msgspec.json.encode(told)
    return Response(body, status, headers, media_type="application/json")
