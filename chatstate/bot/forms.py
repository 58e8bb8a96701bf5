"""Several inputs of one function, asked for one after the other in a chat.

1. An answer is checked when it is given: one that cannot be read is told, and asked for again.
2. What was answered so far is a state, of each person in each conversation: it outlives a restart.
3. A form that is complete, or given up by /cancel, is forgotten.
4. The button of an example answers all questions at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, cast

import msgspec

from chatstate.bot.shorthands import Input
from chatstate.errors import BindingError
from chatstate.files import Attachment
from chatstate.language.sentences import Sentence
from chatstate.messages import BUTTONS_LIMIT, Button, Message, fit_label
from chatstate.state.declaration import State


class Given(msgspec.Struct, frozen=True):
    """One answer: a text, or a file that is still on the platform."""

    text: str
    file: Attachment | None = None


class Pending(msgspec.Struct):
    """What a person has answered so far. `asked`: the first question has been put."""

    asked: bool = False
    answers: list[Given] = []


FORM = State(Pending(), name="chatstate.form")
"""Where it is kept: with each person, in each conversation."""


class Question(NamedTuple):
    """The label of what is asked next, which it is, and of how many."""

    label: str
    number: int
    total: int


class Field(NamedTuple):
    """One input, and what to call it when asking for it."""

    label: str
    input: Input


class Form:
    """The inputs of a function that are no states; each is checked when it is given."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = list(fields)

    def take(self, message: Message, text: str, pending: Pending) -> list[Given] | Question:
        """Return all answers if they are complete now, else what to ask.

        The first message only begins. Raises `Sentence` for an answer that cannot be read.
        """
        example = self.example(text) if message.kind == "press" else None
        if example is not None:
            pending.asked, pending.answers = False, []
            return example
        if not pending.asked:
            return self.begin(pending)
        given = _given(self.fields[len(pending.answers)].input, message, text)
        pending.answers = [*pending.answers, given]
        if len(pending.answers) < len(self.fields):
            return self._question(pending)
        answers = pending.answers
        pending.asked, pending.answers = False, []
        return answers

    def begin(self, pending: Pending) -> Question:
        """Begin anew."""
        pending.asked, pending.answers = True, []
        return self._question(pending)

    def example(self, text: str) -> list[Given] | None:
        """Return the answers that an example's button sends; None if it is none."""
        try:
            values = msgspec.json.decode(text, type=list[str])
        except msgspec.DecodeError:
            return None
        return [Given(value) for value in values] if len(values) == len(self.fields) else None

    def _question(self, pending: Pending) -> Question:
        number = len(pending.answers)
        return Question(self.fields[number].label, number + 1, len(self.fields))


def _given(wanted: Input, message: Message, text: str) -> Given:
    if not wanted.is_file:
        wanted.read(text)
        return Given(text)
    if not message.attachments:
        raise Sentence("no_file")
    return Given(text, message.attachments[0])


def buttons_for(examples: Sequence[Any]) -> list[Button]:
    """Return a button for each example: a value, or a list of values for several inputs.

    Raises `BindingError` for what no button can send, and for more than a message has room for.
    """
    if len(examples) > BUTTONS_LIMIT:
        raise BindingError(
            f"there are {len(examples)} examples; /start can show {BUTTONS_LIMIT} as buttons"
        )
    return [_checked_button(example) for example in examples]


def _checked_button(example: Any) -> Button:
    try:
        return _button(example)
    except ValueError as error:
        raise BindingError(f"example {example!r} cannot be a button: {error}") from error


def _button(example: Any) -> Button:
    several = isinstance(example, list | tuple)
    values = [_as_typed(value) for value in cast("Sequence[Any]", example)] if several else None
    if values is None:
        value = shown = _as_typed(example)
    elif len(values) == 1:
        value = shown = values[0]
    else:
        value, shown = msgspec.json.encode(values).decode(), ", ".join(values)
    return Button(fit_label(shown), value)


async def cancel(pending: Annotated[Pending, FORM]) -> str:
    """Return the name of the sentence that answers /cancel; forget what was answered."""
    name = "cancelled" if pending.asked else "nothing_to_cancel"
    pending.asked, pending.answers = False, []
    return name


def label_of(parameter: str) -> str:
    """Return what to call a parameter when asking for it: `first_name` is First name."""
    words = parameter.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _as_typed(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
