"""chatstate, through a platform that only counts.

Promised: an event is durable before it is acknowledged; it, what it changed and the replies it owes
are committed together; an event that is delivered again changes nothing; turns of a conversation
wait for each other, and no change of what is shared is lost. A reply leaves after its commit.

1. As a rule the store is a file in `setup.folder`, with the option "postgres" the database at
   `setup.url`.
2. Writers call `Host.deliver`, as adapters do, and wait until the turn and its replies are settled.
3. The option "one" makes the history everybody's: each message changes the same value.
4. The option "as NAME" gives the bot another name; "uvloop" is looked at by who makes the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait
from chatstate import Chat, Event, Interface, Message, State, User
from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.engine import Engine
from chatstate.stores import open_store


def sync_echo(message: str, history: list[str]) -> tuple[str, list[str]]:
    """Answer with the history; the engine runs this in threads."""
    history = kept(history, message)
    return answer(history), history


async def async_echo(message: str, history: list[str]) -> tuple[str, list[str]]:
    """Answer with the history."""
    return sync_echo(message, history)


async def waiting_echo(message: str, history: list[str]) -> tuple[str, list[str]]:
    """Answer with the history, after 10 ms."""
    await wait()
    return sync_echo(message, history)


async def count(_: str, number: int) -> tuple[str, int]:
    """Add 1."""
    return str(number + 1), number + 1


async def slow_count(_: str, number: int) -> tuple[str, int]:
    """Add 1, which takes 10 ms."""
    await wait()
    return str(number + 1), number + 1


_HANDLERS: dict[str, Callable[..., Any]] = {
    "echo": async_echo,
    "sync": sync_echo,
    "wait": waiting_echo,
    "count": count,
    "slow count": slow_count,
}


def bot_for(work: str, *, is_global: bool = False, id: str = "echo") -> Interface:
    """Return the bot that does a work; its history is each person's own, or of all people."""
    if work.endswith("count"):
        state: Any = State(0, scope="global", name="count")
    elif is_global:
        state = State([], scope="global", name="history")
    else:
        state = State([], name="history")
    return Interface(_HANDLERS[work], inputs=["text", state], outputs=["text", state], id=id)


class Counter(Adapter):
    """A platform that only counts; `host` is there once the engine runs."""

    name = "crowd"
    capabilities = Capabilities()

    def __init__(self, replies: Replies, account: str) -> None:
        self._replies = replies
        self.account = account
        self.host: asyncio.Future[Host] = asyncio.get_running_loop().create_future()

    async def run(self, host: Host) -> None:
        """Offer the engine to who writes."""
        self.host.set_result(host)
        await asyncio.get_running_loop().create_future()

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        return (Part({"text": post.text.text}),)

    async def perform(self, action: Action) -> Sent:
        """Count."""
        self._replies.take(int(action.chat), action.part.content["text"])
        return Sent()


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what the engine does with events."""
    name = next((told[3:] for told in setup.options if told.startswith("as ")), "echo")
    interface = bot_for(setup.work, is_global="one" in setup.options, id=name)
    async with running(interface, setup, replies) as say:
        yield say


@contextlib.asynccontextmanager
async def running(interface: Interface, setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what the engine does with events of a bot."""
    counter = Counter(replies, account=interface.id)
    engine = Engine(interface, [counter], open_store(url_of(setup)))
    await engine.start()
    try:
        host = await counter.host

        async def say(person: int, number: int) -> None:
            (receipt,) = await host.deliver([event(person, number, text(number))])
            await receipt.settled()

        yield say
    finally:
        await engine.stop()


def url_of(setup: Setup) -> str:
    """Return where the store is."""
    return (
        setup.url if "postgres" in setup.options else f"sqlite:///{setup.folder / 'chatstate.db'}"
    )


def event(person: int, number: int, said: str) -> Event:
    """Return a message of a person in their own chat."""
    name = str(person)
    return Event(f"event-{number}", Message(said, User(name, name), Chat(name)))


_SERIES = """CREATE TEMP TABLE series AS
    WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last})
    SELECT n FROM s"""
_FILL = """
INSERT INTO chats (id, account, platform_id, kind, title)
    SELECT n, 1, 's' || n, 'private', '' FROM series;
INSERT INTO chat_ids SELECT 1, 's' || n, n FROM series;
INSERT INTO people (id, account, platform_id, name) SELECT n, 1, 's' || n, '' FROM series;
INSERT INTO person_ids SELECT 1, 's' || n, n FROM series;
INSERT INTO conversations (id, chat, thread) SELECT n, n, '' FROM series;
INSERT INTO state_values (state, place, person, value, version, schema, changed_at)
    SELECT id, n, n, '["hello", "how are you"]', n, 1, 0
    FROM series, state_names WHERE name = 'history';
"""


def fill(setup: Setup, sessions: int) -> None:
    """Give so many people a chat and a history, in a file that a bot has opened before."""
    import sqlite3

    first = 1_000_000_000
    with contextlib.closing(sqlite3.connect(setup.folder / "chatstate.db")) as database, database:
        database.execute(_SERIES.format(first=first, last=first + sessions - 1))
        database.executescript(_FILL)
