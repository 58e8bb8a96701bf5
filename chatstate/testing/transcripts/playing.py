"""Plays a transcript to a bot, in virtual time.

1. Each step is played until the bot has nothing more to do; what it does then is what it answers.
2. What people do begins a second after what was done before, or once that is over. A pause is
   counted from when the step before it began. So what keeps the bot for less changes no time.
3. What cannot be done, such as to press a button that is not there, is a problem of the step; the
   others are played all the same.
4. What is done at the very same moment is about what was shown before, and is delivered at once:
   what the bot does then is told with the last of it. `calmly`, it is delivered one by one.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from chatstate.content import Location
from chatstate.errors import RetryAfter
from chatstate.files import Attachment
from chatstate.messages import Event
from chatstate.testing.delivered import Delivered
from chatstate.testing.person import Person
from chatstate.testing.transcripts.script import (
    Act,
    Late,
    Look,
    Pause,
    Set,
    Shift,
    Step,
    Trouble,
    What,
    Where,
    private,
    together,
)
from chatstate.testing.transcripts.showing import Shown, View, values_told
from chatstate.testing.virtual.client import VirtualClient

_MENTION = re.compile(r"@(\w+)")
_BETWEEN, _LATER = 1.0, 0.25
_AT_ONCE = 0.001


class Played(msgspec.Struct, frozen=True):
    """What the bot did in a step, `here` being where that was; and why it could not be played."""

    shown: Sequence[Shown]
    here: Where | None
    problem: str = ""


class Player:
    """Plays steps to the bot of `client`. Files that people send lie in `folder`.

    `people` are those whose names are mentions. `calmly`: nothing happens at once.
    """

    def __init__(
        self,
        client: VirtualClient,
        folder: Path,
        people: frozenset[str],
        *,
        calmly: bool = False,
    ) -> None:
        self._client = client
        self._calmly = calmly
        self._folder = folder
        self._people = people
        self._view = View(client.platform)
        self._here: Where | None = None
        self._languages: dict[str, str] = {}
        self._last: Sequence[Event] = ()
        self._late = 0.0
        self._began = client.clock.monotonic()
        self._next = self._began  # when the next act begins, at the earliest

    async def begin(self) -> Sequence[Shown]:
        """Return what the bot says before anybody does anything."""
        await self._client.happen()
        return self._view.news()

    async def play_all(self, steps: Sequence[Step]) -> Sequence[Played]:
        """Play steps, and return what the bot did in each."""
        return [done for same in together(steps) for done in await self.play(same)]

    async def play(self, steps: Sequence[Step]) -> Sequence[Played]:
        """Play one step, or several of the very same moment; return what the bot did in each."""
        if isinstance(steps[0].what, Act):
            played = await self._act(steps)
        else:
            played = [await self._happens(steps[0])]
        if not isinstance(steps[-1].what, Trouble):
            self._client.kill_at(None)  # what was to come next has come
        return played

    async def _happens(self, step: Step) -> Played:
        self._client.begins(step.number, step.number)
        if isinstance(step.what, Look):
            return Played(values_told(await self._client.values()), self._here)
        await self._do(step.what)
        return Played(self._view.news(), self._here)

    async def _do(self, what: What) -> None:
        if isinstance(what, Pause):
            self._began += what.seconds
            self._next = self._began
            return await self._pass(self._began - self._client.clock.monotonic())
        if isinstance(what, Trouble):
            await self._trouble(what)
        elif isinstance(what, Set):
            self._client.clock.set(what.time)
        elif isinstance(what, Shift):
            self._client.clock.shift(what.seconds)
        elif isinstance(what, Late):
            self._late = what.seconds
        return await self._client.happen()

    async def _pass(self, seconds: float) -> None:
        if seconds > 0:
            await self._client.advance(seconds)
        await self._client.happen(patience=_AT_ONCE)

    async def _trouble(self, what: Trouble) -> None:
        client = self._client
        if what.moment:
            client.kill_at(what.moment)
        elif what.fault == "crash":
            await client.crash()
            await client.start()
        elif what.fault == "restart":
            await client.restart()
        elif what.fault == "refuse":
            client.platform.fail_next(RetryAfter(_LATER))
        elif what.fault == "reject":
            client.platform.reject_next()
        elif what.fault == "lose":
            client.platform.lose_next()
        else:
            await client.happen(self._last)

    async def _act(self, steps: Sequence[Step]) -> Sequence[Played]:
        await self._pass(self._next - self._client.clock.monotonic())
        self._began = self._client.clock.monotonic()
        self._next = self._began + _BETWEEN
        moment = min(step.number for step in steps)
        begun = [await self._begun(step, moment) for step in steps]
        delivered = [event for events, _ in begun for event in events]
        self._last = delivered or self._last
        if not self._calmly:
            await self._client.happen(delivered)
        played: list[Played] = []
        for step, (events, problem) in zip(steps, begun, strict=True):
            if self._calmly:
                self._client.begins(step.number, moment)
                await self._client.happen(events)
            is_over = self._calmly or step is steps[-1]
            if is_over:
                await self._client.happen()
            played.append(Played(self._view.news() if is_over else (), self._here, problem))
        return played

    async def _begun(self, step: Step, moment: int) -> tuple[Sequence[Event], str]:
        """Return what the platform delivers of what somebody does, or why that cannot be done."""
        act, problem = cast("Act", step.what), ""
        self._client.begins(step.number, moment)
        self._here = act.where
        with self._client.holding() as events:
            try:
                await self._does(act)
            except (LookupError, OSError, ValueError) as error:
                problem = str(error).strip('"')
        late, self._late = self._late, 0.0
        for event in events:
            self._view.said[event.id] = Shown(act.where, act.text or " ".join(act.taps))
        return [_late(event, late) for event in events] if late else events, problem

    async def _does(self, act: Act) -> None:
        person = self._person(act.who, act.where)
        if act.verb == "is admin":
            self._client.platform.admins.setdefault(act.where[0], set()).add(act.who)
        elif act.verb == "speaks":
            self._languages[act.who] = act.text
        elif act.taps:
            await _tap(person, act.taps)
        elif act.verb == "reacts":
            await person.react(act.text or None, self._newest(act), raise_errors=False)
        else:
            await self._say(person, act)

    async def _say(self, person: Person, act: Act) -> None:
        kinds: dict[str, Any] = {"edits": "edit", "joins": "join", "leaves": "leave"}
        more: dict[str, Any] = {}
        if act.verb == "shares":
            more["location"] = _location(act.text)
        if act.verb == "replies":
            more["reply_to"] = self._newest(act)
        mentioned = [name for name in _MENTION.findall(act.text) if name in self._people]
        await person.say(
            act.text,
            kind=kinds.get(act.verb, "message"),
            files=[self._file(name) for name in act.files],
            mentions=[self._person(name, private(name)).user for name in mentioned],
            raise_errors=False,
            **more,
        )

    def _person(self, name: str, where: Where) -> Person:
        room = None if where[0] == private(name)[0] else where[0]
        language = self._languages.get(name)
        return self._client.user(name, chat=room, thread=where[1] or None, language=language)

    def _newest(self, act: Act) -> Delivered:
        shown = self._client.platform.shown(act.where[0])
        if not shown:
            raise LookupError(f"the bot has said nothing there that {act.who} {act.verb} to")
        return shown[-1]

    def _file(self, name: str) -> Attachment:
        data = (self._folder / name).read_bytes()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return self._client.platform.upload(Path(name).name, data, kind)


def _late(event: Event, seconds: float) -> Event:
    time = event.message.time and event.message.time - timedelta(seconds=seconds)
    return replace(event, message=replace(event.message, time=time))


async def _tap(person: Person, labels: Sequence[str]) -> None:
    """Press a button, or choose options of a select, or tap a suggestion: whichever is there."""
    ways = (person.press, person.select, person.choose)
    for way in ways if len(labels) == 1 else (person.select,):
        try:
            await way(*labels, raise_errors=False)
        except LookupError:
            continue
        return
    raise LookupError(f"nothing there shows {' '.join(f'[{label}]' for label in labels)}")


def _location(text: str) -> Location:
    latitude, _, longitude = text.partition(",")
    return Location(float(latitude), float(longitude))


def people_of(steps: Sequence[Step]) -> frozenset[str]:
    """Return who does something in these steps."""
    return frozenset(step.what.who for step in steps if isinstance(step.what, Act))
