"""LangGraph, with its checkpointer for SQLite: a message is an invocation, a person a thread.

Promised: the graph's state after each step is a checkpoint of its thread; with "sync" it is written
before the next step begins, with "async" (the default) meanwhile, with "exit" when the graph ends.
Earlier checkpoints stay: a thread can be taken back to each. Not promised: that invocations of one
thread wait for each other, or that a message is handled once. The saver's own documentation
does not recommend SQLite for much load.

1. As a rule it is `AsyncSqliteSaver` and "async". The option "exit" is the fastest that keeps;
   with "memory" it is `InMemorySaver`, and nothing is kept.
2. What is global is in the graph's store: `AsyncSqliteStore` or `InMemoryStore`.
3. There is no transport: a reply is counted when the invocation has returned it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite.aio import AsyncSqliteStore

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait

_COUNTERS = ("counters",)


class _State(TypedDict, total=False):
    message: str
    history: list[str]
    reply: str


def _sync_echo(state: _State) -> _State:
    history = kept(state.get("history", []), state.get("message", ""))
    return {"history": history, "reply": answer(history)}


async def _echo(state: _State) -> _State:
    return _sync_echo(state)


async def _waiting(state: _State) -> _State:
    await wait()
    return _sync_echo(state)


async def _count(_: _State, runtime: Runtime[None]) -> _State:
    return await _counted(runtime.store, slow=False)


async def _slow_count(_: _State, runtime: Runtime[None]) -> _State:
    return await _counted(runtime.store, slow=True)


async def _counted(store: Any, *, slow: bool) -> _State:
    item = await store.aget(_COUNTERS, "all")
    count = item.value["count"] if item else 0
    if slow:
        await wait()
    await store.aput(_COUNTERS, "all", {"count": count + 1})
    return {"reply": str(count + 1)}


_NODES: dict[str, Any] = {
    "echo": _echo,
    "sync": _sync_echo,
    "wait": _waiting,
    "count": _count,
    "slow count": _slow_count,
}


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what a graph does with messages."""
    durability: Any = "exit" if "exit" in setup.options else "async"
    async with contextlib.AsyncExitStack() as stack:
        saver, store = await _kept(setup, stack)
        graph = StateGraph(_State)
        graph.add_node("answer", _NODES[setup.work])
        graph.add_edge(START, "answer")
        graph.add_edge("answer", END)
        compiled: Any = graph.compile(checkpointer=saver, store=store)

        async def say(person: int, number: int) -> None:
            config = {"configurable": {"thread_id": str(person)}}
            given = {"message": text(number)}
            state = await compiled.ainvoke(given, config, durability=durability)
            replies.take(person, state["reply"])

        yield say


async def _kept(setup: Setup, stack: contextlib.AsyncExitStack) -> tuple[Any, Any]:
    """Return where checkpoints are, and what is global."""
    if "memory" in setup.options:
        return InMemorySaver(), InMemoryStore()
    file = _file(setup)
    saver = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(file)))
    other = str(file.with_name("store.db"))
    store = await stack.enter_async_context(AsyncSqliteStore.from_conn_string(other))
    await store.setup()
    return saver, store


def fill(setup: Setup, sessions: int) -> None:
    """Give so many threads a checkpoint: the last, of a thread that is there."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(_file(setup))) as database, database:
        database.execute(
            """WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?)
            INSERT INTO checkpoints SELECT 's' || n, '', checkpoint_id, NULL, type, checkpoint,
                metadata FROM s, (SELECT * FROM checkpoints ORDER BY checkpoint_id DESC LIMIT 1)""",
            (sessions,),
        )


def _file(setup: Setup) -> Path:
    return setup.folder / "checkpoints.db"
