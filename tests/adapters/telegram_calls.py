"""A bot that makes a call by its own name, and tells of it: for processes that are killed."""

from typing import Any

from chatstate import Interface, Message, Native

bot = Interface(id="calls")


@bot.on_message
async def ask(message: str) -> list[Any]:
    """Ask in a poll, between two replies."""
    options = [{"text": "Yes"}, {"text": "No"}]
    return ["before", Native("sendPoll", question=message, options=options), "after"]


@bot.on_sent
async def asked(message: Message) -> str:
    """Tell what the poll is called."""
    raw = message.raw or {}
    return f"asked {raw['result']['poll']['question']} in message {message.id}"
