"""What people say to a bot: its commands and examples, buttons that it shows, and words.

1. All of it follows from one source of random numbers, and from what the bot shows by then.
2. Every second person speaks in private only: nobody else's words may change what they are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from msgspec.structs import replace

from chatstate.bot.interface import Interface
from chatstate.messages import Command, CommandOption
from chatstate.testing.platform import FakePlatform
from chatstate.testing.transcripts.script import Act, Pause, Verb, Where, private

_NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
_ROOM: Where = ("room", "")
_WORDS = ("hi", "yes", "no", "tea", "a longer one, with a comma", "7", "3.5", "ü 👍", "hi again")
_IN_ROOM, _TAP, _COMMAND, _OPTIONAL, _WAIT, _RARELY = 0.5, 0.4, 0.6, 0.5, 0.2, 0.1
_PAUSES = (10.0, 60.0, 600.0, 3_600.0, 86_400.0)


def names(number: int) -> Sequence[str]:
    """Return the names of so many people."""
    return [_NAMES[i % len(_NAMES)] + str(i // len(_NAMES) or "") for i in range(number)]


class Talk:
    """Thinks of what people do next, with a bot that shows what `platform` has of it."""

    def __init__(self, bot: Interface, random: Random, number: int) -> None:
        self._bot = bot
        self._random = random
        self._people = names(number)
        self._said = [*_WORDS, *(example.sends for example in bot.examples)]

    def next(self, platform: FakePlatform) -> Sequence[Act | Pause]:
        """Return what somebody does, and maybe for how long nobody does anything then."""
        chance = self._random.random
        number = self._random.randrange(len(self._people))
        who = self._people[number]
        where = _ROOM if number % 2 and chance() < _IN_ROOM else private(who)
        taps = self._taps(platform, where)
        if taps and chance() < _TAP:
            act = Act(who, where, taps=self._random.choice(taps))
        else:
            act = self._act(Act(who, where, self._verb(platform, where)))
        return (act, Pause(self._random.choice(_PAUSES))) if chance() < _WAIT else (act,)

    def _act(self, act: Act) -> Act:
        text = self._random.choice("👍👎🎉") if act.verb == "reacts" else self._line()
        return replace(act, text=text)

    def _verb(self, platform: FakePlatform, where: Where) -> Verb:
        kinds = self._bot.routes.kinds
        if "reaction" in kinds and platform.shown(where[0]) and self._random.random() < _RARELY:
            return "reacts"
        return "edits" if "edit" in kinds and self._random.random() < _RARELY else "says"

    def _taps(self, platform: FakePlatform, where: Where) -> Sequence[tuple[str, ...]]:
        """Return what can be tapped in the newest messages."""
        found: list[tuple[str, ...]] = []
        for message in platform.shown(where[0])[-3:]:
            buttons = (button for row in message.buttons for button in row)
            found += [(b.label,) for b in buttons if not (b.disabled or b.url)]
            found += (
                [(option.label,) for option in message.select.options] if message.select else ()
            )
            found += [(suggestion.label,) for suggestion in message.suggestions]
        return [tap for tap in found if "\n" not in tap[0] and "]" not in tap[0]]

    def _line(self) -> str:
        commands = self._bot.commands
        if commands and self._random.random() < _COMMAND:
            return self._command(self._random.choice(commands))
        return self._random.choice(self._said)

    def _command(self, command: Command) -> str:
        given = [
            self._argument(option)
            for option in command.options
            if option.required or self._random.random() < _OPTIONAL
        ]
        return " ".join((f"/{command.name}", *given))

    def _argument(self, option: CommandOption) -> str:
        random = self._random
        if option.choices:
            return random.choice(option.choices)
        least, most = option.least or 0, option.most or (option.least or 0) + 5
        kinds = {
            "whole": str(random.randint(int(least), int(most))),
            "number": f"{random.uniform(least, most):.1f}",
            "truth": random.choice(("yes", "no")),
            "person": f"@{random.choice(self._people)}",
        }
        return kinds.get(option.kind) or random.choice(self._said).split("\n")[0]
