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
NAME = os.environ.get("MODEL_NAME", "gpt-4.1-mini")


async def stand_in(messages: Messages) -> AsyncIterator[str]:
    """Answer without a model."""
    answer = f"You said: {messages[-1]['content']}. Set MODEL in .env to talk to a model."
    for word in answer.split(" "):
        yield f"{word} "
        await asyncio.sleep(0.01)


async def pydantic_ai(messages: Messages) -> AsyncIterator[str]:
    """Ask an agent of Pydantic AI, which may have tools: pip install 'pydantic-ai-slim[openai]'."""
    from pydantic_ai import Agent, ModelRequest, ModelResponse, TextPart

    before = [
        ModelRequest.user_text_prompt(said["content"])
        if said["role"] == "user"
        else ModelResponse([TextPart(said["content"])])
        for said in messages[:-1]
    ]
    agent = Agent(f"openai:{NAME}")
    async with agent.run_stream(messages[-1]["content"], message_history=before) as run:
        async for words in run.stream_text(delta=True):
            yield words


async def openai(messages: Messages) -> AsyncIterator[str]:
    """Ask OpenAI, or a server that speaks its language: pip install openai."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI() as client:
        answer = await client.chat.completions.create(model=NAME, messages=messages, stream=True)
        async for chunk in answer:
            yield (chunk.choices[0].delta.content or "") if chunk.choices else ""


async def ollama(messages: Messages) -> AsyncIterator[str]:
    """Ask a model on this machine: pip install ollama."""
    from ollama import AsyncClient

    async for chunk in await AsyncClient().chat(model=NAME, messages=messages, stream=True):
        yield chunk.message.content or ""


Model = Callable[[Messages], AsyncIterator[str]]
MODELS: dict[str, Model] = {
    "stand-in": stand_in,
    "pydantic-ai": pydantic_ai,
    "openai": openai,
    "ollama": ollama,
}
model = MODELS[os.environ.get("MODEL", "stand-in")]


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
