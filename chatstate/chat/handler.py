"""`ChatHandler`: a chat function as a handler, and the options that say how its history is kept.

1. The function gets a copy of the history. What was said is added behind its back, by middleware
   of the handler's own, when the function has returned.
2. Each turn notes in the log how to take it back.
3. /retry, and a message that is edited, are the function once more, as handlers of their own: they
   take back what came of a message, and answer it anew, in one commit.
4. Files of earlier messages are fetched for a function that takes files, the newest first.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from chatstate.bot.functions import middleware
from chatstate.bot.handlers import Handler, not_taken
from chatstate.bot.injected import CallNext, Getter, Held, Injected
from chatstate.bot.kinds import Kind
from chatstate.bot.parameters import asked_parameters
from chatstate.bot.returns import Answers
from chatstate.bot.turn import Turn
from chatstate.chat.history import (
    Entry,
    HistoryForm,
    entries_for,
    entries_of,
    files_of,
    shorten,
    shown,
)
from chatstate.chat.reasoning import Reasoning
from chatstate.chat.settings import SETTINGS, Setting, setting
from chatstate.chat.undo import (
    LOG,
    Undo,
    before_values,
    can_be_undone,
    own_values,
    take_back,
    take_back_edited,
)
from chatstate.errors import BindingError, SendError, UserError
from chatstate.files import Attachment
from chatstate.language.sentences import Sentences, told
from chatstate.replies import Reply
from chatstate.scope import PERSONAL
from chatstate.signature import hints, label
from chatstate.state.bound import States
from chatstate.state.declaration import State


class ChatOptions(msgspec.Struct, frozen=True, eq=False):
    """How a chat function's history is kept and shown to it; see `ChatInterface`."""

    history: State
    form: HistoryForm
    multimodal: bool
    max_messages: int | None
    max_characters: int | None
    max_files: int
    undo: int
    reasoning: Reasoning | None

    def __post_init__(self) -> None:
        for name in ("max_messages", "max_characters"):
            limit: Any = getattr(self, name)
            if limit is not None and not (isinstance(limit, int) and limit > 0):
                raise BindingError(f"{name}={limit!r}: use a number above 0, or None")
        if self.max_files < 0:
            raise BindingError(f"max_files={self.max_files!r}: use a number from 0 on")

    @property
    def is_shared(self) -> bool:
        """Whether several people have one history."""
        return self.history.scope not in PERSONAL

    def message(self, given: Injected) -> str | dict[str, Any]:
        """Return the message as the function takes it."""
        if not self.multimodal:
            return given.text
        return {"text": given.text, "files": [str(file.path) for file in given.files]}

    def wanted(self, history: Sequence[Entry]) -> Sequence[Attachment]:
        """Return the files that the function is to have of a history: the newest.

        None of one that all platforms share: what came on one can only be fetched there.
        """
        if not self.multimodal or self.history.scope == "global":
            return ()
        files = [file for entry in history for file in files_of(entry)]
        return list(dict.fromkeys(files[max(len(files) - self.max_files, 0) :]))


