"""What a failed call on Discord means: the table, row by row."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest
from aiohttp.client_reqrep import ConnectionKey

from chatstate import Ambiguous, Blocked, Gone, Rejected, RetryAfter, SendError, Unreachable
from chatstate_discord.send.errors import meaning

KEY = ConnectionKey("discord.com", 443, True, True, None, None, None)


def refusal(
    status: int, code: int = 0, headers: Mapping[str, str] | None = None
) -> discord.HTTPException:
    """Return what discord.py raises for an answer."""
    response: Any = SimpleNamespace(status=status, reason="because", headers=headers or {})
    return discord.HTTPException(response, {"code": code, "message": "told"})


ROWS: list[tuple[Exception, type[SendError], str]] = [
    (refusal(400, 50035), Rejected, "50035"),
    (refusal(401, 50027), Rejected, "50027"),
    (refusal(401), Unreachable, "token still valid"),
    (refusal(403, 50001), Rejected, "see the channel"),
    (refusal(403, 50007), Blocked, "takes no messages"),
    (refusal(403, 50013), Rejected, "that permission"),
    (refusal(404, 10003), Blocked, "channel is gone"),
    (refusal(404, 10008), Gone, "message is gone"),
    (refusal(400, 50083), Rejected, "archived"),
    (refusal(404, 10062), Rejected, "10062"),
    (refusal(413, 40005), Rejected, "too large"),
    (refusal(408), Ambiguous, "408"),
    (refusal(500), Ambiguous, "500"),
    (refusal(502), Ambiguous, "502"),
    (refusal(503), Ambiguous, "503"),
    (discord.RateLimited(31.5), RetryAfter, "31.5"),
    (aiohttp.ClientConnectorError(KEY, OSError(111, "refused")), Unreachable, "refused"),
    (aiohttp.ConnectionTimeoutError("slow"), Unreachable, "slow"),
    (aiohttp.ServerDisconnectedError(), Ambiguous, "disconnected"),
    (aiohttp.ClientOSError(104, "reset"), Ambiguous, "reset"),
    (TimeoutError(), Ambiguous, "TimeoutError"),
    (Rejected("gone"), Rejected, "gone"),
]


@pytest.mark.parametrize(
    ("error", "kind", "says"), ROWS, ids=[f"{type(e).__name__} {s}" for e, _, s in ROWS]
)
def test_meaning(error: Exception, kind: type[SendError], says: str) -> None:
    """What it is, and what it says to the operator."""
    meant = meaning(error)
    assert type(meant) is kind
    assert says in str(meant)


@pytest.mark.parametrize(
    ("headers", "seconds", "account"),
    [
        ({"Retry-After": "60"}, 60.0, True),
        ({"Retry-After": "1.5", "Via": "1.1 google"}, 1.5, False),
        ({"Via": "1.1 google"}, 5.0, False),
        ({"Retry-After": "soon"}, 5.0, True),
    ],
)
def test_waits(headers: dict[str, str], seconds: float, account: bool) -> None:
    """Discord's are for one route; Cloudflare's for all that the bot does."""
    meant = meaning(refusal(429, headers=headers))
    assert isinstance(meant, RetryAfter)
    assert (meant.seconds, meant.account) == (seconds, account)
