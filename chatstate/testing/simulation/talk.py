"""What people say to a bot: its commands and examples, buttons that it shows, and words.

1. All of it follows from one source of random numbers, and from what the bot shows by then.
2. Every second person speaks in private only: nobody else's words may change what they are told.
3. What is done at the very same moment is about what was shown before.
4. The clock is moved, and what people did arrives late, with trouble and without: a bot may tell
   what time it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from msgspec.structs import replace

from chatstate.bot.interface import Interface
from chatstate.messages import Command, CommandOption
from chatstate.testing.platform import FakePlatform
from chatstate.testing.transcripts.script import Act, Late, Pause, Shift, Verb, What, Where, private

_NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
_ROOM: Where = ("room", "")
_WORDS = ("hi", "yes", "no", "tea", "a longer one, with a comma", "7", "3.5", "ü 👍", "hi again")
_IN_ROOM, _TAP, _COMMAND, _OPTIONAL, _WAIT, _RARELY = 0.5, 0.4, 0.6, 0.5, 0.2, 0.1
_AT_ONCE, _LATE, _SHIFT = 0.3, 0.1, 0.1
_PAUSES = (10.0, 60.0, 600.0, 3_600.0, 86_400.0)
_SHIFTS = (-3_600.0, -60.0, -5.0, 5.0, 60.0, 3_600.0)
_CROWD, _SEVERAL = 6, 3


def names(number: int) -> Sequence[str]:
    """Return the names of so many people."""
    return [_NAMES[i % len(_NAMES)] + str(i // len(_NAMES) or "") for i in range(number)]


class Talk:
    """Thinks of what people do next, with a bot that shows what `platform` has of it.

    `is_steady`: the bot draws no random numbers, so that much may happen at once.
    """

    def __init__(self, bot: Interface, random: Random, number: int) -> None:
        self._bot = bot
        self._random = random
        self._people = names(number)
        self._said = [*_WORDS, *(example.sends for example in bot.examples)]
        self._queues = all(route.handler.overlap == "queue" for route in bot.routes)
        self.is_steady = True

    def next(self, platform: FakePlatform) -> Iterator[What]:
        """Yield what somebody does, or several at once, and maybe time that passes then."""
        chance = self._random.random
        if chance() < _SHIFT:
            yield Shift(self._random.choice(_SHIFTS))
        if chance() < _LATE:
            yield Late(self._random.choice(_PAUSES))
        yield from self._acts(platform)
        if chance() < _WAIT:
            yield Pause(self._random.choice(_PAUSES))

    def _acts(self, platform: FakePlatform) -> Iterator[Act]:
        """Yield what somebody does, or what several do: anywhere, or all of them in the room."""
        size = in_room = 1
        if self.is_steady and self._random.random() < _AT_ONCE:
            size, in_room = self._random.randint(2, _SEVERAL), self._random.randint(0, _CROWD)
        places = list(self._places(max(size, in_room), in_room=in_room > size))
        for place, (who, where) in enumerate(places):
            if place == 0 or self._queues or where not in dict(places[:place]).values():
                yield replace(self._somebodys(platform, who, where), at_once=place > 0)

    def _places(self, count: int, *, in_room: bool) -> Iterator[tuple[str, Where]]:
        """Yield somebody, and where they are, so many times."""
        for _ in range(count):
            number = self._random.randrange(len(self._people))
            if in_room and number % 2 == 0 and len(self._people) > 1:
                number += 1 if number + 1 < len(self._people) else -1
            who = self._people[number]
            is_there = number % 2 and (in_room or self._random.random() < _IN_ROOM)
            yield who, _ROOM if is_there else private(who)

    def _somebodys(self, platform: FakePlatform, who: str, where: Where) -> Act:
        taps = self._taps(platform, where)
        if taps and self._random.random() < _TAP:
            return Act(who, where, taps=self._random.choice(taps))
        return self._act(Act(who, where, self._verb(platform, where)))

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
