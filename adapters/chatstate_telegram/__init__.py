"""Telegram as a platform, through python-telegram-bot's `Bot`."""

from chatstate_telegram.adapter import TelegramAdapter

__all__ = ["TelegramAdapter"]
