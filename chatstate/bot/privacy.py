"""/forget and /export: what a person may ask for themselves, where the bot lets them. No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from chatstate.bot.turn import Turn
from chatstate.files import File
from chatstate.language.sentences import Sentences, say
from chatstate.replies import Reply


class Speaking(Protocol):
    """A bot, as far as it says something."""

    sentences: Sentences


def forget_for(bot: Speaking) -> Callable[..., Awaitable[str]]:
    """Return a handler that has the person forgotten, once they have confirmed it."""

    async def forget(turn: Turn) -> str:
        words = bot.sentences.of(turn.user.language)
        if not await turn.confirm(say(words, "forget_sure"), key="sure"):
            return say(words, "forget_not")
        await turn.effects.forget()
        return say(words, "forgotten")

    return forget


def export_for(bot: Speaking) -> Callable[..., Awaitable[Reply | str]]:
    """Return a handler that gives the person all that is kept of them, once they have confirmed."""

    async def export(turn: Turn) -> Reply | str:
        words = bot.sentences.of(turn.user.language)
        if not await turn.confirm(say(words, "export_sure"), key="sure"):
            return say(words, "export_not")
        told = await turn.effects.export()
        file = File(told, "export.json", "application/json")
        return Reply(say(words, "exported"), files=[file])

    return export
