"""Telegram as a platform, through python-telegram-bot's `Bot`.

Owns the bot's account (`adapter`, `client`, `options`, `menu`), what is received of Telegram
(`receive`) and what is sent there (`send`). Public names: those below.
"""

from chatstate_telegram.adapter import TelegramAdapter
from chatstate_telegram.options import TelegramOptions

__all__ = ["TelegramAdapter", "TelegramOptions"]
