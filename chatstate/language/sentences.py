"""What the framework itself says to people in a chat. Every sentence can be replaced.

1. A sentence is named, and its blanks are named. English has all of them; what another language
   lacks is said in English.
2. An author's sentence comes before ours, and one for a language before one for all.
3. Names and blanks that do not exist are refused when the bot is made, not when somebody waits
   for an answer.
4. Languages are looked up as in RFC 4647: "pt-BR", then "pt", then the default.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

from chatstate.errors import BindingError, UserError
from chatstate.language.de import GERMAN
from chatstate.language.en import ENGLISH
from chatstate.language_tags import normal, widened

SHIPPED: Mapping[str, Mapping[str, str]] = {"de": GERMAN}
"""What chatstate itself speaks besides English."""


class Sentence(UserError):  # noqa: N818 - it is what is said, in error or not
    """A `UserError` whose text is one of the framework's sentences, by its name.

    A blank may be filled by another `Sentence`.
    """

    def __init__(self, name: str, **values: Any) -> None:
        super().__init__(say(ENGLISH, name, **values))
        self.name = name
        self.values = values


class NoHandlerSentence(Sentence):
    """What is said of what has no handler, as far as the code of this process knows."""


class Sentences:
    """The framework's sentences in each language that it or the bot's author speaks.

    `given` replaces sentences by name, and by language if a name's value is a mapping:
    `{"failed": "Oops.", "de": {"failed": "Hoppla."}}`. What is not replaced stays ours.
    `default` is for people whose language is not known, or not spoken.

    Raises `BindingError` for a sentence that does not exist, or that has blanks which chatstate
    does not fill, and for a language that is none.
    """

    def __init__(self, given: Mapping[str, str | Mapping[str, str]] | None = None) -> None:
        everywhere: dict[str, str] = {}
        spoken: dict[str, Mapping[str, str]] = {}
        for name, value in (given or {}).items():
            if not isinstance(value, Mapping):
                everywhere[name] = value
            else:
                language = _language(name)
                spoken[language] = _checked(value)
        self.default: Mapping[str, str] = {**ENGLISH, **_checked(everywhere)}
        self._languages: dict[str, Mapping[str, str]] = {}
        for known in {*SHIPPED, *spoken}:
            wider = list(widened(known))[::-1]
            sentences = dict(ENGLISH)
            for tag in wider:
                sentences |= SHIPPED.get(tag, {})
            sentences |= everywhere  # the author's own words come before ours in any language
            for tag in wider:
                sentences |= spoken.get(tag, {})
            self._languages[known] = sentences

    def of(self, language: str | None) -> Mapping[str, str]:
        """Return the sentences for a language (a BCP 47 tag), by name.

        Where "pt-BR" is not spoken, "pt" is taken, and then the default.
        """
        for tag in widened(language):
            if tag in self._languages:
                return self._languages[tag]
        return self.default

    @property
    def languages(self) -> Sequence[str]:
        """The languages in which there are sentences, and "" for the default."""
        return ["", *self._languages]

    def spoken(self, language: str | None) -> str:
        """Return which of these stands for a language."""
        return next((tag for tag in widened(language) if tag in self._languages), "")


def say(sentences: Mapping[str, str], name: str, **values: Any) -> str:
    """Return the sentence `name` with its blanks filled."""
    for blank, value in values.items():
        if isinstance(value, Sentence):
            values[blank] = say(sentences, value.name, **value.values)
    return sentences[name].format(**values)


def told(error: UserError, sentences: Mapping[str, str]) -> str:
    """Return the text of an error for a person."""
    if isinstance(error, Sentence):
        return say(sentences, error.name, **error.values)
    return str(error).encode(errors="replace").decode()  # half a surrogate pair is no text


def replaced(sentences: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the sentences with some of them replaced, in one language; see `Sentences`."""
    return Sentences(sentences).default


def _language(tag: str) -> str:
    if tag in ENGLISH:
        raise BindingError(f"sentence {tag!r} takes a text, with blanks in braces")
    try:
        return normal(tag)
    except ValueError as error:
        raise BindingError(str(error)) from error


def _checked(sentences: Mapping[str, str]) -> Mapping[str, str]:
    unknown = sorted(set(sentences) - set(ENGLISH))
    if unknown:
        raise BindingError(f"there is no sentence {unknown[0]!r}; there are {', '.join(ENGLISH)}")
    for name, text in sentences.items():
        _check_blanks(name, text)
    return sentences


def _check_blanks(name: str, text: str) -> None:
    possible_blanks = sorted(blanks(ENGLISH[name]))
    try:
        say({name: text}, name, **dict.fromkeys(possible_blanks, ""))
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        possible = ", ".join(f"{{{blank}}}" for blank in possible_blanks) or "none"
        raise BindingError(
            f"sentence {name!r} cannot be filled in ({error!r}); its blanks are: {possible}; "
            "write a brace that is none as {{ or }}"
        ) from error


def blanks(text: str) -> set[str]:
    """Return the names of the blanks in a sentence."""
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}
