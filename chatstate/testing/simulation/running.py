"""One run of a bot: what it answered, what it has stored in the end, and what is odd.

1. Each run begins with nothing: no store, and an outside that its author has emptied.
2. An author's invariant is asked once, in the end; whatever it raises says that it does not hold.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from chatstate.bot.interface import Interface
from chatstate.engine.describing import describe
from chatstate.language.sentences import say
from chatstate.testing.simulation.client import WatchingClient
from chatstate.testing.transcripts.playing import Played, Player, people_of
from chatstate.testing.transcripts.script import Act, Step, Where, together

Invariant = Callable[..., Any]
States = Mapping[str, Mapping[str, Any]]
"""All values by the state's name, and then by whose they are: "alice", "alice in room", "room",
"" for all."""


class Odd(msgspec.Struct, frozen=True):
    """What should never be, after the step at a place of the list: its `kind`, and what it is."""

    kind: str
    told: str
    at: int


class Ran(msgspec.Struct, frozen=True):
    """What became of `steps`: what was `played`, step by step, and all `values` in the end.

    `order` are the numbers of what people did, in the order in which it took effect.
    `asked_again` is what somebody is told whose choice, typed when the process was killed, may have
    been typed before it was asked for. `left` is what was not done, not said, or given up.
    `shares`: a turn was about more than its person: about all, others, or what is outside.
    `rejected` are chats in which a message was refused for good.
    """

    steps: Sequence[Step]
    played: Sequence[Played]
    order: Sequence[int]
    values: Mapping[str, str]
    odd: Sequence[Odd]
    left: Sequence[str]
    asked_again: str
    shares: bool
    rejected: Sequence[str] = ()


class Runs(msgspec.Struct, frozen=True):
    """How a bot is run: `make` is called for each process, `reset` before each run.

    `shared`: what is outside of the bot is, so that people may be told of each other.
    """

    make: Callable[[], Interface]
    seed: int
    invariants: Sequence[Invariant] = ()
    reset: Callable[[], object] = lambda: None
    shared: bool = False

    async def run(
        self, steps: Sequence[Step], among: Sequence[Step] = (), *, calmly: bool = False
    ) -> Ran:
        """Play steps to a bot that begins anew, and look at what becomes of it.

        They are some of `among`: whoever does something there is somebody whom they may mention.
        `calmly`: what is done at the very same moment is delivered one after the other.
        """
        self.reset()
        async with WatchingClient(self.make, self.seed) as client:
            player = Player(client, Path(), people_of(among or steps), calmly=calmly)
            await player.begin()
            played: list[Played] = []
            odd: list[Odd] = []
            for same in together(steps):
                played += await player.play(same)
                odd += _odd(client, len(played) - 1)
                odd += overtaken(client.order, same, len(played) - 1)
            odd += await self._broken(client, len(steps) - 1)
            values, left = await client.values(), await client.left()
            asked_again = say(client.bot.sentences.of(None), "too_early")
            return Ran(
                steps,
                played,
                client.order,
                values,
                odd,
                left,
                asked_again,
                client.shares,
                client.platform.rejected,
            )

    async def _broken(self, client: WatchingClient, at: int) -> list[Odd]:
        """Return the invariants that do not hold."""
        found: list[Odd] = []
        for invariant in self.invariants:
            name = getattr(invariant, "__name__", repr(invariant))
            try:
                held = invariant(**await _given(invariant, client))
                held = await held if inspect.isawaitable(held) else held
            except Exception as error:  # noqa: BLE001 - that is how it says that it does not hold
                told = f"{name} does not hold: {describe(error)}"
                found.append(Odd(f"invariant {name}", told, at))
            else:
                if held is False:
                    found.append(Odd(f"invariant {name}", f"{name} does not hold", at))
        return found


async def _given(invariant: Invariant, client: WatchingClient) -> dict[str, Any]:
    """Return what an invariant is given: the client, or the states, by the parameter's name."""
    (name,) = inspect.signature(invariant).parameters
    return {name: await _states(client) if name == "states" else client}


async def _states(client: WatchingClient) -> States:
    states: dict[str, dict[str, Any]] = {}
    for owner, text in (await client.values()).items():
        name, _, whose = owner.partition(" ")
        states.setdefault(name, {})[whose.removeprefix("of ").removeprefix("in ")] = json.loads(
            text
        )
    return states


def _odd(client: WatchingClient, at: int) -> list[Odd]:
    odd = [
        Odd(f"raised {type(error).__name__}", f"a handler raised {describe(error)}", at)
        for error in client.raised
    ]
    client.raised.clear()
    odd += [
        Odd(f"after {name}", f"a value of the state {name!r} was changed after its turn", at)
        for name in sorted(client.changed_after())
    ]
    return odd


def overtaken(order: Sequence[int], same: Sequence[Step], at: int) -> list[Odd]:
    """Return the conversation in which something took effect before what was delivered earlier."""
    places = {number: place for place, number in enumerate(order)}
    last: dict[Where, int] = {}
    for step in same:
        if isinstance(step.what, Act) and step.number in places:
            where, place = step.what.where, places[step.number]
            if place < last.get(where, -1):
                return [Odd("order", f"{step.lines[0]!r} took effect before what came first", at)]
            last[where] = place
    return []
