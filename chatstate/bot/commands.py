"""The framework's own commands, in the language of whoever sends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from chatstate.bot.routes import Routes
from chatstate.bot.turn import Turn
from chatstate.language.sentences import Sentences, say
from chatstate.language_tags import widened
from chatstate.messages import Command
from chatstate.replies import Button, Reply


class Described(Protocol):
    """What a bot tells about itself."""

    title: str
    description: str | None
    article: str | None
    examples: Sequence[Button]
    sentences: Sentences
    routes: Routes


def help_for(bot: Described) -> Callable[..., Awaitable[Reply]]:
    """Return a handler that says what the bot is, and the commands that the person may use."""

    async def show(turn: Turn, _rest: str = "") -> Reply:
        language = turn.user.language
        sentences = bot.sentences.of(language)
        own = list(widened(language))[:1]
        here = "private" if turn.message.chat.kind == "private" else "group"
        listed = [c for c in bot.routes.listed(bot.sentences, own) if c.chats in (None, here)]
        usable = [command for command in listed if await turn.may(command.name)]
        lines = [bot.title, *([bot.description] if bot.description else [])]
        lines += ["", say(sentences, "help_commands")]
        lines += [_line(command, language) for command in usable]
        lines += ["", bot.article] if bot.article else []
        return Reply("\n".join(lines), buttons=bot.examples)

    return show


def _line(command: Command, language: str | None) -> str:
    described = command.described(language)
    return f"{command.usage} - {described}" if described else command.usage


def cancel_for(bot: Described) -> Callable[..., Awaitable[str | None]]:
    """Return a handler that says whether there was something to give up: a turn that waits.

    In groups it says nothing if not: it may be meant for another bot.
    """

    async def give_up(turn: Turn, _rest: str = "") -> str | None:
        ended = turn.effects.ended_wait()
        if not (ended or turn.chat.kind == "private"):
            return None
        return _given_up(bot, turn, "cancelled" if ended else "nothing_to_cancel")

    return give_up


def _given_up(bot: Described, turn: Turn, name: str) -> str:
    return say(bot.sentences.of(turn.user.language), name)
