"""`ChatInterface`: a bot from one function of (message, history), as in Gradio.

1. History, settings and the log of /undo are states as all others: they are committed with the
   turn, or not at all.
2. The function gets a copy of the history. What was said is added behind its back, by middleware
   of the handler's own, when the function has returned.
3. Each turn notes in the log how to take it back: /undo does so for the newest, /clear for all.
4. /retry is the function once more, as a handler of its own: it takes back the last turn and
   answers that one's message anew, in one commit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec.structs import replace

from chatstate.bot.functions import middleware
from chatstate.bot.handlers import TIMEOUT, Handler, Overlap
from chatstate.bot.injected import CallNext, Getter, Injected
from chatstate.bot.interface import Interface
from chatstate.bot.options import Options
from chatstate.bot.parameters import asked_parameters
from chatstate.bot.returns import Answers
from chatstate.bot.turn import HeldValue, Turn
from chatstate.chat.examples import said_by
from chatstate.chat.history import (
    Entry,
    Undo,
    before_values,
    can_be_undone,
    digest,
    entries_for,
    entries_of,
    shorten,
)
from chatstate.chat.settings import SETTINGS, Setting, change, setting, show
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentence, say
from chatstate.messages import Reply
from chatstate.scope import Scope
from chatstate.signature import hints, label
from chatstate.state.bound import BoundState, States
from chatstate.state.declaration import State

HistoryForm = Literal["text", "list"]
_LOG = State([], name="chatstate.undo", type=list[Undo])


class ChatInterface(Interface):
    """A bot that answers each message with `fn(message, history, ...)` and keeps the history.

    - `history` is a copy, without the message itself: a list of dicts with role, content (a
      string; with `history_form="list"` Gradio's list of parts), metadata and options. It is each
      member's own; with `scope="chat"` all of a chat share one.
    - `multimodal`: the message is a dict of text and files (their paths, for this turn).
    - Further parameters of `fn` are settings, changed by /settings: by annotation, with bounds
      (`Annotated[float, Meta(ge=0)]`) and choices (`Literal`); each needs a default.
      `additional_inputs` names them instead ("number", `State(...)`); `additional_outputs` are the
      states that `fn` returns after its reply, as in `return reply, state`.
    - Text that `fn` returns is Markdown, unless `markdown=False`.
    - `max_messages`, `max_characters` cap the history; the oldest goes first.
    - /undo and /retry take back up to `undo` turns, /clear all: the history and what they changed
      in states; a chat's or a thread's only if nobody has changed them since.

    `examples` are messages, in any form that `gr.ChatInterface` takes. The other options are those
    of `Interface`. Raises `BindingError` for what cannot be bound.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        multimodal: bool = False,
        scope: Scope = "member",
        history_form: HistoryForm = "text",
        additional_inputs: Sequence[str | State] = (),
        additional_outputs: Sequence[State] = (),
        markdown: bool = True,
        max_messages: int | None = None,
        max_characters: int | None = None,
        undo: int = 10,
        overlap: Overlap = "queue",
        timeout: float = TIMEOUT,
        concurrency_limit: int | Literal["default"] | None = None,
        examples: Sequence[Any] | None = (),
        type: Literal["messages"] = "messages",
        **options: Any,
    ) -> None:
        if type != "messages":
            raise BindingError(f'type={type!r}: history is a list of messages; use type="messages"')
        super().__init__(examples=said_by(examples or ()), **options)
        chat = ChatOptions(
            State([], name="history", scope=scope, type=list[dict[str, Any]]),
            history_form,
            multimodal,
            max_messages,
            max_characters,
            undo,
        )
        binding: dict[str, Any] = {
            "additional": additional_inputs,
            "outputs": additional_outputs,
            "overlap": overlap,
            "timeout": timeout,
            "markdown": markdown,
            "owner": self,
        }
        running: Options = {}
        if concurrency_limit is not None:
            running["concurrency_limit"] = concurrency_limit
        handler = ChatHandler(fn, self.states, chat, **binding)
        self._add_message_handler(handler, running)
        self.description = self.description or handler.description
        retry = ChatHandler(fn, self.states, chat, command="retry", **binding)
        self._add_own_route("retry", "message", retry, running)
        self._add_chat_commands(chat, handler.settings)

    def _add_chat_commands(self, chat: ChatOptions, settings: Sequence[Setting]) -> None:
        async def undo(turn: Turn) -> Reply:
            """Take back my last message and its answer."""
            await _undo(turn, chat, self.states)
            return Reply(say(self.sentences.of(turn.user.language), "undone"))

        async def clear(turn: Turn) -> Reply:
            """Forget this conversation."""
            log: list[Undo] = await turn.state(_LOG)
            while log:
                await _undo(turn, chat, self.states)
            if chat.history.scope == "member":
                history: list[Entry] = await turn.state(chat.history)
                history.clear()
            return Reply(say(self.sentences.of(turn.user.language), "cleared"))

        async def change_settings(turn: Turn, wish: str = "") -> Reply:
            """Show the settings, or change one."""
            chosen: dict[str, str] = await turn.state(SETTINGS)
            return show(change(settings, chosen, wish, turn.message), chosen)

        self._add_own_command("undo", undo)
        self._add_own_command("clear", clear)
        if settings:
            self._add_own_command("settings", change_settings)


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
            kept=[chat.history, SETTINGS, _LOG],
            **options,
        )
        self.wants_files = self.wants_files or chat.multimodal
        self.around = [middleware(self._remember, owner=None)]

    def _inputs(
        self, fn: Callable[..., Any], additional: Sequence[str | State]
    ) -> list[str | State | Getter]:
        chat = self._chat
        taken = asked_parameters(fn)
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
            undone = await _undo(turn, self._chat, self._states)
            turn.effects.say_instead(undone.text, undone.files)
        answer = await call_next()
        held = {value.state.name: value for value in turn.effects.held.values()}
        self._note(turn, answer, held)
        return answer

    def _note(self, turn: Turn, answer: Answers, held: dict[str, HeldValue]) -> None:
        chat = self._chat
        history, log = held.pop(str(chat.history.name)), held.pop(str(_LOG.name)).value
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


async def _undo(turn: Turn, chat: ChatOptions, states: States) -> Undo:
    """Take the last turn back that is in the log. Raises `Sentence` if there is none."""
    log: list[Undo] = await turn.state(_LOG)
    if not log:
        raise Sentence("nothing_to_undo")
    undone = log.pop()
    if chat.history.scope == "member":
        history: list[Entry] = await turn.state(chat.history)
        added = min(undone.added, len(history))
        turn.replace(chat.history, [*undone.dropped, *history[: len(history) - added]])
    named: Mapping[str, BoundState] = {state.name: state for state in states}
    for name, before in undone.states.items():
        state = named.get(name)  # what the bot no longer has stays as it is
        if state is None:
            continue
        held = await turn.effects.hold(state.state, None)
        if state.scope == "member" or digest(state.encode(held.value)) == before.after:
            value = state.fresh()[0] if before.text is None else state.decode(before.text)
            held.replace(value)
    return undone
