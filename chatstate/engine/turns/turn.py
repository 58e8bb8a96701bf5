"""A turn that runs, and what is said of it in whose language."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chatstate.adapter import StoredFile
from chatstate.bot.handlers import Handler
from chatstate.engine.turns.attempt import Attempt
from chatstate.engine.turns.limits import Ticket
from chatstate.engine.turns.previews import Preview
from chatstate.errors import UserError
from chatstate.language.sentences import Sentence, Sentences, say
from chatstate.messages import Message, Reply
from chatstate.stores.base import Arrival


class Running(msgspec.Struct):
    """A turn that runs: its events, its handler, the attempt it is at, and when it must end.

    `typing_at`: when to show that the bot is typing. `release` gives back the locks it holds,
    `leave` its place among the turns of its handler. `ticket`: what it takes of a quota.
    `stored` are the spooled files of its answer that nothing owed has yet. `preview` is where the
    answer is shown in advance.
    """

    arrivals: list[Arrival]
    handler: Handler | None = None
    attempt: Attempt | None = None
    deadline: float = 0.0
    typing_at: float = 0.0
    fenced: bool = False
    release: Callable[[], None] | None = None
    leave: Callable[[], None] | None = None
    ticket: Ticket | None = None
    stored: list[StoredFile] = []
    preview: Preview | None = None

    @property
    def noted(self) -> bool:
        """Whether it may have notes."""
        return bool(self.preview or (self.attempt and self.attempt.notes is not None))

    @property
    def message(self) -> Message:
        """The last of what is handled."""
        return self.arrivals[-1].event.message

    @property
    def is_expiry(self) -> bool:
        """Whether it is a value that has expired: nobody has said anything."""
        return self.message.kind == "expiry"

    def let_go(self) -> None:
        """Give back its locks and its place."""
        for give_back in (self.release, self.leave):
            if give_back:
                give_back()

    def shown(self, sentences: Sentences, sentence: str) -> list[Reply]:
        """Return what a preview has shown, and a sentence that closes it; nothing without one."""
        if not (self.preview and self.preview.ids):
            return []
        closing = say(sentences.of(self.message.sender.language), sentence)
        return [*self.preview.shown, Reply(closing)]

    def apology(self, sentences: Sentences) -> list[Reply]:
        """Return what to say of a turn that failed, below what it has shown already."""
        failed = Reply(say(sentences.of(self.message.sender.language), "failed"))
        return self.shown(sentences, "broke_off") or ([] if self.is_expiry else [failed])

    def refusal(self, sentences: Sentences, error: UserError) -> list[Reply]:
        """Return what to say of a turn that ended with an error for the person."""
        text = told(sentences, self.message, error)
        shown = self.preview.shown if self.preview else ()
        return [*shown, Reply(text, ephemeral=self.message.kind == "press")]


def told(sentences: Sentences, message: Message, error: UserError) -> str:
    """Return the text of an error for whoever has sent `message`."""
    if isinstance(error, Sentence):
        return say(sentences.of(message.sender.language), error.name, **error.values)
    return str(error).encode(errors="replace").decode()  # half a surrogate pair is no text


def describe(error: BaseException) -> str:
    """Return an error in one line, whatever it is."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an author's __str__ may raise anything
        return type(error).__name__
