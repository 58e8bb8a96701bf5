"""`Interface`: a bot's handlers, and which of them an event goes to. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from chatstate.binding import TIMEOUT, Handler, Overlap
from chatstate.errors import BindingError
from chatstate.messages import Command, Message, MessageKind
from chatstate.sentences import Sentence, replaced, say
from chatstate.signature import author_frame
from chatstate.state import State, States

F = TypeVar("F", bound=Callable[..., Any])
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)
_COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")


class Interface:
    """A bot: functions of messages and state.

    - `fn` answers messages. With `inputs` and `outputs` it is bound by position, as in Gradio:
      `"text"`, `"number"`, `"json"`, `"state"` or `State(...)` for each parameter and for each
      returned value. Without them it is bound by annotation, as with `on_message`.
    - `id` is the bot's name in the store's keys: the file's name if not given.
    - `title` and `description` are shown by /start and /help.
    - `sentences` replaces what the framework itself says, by name.
    - `overlap` and `timeout` (seconds) are those of `fn`; see `on_message`.

    Raises `BindingError` for what cannot be bound.
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        inputs: Sequence[str | State] | str | State | None = None,
        outputs: Sequence[str | State] | str | State | None = None,
        *,
        id: str | None = None,
        title: str | None = None,
        description: str | None = None,
        sentences: Mapping[str, str] | None = None,
        overlap: Overlap = "queue",
        timeout: float = TIMEOUT,
    ) -> None:
        self.id = id or _file_stem()
        self.has_own_id = id is not None
        self.title = title or self.id
        self.description = description
        self.sentences = replaced(sentences)
        self.states = States()
        self._commands: dict[str, Handler] = {}
        self._handlers: dict[MessageKind, Handler] = {}
        if fn is not None:
            handler = Handler(
                fn,
                self.states,
                inputs=_many(inputs),
                outputs=_many(outputs),
                overlap=overlap,
                timeout=timeout,
            )
            self._handlers["message"] = handler
            self.description = description or handler.description
        self._add_own_command("help", self._help)
        self._add_own_command("start", self._help)
        self._own = set(self._commands)

    def __repr__(self) -> str:
        return f"<Interface {self.id!r}>"

    # Registration

    @overload
    def command(self, fn: F, /) -> F: ...
    @overload
    def command(
        self,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        overlap: Overlap = "queue",
        timeout: float = TIMEOUT,
    ) -> Callable[[F], F]: ...
    def command(
        self,
        fn: F | None = None,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        overlap: Overlap = "queue",
        timeout: float = TIMEOUT,
    ) -> F | Callable[[F], F]:
        """Register a handler for `/name`: by default the function's name.

        Its plain parameters are the command's arguments. The description, else the docstring's
        first line, is shown in help and menus. `overlap` and `timeout` as in `on_message`; with
        "interrupt" the command ends whatever turn runs in the conversation (a /stop).
        Raises `BindingError`.
        """

        def register(fn: F) -> F:
            command = str(name or getattr(fn, "__name__", "")).lower()
            if not _COMMAND_NAME.fullmatch(command):
                raise BindingError(
                    f"{command!r} cannot be a command: use 1 to 32 of a-z, 0-9 and _, "
                    "as in @bot.command(name=...)"
                )
            if command in self._commands and command not in self._own:
                raise BindingError(f"there is a command /{command} already")
            handler = Handler(
                fn,
                self.states,
                command=command,
                description=description,
                overlap=overlap,
                timeout=timeout,
            )
            self._commands.pop(command, None)  # our own stood before all others
            self._commands[command] = handler
            self._own.discard(command)
            return fn

        return register if fn is None else register(fn)

    @overload
    def on_message(self, fn: F, /) -> F: ...
    @overload
    def on_message(
        self, /, *, overlap: Overlap = "queue", timeout: float = TIMEOUT
    ) -> Callable[[F], F]: ...
    def on_message(
        self, fn: F | None = None, /, *, overlap: Overlap = "queue", timeout: float = TIMEOUT
    ) -> F | Callable[[F], F]:
        """Register the handler of messages that are no command, and of presses.

        - `overlap`: what a message does while an earlier one of the conversation is handled:
          "queue" (wait), "interrupt" (end that turn without effect, and drop those waiting from
          the same person), or "merge" (what waits from one person is handled together: the text
          is joined by line ends, `turn.messages` has each).
        - `timeout`: seconds after which a turn is given up.
        """

        def register(fn: F) -> F:
            return self._on("message", fn, overlap, timeout)

        return register if fn is None else register(fn)

    def on_edit(self, fn: F) -> F:
        """Register the handler of edited messages; without one, edits are ignored."""
        return self._on("edit", fn)

    def on_join(self, fn: F) -> F:
        """Register the handler of people who join a chat."""
        return self._on("join", fn)

    def on_leave(self, fn: F) -> F:
        """Register the handler of people who leave a chat."""
        return self._on("leave", fn)

    def _on(
        self, kind: MessageKind, fn: F, overlap: Overlap = "queue", timeout: float = TIMEOUT
    ) -> F:
        if kind in self._handlers:
            raise BindingError(f"there is a handler for {kind} already")
        self._handlers[kind] = Handler(fn, self.states, overlap=overlap, timeout=timeout)
        return fn

    def _add_own_command(self, name: str, fn: Callable[..., Any]) -> None:
        description = say(self.sentences, "help_help") if name == "help" else None
        self._commands[name] = Handler(fn, States(), command=name, description=description)

    # Routing

    @property
    def interrupts(self) -> bool:
        """Whether any event can end a running turn."""
        handlers = (*self._commands.values(), *self._handlers.values())
        return any(handler.overlap == "interrupt" for handler in handlers)

    @property
    def commands(self) -> list[Command]:
        """The commands a person may send, in the order of registration; /help is the last."""
        own = [name for name in self._commands if name not in self._own]
        names = [*own, "help"] if "help" in self._own else own
        return [self._describe(name) for name in names]

    def _describe(self, name: str) -> Command:
        handler = self._commands[name]
        return Command(
            name, handler.description, f"/{name}" if name in self._own else handler.usage
        )

    def route(self, message: Message) -> tuple[Handler, str] | None:
        """Return the handler for `message` and the text it gets; None if it is not handled.

        Raises `Sentence` if the person should be told so.
        """
        if message.kind == "message" and message.text.startswith("/"):
            found = _COMMAND.fullmatch(message.text)
            if found:
                name = found[1].lower()
                if name not in self._commands and message.chat.kind != "private":
                    return None  # it may be meant for another bot
                if name not in self._commands:
                    raise Sentence("unknown_command", command=found[1])
                return self._commands[name], found[3] or ""
        kind: MessageKind = "message" if message.kind == "press" else message.kind
        handler = self._handlers.get(kind)
        if handler is None:
            if kind == "message" and message.chat.kind == "private":
                raise Sentence("only_commands")
            return None
        return handler, message.text

    async def _help(self, _rest: str = "") -> str:
        lines = [self.title]
        if self.description:
            lines.append(self.description)
        lines += ["", say(self.sentences, "help_commands")]
        lines += [
            f"{command.usage} - {command.description}" if command.description else command.usage
            for command in self.commands
        ]
        return "\n".join(lines)

    # Running

    def run(
        self,
        *adapters: str,
        store: str | None = None,
        on_ambiguous: Literal["repeat", "hold"] = "repeat",
        log_level: str = "warning",
    ) -> None:
        """Run until the adapters end or the process is told to stop; like `chatstate run`.

        - `store` is a store URL; by default `sqlite:///chatstate.db`.
        - `on_ambiguous`: whether a reply that may or may not have been sent is sent again
          ("repeat"), or held among the dead letters ("hold").

        Ends the process with status 2 and one line on stderr if that cannot be done.
        """
        from chatstate.cli import run_bot
        from chatstate.plugins import refuse_while_loading

        refuse_while_loading()
        run_bot(
            self,
            list(adapters) or ["console"],
            store=store,
            on_ambiguous=on_ambiguous,
            log_level=log_level,
        )


def _many(given: Sequence[str | State] | str | State | None) -> Sequence[str | State] | None:
    return [given] if isinstance(given, str | State) else given


def _file_stem() -> str:
    frame = author_frame()
    file = frame.f_globals.get("__file__") if frame else None
    if not file:
        return "bot"
    path = Path(file)
    return path.parent.name if path.stem in ("__init__", "__main__") else path.stem
