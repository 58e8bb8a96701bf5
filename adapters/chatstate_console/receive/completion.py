"""What Tab offers: the bot's commands, the console's own words, and what can stand behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from chatstate import Command
from chatstate.text import one_line
from chatstate_console.receive.lines import WORDS
from chatstate_console.session import Session

_BLANK = re.compile(r"""([\s"'])""")
_ESCAPED = re.compile(r"""\\([\s"'])""")


class Completions(Completer):
    """Completes a line. `commands` are the bot's, once they are known."""

    def __init__(self, session: Session) -> None:
        self.commands: Sequence[Command] = ()
        self._paths = PathCompleter(expanduser=True)
        self._arguments: Mapping[str, Callable[[], Iterable[str]]] = {
            ":as": lambda: session.names,
            ":in": lambda: session.places,
            ":press": lambda: _labels(session),
        }

    def is_wanted(self, text: str) -> bool:
        """Tell whether to offer something while this is typed."""
        word, blank, rest = text.partition(" ")
        if blank:
            known = word in self._arguments or word == ":send"
            return known or bool(self._choices(word, rest))
        return text.startswith("/") or (len(text) > 1 and any(self._words(text)))

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield what may come next."""
        word, blank, rest = document.text_before_cursor.partition(" ")
        if not blank:
            yield from self._words(word)
        elif word == ":send":
            yield from self._files(rest, complete_event)
        elif word in self._arguments:
            names = self._arguments[word]()
            yield from (_shown(name, rest) for name in names if name.startswith(rest))
        else:
            last = rest.rpartition(" ")[2]
            choices = self._choices(word, rest)
            yield from (_shown(choice, last) for choice in choices if choice.startswith(last))

    def _words(self, typed: str) -> Iterator[Completion]:
        for command in self.commands if typed[:1] == "/" else ():
            if command.name.startswith(typed[1:]):
                usage = command.usage or f"/{command.name}"
                yield Completion(f"/{command.name}", -len(typed), usage, command.description)
        for name, word in WORDS.items() if typed[:1] == ":" else ():
            if name.startswith(typed[1:]):
                usage = f":{name} {word.argument}".rstrip()
                yield Completion(f":{name}", -len(typed), usage, word.does)

    def _choices(self, word: str, typed: str) -> Sequence[str]:
        """Return what may stand where an argument of a command is being typed."""
        options = next(
            (command.options for command in self.commands if f"/{command.name}" == word), ()
        )
        number = typed.count(" ")
        return options[number].choices if number < len(options) else ()

    def _files(self, typed: str, event: CompleteEvent) -> Iterator[Completion]:
        if _BLANK.search(_ESCAPED.sub("", typed)):
            return  # the path has ended, or is quoted
        path = Document(_ESCAPED.sub(r"\1", typed))
        for found in self._paths.get_completions(path, event):
            text = _BLANK.sub(r"\\\1", found.text)
            yield Completion(text, found.start_position, one_line(found.display_text))


def _shown(text: str, typed: str) -> Completion:
    return Completion(text, -len(typed), one_line(text))


def _labels(session: Session) -> Iterator[str]:
    newest = session.with_buttons()
    return (choice.label for choice in newest.choices) if newest else iter(())
