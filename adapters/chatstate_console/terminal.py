"""The console at a terminal: a prompt below, all that is said above it.

1. The prompt's application runs all the time, so that what is typed is never lost or garbled.
2. All output passes `_print`, which takes the prompt away, writes, and lets it be drawn again.
3. However `lines` ends, the terminal is left as it was found.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from typing import Literal, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Size
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output
from prompt_toolkit.renderer import CPR_Support
from prompt_toolkit.styles import Style

from chatstate.adapter import Capabilities, Host, Receipt
from chatstate.text import StyledText, one_line
from chatstate_console.receive.completion import Completions
from chatstate_console.receive.history import Kept, file_for
from chatstate_console.receive.lines import Place
from chatstate_console.receive.resuming import Interrupted, keep, take_up
from chatstate_console.send.painting import Painter
from chatstate_console.send.parts import Entry
from chatstate_console.send.redirection import redirected
from chatstate_console.session import Session
from chatstate_console.view import CHOICES, unread

_TYPING_SECONDS = 5.0
_PREVIEW_PAUSE = 0.1
_LEAVING = "Ctrl-D leaves, :help says more."
_AGAIN = "[the bot runs again]"
_FINISHING = "[waiting for what still runs; Ctrl-C stops it]"
_STYLE = Style.from_dict({"who": "bold ansicyan", "rprompt": "italic"})
Leaving = Literal["end", "interrupt"]


class Terminal:
    """See `View`; `session` is who speaks and where. `stdin` is a file descriptor."""

    capabilities = Capabilities(
        markup=True,
        **CHOICES,
        files=True,
        edit=True,
        edit_pause=_PREVIEW_PAUSE,
        reactions=True,
        typing=_TYPING_SECONDS,
        threads=True,
        reply_to=True,
        finish=True,
        cards=True,
    )

    def __init__(
        self, session: Session, stdin: int, stdout: TextIO, history: str = "", resume: str = ""
    ) -> None:
        self._session = session
        self._stdout = stdout
        self._output = create_output(stdout)
        self._painter = Painter(lambda: self._output.get_size().columns)
        self._completions = Completions(session)
        self._entered: asyncio.Queue[str | None] = asyncio.Queue()
        self._previews: dict[str, tuple[Place, StyledText]] = {}
        self._typing: dict[Place, float] = {}
        self._waiting: Counter[Place] = Counter()
        self._watchers: set[asyncio.Task[None]] = set()
        self._painted: StyleAndTextTuples = []
        self._painted_for: tuple[StyledText | None, Size | None] = (None, None)
        self._kept_in = history
        self._resume = resume
        self._history = Kept(self.tell)
        self._interrupts: Callable[[str, str | None], bool] = lambda _chat, _thread: False
        self._prompt = self._new_prompt(stdin)

    async def lines(self, host: Host) -> AsyncGenerator[str]:
        """See `View.lines`."""
        self._completions.commands = host.commands
        self._completions.ask = lambda typing: host.complete(self._session.typing(typing))
        self._interrupts = host.interrupt
        self._history.path = file_for(host.about.id, self._kept_in)
        prompting = asyncio.create_task(self._prompting())
        try:
            with redirected(lambda lines: self._print(self._painter.printed(lines))):
                self._begin(host)
                while (line := await self._entered.get()) is not None:
                    self._print(self._painter.spoken(self._who(), line))
                    yield line
            if self._waiting.total():
                self.tell(_FINISHING)
            if await prompting == "interrupt":
                signal.raise_signal(signal.SIGINT)
                await asyncio.get_running_loop().create_future()  # until it has had its effect
        finally:
            typed = self._prompt.default_buffer.text
            keep(self._resume, Interrupted(self._session.user, self._session.place, typed))
            prompting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await prompting
            for watcher in self._watchers:
                watcher.cancel()

    def forget(self) -> bool:
        """See `View.forget`."""
        return self._history.erase()

    async def delivered(self, where: Place, receipt: Receipt) -> None:
        """See `View.delivered`: the next line is read at once."""
        self._waiting[where] += 1
        watcher = asyncio.create_task(self._watch(where, receipt))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    def show(self, where: Place, entry: Entry) -> None:
        """See `View.show`."""
        self._forget(where)
        self._print(self._painter.entry(entry))

    def tell(self, text: str) -> None:
        """See `View.tell`."""
        self._print(self._painter.told(text))

    def preview(self, where: Place, key: str, text: StyledText) -> None:
        """See `View.preview`: its last rows stand above the prompt."""
        self._previews[key] = (where, text)
        self._prompt.app.invalidate()

    def typing(self, where: Place) -> None:
        """See `View.typing`."""
        loop = asyncio.get_running_loop()
        self._typing[where] = loop.time() + _TYPING_SECONDS
        loop.call_later(_TYPING_SECONDS, self._prompt.app.invalidate)
        self._prompt.app.invalidate()

    # What runs

    def _begin(self, host: Host) -> None:
        """Tell who is there; go on with what was interrupted, if something was."""
        before = take_up(self._resume)
        if before is None:
            self._print(self._painter.welcome(host.about, host.commands))
            self.tell(_LEAVING)
            return
        self._session.go_on(before.user, before.place)
        self._prompt.default_buffer.insert_text(before.typed)
        self.tell(_AGAIN)

    async def _prompting(self) -> Leaving:
        try:
            return await self._prompt.app.run_async(
                handle_sigint=False, set_exception_handler=False
            )
        except EOFError:
            return "end"
        except OSError as error:  # the terminal is gone
            unread(self._stdout, error)
            return "end"
        finally:
            self._entered.put_nowait(None)

    async def _watch(self, where: Place, receipt: Receipt) -> None:
        await receipt.settled()
        self._waiting[where] -= 1
        if not self._waiting[where]:
            del self._waiting[where]
            self._forget(where)
            self._prompt.app.invalidate()

    def _forget(self, where: Place) -> None:
        self._typing.pop(where, None)
        self._previews = {key: shown for key, shown in self._previews.items() if shown[0] != where}

    def _print(self, text: str) -> None:
        app = self._prompt.app
        try:
            if app.is_running:
                app.renderer.erase()
            self._output.write_raw(text)
            self._output.flush()
        except OSError as error:
            raise unread(self._stdout, error) from error
        app.invalidate()

    # The prompt

    def _new_prompt(self, stdin: int) -> PromptSession[Leaving]:
        prompt: PromptSession[Leaving] = PromptSession(
            self._message,
            rprompt=self._right,
            style=_STYLE,
            history=self._history,
            completer=self._completions,
            complete_while_typing=Condition(
                lambda: self._completions.is_wanted(prompt.default_buffer.text)
            ),
            key_bindings=_keys(self._interrupt),
            enable_suspend=True,
            erase_when_done=True,
            input=create_input(open(stdin, closefd=False)),  # noqa: SIM115 - it is not ours to close
            output=self._output,
        )
        prompt.default_buffer.accept_handler = self._accept
        prompt.app.renderer.cpr_support = CPR_Support.NOT_SUPPORTED  # no need to know the row
        return prompt

    def _interrupt(self) -> bool:
        """End the answer that is being written where one is; tell whether there was one."""
        return self._interrupts(*self._session.place)

    def _accept(self, buffer: Buffer) -> bool:
        text = buffer.text.encode(errors="surrogateescape").decode(errors="replace")
        if text.strip():
            self._entered.put_nowait(text)
        return False  # the prompt is empty again

    def _who(self) -> str:
        return f"{one_line(self._session.user)}@{one_line(self._session.place.title)}> "

    def _message(self) -> StyleAndTextTuples:
        return [*self._preview_rows(), ("class:who", self._who())]

    def _right(self) -> str:
        ends = self._typing.get(self._session.place, 0.0)
        is_typing = asyncio.get_running_loop().time() < ends
        return "bot is typing" if is_typing and not self._preview_rows() else ""

    def _preview_rows(self) -> StyleAndTextTuples:
        newest = None
        for where, text in self._previews.values():
            newest = text if where == self._session.place else newest
        wanted = newest, self._output.get_size()
        if wanted != self._painted_for:
            self._painted_for = wanted
            rows = max(wanted[1].rows // 2, 1)
            shown = self._painter.preview(newest, rows) + "\n" if newest else ""
            self._painted = to_formatted_text(ANSI(shown))
        return self._painted


def _keys(interrupts: Callable[[], bool]) -> KeyBindings:
    keys = KeyBindings()
    at_prompt = has_focus(DEFAULT_BUFFER)

    @keys.add("c-c", filter=at_prompt)
    def interrupt(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        elif not interrupts():
            event.app.exit(result="interrupt")

    @keys.add("c-d", filter=at_prompt & Condition(lambda: not get_app().current_buffer.text))
    def end(event: KeyPressEvent) -> None:
        event.app.exit(result="end")

    @keys.add("escape", "enter", filter=at_prompt)
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
