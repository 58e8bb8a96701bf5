"""The log of a process that runs a bot: on stderr, a record a line, or as JSON.

Whatever a record holds of people's words, it cannot be taken for another record, nor control the
terminal: its first line alone begins at the margin. JSON is escaped.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Literal

import msgspec

from chatstate.errors import LoadError
from chatstate.text import escaped, visible

LEVELS = ("debug", "info", "warning", "error", "critical")
LogFormat = Literal["text", "json"]
_MARGIN = "    "


class Lines(logging.Formatter):
    """`LEVEL logger: message`; further lines, such as those of a traceback, are indented."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        return visible(super().format(record)).replace("\n", f"\n{_MARGIN}")


class Json(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _writable(record.getMessage()),
        }
        if record.exc_info:
            told["traceback"] = _writable(self.formatException(record.exc_info))
        return escaped(msgspec.json.encode(told).decode())


def _writable(text: str) -> str:
    return text.encode(errors="replace").decode()  # half a surrogate pair cannot be written


def log_to_stderr(level: str, log_format: LogFormat) -> None:
    """Let logs of `level` and above go to stderr, unless somebody has set logging up already.

    Raises `LoadError` for a level that is none.
    """
    if level.lower() not in LEVELS:
        raise LoadError(f"{level!r} is no log level; use one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if log_format == "json" else Lines())
    logging.basicConfig(level=level.upper(), handlers=[handler])
