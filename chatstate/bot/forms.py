"""Several inputs of one function, asked for one after the other in a chat.

1. They are the questions of a dialogue: what holds for `turn.ask` holds for them.
2. The first message is the first answer if it fits, else it only begins.
3. Where a platform can ask texts at once, what begins it is answered with all the questions: then
   the answers are known when it begins, and only what does not fit is asked again.
4. The button of an example answers all questions at once, but for files, which no button sends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, cast

import msgspec
from msgspec.structs import replace

from chatstate.adapter import PostField, PostForm
from chatstate.bot.kinds import Kind
from chatstate.bot.questions import Fetch, Given, Question
from chatstate.bot.reading import shorten, typed
from chatstate.bot.turn import Turn
from chatstate.errors import BindingError, UserError
from chatstate.language.sentences import Sentence, say
from chatstate.messages import Message
from chatstate.replies import Button, Reply, fit_label

_OFFERED = 25  # buttons, for which each platform with buttons has room
TYPED = ("text", "both")
"""What an input takes that somebody can type, and a button can send."""
_TIMEOUT = 30 * 24 * 3600.0  # seconds until a form is forgotten that nobody fills


class Field(NamedTuple):
    """One input, and what to call it when asking for it."""

    label: str
    input: Kind


class Form:
    """The inputs of a function that are no states: a question for each.

    `greeting` is said before the first one, if there is any: then what began it answers none.
    `is_text`: each is answered with a text that is not chosen.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = list(fields)
        self.greeting: Callable[[Turn], Awaitable[Reply]] | None = None
        self.is_text = not any(f.input.wants_files or f.input.choices for f in self.fields)

    def questions(self, words: Mapping[str, str]) -> Iterator[Question]:
        """Yield what is asked, in the words of a language; choices as far as there is room."""
        for number, (label, wanted) in enumerate(self.fields, 1):
            asked = _asked(words, label, wanted, number=number, total=len(self.fields))
            said = Reply(asked, choices_of([Field(label, wanted)]))
            yield Question(label, said, timeout=_TIMEOUT, reads=_reading(wanted))

    def given(self, message: Message, text: str) -> Mapping[str, Given]:
        """Return what the message that begins it may answer, by the labels of the questions."""
        if message.answers is not None:
            given = message.answers  # who sends them may have made up others
            return {label: Given(given[label]) for label, _ in self.fields if label in given}
        if self.greeting:
            return {}
        example = self.example(text) if message.kind == "press" else None
        if example is None:
            return {self.fields[0].label: Given.by(message)}
        both = zip(self.fields, example, strict=True)
        return {field.label: Given(value) for field, value in both if field.input.takes in TYPED}

    def at_once(self, title: str, message: Message) -> PostForm | None:
        """Return it as it is asked at once; None if what begins it answers all, or files do."""
        if not self.is_text or self.example(message.text) is not None:
            return None
        first, *others = (PostField(field.label) for field in self.fields)
        if not self.greeting and _fits(self.fields[0].input, message.text):
            first = replace(first, answer=message.text)
        return PostForm(title, [first, *others])

    def example(self, text: str) -> list[str] | None:
        """Return the answers that an example's button sends; None if it is none."""
        try:
            values = msgspec.json.decode(text, type=list[str])
        except msgspec.DecodeError:
            return None
        return values if len(values) == len(self.fields) else None


def taken(label: str, given: Given) -> Sentence:
    """Return what is said of a message that was taken for an answer."""
    return Sentence("taken", label=label, given=_shown(given))


def _asked(words: Mapping[str, str], label: str, wanted: Kind, **place: int) -> str:
    """Return the words of a question: what is asked for, within which bounds."""
    if wanted.several:
        return say(words, "ask_several", label=label, **place)
    if wanted.least is None or wanted.most is None:
        return say(words, "ask", label=label, **place)
    return say(words, "ask_between", label=label, least=wanted.least, most=wanted.most, **place)


def _reading(wanted: Kind) -> Callable[[Given, Fetch], Awaitable[Any]]:
    """Return how an input reads an answer. That raises `UserError`, and what `fetch` raises."""

    async def read(given: Given, fetch: Fetch) -> Any:
        sent = given.files if wanted.wants_files else ()
        if wanted.takes == "file":
            sent = sent[:1]
        value = wanted.heard(given.text, [await fetch(file) for file in sent])
        if not (sent or given.text.strip()):  # a text input reads that too
            raise Sentence("no_text")
        return value

    return read


def _fits(wanted: Kind, text: str) -> bool:
    try:
        wanted.heard(text, ())
    except UserError:
        return False
    return True


def _shown(given: Given) -> Any:
    return given.files[0].name if given.files else shorten(given.text)


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


def choices_of(fields: Sequence[Field]) -> list[Button]:
    """Return a button for each choice of the one input, if there is room."""
    choices = fields[0].input.choices if len(fields) == 1 else ()
    return [_button(choice, None) for choice in choices] if len(choices) <= _OFFERED else []


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


def label_of(parameter: str) -> str:
    """Return what to call a parameter when asking for it: `first_name` is First name."""
    words = parameter.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _as_typed(value: Any) -> str:
    text = typed(value)
    return msgspec.json.encode(value).decode() if text is None else text
