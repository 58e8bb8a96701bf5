"""python-telegram-bot's `Bot`, so that errors stay what the Bot API said and no token is logged.

1. What the Bot API answers instead of a result is raised as `Refusal`, before python-telegram-bot
   folds it into classes of its own, which do not tell apart what must be told apart.
2. The token is part of each address, and a webhook's secret of what is asked for. Loggers of the
   libraries below get a filter that hides them.
3. Nothing here asks `Bot.initialize`: its errors contain the token.
4. An answer that is nested too deeply for Python is told apart, so that one update which is so
   keeps no other back.
5. The certificates that are trusted are read once in a process. To read them takes as long as
   several answers, and the event loop waits meanwhile, also where connections are made anew.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

import httpx
from telegram import Bot, InputFile
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from chatstate import AdapterError
from chatstate.adapter import time_told
from chatstate_telegram.options import API

log = logging.getLogger("chatstate.telegram")

HIDDEN = "<token>"
ANSWER_SECONDS = 20.0
_CONNECT_SECONDS = 10.0
_POOL_SECONDS = 10.0
_HEARD_EVERY = 10.0
_UPDATE_ID = re.compile(rb'"update_id"\s*:\s*(\d{1,18})')
_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "telegram.Bot",
    "telegram.request.BaseRequest",
    "telegram.request.HTTPXRequest",
)


class Refusal(TelegramError):  # noqa: N818 - an answer, in the platform's own words
    """What the Bot API answered instead of a result: status, description, parameters."""

    def __init__(self, status: int, description: str, parameters: Mapping[str, Any]) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


class TooDeep(TelegramError):  # noqa: N818 - an answer, as it came
    """An answer is nested too deeply to be read. `update_id` is the first that stands in it."""

    def __init__(self, update_id: int) -> None:
        super().__init__("an answer is nested too deeply to be read")
        self.update_id = update_id


class Form(NamedTuple):
    """What a call carries, by what `HTTPXRequest` reads of a `RequestData`.

    python-telegram-bot makes these for the methods that it knows alone.
    """

    json_parameters: Mapping[str, str]
    multipart_data: Mapping[str, Any]


class Request(HTTPXRequest):
    """Makes requests, and raises `Refusal` and `TooDeep`."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """See `BaseRequest.do_request`."""
        status, payload = await super().do_request(*args, **kwargs)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise refusal(status, payload)
        return status, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        """See `BaseRequest.parse_json_payload`."""
        try:
            return HTTPXRequest.parse_json_payload(payload)
        except RecursionError:
            found = _UPDATE_ID.search(payload)
            raise TooDeep(int(found[1]) if found else 0) from None

    async def renew(self) -> None:
        """Drop all connections."""
        await self.shutdown()
        await self.initialize()


class Client:
    """The two ways to the Bot API: `bot` for calls, and one connection for polls.

    `time_there` is told now and then what time Telegram's answers say it is.
    `is_open` is over when `close` was called; calls then raise before anything is sent.
    """

    def __init__(self, token: str, api: str = API) -> None:
        hide(token)
        self._token = token
        self.time_there: Callable[[float], None] = lambda _: None
        self._heard_at = 0.0
        every = {"event_hooks": {"response": [self._hear]}, "verify": trusted()}
        self._calls = Request(
            httpx_kwargs=every,
            read_timeout=ANSWER_SECONDS,
            connect_timeout=_CONNECT_SECONDS,
            pool_timeout=_POOL_SECONDS,
        )
        self._polls = Request(
            connection_pool_size=1, connect_timeout=_CONNECT_SECONDS, httpx_kwargs=every
        )
        self._files = files_url(api)
        self.bot = Bot(
            token,
            base_url=api,
            base_file_url=self._files,
            request=self._calls,
            get_updates_request=self._polls,
        )

    def __repr__(self) -> str:
        return f"Client({HIDDEN})"

    async def _hear(self, answer: httpx.Response) -> None:
        now = time.monotonic()
        if now - self._heard_at > _HEARD_EVERY and (told := time_told(answer.headers.get("Date"))):
            self._heard_at = now
            self.time_there(told)

    async def open(self) -> None:
        """Make calls possible, again after `close`."""
        await self._calls.initialize()
        await self._polls.initialize()

    async def call(
        self,
        method: str,
        arguments: Mapping[str, Any],
        files: Mapping[str, InputFile],
        patience: float,
    ) -> Any:
        """Return what a method gives back, as raw JSON: any method, with files beside it.

        `Bot.do_api_request` warns of those that python-telegram-bot knows, and reads an argument
        called `media` as an object of its own.
        """
        written = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in arguments.items()
            if value is not None
        }
        sent = {name: file.field_tuple for name, file in files.items()}
        form = cast("Any", Form(written, sent))
        return await self._calls.post(f"{self.bot.base_url}/{method}", form, read_timeout=patience)

    async def is_known(self) -> bool:
        """Tell whether Telegram knows the bot now, by its token."""
        try:
            await self.bot.get_me()
        except Exception:  # noqa: BLE001 - whatever it is, Telegram has not said so
            return False
        return True

    async def close(self) -> None:
        """Close all connections."""
        await self._polls.shutdown()
        await self._calls.shutdown()

    async def renew_polls(self) -> None:
        """Drop the connection that polls."""
        await self._polls.renew()

    async def updates(
        self, offset: int | None, seconds: int, kinds: Sequence[str], slack: float
    ) -> Any:
        """Return what waits from `offset` on, or comes within `seconds`, as raw JSON.

        Unlike `Bot.get_updates` this does not fail as a whole because of one odd update. One that
        is nested too deeply comes without what is in it.
        """
        asked: dict[str, Any] = {"timeout": seconds, "allowed_updates": json.dumps(kinds)}
        if offset is not None:
            asked["offset"] = offset
        try:
            return await self._updates(asked, seconds + slack)
        except TooDeep:
            log.debug("one of several updates is nested too deeply: they are read one at a time")
        try:
            return await self._updates({**asked, "limit": 1}, seconds + slack)
        except TooDeep as error:
            return [{"update_id": error.update_id, "message": str(error)}]

    async def _updates(self, asked: dict[str, Any], patience: float) -> Any:
        url = f"{self.bot.base_url}/getUpdates?{urlencode(asked)}"
        return await self._polls.post(url, read_timeout=patience)

    def file_url(self, path: str) -> str:
        """Return where a file lies that `getFile` named. It holds the token: log it nowhere."""
        return f"{self._files}{self._token}/{path}"


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return what tells which servers are who they say they are."""
    return httpx.create_ssl_context()


