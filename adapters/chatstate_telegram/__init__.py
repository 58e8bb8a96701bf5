"""Telegram as a platform, through python-telegram-bot's `Bot`.

Owns the bot's account (`adapter`, `client`, `options`, `menu`), what is received of Telegram
(`receive`, `updates`) and what is sent there (`send`, `natives`). Public names: those below. The
library is imported with the adapter, when that is asked for.
"""

from typing import TYPE_CHECKING, Any

from chatstate_telegram.natives import NATIVES
from chatstate_telegram.options import TelegramOptions
from chatstate_telegram.updates import UPDATES

if TYPE_CHECKING:
    from chatstate_telegram.adapter import TelegramAdapter

__all__ = ["NATIVES", "UPDATES", "TelegramAdapter", "TelegramOptions"]


def __getattr__(name: str) -> Any:
    if name != "TelegramAdapter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chatstate_telegram.adapter import TelegramAdapter

    return TelegramAdapter
