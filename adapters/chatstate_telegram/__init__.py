"""Telegram as a platform, through python-telegram-bot's `Bot`."""

from chatstate_telegram.adapter import TelegramAdapter
from chatstate_telegram.options import TelegramOptions

__all__ = ["TelegramAdapter", "TelegramOptions"]
