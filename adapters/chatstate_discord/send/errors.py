"""What a failed call means for the reply that it should have sent: one table.

Discord answers a refusal with an HTTP status and a code of its own ("Opcodes and Status Codes",
JSON error codes).

1. The first row that fits counts. What no row knows is refused for good below 500, else unclear.
2. Where no answer came at all, it counts whether the request can have been sent.
3. What is none of Discord's is unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import aiohttp
import discord

from chatstate import Ambiguous, Blocked, Gone, Rejected, RetryAfter, SendError, Unreachable
from chatstate_discord.secrets import hidden

_WAIT_SECONDS = 5.0  # where a 429 does not tell how long

UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK = 10003, 10008, 10015
UNKNOWN_INTERACTION, ACKNOWLEDGED, TOKEN_OVER = 10062, 40060, 50027
MISSING_ACCESS, MISSING_PERMISSIONS = 50001, 50013
UNKNOWN_STICKER, INVALID_STICKER = 10060, 50081
UNKNOWN_EMOJI, REACTION_BLOCKED = 10014, 90001


class Row(NamedTuple):
    """Refusals with a status (`first` and `last` are included) and a code, 0 for any.

    `hint` says what to do about it.
    """

    first: int
    last: int
    code: int
    meaning: Callable[[discord.HTTPException, str], SendError]
    hint: str = ""


def _told(error: discord.HTTPException, hint: str) -> str:
    said = error.text.replace("\n", " ") or "no reason given"
    return f"Discord: {said} ({error.status}, code {error.code}){hint and f'; {hint}'}"


def _rejected(error: discord.HTTPException, hint: str) -> SendError:
    return Rejected(_told(error, hint))


def _blocked(error: discord.HTTPException, hint: str) -> SendError:
    return Blocked(_told(error, hint))


def _gone(error: discord.HTTPException, hint: str) -> SendError:
    return Gone(_told(error, hint))


def _not_now(error: discord.HTTPException, hint: str) -> SendError:
    return Unreachable(_told(error, hint))


def _unclear(error: discord.HTTPException, hint: str) -> SendError:
    return Ambiguous(_told(error, hint))


def _wait(error: discord.HTTPException, _hint: str) -> SendError:
    seconds = error.response.headers.get("Retry-After", "")
    is_ban = "Via" not in error.response.headers  # Cloudflare's, which is for all that we do
    return RetryAfter(float(seconds) if _is_number(seconds) else _WAIT_SECONDS, account=is_ban)


TABLE: Sequence[Row] = (
    Row(429, 429, 0, _wait),
    Row(401, 401, TOKEN_OVER, _rejected),  # an interaction's token, not the bot's
    Row(401, 401, 0, _not_now, "is the bot's token still valid?"),
    Row(400, 400, 50035, _rejected),
    Row(400, 499, 50007, _blocked, "the person takes no messages from the bot"),
    Row(400, 499, MISSING_ACCESS, _rejected, "let the bot see the channel"),
    Row(400, 499, MISSING_PERMISSIONS, _rejected, "give the bot's role that permission"),
    Row(400, 499, UNKNOWN_CHANNEL, _blocked, "the channel is gone"),
    Row(400, 499, UNKNOWN_MESSAGE, _gone, "the message is gone"),
    Row(400, 499, UNKNOWN_EMOJI, _rejected, "Discord has no such emoji, or not for the bot"),
    Row(400, 499, 40005, _rejected, "a file is too large there"),
    Row(400, 499, 50083, _rejected, "the thread is archived and locked"),
    Row(408, 408, 0, _unclear),
    Row(400, 499, 0, _rejected),
    Row(500, 599, 0, _unclear),  # Discord may have done it, and failed only in telling so
)
"""The first row that fits counts."""

_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


def meaning(error: Exception) -> SendError:
    """Return what an error of a call means; what is none of Discord's is ambiguous."""
    if isinstance(error, SendError):
        return error
    if isinstance(error, discord.RateLimited):
        return RetryAfter(error.retry_after)
    if isinstance(error, discord.HTTPException):
        return _meaning_of(error)
    if isinstance(error, _NEVER_SENT):
        return Unreachable(f"Discord cannot be reached: {_named(error)}")
    return Ambiguous(f"no clear answer from Discord: {_named(error)}")


def code_of(error: Exception) -> int:
    """Return Discord's code of a refusal; 0 if it is none."""
    return error.code if isinstance(error, discord.HTTPException) else 0


def _meaning_of(error: discord.HTTPException) -> SendError:
    for row in TABLE:
        if row.first <= error.status <= row.last and row.code in (0, error.code):
            return row.meaning(error, row.hint)
    return _unclear(error, "")


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _named(error: BaseException) -> str:
    return hidden(f"{type(error).__name__}: {error}".rstrip(": "))
