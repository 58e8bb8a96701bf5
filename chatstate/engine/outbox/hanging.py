"""What hangs on a reply, as the platform gets it: what buttons, selects and suggestions carry.

1. What is carried is signed, and begins with a letter that says what it is: see `Kind`.
2. What has no room is kept under a random reference for 30 days, and nothing else is.
3. A select is in the form that the platform has for it. Where it has none, options are buttons: of
   one, each sends itself; of several, they are marked, if buttons can be changed (see `marks`).
4. What is disabled carries nothing that counts, whoever presses it.
5. The button of a question carries which question it answers, and the number of what it offers.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from chatstate.adapter import Capabilities, PostButton, PostOption, PostSelect, PostSuggestion
from chatstate.engine.outbox.marks import Mark, MarkedReply, Offered, first_mark
from chatstate.engine.outbox.signing import SIGNED, Signature
from chatstate.language.sentences import say
from chatstate.replies import (
    BUTTONS_LIMIT,
    Button,
    Option,
    Reply,
    Select,
    ShareContact,
    Suggestion,
    is_command,
    rows_of,
)
from chatstate.stores.base import KeptButton

_KEPT_SECONDS = 30 * 24 * 3600.0
_NOTHING = "-"


class Kind:
    """The first letter of what is signed: what follows it."""

    VALUE, COMMAND, REFERENCE = "v", "c", "r"
    OPTION, OPTION_REFERENCE, SELECT = "o", "p", "s"
    MARK, DONE = "m", "d"
    ANSWER = "a"
    IN_STORE = frozenset({REFERENCE, OPTION_REFERENCE, MARK, DONE})


class AnswerButton(Button, frozen=True):
    """A button of a question that a dialogue waits for: `answers` is what a press tells of it."""

    answers: str = ""


class Hanging(NamedTuple):
    """What hangs on a reply, as the platform gets it, and what to keep of it."""

    rows: Sequence[Sequence[PostButton]] = ()
    select: PostSelect | None = None
    suggestions: Sequence[PostSuggestion] = ()
    kept: Sequence[KeptButton] = ()


class Making:
    """Makes what hangs on one reply, `now`; `kept` is what that needs of the store."""

    def __init__(
        self, signature: Signature, now: float, conversation: int, capabilities: Capabilities
    ) -> None:
        self._signature = signature
        self._expires_at = now + _KEPT_SECONDS
        self._conversation = conversation
        self._capabilities = capabilities
        self.kept: list[KeptButton] = []

    def hanging(self, reply: Reply, sentences: Mapping[str, str]) -> Hanging:
        """Return what hangs on a reply."""
        rows = rows_of(reply.buttons, self._capabilities.row_width)
        select = self.select(reply.select, rows, _mark_of(reply)) if reply.select else None
        return Hanging(
            [[self.button(button) for button in row] for row in rows],
            select,
            [self.suggestion(suggestion, sentences) for suggestion in reply.suggestions],
            self.kept,
        )

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
        is_contact = isinstance(suggestion, ShareContact)
        share: Literal["contact", "location"] = "contact" if is_contact else "location"
        label = suggestion.label or say(sentences, f"share_{share}")
        return PostSuggestion(label, share=share)

    def select(self, select: Select, rows: list[list[Button]], mark: Mark | None) -> PostSelect:
        """Return a select in the form that the platform has for it."""
        if not self._capabilities.select and not select.is_of_one and self._has_room(select, rows):
            return self._marks(select, rows, mark)
        options = [self._option(option, self._option_data(option)) for option in select.choices]
        said = f"{Kind.SELECT}{select.min_values},{select.max_values}"
        return self._made(select, self._sign(said), options)

    def _marks(self, select: Select, rows: list[list[Button]], mark: Mark | None) -> PostSelect:
        if mark is None:
            mark = first_mark(self._keep(_written(select, rows)), select.choices)
        else:
            self.kept.append(KeptButton(mark.key, 0, str(mark), False, self._expires_at))
        options = [
            self._option(option, self._sign(f"{Kind.MARK}{mark._replace(option=number)}"))
            for number, option in enumerate(select.choices)
        ]
        made = self._made(select, self._sign(f"{Kind.DONE}{mark}"), options)
        return replace(made, marks=True)

    def _has_room(self, select: Select, rows: list[list[Button]]) -> bool:
        """Tell whether options can be buttons that are changed, with one more of them."""
        can = self._capabilities
        room = min(can.row_width * can.max_rows, BUTTONS_LIMIT)
        wanted = sum(map(len, rows)) + len(select.options) + 1
        return can.edit and can.edit_buttons and wanted <= room

    def _made(self, select: Select, data: str, options: Sequence[PostOption]) -> PostSelect:
        return PostSelect(data, options, select.placeholder, select.min_values, select.max_values)

    def _option(self, option: Option, data: str) -> PostOption:
        return PostOption(option.label, data, option.sends, option.description, option.chosen)

    def _option_data(self, option: Option) -> str:
        if self._fits(option.sends):
            return self._sign(Kind.OPTION + option.sends)
        return self._sign(Kind.OPTION_REFERENCE + self._keep(option.sends))

    def _button_data(self, button: Button) -> str:
        if type(button) is AnswerButton:
            return self._sign(Kind.ANSWER + button.answers)
        runs = button.command is not None
        if self._fits(button.sends):
            return self._sign((Kind.COMMAND if runs else Kind.VALUE) + button.sends)
        return self._sign(Kind.REFERENCE + self._keep(button.sends, command=runs))

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
