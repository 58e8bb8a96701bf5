"""An assistant: a model answers, word by word, and what was said is kept for each person.

`MODEL` in the environment says which model: "stand-in", which needs nothing, "pydantic-ai",
"openai" (whatever speaks its language: OPENAI_BASE_URL) or "ollama". Keep the one that you use.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

from chatstate import ChatInterface

Messages = list[dict[str, Any]]
Model = Callable[[Messages], AsyncIterator[str]]
"""What yields the words of an answer to the last of some messages."""
NAME = os.environ.get("MODEL_NAME", "gpt-4.1-mini")


def stand_in() -> Model:
    """Answer without a model."""

    async def words(messages: Messages) -> AsyncIterator[str]:
        answer = f"You said: {messages[-1]['content']}. Set MODEL in .env to talk to a model."
        for word in answer.split(" "):
            yield f"{word} "
            await asyncio.sleep(0.01)

    return words


def pydantic_ai() -> Model:
    """Ask an agent of Pydantic AI, which may have tools: pip install 'pydantic-ai-slim[openai]'."""
    from pydantic_ai import Agent, ModelRequest, ModelResponse, TextPart

    agent = Agent(f"openai-chat:{NAME}")

    async def words(messages: Messages) -> AsyncIterator[str]:
        *before, last = messages
        history = [
            ModelRequest.user_text_prompt(said["content"])
            if said["role"] == "user"
            else ModelResponse([TextPart(said["content"])])
            for said in before
        ]
        async with agent.run_stream(last["content"], message_history=history) as run:
            async for word in run.stream_text(delta=True):
                yield word

    return words


def openai() -> Model:
    """Ask OpenAI, or a server that speaks its language: pip install openai."""
    from openai import AsyncOpenAI

    completions = AsyncOpenAI().chat.completions

    async def words(messages: Messages) -> AsyncIterator[str]:
        async for chunk in await completions.create(model=NAME, messages=messages, stream=True):
            yield (chunk.choices[0].delta.content or "") if chunk.choices else ""

    return words


def ollama() -> Model:
    """Ask a model on this machine: pip install ollama."""
    from ollama import AsyncClient

    client = AsyncClient()

    async def words(messages: Messages) -> AsyncIterator[str]:
        async for chunk in await client.chat(model=NAME, messages=messages, stream=True):
            yield chunk.message.content or ""

    return words


MODELS = {"stand-in": stand_in, "pydantic-ai": pydantic_ai, "openai": openai, "ollama": ollama}
model = MODELS[os.environ.get("MODEL", "stand-in")]()


async def answer(message: str, history: Messages) -> AsyncIterator[str]:
    """Ask me anything."""
    said = [{"role": entry["role"], "content": entry["content"]} for entry in history]
    text = ""
    async for words in model([*said, {"role": "user", "content": message}]):
        text += words
        yield text


bot = ChatInterface(answer, id="assistant", max_messages=40)

if __name__ == "__main__":
    bot.run("console")