def refusal(status: int, payload: bytes) -> Refusal:
    """Return what an answer that is no result says; a proxy's page says only its status."""
    try:
        read: Any = json.loads(payload)
    except ValueError:
        read = None
    said = cast("dict[str, Any]", read) if isinstance(read, dict) else {}
    description = said.get("description")
    parameters = said.get("parameters")
    return Refusal(
        status,
        description if isinstance(description, str) else f"HTTP status {status}",
        cast("dict[str, Any]", parameters) if isinstance(parameters, dict) else {},
    )


def files_url(api: str) -> str:
    """Return the address of files that belongs to one of methods: `/bot` becomes `/file/bot`."""
    base, slash, last = api.rpartition("/")
    if not slash or last != "bot":
        raise AdapterError(
            f"CHATSTATE_TELEGRAM_API must end with /bot, as {API} does; {api!r} does not"
        )
    return f"{base}/file/bot"


class _Hiding(logging.Filter):
    """Replaces tokens in records."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without tokens in it."""
        text = record.getMessage()
        if any(token in text for token in self.tokens):
            for token in self.tokens:
                text = text.replace(token, HIDDEN)
            record.msg, record.args = text, ()
        return True


_hiding = _Hiding()


def hide(token: str) -> None:
    """Let no logger of the libraries below show this token, or another secret."""
    _hiding.tokens.add(token)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_hiding)  # a filter is added once only
