"""Tokens of interactions: whoever has one may answer for the bot, for 15 minutes.

They are part of addresses and of what the gateway tells, so discord.py's logs would show them.
"""

from __future__ import annotations

import logging
import re

HIDDEN = "<token>"
_BEFORE = r"""/(?:interactions|webhooks)/\d+/|\d{15,}\+|['"]token['"]: ?['"]"""
_TOKEN = re.compile(rf"""({_BEFORE})[^/\s?'",}}]+""")
_LOGGERS = ("discord.http", "discord.gateway", "discord.webhook.async_", "chatstate.discord")


def hidden(text: str) -> str:
    """Return a text without tokens of interactions."""
    return _TOKEN.sub(rf"\1{HIDDEN}", text)


def hide() -> None:
    """Let no log show a token of an interaction."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_without_tokens)  # which is there once, however often


def _without_tokens(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    shown = hidden(text)
    if shown != text:
        record.msg, record.args = shown, ()
    return True
