"""Telegram as a platform, through python-telegram-bot's `Bot`.

`adapter` joins what is received (`receive`) with what is sent (`send`); `client` is the library's
own, `menu` the commands that people are shown, `options` what may be set.
"""

from chatstate_telegram.adapter import TelegramAdapter
from chatstate_telegram.options import TelegramOptions

__all__ = ["TelegramAdapter", "TelegramOptions"]
