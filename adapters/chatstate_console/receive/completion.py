"""What Tab offers: the bot's commands, the console's own words, and what can stand behind them.

1. A line that begins with a slash is a command's: its names, and what its argument may be.
2. What the bot alone knows it is asked for, as it would be on any platform.
"""

from __future__ import annotations

import re
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from chatstate import Command
from chatstate.adapter import Typing, being_typed
from chatstate.text import one_line
from chatstate_console.receive.lines import WORDS
from chatstate_console.session import Session

Ask = Callable[[Typing], Awaitable[Sequence[str] | None]]
"""Returns what the bot offers for an argument that is being typed."""
_BLANK = re.compile(r"""([\s"'])""")
_ESCAPED = re.compile(r"""\\([\s"'])""")


class Completions(Completer):
    """Completes a line. `commands` are the bot's, once they are known; `ask` asks the bot."""

    def __init__(self, session: Session) -> None:
        self.commands: Sequence[Command] = ()
        self.ask: Ask = _nothing
        self._paths = PathCompleter(expanduser=True)
        self._arguments: Mapping[str, Callable[[], Iterable[str]]] = {
            ":as": lambda: session.names,
            ":in": lambda: session.places,
            ":press": lambda: _labels(session),
        }

    def is_wanted(self, text: str) -> bool:
        """Tell whether to offer something while this is typed."""
        word, blank, _ = text.partition(" ")
        if text.startswith("/"):
            typing = being_typed(text, self.commands)
            offers = typing and (typing.option.completes or typing.option.choices)
            return bool(offers) or not blank or any(self._names(text))
        if blank:
            return word in self._arguments or word == ":send"
        return len(text) > 1 and any(self._words(text))

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion]:
        """Yield what may come next, as the bot tells where it does."""
        typing = being_typed(document.text_before_cursor, self.commands)
        if typing and typing.option.completes:
            for text in await self.ask(typing) or ():
                yield _offered(text, typing)
        for completion in self.get_completions(document, complete_event):
            yield completion

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield what may come next, as far as that is known without the bot."""
        line = document.text_before_cursor
        word, blank, rest = line.partition(" ")
        if line.startswith("/"):
            yield from self._names(line)
            typing = being_typed(line, self.commands)
            choices = typing.option.choices if typing else ()
            yield from (
                _offered(choice, typing)
                for choice in choices
                if typing and choice.startswith(typing.typed)
            )
        elif not blank:
            yield from self._words(word)
        elif word == ":send":
            yield from self._files(rest, complete_event)
        elif word in self._arguments:
            names = self._arguments[word]()
            yield from (_shown(name, rest) for name in names if name.startswith(rest))

    def _names(self, typed: str) -> Iterator[Completion]:
        for command in self.commands:
            if command.name.startswith(typed[1:]):
                usage = command.usage or f"/{command.name}"
                yield Completion(f"/{command.name}", -len(typed), usage, command.description)

    def _words(self, typed: str) -> Iterator[Completion]:
        for name, word in WORDS.items() if typed[:1] == ":" else ():
            if name.startswith(typed[1:]):
                usage = f":{name} {word.argument}".rstrip()
                yield Completion(f":{name}", -len(typed), usage, word.does)

    def _files(self, typed: str, event: CompleteEvent) -> Iterator[Completion]:
        if _BLANK.search(_ESCAPED.sub("", typed)):
            return  # the path has ended, or is quoted
        path = Document(_ESCAPED.sub(r"\1", typed))
        for found in self._paths.get_completions(path, event):
            text = _BLANK.sub(r"\\\1", found.text)
            yield Completion(text, found.start_position, one_line(found.display_text))


async def _nothing(_typing: Typing) -> Sequence[str] | None:
    return ()


def _offered(text: str, typing: Typing) -> Completion:
    """Return what may be typed for an argument, in quotation marks if it would be several else."""
    needs_marks = len(text.split()) > 1 and not typing.is_last
    written = f'"{text}"' if needs_marks else text
    return Completion(written, -len(typing.typed), one_line(text))


def _shown(text: str, typed: str) -> Completion:
    return Completion(text, -len(typed), one_line(text))


def _labels(session: Session) -> Iterator[str]:
    newest = session.with_buttons()
    return (choice.label for choice in newest.choices) if newest else iter(())
