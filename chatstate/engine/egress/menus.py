"""What a bot shows of itself before anybody has said anything: asked for once, when it starts.

1. A command that may not be shown is in no menu; it works all the same.
2. A title that may not be shown is the bot's id, a description nothing. Of the sentences that a
   page gets those of a language are one thing: if they may not be shown, they are the framework's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec.structs import replace

from chatstate.adapter import About
from chatstate.bot.interface import Interface
from chatstate.engine.egress.egress import Egress
from chatstate.errors import EgressError
from chatstate.language.sentences import Sentences
from chatstate.messages import Command

log = logging.getLogger("chatstate.egress")

T = TypeVar("T")
_SHIPPED = Sentences()


class Menus:
    """What may be shown of a bot: nothing of its author's before `prepare`."""

    def __init__(self, bot: Interface, egress: Egress) -> None:
        self._bot = bot
        self._egress = egress
        self._title = self._description = ""
        self._spoken: dict[str, Mapping[str, str]] = {}
        self.commands: Sequence[Command] = ()

    async def prepare(self) -> None:
        """Ask what may be shown."""
        bot = self._bot
        (self._title,) = await self._passed((bot.title,)) or ("",)
        (self._description,) = await self._passed((bot.description or "",)) or ("",)
        asked = [(command, await self._passed(command)) for command in bot.commands]
        self.commands = [kept for command, kept in asked if kept and kept.name == command.name]
        for language in bot.sentences.languages:
            names, words = zip(*bot.sentences.of(language).items(), strict=True)
            if kept := await self._passed(words):
                self._spoken[language] = dict(zip(names, kept, strict=True))

    def about(self, about: About) -> About:
        """Return what may be shown of the bot."""
        return replace(about, title=self._title or about.id, description=self._description)

    def sentences(self, language: str | None) -> Mapping[str, str]:
        """Return the sentences that may be shown in a language."""
        found = self._bot.sentences.spoken(language)
        return self._spoken.get(found) or _SHIPPED.of(language)

    async def _passed(self, thing: T) -> T | None:
        try:
            return await self._egress.thing(thing, "menu")
        except EgressError as error:
            log.warning("something is in no menu: %s", error)
            return None
