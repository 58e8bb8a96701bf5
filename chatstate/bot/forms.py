"""Several inputs of one function, asked for one after the other in a chat.

1. An answer is read when it is given, a file fetched for it: what does not fit is told, and asked
   for again. The first message is the first answer if it fits, else it only begins.
2. What was answered so far is a state, of each person in each conversation: it outlives a restart.
3. Once all is answered the function is called. An answer that cannot be read any more by then is
   asked for again. If the function refuses, or fails, the last question is put again.
4. A form that is complete, or given up by /cancel, is forgotten.
5. The button of an example answers all questions at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import repeat
from typing import Annotated, Any, NamedTuple, cast

import msgspec

from chatstate.bot.reading import shorten, typed
from chatstate.bot.shorthands import Input
from chatstate.errors import BindingError, Rejected, UserError
from chatstate.files import Attachment, File
from chatstate.language.sentences import Sentence, say, told
from chatstate.messages import Message
from chatstate.replies import Button, Reply, fit_label
from chatstate.state.declaration import State

_OFFERED = 25  # buttons, for which each platform with buttons has room

Fetch = Callable[[Attachment], Awaitable[File]]
"""Fetches a file from the platform. Raises `UserError`, `Rejected`."""


class Given(msgspec.Struct, frozen=True):
    """One answer: a text, or a file that is still on the platform."""

    text: str
    file: Attachment | None = None


class Pending(msgspec.Struct):
    """What a person has answered so far; None is to be answered again.

    `asked`: a question has been put.
    """

    asked: bool = False
    answers: list[Given | None] = []

    def forget(self) -> None:
        """Begin anew."""
        self.asked, self.answers = False, []


FORM = State(Pending(), name="chatstate.form")
"""Where it is kept: with each person, in each conversation."""


class Question(NamedTuple):
    """What is asked next: its label, which it is, of how many, and what can be chosen from.

    `before` is what to say first. `again`: it was answered, and then refused.
    """

    label: str
    number: int
    total: int
    choices: Sequence[str] = ()
    before: UserError | None = None
    again: bool = False


class Filled(NamedTuple):
    """All answers, as the function gets them, and what to ask if it refuses them."""

    values: Sequence[Any]
    again: Question | None = None


class Field(NamedTuple):
    """One input, and what to call it when asking for it."""

    label: str
    input: Input


class Form:
    """The inputs of a function that are no states; each is read when it is given."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = list(fields)

    async def take(
        self, message: Message, text: str, pending: Pending, fetch: Fetch
    ) -> Filled | Question:
        """Return all answers if they are complete now, else what to ask.

        Raises `UserError` for an answer that does not fit, and what `fetch` raises.
        """
        example = self.example(text) if message.kind == "press" else None
        if example is not None:
            return self._filled_by(example, pending)
        was_asked, pending.asked = pending.asked, True
        answers = self._answers(pending)
        number = answers.index(None)
        label, wanted = self.fields[number]
        given = Given(text, next(iter(message.attachments), None) if wanted.is_file else None)
        try:
            value = await _read(wanted, given, fetch)
        except UserError:
            if was_asked:
                raise
            return self._question(number)
        answers[number], pending.answers = given, answers
        if None not in answers:
            return await self._complete(number, value, pending, fetch)
        taken = None if was_asked else Sentence("taken", label=label, given=_shown(given))
        return self._question(answers.index(None), taken)

    def _filled_by(self, example: Sequence[str], pending: Pending) -> Filled | Question:
        """Return what an example answers; files are still to be given, which no button sends."""
        both = list(zip(self.fields, example, strict=True))
        if not any(field.input.is_file for field in self.fields):
            pending.forget()
            return Filled([field.input.read(value) for field, value in both])
        answers = [None if field.input.is_file else Given(value) for field, value in both]
        pending.asked, pending.answers = True, answers
        return self._question(answers.index(None))

    def begin(self, pending: Pending) -> Question:
        """Begin anew."""
        pending.asked, pending.answers = True, []
        return self._question(0)

    def _answers(self, pending: Pending) -> list[Given | None]:
        """Return the answers so far, None for each that is open: one at least."""
        count = len(self.fields)
        answers = [*pending.answers, *[None] * count][:count]
        return answers if None in answers else [*answers[:-1], None]

    async def _complete(
        self, last: int, value: Any, pending: Pending, fetch: Fetch
    ) -> Filled | Question:
        """Return all answers, of which the `last` is read already; else which is asked again."""
        values: list[Any] = []
        for number, (field, given) in enumerate(zip(self.fields, pending.answers, strict=True)):
            try:
                values.append(value if number == last else await _read(field.input, given, fetch))
            except (UserError, Rejected) as error:
                pending.answers[number] = None
                gone = Sentence("file_gone")
                return self._question(number, error if isinstance(error, UserError) else gone)
        pending.forget()
        return Filled(values, self._question(last)._replace(again=True))

    def example(self, text: str) -> list[str] | None:
        """Return the answers that an example's button sends; None if it is none."""
        try:
            values = msgspec.json.decode(text, type=list[str])
        except msgspec.DecodeError:
            return None
        return values if len(values) == len(self.fields) else None

    def _question(self, number: int, before: UserError | None = None) -> Question:
        label, wanted = self.fields[number]
        return Question(label, number + 1, len(self.fields), wanted.choices, before)


