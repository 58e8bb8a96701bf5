"""What failed calls mean, row by row; and no fault that the test server has is left out."""

import asyncio

import httpx
import pytest
from telegram.error import NetworkError, TelegramError, TimedOut

from chatstate import Ambiguous, Blocked, Gone, Moved, Rejected, RetryAfter, SendError, Unreachable
from chatstate_telegram.client import Refusal, refusal
from chatstate_telegram.send.errors import TABLE, DoneBefore, Missing, Row, meaning

ROWS = [
    (429, "Too Many Requests: retry after 7", RetryAfter),
    (
        400,
        "Bad Request: message is not modified: specified new message content and ...",
        DoneBefore,
    ),
    (400, "Bad Request: message to delete not found", DoneBefore),
    (400, "Bad Request: query is too old and response timeout expired", DoneBefore),
    (400, "Bad Request: query ID is invalid", DoneBefore),
    (400, "Bad Request: group chat was upgraded to a supergroup chat", Moved),
    (400, "Bad Request: chat not found", Blocked),
    (400, "Bad Request: message is too long", Rejected),
    (400, "Bad Request: message caption is too long", Rejected),
    (400, "Bad Request: can't parse entities: Unsupported start tag", Rejected),
    (400, "Bad Request: message to edit not found", Gone),
    (400, "Bad Request: message can't be edited", Rejected),
    (400, "Bad Request: message thread not found", Rejected),
    (400, "Bad Request: BUTTON_DATA_INVALID", Rejected),
    (403, "Forbidden: bot was blocked by the user", Blocked),
    (403, "Forbidden: user is deactivated", Blocked),
    (403, "Forbidden: bot was kicked from the supergroup chat", Blocked),
    (403, "Forbidden: bot is not a member of the channel chat", Blocked),
    (403, "Forbidden: bot can't initiate conversation with a user", Blocked),
    (401, "Unauthorized", Unreachable),
    (404, "Not Found", Missing),
    (409, "Conflict: terminated by other getUpdates request", Unreachable),
    (413, "Request Entity Too Large", Rejected),
    (302, "HTTP status 302", Unreachable),
    (400, "Bad Request: something that is new", Rejected),
    (500, "Internal Server Error", Ambiguous),
]
PARAMETERS = {429: {"retry_after": 7}, 400: {"migrate_to_chat_id": -1007}}


def test_each_row_is_tried() -> None:
    """The cases here are the table's, in its order."""
    assert len(ROWS) == len(TABLE)


@pytest.mark.parametrize(
    ("row", "status", "says", "means"),
    [(row, *case) for row, case in zip(TABLE, ROWS, strict=True)],
    ids=[says for _, says, _ in ROWS],
)
def test_what_a_refusal_means(row: Row, status: int, says: str, means: type[Exception]) -> None:
    """By its row, which is the first that fits."""
    assert row.first <= status <= row.last
    assert row.says in says.lower()
    error = Refusal(status, says, PARAMETERS.get(status, {}))
    assert type(row.meaning(error)) is type(meaning(error)) is means


def test_a_wait_is_as_long_as_telegram_says() -> None:
    """For that chat, not for all of them."""
    what = meaning(Refusal(429, "Too Many Requests", {"retry_after": 7}))
    assert isinstance(what, RetryAfter)
    assert (what.seconds, what.account) == (7.0, False)


def test_a_wait_that_is_not_told_has_a_length() -> None:
    """As a proxy may answer."""
    what = meaning(refusal(429, b"<html>slow down</html>"))
    assert isinstance(what, RetryAfter)
    assert what.seconds > 1


def test_a_group_that_moved_tells_where() -> None:
    """By the id that Telegram gives."""
    error = Refusal(400, "group chat was upgraded", {"migrate_to_chat_id": -1007})
    what = meaning(error)
    assert isinstance(what, Moved)
    assert what.chat == "-1007"


CAUSES = [
    (httpx.ConnectError("refused"), Unreachable),
    (httpx.ConnectTimeout("late"), Unreachable),
    (httpx.PoolTimeout("full"), Unreachable),
    (httpx.ProxyError("no"), Unreachable),
    (RuntimeError("This HTTPXRequest is not initialized!"), Unreachable),
    (httpx.ReadTimeout("late"), Ambiguous),
    (httpx.WriteTimeout("late"), Ambiguous),
    (httpx.ReadError("reset"), Ambiguous),
    (httpx.WriteError("reset"), Ambiguous),
    (httpx.RemoteProtocolError("closed"), Ambiguous),
    (ValueError("no JSON"), Ambiguous),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), Rejected),
]


@pytest.mark.parametrize(
    ("cause", "means"), CAUSES, ids=[type(cause).__name__ for cause, _ in CAUSES]
)
def test_a_call_without_an_answer(cause: Exception, means: type[SendError]) -> None:
    """Surely not made if nothing was written, and ambiguous otherwise."""
    for error in (NetworkError("failed"), TimedOut(), TelegramError("failed")):
        error.__cause__ = cause
        assert type(meaning(error)) is means


def test_what_nobody_expects_is_ambiguous() -> None:
    """It may have happened after the call took effect."""
    assert type(meaning(KeyError("message_id"))) is Ambiguous
    assert type(meaning(asyncio.InvalidStateError())) is Ambiguous


def test_a_page_of_a_proxy_is_a_refusal_too() -> None:
    """With its status, and without parameters."""
    found = refusal(502, b"<html>Bad Gateway</html>")
    assert (found.status, found.description, found.parameters) == (502, "HTTP status 502", {})
    assert type(meaning(found)) is Ambiguous
