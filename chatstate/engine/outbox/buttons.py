"""Buttons: what they carry to the platform, and what a press on one means.

1. What a button carries is signed with the bot's secret, for its conversation: a press that a
   platform or a person made up, or on a button from elsewhere, is refused.
2. It carries what it sends, so that it works for ever and without a row. What is too long for the
   platform is kept under a random reference for 30 days, and valid on its own message only.
3. A select carries how many of its options may be chosen; each of these is as a button is. Where
   a platform has no selects, options are buttons: of one, each sends itself; else see `marks`.
4. What is disabled carries nothing that counts, whoever presses it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from chatstate.adapter import Capabilities, PostButton, PostOption, PostSelect, PostSuggestion
from chatstate.clock import Clock
from chatstate.engine.outbox.marks import (
    Mark,
    MarkedReply,
    Marks,
    Offered,
    as_marked,
    chosen,
    first_mark,
)
from chatstate.engine.outbox.signing import SIGNED, Signature
from chatstate.language.sentences import Sentence, say
from chatstate.messages import Message
from chatstate.replies import (
    Button,
    Option,
    Reply,
    Select,
    ShareContact,
    Suggestion,
    is_command,
    rows_of,
)
from chatstate.stores.base import Arrival, FoundButton, KeptButton, Store

_KEPT_SECONDS = 30 * 24 * 3600.0
_VALUE, _COMMAND, _REFERENCE = "v", "c", "r"
_OPTION, _OPTION_REFERENCE, _SELECT = "o", "p", "s"
_MARK, _DONE = "m", "d"
_IN_STORE = frozenset({_REFERENCE, _OPTION_REFERENCE, _MARK, _DONE})
_NOTHING = "-"


class Press(msgspec.Struct, frozen=True):
    """A press that is genuine: the event as it is meant, and whether it runs a command.

    `refused` is what is wrong with a choice; `mark` what a press marks among those `offered`.
    """

    arrival: Arrival
    command: bool = False
    refused: Sentence | None = None
    mark: Mark | None = None
    offered: Offered | None = None

    @property
    def message(self) -> Message:
        """What it says."""
        return self.arrival.event.message

    @property
    def says_something(self) -> bool:
        """Whether it is for a handler."""
        return self.refused is None and self.mark is None


class Hanging(NamedTuple):
    """What hangs on a reply, as the platform gets it, and what to keep of it."""

    rows: Sequence[Sequence[PostButton]] = ()
    select: PostSelect | None = None
    suggestions: Sequence[PostSuggestion] = ()
    kept: Sequence[KeptButton] = ()


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
        making = _Making(self._signature, self._clock.time(), conversation, capabilities)
        rows = rows_of(reply.buttons, capabilities.row_width)
        select = making.select(reply.select, rows, _mark_of(reply)) if reply.select else None
        return Hanging(
            [[making.button(button) for button in row] for row in rows],
            select,
            [making.suggestion(suggestion, sentences) for suggestion in reply.suggestions],
            making.kept,
        )

    # What they bring

    def is_kept(self, arrival: Arrival) -> bool:
        """Tell whether what a press means must be looked up in the store."""
        return any(part[:1] in _IN_STORE for part in (self._said(arrival), *self._options(arrival)))

    async def read(self, arrival: Arrival) -> Press | None:
        """Return what a press means; None if it is not genuine, or its button is dead."""
        message = arrival.event.message
        said = self._signature.said(arrival.place.conversation, message.text)
        if said[:1] in (_MARK, _DONE):
            return await self._read_mark(arrival, said)
        if said[:1] in _IN_STORE:
            said = await self._looked_up(arrival, said)
        if message.selected is None:
            return _press(arrival, said, ())
        options = [await self._looked_up(arrival, option) for option in self._options(arrival)]
        return _press(arrival, said, options)

    def read_now(self, arrival: Arrival) -> Press | None:
        """Return the same for a button that carries what it sends; None for any other."""
        if self.is_kept(arrival):
            return None
        return _press(arrival, self._said(arrival), self._options(arrival))

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
        if said[:1] not in _IN_STORE:
            return said
        found = await self._found(arrival, said[1:])
        if found is None:
            return ""
        if said.startswith(_OPTION_REFERENCE):
            return _OPTION + found.sends
        return (_COMMAND if found.command else _VALUE) + found.sends

    async def _read_mark(self, arrival: Arrival, said: str) -> Press | None:
        mark = Mark.read(said[1:])
        found = await self._found(arrival, mark.ref)
        if found is None or arrival.event.message.pressed is None:
            return None
        offered = msgspec.json.decode(found.sends, type=Offered)
        if said.startswith(_MARK):
            return Press(arrival, mark=mark, offered=offered)
        select = offered.select
        values = chosen(select, self._marks.newest(mark))
        frame = f"{_SELECT}{select.min_values},{select.max_values}"
        return _press(arrival, frame, [_OPTION + value for value in values])

    async def _found(self, arrival: Arrival, ref: str) -> FoundButton | None:
        """Return what is kept under a reference, if it is valid on the message pressed."""
        message = arrival.event.message
        found = await self._store.button(ref)
        if found is None or found.conversation != arrival.place.conversation:
            return None
        hangs_on = message.pressed.id if message.pressed else None
        return None if found.message not in (None, hangs_on) else found


class _Making:
    """Makes what the buttons of one reply carry; `kept` is what they need of the store."""

    def __init__(
        self, signature: Signature, now: float, conversation: int, capabilities: Capabilities
    ) -> None:
        self._signature = signature
        self._expires_at = now + _KEPT_SECONDS
        self._conversation = conversation
        self._capabilities = capabilities
        self.kept: list[KeptButton] = []

    def button(self, button: Button) -> PostButton:
        """Return a button as the platform gets it."""
        if button.url is not None:
            data, sends = "", button.url
        elif button.disabled:
            data, sends = _NOTHING, button.sends
        else:
            data, sends = self._button_data(button), button.sends
        url = button.url or ""
        return PostButton(button.label, data, sends, url, button.style, button.disabled)

    def suggestion(self, suggestion: Suggestion, sentences: Mapping[str, str]) -> PostSuggestion:
        """Return a suggestion; where there are none, it carries what a button does."""
        if isinstance(suggestion, str):
            typed = is_command(suggestion)
            stands_for = Button(suggestion, command=suggestion if typed else None)
            needs_data = not self._capabilities.suggestions
            data = self._button_data(stands_for) if needs_data else ""
            return PostSuggestion(suggestion, data, suggestion)
        share = "contact" if isinstance(suggestion, ShareContact) else "location"
        label = suggestion.label or say(sentences, f"share_{share}")
        return PostSuggestion(label, share="contact" if share == "contact" else "location")

    def select(self, select: Select, rows: list[list[Button]], mark: Mark | None) -> PostSelect:
        """Return a select in the form that the platform has for it."""
        if not self._capabilities.select and not select.is_of_one and self._has_room(select, rows):
            return self._marks(select, rows, mark)
        options = [self._option(option, self._option_data(option)) for option in select.choices]
        said = f"{_SELECT}{select.min_values},{select.max_values}"
        return self._made(select, self._sign(said), options)

    def _marks(self, select: Select, rows: list[list[Button]], mark: Mark | None) -> PostSelect:
        if mark is None:
            mark = first_mark(self._keep(_written(select, rows)), select.choices)
        options = [
            self._option(option, self._sign(f"{_MARK}{mark._replace(option=number)}"))
            for number, option in enumerate(select.choices)
        ]
        made = self._made(select, self._sign(f"{_DONE}{mark}"), options)
        return replace(made, marks=True)

    def _has_room(self, select: Select, rows: list[list[Button]]) -> bool:
        """Tell whether options can be buttons that are changed, with one more of them."""
        can = self._capabilities
        room = can.row_width * (can.max_rows - len(rows))
        return can.edit and can.edit_buttons and len(select.options) < room

    def _made(self, select: Select, data: str, options: Sequence[PostOption]) -> PostSelect:
        return PostSelect(data, options, select.placeholder, select.min_values, select.max_values)

    def _option(self, option: Option, data: str) -> PostOption:
        return PostOption(option.label, data, option.sends, option.description, option.chosen)

    def _option_data(self, option: Option) -> str:
        if self._fits(option.sends):
            return self._sign(_OPTION + option.sends)
        return self._sign(_OPTION_REFERENCE + self._keep(option.sends))

    def _button_data(self, button: Button) -> str:
        runs = button.command is not None
        if self._fits(button.sends):
            return self._sign((_COMMAND if runs else _VALUE) + button.sends)
        return self._sign(_REFERENCE + self._keep(button.sends, command=runs))

    def _fits(self, sends: str) -> bool:
        return SIGNED + 1 + len(sends.encode()) <= self._capabilities.button_bytes

    def _keep(self, sends: str, *, command: bool = False) -> str:
        ref = secrets.token_urlsafe(18)
        self.kept.append(KeptButton(ref, 0, sends, command, self._expires_at))
        return ref

    def _sign(self, said: str) -> str:
        return self._signature.sign(self._conversation, said)


def _written(select: Select, rows: list[list[Button]]) -> str:
    return msgspec.json.encode(Offered(select, rows)).decode()


def _mark_of(reply: Reply) -> Mark | None:
    return reply.mark if isinstance(reply, MarkedReply) else None


def _press(arrival: Arrival, said: str, options: Sequence[str]) -> Press | None:
    """Return the press that says this; None if a part of it is not genuine."""
    kind, text = said[:1], said[1:]
    selected, refused = None, None
    if options or kind not in (_VALUE, _COMMAND):
        selected = _selected(kind, text, options)
        if selected is None:
            return None
        refused = _too_few_or_many(text, len(selected)) if kind == _SELECT else None
        text = ", ".join(selected)
    message = replace(arrival.event.message, text=text, selected=selected)
    meant = replace(arrival, event=replace(arrival.event, message=message))
    return Press(meant, kind == _COMMAND, refused)


def _selected(kind: str, text: str, options: Sequence[str]) -> tuple[str, ...] | None:
    """Return the values that are chosen; None if that is not genuine."""
    if kind == _OPTION and not options:
        return (text,)
    if kind != _SELECT or any(option[:1] != _OPTION for option in options):
        return None
    return tuple(dict.fromkeys(option[1:] for option in options))


def _too_few_or_many(numbers: str, chosen: int) -> Sentence | None:
    least, most = map(int, numbers.split(","))
    if chosen < least:
        return Sentence("too_few_chosen", number=least)
    return Sentence("too_many_chosen", number=most) if chosen > most else None
