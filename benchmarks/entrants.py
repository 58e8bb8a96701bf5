"""Who can take part: each contestant with its settings, in fixed versions.

1. Of each peer there is the setting that its documentation calls usual, where that keeps anything,
   and the fastest; `keeps` says what outlives the process.
2. A contestant with a `share` of 10 does a tenth of the messages, from a tenth of the people: its
   histories are as long as everybody's, and who is slow need not do all. No more: of fewer people
   than write at once, some would have two messages under way.
3. Versions are fixed, so that a run can be repeated.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks import names
from benchmarks.servers import Kind

_TELEGRAM = ("python-telegram-bot==22.8",)
_AIOGRAM = ("aiogram==3.31.0", "redis==8.1.0")
_NONEBOT = ("nonebot2==2.5.0",)
_LANGGRAPH = ("langgraph==1.2.24", "langgraph-checkpoint-sqlite==3.1.2")
_AGENTS = ("microsoft-agents-hosting-core==1.9.0",)
_GRADIO = ("gradio==6.31.0",)


class Entrant(NamedTuple):
    """A contestant in a setting: a module of `benchmarks.contestants`, and its options.

    `requirements` are what its environment has; without any it runs in this one. `server` is what
    it keeps things on; `absent` is why it cannot take part anywhere.
    """

    name: str
    module: str
    keeps: str
    options: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    server: Kind | None = None
    share: int = 1
    absent: str = ""


_NOTHING = "nothing"
_EVERY = "every message"

ENTRANTS = (
    Entrant(names.BARE, "bare_sqlite", _EVERY),
    Entrant(names.BARE_EACH, "bare_sqlite", _EVERY, ("each",), share=4),
    Entrant(names.BARE_POSTGRES, "bare_postgres", _EVERY, server="postgres", share=4),
    Entrant(
        names.BARE_POSTGRES_EACH, "bare_postgres", _EVERY, ("each",), server="postgres", share=10
    ),
    Entrant(names.ASYNC, "chatstate_bot", _EVERY),
    Entrant(names.POSTGRES, "chatstate_bot", _EVERY, ("postgres",), server="postgres", share=4),
    Entrant(names.DICT, "plain_dict", _NOTHING),
    Entrant(names.TELEGRAM, "python_telegram_bot", _NOTHING, (), _TELEGRAM),
    Entrant(
        names.TELEGRAM_PICKLE,
        "python_telegram_bot",
        "a file, every 60 s",
        ("pickle",),
        _TELEGRAM,
        share=4,
    ),
    Entrant(names.AIOGRAM, "aiogram_bot", _NOTHING, (), _AIOGRAM, share=4),
    Entrant(
        names.AIOGRAM_REDIS, "aiogram_bot", "every state", ("redis",), _AIOGRAM, "redis", share=10
    ),
    Entrant(names.NONEBOT, "nonebot2_bot", _NOTHING, (), _NONEBOT, share=4),
    Entrant(names.LANGGRAPH, "langgraph_graph", "every step", (), _LANGGRAPH, share=10),
    Entrant(names.LANGGRAPH_EXIT, "langgraph_graph", _EVERY, ("exit",), _LANGGRAPH, share=10),
    Entrant(names.LANGGRAPH_MEMORY, "langgraph_graph", _NOTHING, ("memory",), _LANGGRAPH, share=10),
    Entrant(names.AGENTS, "agents_sdk_agent", _NOTHING, (), _AGENTS, share=4),
    Entrant(
        names.AGENTS_BLOB,
        "agents_sdk_agent",
        "every state",
        absent="its durable storages, Blob Storage and Cosmos DB, are services of Azure",
    ),
    Entrant(names.GRADIO, "gradio_app", _NOTHING, (), _GRADIO, share=10),
    Entrant(names.GRADIO_QUEUE, "gradio_app", _NOTHING, ("queue",), _GRADIO, share=10),
)
BY_NAME = {entrant.name: entrant for entrant in ENTRANTS}
