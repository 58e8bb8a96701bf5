"""`ChatInterface`: a bot from one function of (message, history), as in Gradio.

1. History, settings and the log of /undo are states as all others: they are committed with the
   turn, or not at all.
2. /undo takes back what the log's newest turn did, /clear what all of them did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from chatstate.bot.handlers import TIMEOUT, Overlap
from chatstate.bot.interface import Interface
from chatstate.bot.kinds import Kind
from chatstate.bot.options import Options
from chatstate.bot.turn import Turn
from chatstate.chat.examples import said_by
from chatstate.chat.handler import ChatHandler, ChatOptions
from chatstate.chat.history import Entry, HistoryForm
from chatstate.chat.reasoning import Reasoning
from chatstate.chat.settings import SETTINGS, Setting, change, show
from chatstate.chat.undo import LOG, Undo, take_back
from chatstate.errors import BindingError
from chatstate.language.sentences import say
from chatstate.replies import Reply
from chatstate.scope import Scope
from chatstate.state.declaration import State


class ChatInterface(Interface):
    """A bot that answers each message with `fn(message, history, ...)` and keeps the history.

    - `history` is a copy, without the message itself: a list of dicts with role, content (a
      string; with `history_form="list"` Gradio's list of parts), metadata and options. It is each
      member's own; with `scope="chat"` all of a chat share one, and `name` says who spoke.
    - `multimodal`: the message is a dict of text and files (their paths, for this turn). So has
      the history the newest `max_files` of those sent before: as parts, or as paths in `files`.
      Without it whoever sends a file is told that it was not looked at.
    - Further parameters of `fn` are settings, changed by /settings: by annotation, with bounds
      (`Annotated[float, Meta(ge=0)]`) and choices (`Literal`); each needs a default.
      `additional_inputs` names them instead ("number", a `Kind`, `State(...)`);
      `additional_outputs` are the states that `fn` returns after its reply, as in `return
      reply, state`.
    - Text that `fn` returns is Markdown, unless `markdown=False`. What stands in it between
      `reasoning_tags` (pairs, such as `[("<think>", "</think>")]`) is a message of its own.
    - `max_messages`, `max_characters` cap the history; the oldest goes first.
    - /undo and /retry take back up to `undo` turns, /clear all: the history and what they changed
      in states; a chat's or a thread's only if nobody has changed them since. An edited message is
      answered anew, with what came of it and after it taken back; not if `editable` is False.

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
        additional_inputs: Sequence[str | Kind | State] = (),
        additional_outputs: Sequence[State] = (),
        markdown: bool = True,
        reasoning_tags: Sequence[tuple[str, str]] | None = None,
        max_messages: int | None = None,
        max_characters: int | None = None,
        max_files: int = 10,
        undo: int = 10,
        editable: bool = True,
        overlap: Overlap = "queue",
        window: float | None = None,
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
            max_files,
            undo,
            Reasoning(reasoning_tags) if reasoning_tags else None,
        )
        binding: dict[str, Any] = {
            "additional": additional_inputs,
            "outputs": additional_outputs,
            "timeout": timeout,
            "markdown": markdown,
            "sentences": self.sentences,
            "owner": self,
        }
        running: Options = {}
        if concurrency_limit is not None:
            running["concurrency_limit"] = concurrency_limit
        handler = ChatHandler(fn, self.states, chat, overlap=overlap, window=window, **binding)
        self._add_message_handler(handler, running)
        self.description = self.description or handler.description
        again = ChatHandler(fn, self.states, chat, command="retry", overlap=overlap, **binding)
        self.routes.add_command("retry", self._own_route("message", again, running))
        if editable:  # an edit waits for the turn that it takes back, whatever `overlap` says
            edited = ChatHandler(fn, self.states, chat, **binding)
            self.routes.add("edit", self._own_route("edit", edited, running))
        self._add_chat_commands(chat, handler.settings)

    def _add_chat_commands(self, chat: ChatOptions, settings: Sequence[Setting]) -> None:
        async def undo(turn: Turn) -> Reply:
            """Take back my last message and its answer."""
            await take_back(turn, chat.history, self.states)
            return Reply(say(self.sentences.of(turn.user.language), "undone"))

        async def clear(turn: Turn) -> Reply:
            """Forget this conversation."""
            log: list[Undo] = await turn.state(LOG)
            while log:
                await take_back(turn, chat.history, self.states)
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
