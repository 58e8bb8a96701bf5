"""What works and contestants are called, in tables, in JSON and by `--without`."""

from __future__ import annotations

BARE = "bare SQLite"
BARE_EACH = "bare SQLite, a commit each"
BARE_POSTGRES = "bare PostgreSQL"
BARE_POSTGRES_EACH = "bare PostgreSQL, a commit each"
ASYNC = "chatstate, async"
SYNC = "chatstate, sync"
HOT_USER = "chatstate, hot user"
HOT_GLOBAL = "chatstate, hot global"
WAITING = "chatstate, waiting"
COUNTING = "chatstate, counting"
POSTGRES = "chatstate, PostgreSQL"
DICT = "a plain dict"
TELEGRAM = "python-telegram-bot"
TELEGRAM_PICKLE = "python-telegram-bot, pickle"
AIOGRAM = "aiogram"
AIOGRAM_REDIS = "aiogram, Redis"
NONEBOT = "NoneBot2"
LANGGRAPH = "LangGraph"
LANGGRAPH_EXIT = "LangGraph, exit"
LANGGRAPH_MEMORY = "LangGraph, memory"
AGENTS = "Microsoft Agents SDK"
AGENTS_BLOB = "Microsoft Agents SDK, Azure"
GRADIO = "Gradio"
GRADIO_QUEUE = "Gradio, queue"

ECHO = "history echo"
WAIT = "handlers that wait 10 ms"
COUNT = "a global counter"
SYNC_ECHO = "sync handlers"
WIDE = "history echo, everybody once"
HOT = "history echo, one person"

MAY_BE_LEFT_OUT = (
    BARE_EACH,
    BARE_POSTGRES,
    BARE_POSTGRES_EACH,
    SYNC,
    HOT_USER,
    HOT_GLOBAL,
    WAITING,
    COUNTING,
    POSTGRES,
    DICT,
    TELEGRAM,
    TELEGRAM_PICKLE,
    AIOGRAM,
    AIOGRAM_REDIS,
    NONEBOT,
    LANGGRAPH,
    LANGGRAPH_EXIT,
    LANGGRAPH_MEMORY,
    AGENTS,
    GRADIO,
    GRADIO_QUEUE,
)