async def _read(wanted: Input, given: Given | None, fetch: Fetch) -> Any:
    """Return an answer as its input reads it. Raises `UserError`, and what `fetch` raises."""
    if wanted.is_file:
        if given is None or given.file is None:
            raise Sentence("no_file")
        return wanted.read(await fetch(given.file))
    text = given.text if given else ""
    value = wanted.read(text)
    if not text.strip():  # a text input reads that too
        raise Sentence("no_text")
    return value


def _shown(given: Given) -> Any:
    return given.file.name if given.file else shorten(given.text)


def put(question: Question, sentences: Mapping[str, str]) -> Reply:
    """Return a question as it is put to a person; choices are buttons, as far as there is room."""
    label, number, total, choices, before, again = question
    asked = say(sentences, "ask_again" if again else "ask", label=label, number=number, total=total)
    lines = [told(before, sentences), asked] if before else [asked]
    offered = choices if len(choices) <= _OFFERED else ()
    return Reply("\n".join(lines), [_button(choice, None) for choice in offered])


def buttons_for(examples: Sequence[Any], labels: Sequence[str] | None) -> list[Button]:
    """Return a button for each example that says something: a value, or a list of all inputs'.

    Raises `BindingError` for more than a message has room for, for what no button can send, and if
    there are labels, but not one for each.
    """
    if isinstance(examples, str) or (labels is not None and len(labels) != len(examples)):
        raise BindingError(
            f"examples={examples!r}, example_labels={labels!r}: use a list of examples, and no "
            "labels or one for each"
        )
    labelled = zip(examples, labels or repeat(None), strict=False)
    saying = [(example, label) for example, label in labelled if example != ""]
    if len(saying) > _OFFERED:
        raise BindingError(
            f"there are {len(saying)} examples; /start can show {_OFFERED} as buttons"
        )
    return [_example(example, label) for example, label in saying]


def _example(example: Any, label: str | None) -> Button:
    try:
        return _button(example, label)
    except ValueError as error:
        raise BindingError(f"example {example!r} cannot be a button: {error}") from error


def _button(example: Any, label: str | None) -> Button:
    several = isinstance(example, list | tuple)
    values = [_as_typed(value) for value in cast("Sequence[Any]", example)] if several else None
    if values is None:
        value = shown = _as_typed(example)
    elif len(values) == 1:
        value = shown = values[0]
    else:
        value, shown = msgspec.json.encode(values).decode(), ", ".join(values)
    return Button(fit_label(label or shown), value)


async def cancel(pending: Annotated[Pending, FORM]) -> str:
    """Return the name of the sentence that answers /cancel; forget what was answered."""
    name = "cancelled" if pending.asked else "nothing_to_cancel"
    pending.forget()
    return name


def label_of(parameter: str) -> str:
    """Return what to call a parameter when asking for it: `first_name` is First name."""
    words = parameter.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _as_typed(value: Any) -> str:
    text = typed(value)
    return msgspec.json.encode(value).decode() if text is None else text
