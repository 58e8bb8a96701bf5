"""Buttons: what they carry to the platform, and what a press on one means.

1. What a button carries is signed with the bot's secret, for its conversation: a press that a
   platform or a person made up, or on a button from elsewhere, is refused.
2. It carries what it sends, so that it works for ever and without a row. What is too long for the
   platform is kept under a random reference for 30 days, and valid on its own message only.
3. A choice is as many presses, each of them genuine, and of a number that its select allows.
4. What answers a question says nothing by itself: whoever asks knows what it offered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from chatstate.adapter import Capabilities
from chatstate.clock import Clock
from chatstate.engine.outbox.hanging import Hanging, Kind, Making
from chatstate.engine.outbox.marks import Mark, MarkedReply, Marks, Offered, as_marked, chosen
from chatstate.engine.outbox.signing import Signature
from chatstate.language.sentences import Sentence
from chatstate.messages import Message
from chatstate.replies import Reply
from chatstate.stores.base import Arrival, FoundButton, Store


class Press(msgspec.Struct, frozen=True):
    """A press that is genuine: the event as it is meant, and whether it runs a command.

    `refused` is what is wrong with a choice; `mark` what a press marks among those `offered`;
    `answers` what the button of a question tells of it.
    """

    arrival: Arrival
    command: bool = False
    refused: Sentence | None = None
    mark: Mark | None = None
    offered: Offered | None = None
    answers: str = ""

    @property
    def message(self) -> Message:
        """What it says."""
        return self.arrival.event.message

    @property
    def says_something(self) -> bool:
        """Whether it is for a handler."""
        return self.refused is None and self.mark is None and not self.answers


class Buttons:
    """Makes what buttons carry, and reads what presses bring."""

    def __init__(self, secret: bytes, store: Store, clock: Clock) -> None:
        self._signature = Signature(secret)
        self._store = store
        self._clock = clock
        self._marks = Marks()

    # What they carry

    def hang(
        self,
        conversation: int,
        reply: Reply,
        capabilities: Capabilities,
        sentences: Mapping[str, str],
    ) -> Hanging:
        """Return what hangs on a reply, in a form for a platform that can do so much."""
        making = Making(self._signature, self._clock.time(), conversation, capabilities)
        return making.hanging(reply, sentences)

    # What they bring

    def is_kept(self, arrival: Arrival) -> bool:
        """Tell whether what a press means must be looked up in the store."""
        return any(
            part[:1] in Kind.IN_STORE for part in (self._said(arrival), *self._options(arrival))
        )

    async def read(self, arrival: Arrival) -> Press | None:
        """Return what a press means; None if it is not genuine, or its button is dead."""
        message = arrival.event.message
        said = self._signature.said(arrival.place.conversation, message.text)
        if said[:1] in (Kind.MARK, Kind.DONE):
            return await self._read_mark(arrival, said)
        if said[:1] == Kind.ANSWER:
            return Press(arrival, answers=said[1:])
        if said[:1] in Kind.IN_STORE:
            said = await self._looked_up(arrival, said)
        if message.selected is None:
            return _press(arrival, said, ())
        options = [await self._looked_up(arrival, option) for option in self._options(arrival)]
        return _press(arrival, said, options)

    def answers(self, arrival: Arrival) -> str:
        """Return what a press tells of the question that it answers; "" if it answers none."""
        said = self._said(arrival)
        return said[1:] if said[:1] == Kind.ANSWER else ""

    def read_now(self, arrival: Arrival) -> Press | None:
        """Return the same for a button that carries what it sends; None for any other."""
        said = self._said(arrival)
        if said[:1] == Kind.ANSWER or self.is_kept(arrival):
            return None
        return _press(arrival, said, self._options(arrival))

    def mark(self, press: Press, mark: Mark, offered: Offered) -> MarkedReply:
        """Return the change of its message that shows what a press has marked.

        Raises `Sentence` if that would be more than may be chosen.
        """
        now = self._marks.press(mark, offered.select)
        return MarkedReply(
            buttons=offered.rows,
            select=as_marked(offered.select, now),
            edit=press.message.pressed,
            mark=now,
        )

    def _said(self, arrival: Arrival) -> str:
        """Return what a press brings; '' if nobody signed it."""
        return self._signature.said(arrival.place.conversation, arrival.event.message.text)

    def _options(self, arrival: Arrival) -> list[str]:
        """Return the same for each option that is chosen."""
        conversation = arrival.place.conversation
        brought = arrival.event.message.selected or ()
        return [self._signature.said(conversation, data) for data in brought]

    async def _looked_up(self, arrival: Arrival, said: str) -> str:
        if said[:1] not in Kind.IN_STORE:
            return said
        found = await self._found(arrival, said[1:])
        if found is None:
            return ""
        if said.startswith(Kind.OPTION_REFERENCE):
            return Kind.OPTION + found.sends
        return (Kind.COMMAND if found.command else Kind.VALUE) + found.sends

    async def _read_mark(self, arrival: Arrival, said: str) -> Press | None:
        mark = Mark.read(said[1:])
        found = await self._found(arrival, mark.ref)
        if found is None or arrival.event.message.pressed is None:
            return None
        offered = msgspec.json.decode(found.sends, type=Offered)
        newest = await self._found(arrival, mark.key)
        if newest:
            self._marks.learn(Mark.read(newest.sends))
        if said.startswith(Kind.MARK):
            return Press(arrival, mark=mark, offered=offered)
        select = offered.select
        values = chosen(select, self._marks.newest(mark))
        frame = f"{Kind.SELECT}{select.min_values},{select.max_values}"
        return _press(arrival, frame, [Kind.OPTION + value for value in values])

    async def _found(self, arrival: Arrival, ref: str) -> FoundButton | None:
        """Return what is kept under a reference, if it is valid on the message pressed."""
        message = arrival.event.message
        found = await self._store.button(ref)
        if found is None or found.conversation != arrival.place.conversation:
            return None
        hangs_on = message.pressed.id if message.pressed else None
        return None if found.message not in (None, hangs_on) else found


def _press(arrival: Arrival, said: str, options: Sequence[str]) -> Press | None:
    """Return the press that says this; None if a part of it is not genuine."""
    kind, text = said[:1], said[1:]
    selected, refused = None, None
    if options or kind not in (Kind.VALUE, Kind.COMMAND):
        selected = _selected(kind, text, options)
        if selected is None:
            return None
        refused = _too_few_or_many(text, len(selected)) if kind == Kind.SELECT else None
        text = ", ".join(selected)
    message = replace(arrival.event.message, text=text, selected=selected)
    meant = replace(arrival, event=replace(arrival.event, message=message))
    return Press(meant, kind == Kind.COMMAND, refused)


def _selected(kind: str, text: str, options: Sequence[str]) -> tuple[str, ...] | None:
    """Return the values that are chosen; None if that is not genuine."""
    if kind == Kind.OPTION and not options:
        return (text,)
    if kind != Kind.SELECT or any(option[:1] != Kind.OPTION for option in options):
        return None
    return tuple(dict.fromkeys(option[1:] for option in options))


def _too_few_or_many(numbers: str, chosen: int) -> Sentence | None:
    least, most = map(int, numbers.split(","))
    if chosen < least:
        return Sentence("too_few_chosen", number=least)
    return Sentence("too_many_chosen", number=most) if chosen > most else None
