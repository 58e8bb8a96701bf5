"""What hangs below a message: which buttons the Bot API takes, and which quick answers."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from servers.telegram_model import ApiError, Chat, Json

_CALLBACK_BYTES = 64
_IN_ROW = 8
_MOST = 100
_DOES = frozenset({"text", "icon_custom_emoji_id", "style"})
"""Fields of a button that tell how it looks; exactly one other tells what it does."""
_STYLES = {"danger", "success", "primary"}


def check_keyboard(rows: Sequence[Sequence[Json]]) -> None:
    """Refuse buttons that the Bot API refuses, and rows that no client shows whole."""
    if any(len(row) > _IN_ROW for row in rows) or sum(map(len, rows)) > _MOST:
        raise ApiError(400, "Bad Request: BUTTON_COUNT_INVALID")
    for button in (button for row in rows for button in row):
        _check_button(button)


def check_suggestions(chat: Chat, markup: Json) -> None:
    """Refuse quick answers where there are none, and those that only a person alone may give."""
    if chat.type == "channel":
        raise ApiError(400, "Bad Request: inline keyboard expected")
    for button in (button for row in markup["keyboard"] for button in row):
        if not button["text"]:
            raise ApiError(400, "Bad Request: keyboard button text must be non-empty")
        asks = [key for key in button if key.startswith("request_")]
        if asks and chat.type != "private":
            what = asks[0].removeprefix("request_").replace("contact", "phone number")
            raise ApiError(400, f"Bad Request: {what} can be requested in private chats only")


def _check_button(button: Json) -> None:
    if len(button.keys() - _DOES) != 1 or not button["text"]:
        raise ApiError(400, "Bad Request: text buttons are unallowed in the inline keyboard")
    if button.get("style", "primary") not in _STYLES:
        raise ApiError(400, "Bad Request: BUTTON_STYLE_INVALID")
    if "url" in button and "." not in (urlsplit(button["url"]).hostname or ""):
        told = f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
        raise ApiError(400, f"Bad Request: {told}")
    size = len(button.get("callback_data", "-").encode())
    if not 1 <= size <= _CALLBACK_BYTES:
        raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
