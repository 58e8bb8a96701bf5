"""The bot that adapters are tested with: it answers as a test says, and keeps what it got."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable
from typing import Any
from unittest import SkipTest

from chatstate.bot.interface import Interface
from chatstate.bot.turn import Turn
from chatstate.messages import Message
from chatstate.state.declaration import PerThread, Ref

Answer = Callable[[Turn], Any]


def echo(turn: Turn) -> str:
    """Answer what was said."""
    return turn.text


class Script:
    """A bot that answers as a test says, and keeps what it was told.

    `heard` are messages and presses, `edits` what `on_edit` got, `others` what `on_other` got,
    `votes` what `/vote` did;
    `count` is how many messages the conversation's state says there were.
    """

    def __init__(self, answer: Answer, *, hear_bots: bool = False) -> None:
        self.answer = answer
        self.heard: list[Message] = []
        self.edits: list[Message] = []
        self.others: list[Message] = []
        self.votes: list[str] = []
        self.count = 0
        self.bot = Interface(
            id="contract", description="The contract of adapters", hear_bots=hear_bots
        )

        async def on_message(turn: Turn, count: PerThread[Ref[int]]) -> Any:
            count.value = self.count = count.value + 1
            self.heard += turn.messages
            answer = self.answer(turn)
            return await answer if inspect.isawaitable(answer) else answer

        async def stream(turn: Turn) -> AsyncGenerator[Any]:
            async for part in self.answer(turn):
                yield part

        async def vote(choice: str) -> str:
            """Vote for something."""
            self.votes.append(choice)
            return f"voted {choice}"

        async def on_edit(message: Message) -> str:
            self.edits.append(message)
            return f"edited to {message.text}"

        def on_other(message: Message) -> str:
            self.others.append(message)
            return "something else"

        self.bot.on_other(on_other)
        self.bot.on_message(stream if inspect.isasyncgenfunction(answer) else on_message)
        self.bot.command(vote)
        self.bot.on_edit(on_edit)

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
