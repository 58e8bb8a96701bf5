"""What the framework itself says to people in a chat. Every sentence can be replaced."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from chatstate.errors import BindingError, UserError

SENTENCES: Mapping[str, str] = {
    "failed": "Sorry, something went wrong. Nothing was changed.",
    "unknown_command": "There is no command /{command}. Send /help to see what I can do.",
    "only_commands": "I answer commands. Send /help to see which.",
    "not_a_number": "{text} is not a number. Send one like 7 or 7.5.",
    "not_whole": "{text} is not a whole number. Send one like 7.",
    "not_json": 'That is not JSON ({problem}). Send something like {{"a": [1, 2]}}.',
    "not_yes_or_no": "{text} is neither yes nor no. Send yes or no.",
    "not_a_choice": "{text} is not one of {choices}. Send one like {example}.",
    "nobody": "{text} names nobody I know. Mention somebody, like @name.",
    "missing": "Something is missing: {argument}. Send it like this: {usage}",
    "too_much": "There is too much: {text}. Send it like this: {usage}",
    "bad_argument": "{problem} The command is: {usage}",
    "help_commands": "Commands:",
    "help_help": "Show this help.",
    "too_busy": "Too many messages are waiting here. Please send this again later.",
}


class Sentence(UserError):  # noqa: N818 - it is what is said, in error or not
    """A `UserError` whose text is one of the framework's sentences, by its name."""

    def __init__(self, name: str, **values: Any) -> None:
        super().__init__(say(SENTENCES, name, **values))
        self.name = name
        self.values = values


def say(sentences: Mapping[str, str], name: str, **values: Any) -> str:
    """Return the sentence `name` with its blanks filled."""
    return sentences[name].format(**values)


def replaced(sentences: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the sentences with some of them replaced.

    Raises `BindingError` for a sentence that does not exist, or that has blanks which
    chatstate does not fill.
    """
    given = sentences or {}
    unknown = sorted(set(given) - set(SENTENCES))
    if unknown:
        raise BindingError(f"there is no sentence {unknown[0]!r}; there are {', '.join(SENTENCES)}")
    for name, text in given.items():
        _check_blanks(name, text)
    return {**SENTENCES, **given}


def _check_blanks(name: str, text: str) -> None:
    blanks = sorted(_blanks(SENTENCES[name]))
    try:
        say({name: text}, name, **dict.fromkeys(blanks, ""))
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        possible = ", ".join(f"{{{blank}}}" for blank in blanks) or "none"
        raise BindingError(
            f"sentence {name!r} cannot be filled in ({error!r}); its blanks are: {possible}; "
            "write a brace that is none as {{ or }}"
        ) from error


def _blanks(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}
