"""`ChatHandler`: a chat function as a handler, and the options that say how its history is kept.

1. The function gets a copy of the history. What was said is added behind its back, by middleware
   of the handler's own, when the function has returned.
2. Each turn notes in the log how to take it back.
3. /retry is the function once more, as a handler of its own: it takes back the last turn and
   answers that one's message anew, in one commit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec.structs import replace

from chatstate.bot.functions import middleware
from chatstate.bot.handlers import Handler
from chatstate.bot.injected import CallNext, Getter, Injected
from chatstate.bot.parameters import asked_parameters
from chatstate.bot.returns import Answers
from chatstate.bot.turn import HeldValue, Turn
from chatstate.chat.history import Entry, entries_for, entries_of, shorten
from chatstate.chat.settings import SETTINGS, Setting, setting
from chatstate.chat.undo import LOG, Undo, before_values, can_be_undone, take_back
from chatstate.errors import BindingError
from chatstate.signature import hints, label
from chatstate.state.bound import States
from chatstate.state.declaration import State

HistoryForm = Literal["text", "list"]


class ChatOptions:
    """How a chat function's history is kept and shown to it."""

    def __init__(
        self,
        history: State,
        form: HistoryForm,
        multimodal: bool,  # noqa: FBT001 - one of the interface's options, passed on
        max_messages: int | None,
        max_characters: int | None,
        undo: int,
    ) -> None:
        for name, limit in (("max_messages", max_messages), ("max_characters", max_characters)):
            if limit is not None and limit < 1:
                raise BindingError(f"{name}={limit!r}: use a number above 0, or None")
        self.history = history
        self.form = form
        self.multimodal = multimodal
        self.max_messages = max_messages
        self.max_characters = max_characters
        self.undo = undo

    def message(self, given: Injected) -> str | dict[str, Any]:
        """Return the message as the function takes it."""
        if not self.multimodal:
            return given.text
        return {"text": given.text, "files": [str(file.path) for file in given.files]}

    def shown(self, history: list[Entry]) -> list[Entry]:
        """Return a copy of the history as the function takes it."""
        shown = copy.deepcopy(history)
        if self.form == "list":
            for entry in shown:
                entry["content"] = [{"type": "text", "text": entry["content"]}]
        return shown


class ChatHandler(Handler):
    """A chat function as a handler: it gets the history, and what it says is added to it."""

    def __init__(
        self,
        fn: Callable[..., Any],
        states: States,
        chat: ChatOptions,
        *,
        additional: Sequence[str | State],
        outputs: Sequence[State],
        markdown: bool,
        **options: Any,
    ) -> None:
        self._chat = chat
        self._states = states
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
        self.around = [middleware(self._remember, owner=None)]

    def _inputs(
        self, fn: Callable[..., Any], additional: Sequence[str | State]
    ) -> list[str | State | Getter]:
        chat = self._chat
        taken = asked_parameters(fn, 2 + len(additional))
        found: list[str | State | Getter] = [
            chat.message,
            lambda given: chat.shown(given.slots[_HISTORY].object),
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

    async def _remember(self, turn: Turn, call_next: CallNext) -> Answers:
        """Add what is said to the history, and note how to take it back.

        If this is /retry, the last turn is taken back before, and its message is answered anew.
        """
        if self.command == "retry":
            undone = await take_back(turn, self._chat.history, self._states)
            turn.effects.say_instead(undone.text, undone.files)
        answer = await call_next()
        held = {value.state.name: value for value in turn.effects.held.values()}
        self._note(turn, answer, held)
        return answer

    def _note(self, turn: Turn, answer: Answers, held: dict[str, HeldValue]) -> None:
        chat = self._chat
        history, log = held.pop(str(chat.history.name)), held.pop(str(LOG.name)).value
        held.pop(str(SETTINGS.name))
        changed = before_values(held.values())
        added = [*entries_of(turn.message, turn.text), *entries_for(answer)]
        history.value.extend(added)
        dropped = shorten(history.value, chat.max_messages, chat.max_characters)
        undo = Undo(turn.text, list(turn.message.attachments), len(added), dropped, changed)
        if chat.history.scope != "member" and can_be_undone(chat.history.scope):
            undo = replace(undo, added=0, dropped=[], states=changed | before_values([history]))
        log.append(undo)
        del log[: max(len(log) - chat.undo, 0)]


_HISTORY, _CHOSEN = 0, 1  # among the slots of a `ChatHandler`


def _setting_of(setting: Setting) -> Getter:
    return lambda given: setting.value(given.slots[_CHOSEN].object, given.message)