class ChatHandler(Handler):
    """A chat function as a handler: it gets the history, and what it says is added to it."""

    def __init__(
        self,
        fn: Callable[..., Any],
        states: States,
        chat: ChatOptions,
        *,
        additional: Sequence[str | Kind | State],
        outputs: Sequence[State],
        sentences: Sentences,
        markdown: bool,
        **options: Any,
    ) -> None:
        self._chat = chat
        self._states = states
        self._sentences = sentences
        self.settings: list[Setting] = []
        super().__init__(
            fn,
            states,
            inputs=self._inputs(fn, additional),
            outputs=["text", *outputs],
            markdown=markdown,
            kept=[chat.history, SETTINGS, LOG],
            **options,
        )
        self.wants_files = self.wants_files or chat.multimodal
        self.sees_files = self.sees_files or chat.multimodal
        self.around = [middleware(self._remember, owner=None)]

    def _inputs(
        self, fn: Callable[..., Any], additional: Sequence[str | Kind | State]
    ) -> list[str | Kind | State | Getter]:
        chat = self._chat
        taken = asked_parameters(fn, 2 + len(additional))
        found: list[str | Kind | State | Getter] = [
            chat.message,
            lambda given: shown(given.slots[_HISTORY].object, chat.form, given.fetched or {}),
        ]
        if len(taken) < len(found):
            raise BindingError(f"{label(fn)} must take a message and a history")
        rest = taken[len(found) :]
        if len(additional) > len(rest):
            raise BindingError(
                f"{label(fn)} takes {len(rest)} additional inputs, "
                f"additional_inputs= has {len(additional)}"
            )
        types = hints(fn)
        inputs = [*additional, *([None] * (len(rest) - len(additional)))]
        for parameter, given in zip(rest, inputs, strict=True):
            if isinstance(given, State) or given == "state":
                found.append(given)
            else:
                new = setting(fn, parameter, types.get(parameter.name, Any), given)
                self.settings.append(new)
                found.append(_setting_of(new))
        return found

    def result(self, returned: Any, slots: Sequence[Held], folder: Path | None = None) -> Answers:
        """See `Handler.result`; what is thought is apart from what is said."""
        answer = super().result(returned, slots, folder)
        return self._chat.reasoning.apart(answer) if self._chat.reasoning else answer

    async def _remember(self, turn: Turn, call_next: CallNext) -> Answers:
        """Add what is said to the history, and note how to take it back.

        What is answered anew is taken back before.
        """
        message = turn.message.id if len(turn.messages) == 1 else None
        if self.command == "retry":
            message = await self._say_again(turn)
        elif turn.message.kind == "edit" and not await take_back_edited(
            turn, self._chat.history, self._states
        ):
            return []
        unseen = self._unseen(turn)
        if self._chat.multimodal:
            entries: list[Entry] = await turn.state(self._chat.history)
            await asyncio.gather(*(_fetch(turn, file) for file in self._chat.wanted(entries)))
        answer = await call_next()
        self._note(turn, message, [*turn.effects.sent, *answer])
        return [*answer, *unseen]

    async def _say_again(self, turn: Turn) -> str | None:
        """Take the last turn back, and answer its message; return the id of that."""
        undone = await take_back(turn, self._chat.history, self._states)
        turn.effects.say_instead(undone.text, undone.files)
        return undone.message

    def _unseen(self, turn: Turn) -> list[Reply]:
        """Return what is said of files that nobody looks at. Raises it if there is no text."""
        files = _files(turn)
        if self.sees_files or not files:
            return []
        unseen = not_taken(files)
        if not turn.text.strip():
            raise unseen
        return [Reply(told(unseen, self._sentences.of(turn.user.language)))]

    def _note(self, turn: Turn, message: str | None, answer: Answers) -> None:
        """Add a message and its answer to the history, and to the log how to take them back."""
        chat, held = self._chat, own_values(turn.effects.held)
        history, log = held.pop(str(chat.history.name)), held.pop(str(LOG.name)).value
        held.pop(str(SETTINGS.name))
        changed = before_values(held.values())
        speaker, files = turn.user if chat.is_shared else None, _files(turn)
        added = [
            *entries_of(turn.text, files, speaker),
            *entries_for(answer, named=chat.is_shared),
        ]
        history.value.extend(added)
        dropped = shorten(history.value, chat.max_messages, chat.max_characters)
        undo = Undo(turn.text, files, len(added), dropped, changed, message)
        if chat.history.scope != "member" and can_be_undone(chat.history.scope):
            undo = replace(undo, added=0, dropped=[], states=changed | before_values([history]))
        log.append(undo)
        del log[: max(len(log) - chat.undo, 0)]


def _files(turn: Turn) -> list[Attachment]:
    """Return what came with the messages of a turn."""
    return [file for message in turn.messages for file in message.attachments]


async def _fetch(turn: Turn, file: Attachment) -> None:
    """Fetch a file of the history; one that cannot be had is named there, as older ones are."""
    with contextlib.suppress(UserError, SendError):
        await turn.download(file)


_HISTORY, _CHOSEN = 0, 1  # among the slots of a `ChatHandler`


def _setting_of(setting: Setting) -> Getter:
    return lambda given: setting.value(given.slots[_CHOSEN].object, given.message)
