"""What works and contestants are called, in tables, in JSON and by `--without`."""

from __future__ import annotations

BARE = "bare SQLite"
ASYNC = "chatstate, async"
SYNC = "chatstate, sync"
HOT_USER = "chatstate, hot user"
HOT_GLOBAL = "chatstate, hot global"
WAITING = "chatstate, waiting"
DICT = "a plain dict"
TELEGRAM = "python-telegram-bot"

MAY_BE_LEFT_OUT = (SYNC, HOT_USER, HOT_GLOBAL, WAITING, DICT, TELEGRAM)

ECHO = "history echo"
WAIT = "handlers that wait 10 ms"
