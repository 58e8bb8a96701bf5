"""What a failed call means for the reply that it should have sent: one table.

The Bot API answers a refusal with an HTTP status and a text. The texts are not documented; those
here are of Telegram's own server (telegram-bot-api, `Client.cpp`).

1. The first row that fits counts. What is wished already is no error.
2. Where no answer came at all, it counts whether the request can have been written.
3. What is neither the Bot API's nor python-telegram-bot's is unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import httpx
from telegram.error import TelegramError

from chatstate import (
    Ambiguous,
    Blocked,
    Gone,
    Moved,
    Rejected,
    RetryAfter,
    SendError,
    Unreachable,
)
from chatstate_telegram.client import Client, Refusal

_WAIT_SECONDS = 5.0  # where a 429 does not tell how long


class Missing(Unreachable):
    """A 404. Telegram knows either the token not, or only what was asked for."""


class DoneBefore(Exception):  # noqa: N818 - no error: what was asked for is so already
    """What the call should bring about is the case already."""


class Row(NamedTuple):
    """Refusals of a `status` whose text has `says` in it, and what they mean.

    `first` and `last` statuses are included. `says` is in lower case.
    """

    first: int
    last: int
    says: str
    meaning: Callable[[Refusal], SendError | DoneBefore]


def _done(refusal: Refusal) -> DoneBefore:
    return DoneBefore(refusal.description)


def _rejected(refusal: Refusal) -> SendError:
    return Rejected(f"Telegram: {refusal.description} ({refusal.status})")


def _blocked(refusal: Refusal) -> SendError:
    return Blocked(f"Telegram: {refusal.description} ({refusal.status})")


def _gone(refusal: Refusal) -> SendError:
    return Gone(f"Telegram: {refusal.description} ({refusal.status})")


def _wait(refusal: Refusal) -> SendError:
    seconds = refusal.parameters.get("retry_after")
    return RetryAfter(float(seconds) if isinstance(seconds, int | float) else _WAIT_SECONDS)


def _moved(refusal: Refusal) -> SendError:
    chat = refusal.parameters.get("migrate_to_chat_id")
    return Moved(str(chat)) if chat is not None else _rejected(refusal)


def _not_now(refusal: Refusal) -> SendError:
    return Unreachable(f"Telegram: {refusal.description} ({refusal.status})")


def _missing(refusal: Refusal) -> SendError:
    return Missing(f"Telegram: {refusal.description} ({refusal.status})")


def _unclear(refusal: Refusal) -> SendError:
    return Ambiguous(f"Telegram: {refusal.description} ({refusal.status})")


TABLE: Sequence[Row] = (
    Row(429, 429, "", _wait),
    Row(400, 400, "message is not modified", _done),
    Row(400, 400, "message to delete not found", _done),
    Row(400, 400, "query is too old", _done),
    Row(400, 400, "query id is invalid", _done),
    Row(400, 403, "group chat was upgraded", _moved),
    Row(400, 400, "chat not found", _blocked),
    Row(400, 400, "message is too long", _rejected),
    Row(400, 400, "message caption is too long", _rejected),
    Row(400, 400, "can't parse entities", _rejected),
    Row(400, 400, "message to edit not found", _gone),
    Row(400, 400, "message can't be edited", _rejected),
    Row(400, 400, "message thread not found", _rejected),
    Row(400, 400, "button_data_invalid", _rejected),
    Row(403, 403, "bot was blocked by the user", _blocked),
    Row(403, 403, "user is deactivated", _blocked),
    Row(403, 403, "bot was kicked", _blocked),
    Row(403, 403, "bot is not a member", _blocked),
    Row(403, 403, "bot can't initiate conversation", _blocked),
    Row(401, 401, "", _not_now),  # a token that was revoked: the operator gives another one
    Row(404, 404, "", _missing),  # the same for one that never was; or a server lacks the method
    Row(409, 409, "", _not_now),
    Row(413, 413, "", _rejected),
    Row(300, 399, "", _not_now),
    Row(400, 499, "", _rejected),
    Row(500, 599, "", _unclear),  # Telegram may have done it, and failed only in telling so
)
"""The first row that fits counts."""

_NEVER_WRITTEN = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    RuntimeError,  # python-telegram-bot's, when its connections are closed
)


def meaning(error: Exception) -> SendError | DoneBefore:
    """Return what an error of a call means.

    `DoneBefore` is a success. What is neither the Bot API's nor python-telegram-bot's is ambiguous.
    """
    if isinstance(error, SendError | DoneBefore):
        return error
    if isinstance(error, Refusal):
        return _meaning_of(error)
    cause = error.__cause__
    if isinstance(error, TelegramError) and isinstance(cause, UnicodeEncodeError):
        return Rejected(f"a text that is no Unicode cannot be sent: {cause.reason}")
    if isinstance(error, TelegramError) and isinstance(cause, _NEVER_WRITTEN):
        return Unreachable(f"Telegram cannot be reached: {_named(cause)}")
    return Ambiguous(f"no clear answer from Telegram: {_named(cause or error)}")


async def judged(error: Exception, client: Client) -> SendError | DoneBefore:
    """Return what an error of a call means, once it is known whose a 404 is.

    While Telegram knows the bot, it is a refusal: a Bot API server that lacks the method lacks it
    the next time, too.
    """
    what = error if isinstance(error, SendError) else meaning(error)
    if isinstance(what, Missing) and await client.is_known():
        return Rejected(str(what))
    return what


def says(error: Exception, *texts: str) -> bool:
    """Tell whether a 400 has one of these texts, in lower case, in it."""
    said = error.description.lower() if isinstance(error, Refusal) else ""
    return isinstance(error, Refusal) and error.status == 400 and any(t in said for t in texts)  # noqa: PLR2004 - HTTP's own number


def _meaning_of(refusal: Refusal) -> SendError | DoneBefore:
    said = refusal.description.lower()
    for row in TABLE:
        if row.first <= refusal.status <= row.last and row.says in said:
            return row.meaning(refusal)
    return _unclear(refusal)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
