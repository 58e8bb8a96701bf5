"""The log of a process that runs a bot: on stderr, a record a line, or as JSON.

1. At a terminal it is for people, elsewhere for programs, unless told otherwise.
2. Each record tells of which turn, conversation and adapter it is. What people said, and what is
   raised with it, is in it where somebody sits, or where that is asked for; tokens never are.
3. Whatever a record holds, it cannot be taken for another record, nor control the terminal: its
   first line alone begins at the margin. JSON is escaped.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Literal, cast

import msgspec
import structlog

from chatstate.bot.engines import inside_turn
from chatstate.errors import LoadError
from chatstate.text import escaped, revealed, visible

LEVELS = ("debug", "info", "warning", "error", "critical")
LogFormat = Literal["auto", "text", "json"]
_MARGIN = "    "
_OURS = ("event", "level", "logger", "time", "traceback")
_Told = MutableMapping[str, Any]


class Log(structlog.stdlib.ProcessorFormatter):
    """Writes records in a format, with or without what people said.

    `adapter` tells what an account is called, once a bot runs.
    """

    def __init__(self, log_format: LogFormat, *, texts: bool) -> None:
        self._texts = texts
        self.adapter: Callable[[int], str] = str
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
        self.common: list[Any] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(("turn", "conversation", "account")),
            stamp,
            self._in_turn,
        ]
        super().__init__(
            foreign_pre_chain=self.common,
            processors=[
                self._raised,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _json if log_format == "json" else _lines,
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        if self._texts and isinstance(record.args, tuple):
            shown = tuple(revealed(arg) if isinstance(arg, str) else arg for arg in record.args)
            if shown != record.args:
                record = logging.makeLogRecord({**vars(record), "args": shown})
        return super().format(record)

    def _in_turn(self, _logger: Any, _method: str, told: _Told) -> _Told:
        """Add of which turn it tells: that in which it is said, unless it names one."""
        turn = inside_turn.get()
        if "turn" not in told and turn and not turn.is_over:
            told.update(turn.where._asdict())
        if "account" in told:
            told["adapter"] = self.adapter(told.pop("account"))
        return told

    def _raised(self, _logger: Any, _method: str, told: _Told) -> _Told:
        """Add the traceback of what was raised."""
        info: Any = told.pop("exc_info", None)
        if isinstance(info, tuple):
            info = cast("tuple[Any, ...]", info)[1]
        error: Any = sys.exc_info()[1] if info is True else info
        if isinstance(error, BaseException):
            found = traceback.TracebackException.from_exception(error)
            lines = found.format() if self._texts else _without_words(found)
            told["traceback"] = "".join(lines).rstrip("\n")
        return told


def _without_words(error: traceback.TracebackException) -> Iterator[str]:
    """Yield the lines of a traceback with the types of what was raised, and nothing it says."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before:
        yield from _without_words(before)
        yield "\nthen:\n\n"
    yield from error.stack.format()
    yield f"{error.exc_type.__qualname__ if error.exc_type else 'an exception'}\n"
    for part in error.exceptions or ():
        yield from _without_words(part)


def _lines(_logger: Any, _method: str, told: _Told) -> str:
    """Return `LEVEL logger: message`, what else is known of it, and its traceback, indented."""
    more = "".join(f" {name}={told[name]}" for name in told if name not in _OURS)
    text = f"{told['level'].upper()} {told['logger']}: {told['event']}"
    text += f"  [{more.strip()}]" if more else ""
    text += f"\n{told['traceback']}" if "traceback" in told else ""
    return visible(text).replace("\n", f"\n{_MARGIN}")


def _json(_logger: Any, _method: str, told: _Told) -> str:
    """Return one JSON object: time, level, logger, message, traceback, and what else is known."""
    first = {
        "time": told["time"],
        "level": told["level"],
        "logger": told["logger"],
        "message": told["event"],
    }
    rest = {name: told[name] for name in told if name not in _OURS}
    raised = {"traceback": told["traceback"]} if "traceback" in told else {}
    made = msgspec.json.encode(_writable({**first, **rest, **raised}), enc_hook=str)
    return escaped(made.decode())


def _writable(value: Any) -> Any:
    """Return what can be written: half a surrogate pair cannot."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        parts = cast("dict[Any, Any]", value).items()
        return {_writable(name): _writable(part) for name, part in parts}
    if isinstance(value, list | tuple):
        return [_writable(part) for part in cast("list[Any]", value)]
    return value


def log_to_stderr(level: str, log_format: LogFormat, *, texts: bool | None = None) -> Log:
    """Let logs of `level` and above go to stderr, unless somebody has set logging up already.

    `texts`: whether they hold what people said; by default at a terminal. What an author says
    through structlog goes there too. Raises `LoadError` for a level that is none.
    """
    if level.lower() not in LEVELS:
        raise LoadError(f"{level!r} is no log level; use one of {', '.join(LEVELS)}")
    at_terminal = sys.stderr.isatty()
    if log_format == "auto":
        log_format = "text" if at_terminal else "json"
    log = Log(log_format, texts=at_terminal if texts is None else texts)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(log)
    logging.basicConfig(level=level.upper(), handlers=[handler])
    if not structlog.is_configured():
        structlog.configure(
            [*log.common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )
    return log
