"""The scripted bot of the adapters' contract.

1. It answers messages and presses as a test says; whatever else it has handlers for, the same way
   in each test.
2. What it was told is kept, for the test to look at.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any
from unittest import SkipTest

from chatstate.bot.annotations import Complete
from chatstate.bot.interface import Interface
from chatstate.bot.turn import Turn
from chatstate.content import Poll
from chatstate.messages import Message
from chatstate.replies import Reply
from chatstate.state.declaration import PerThread, Ref

Answer = Callable[[Turn], Any]
CANDIDATES = ("maria", "mary ann", "Ömer")
"""Whom `/vote` offers."""
POLL = Poll("Lunch?", ("Pizza", "No *thanks*"), several=True, anonymous=False)
"""What `/ask` asks."""


def echo(turn: Turn) -> str:
    """Answer what was said."""
    return turn.text


def candidates(typed: str) -> list[str]:
    """Return the candidates that begin as what was typed."""
    return [name for name in CANDIDATES if name.startswith(typed)]


class Script:
    """A bot that answers as a test says, and keeps what it was told.

    `heard` are messages and presses, `edits` what `on_edit` got, `others` what `on_other` got,
    `reactions` what `on_reaction` got, `sent` what `on_sent` got, `votes` what `/vote` did; `count`
    is how many messages the conversation's state says there were. It `counts` them, unless it is to
    ask something, before which no state is changed.
    """

    def __init__(self, answer: Answer, *, hear_bots: bool = False) -> None:
        self.answer = answer
        self.heard: list[Message] = []
        self.edits: list[Message] = []
        self.others: list[Message] = []
        self.reactions: list[Message] = []
        self.sent: list[Message] = []
        self.votes: list[str] = []
        self.count = 0
        self.counts = True
        self.bot = Interface(
            id="contract", description="The contract of adapters", hear_bots=hear_bots
        )

        async def on_message(turn: Turn, count: PerThread[Ref[int]]) -> Any:
            if self.counts:
                count.value = self.count = count.value + 1
            self.heard += turn.messages
            answer = self.answer(turn)
            return await answer if inspect.isawaitable(answer) else answer

        async def stream(turn: Turn) -> AsyncGenerator[Any]:
            async for part in self.answer(turn):
                yield part

        async def vote(choice: Annotated[str, Complete(candidates)]) -> str:
            """Vote for something."""
            self.votes.append(choice)
            return f"voted {choice}"

        async def ask() -> Reply:
            """Ask everybody."""
            return Reply("Please vote:", poll=POLL)

        async def close(when: int, why: str = "no reason") -> str:
            """Close the poll."""
            return f"closed at {when} for {why}"

        def count_words(text: str) -> str:
            """Count the words of a message."""
            return f"{len(text.split())} words"

        self.bot.on_message(stream if inspect.isasyncgenfunction(answer) else on_message)
        self.bot.command(vote)
        self.bot.command(ask)
        self.bot.group("poll").command(close)
        self.bot.on_menu("Count words")(count_words)
        self._keep_what_it_is_told()

    def _keep_what_it_is_told(self) -> None:
        async def on_edit(message: Message) -> str:
            self.edits.append(message)
            return f"edited to {message.text}"

        def on_other(message: Message) -> str:
            self.others.append(message)
            return "something else"

        def on_reaction(message: Message) -> None:
            self.reactions.append(message)

        def on_sent(message: Message) -> None:
            self.sent.append(message)

        self.bot.on_edit(on_edit)
        self.bot.on_other(on_other)
        self.bot.on_reaction(on_reaction)
        self.bot.on_sent(on_sent)

    def listen(self, update: str, handle: Callable[[Message], None]) -> None:
        """Handle what has a name of the platform's own, too; skip the test if nothing has."""
        if not update:
            raise SkipTest("the driver knows of nothing with a name of the platform's own")
        self.bot.on(update)(handle)


def gated(script: Script) -> asyncio.Event:
    """Let the answers of a bot wait for the event that is returned."""
    gate, answer = asyncio.Event(), script.answer

    async def wait(turn: Turn) -> Any:
        await gate.wait()
        return answer(turn)

    script.answer = wait
    return gate
