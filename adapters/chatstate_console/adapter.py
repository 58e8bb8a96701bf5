"""The console as a platform: what is typed becomes events, what the bot says is shown.

1. Lines are read and done in order. A line that cannot be done is told, and is no event.
2. What cannot be changed on a terminal is printed again, below a line that names it.
3. Who cannot be written to any more ends the console; what is owed to it is refused.
4. What can be pressed after a restart is in the cursor: lines have none.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from chatstate import AdapterError, Attachment, Rejected
from chatstate.adapter import (
    Action,
    Adapter,
    Host,
    Part,
    Post,
    Sent,
    StoredFile,
    Updates,
    options_from,
    pip_line,
)
from chatstate_console.options import ConsoleOptions
from chatstate_console.pipe import Pipe
from chatstate_console.receive.choosing import Misread
from chatstate_console.receive.downloads import download
from chatstate_console.receive.lines import HELP, Do, Misspelt, Place, Say, read
from chatstate_console.receive.stdin import said_to_the_bot
from chatstate_console.send import parts
from chatstate_console.send.files import keep
from chatstate_console.send.parts import Entry
from chatstate_console.session import Session
from chatstate_console.view import View

_LIBRARIES = ("prompt_toolkit", "rich")
_DUMB = ("dumb", "unknown")


class ConsoleAdapter(Adapter):
    """Talks with whoever sits at the terminal, or with what is piped in.

    `options`, or options by name, are those of `ConsoleOptions`: `user` speaks first, in `chat`;
    `:as` and `:in` change that, and `user` is an admin of all groups. `stdin` is a file descriptor.
    Raises `AdapterError` for options that cannot be, or if a terminal needs a library that is not
    installed.
    """

    Options = ConsoleOptions
    name = "console"
    account = "local"
    updates = Updates(frozenset())  # people write and press here, and that is all

    def __init__(
        self,
        options: ConsoleOptions | None = None,
        *,
        stdin: int = 0,
        stdout: TextIO | None = None,
        **named: Any,
    ) -> None:
        self.options = options_from(ConsoleOptions, options, named, adapter=self.name)
        self.session = Session(self.options.user, self.options.chat, self.options.groups)
        self._files = Path(self.options.files)
        self._view = _view(self.session, stdin, stdout or sys.stdout, self.options)
        self.capabilities = self._view.capabilities
        self._failure: AdapterError | None = None
        self._unsaved = asyncio.Event()

    async def run(self, host: Host) -> None:
        """Read until the end of input or `:quit`. Raises `AdapterError` if nobody reads replies."""
        self.session.bot = host.about.id
        if host.cursor:
            self.session.restore(host.cursor)
        saving = asyncio.create_task(self._save(host))
        try:
            with said_to_the_bot():
                await self._converse(host)
        finally:
            saving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saving
        if self._failure:
            raise self._failure

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        return (parts.part(post),)

    async def perform(self, action: Action) -> Sent:
        """Show what the bot says or does."""
        where = Place(action.chat, action.thread)
        if action.verb == "typing":
            self._view.typing(where)
            return Sent()
        if action.verb == "finish":
            self._finish(where, action)
            return Sent()
        if action.preview:
            self._view.preview(where, action.key, parts.post(action.part).text)
            return Sent()  # without an id, so that the answer is printed once, below all others
        try:
            return await self._show(where, action)
        except AdapterError as error:
            self._failure = error
            raise Rejected(str(error)) from error

    def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Return the bytes of a file that was sent with `:send`."""
        return download(attachment)

    async def forget(self, user: str) -> bool:  # noqa: ARG002 - whoever types, it is one history
        """See `Adapter.forget`: what was typed here is erased, whoever it was."""
        return self._view.forget()

    async def is_admin(self, chat: str, user: str) -> bool:  # noqa: ARG002 - the same everywhere
        """Tell whether this is who has started the console; all others are guests."""
        return user == self.options.user

    async def private_chat(self, user: str) -> str:
        """Return the chat with somebody: `chat` for whoever has started the console."""
        return self.options.chat if user == self.options.user else user

    async def _converse(self, host: Host) -> None:
        async with contextlib.aclosing(self._view.lines(host)) as lines:
            async for line in lines:
                meaning = read(line)
                if meaning == Do("quit", ""):
                    return
                if isinstance(meaning, Misspelt):
                    self._view.tell(f"[{meaning.told}]")
                else:
                    await self._do(meaning, host)
                if self._failure:
                    return

    async def _save(self, host: Host) -> None:
        """Keep what can be pressed after a restart. The cursor is free for it: lines have none."""
        while True:
            await self._unsaved.wait()
            self._unsaved.clear()
            await host.deliver([], self.session.saved())

    async def _do(self, meaning: Say | Do, host: Host) -> None:
        where = self.session.place
        try:
            event = self.session.event(meaning)
        except Misread as misread:
            self._view.tell(f"[{misread}]")
            return
        if event:
            (receipt,) = await host.deliver([event])
            await self._view.delivered(where, receipt)
        elif meaning == Do("help", ""):
            self._view.tell(HELP)

    def _finish(self, where: Place, action: Action) -> None:
        """Show that nothing was answered: what is behind something that was shown is an answer."""
        if not action.number:
            self._view.show(where, Entry([*self._heads(where), "[no reply]"]))

    def _heads(self, where: Place) -> list[str]:
        return [] if where == self.session.place else [f"[in {where.title}]"]

    async def _show(self, where: Place, action: Action) -> Sent:
        heads = self._heads(where)
        if action.verb == "delete":
            before = self.session.deleted(str(action.message))
            self._view.show(where, Entry([*heads, parts.removes(before)]))
            self._unsaved.set()
            return Sent()
        post = parts.post(action.part)
        if post.reaction is not None:
            on = self.session.find(action.message)
            self._view.show(where, Entry([*heads, parts.reacts(post.reaction, on)]))
            return Sent()
        files = [await self._keep(file) for file in post.files]
        if action.verb == "edit":
            before, said = self.session.edited(str(action.message), where, post)
            heads.append(parts.replaces(before))
        else:
            said = self.session.sent(where, post)
            heads += parts.answers(post, self.session.find(post.reply_to))
        buttons = parts.button_lines(post)
        entry = Entry(heads, post.text, files, buttons, said.number, post.card)
        self._view.show(where, entry)
        if said.number:
            self._unsaved.set()
        return Sent(said.id)

    async def _keep(self, file: StoredFile) -> str:
        try:
            path = await keep(file, self._files)
        except Rejected as error:
            self._view.tell(f"[{error}]")
            raise
        return parts.file_line(path, file.size)


def _view(session: Session, stdin: int, stdout: TextIO, options: ConsoleOptions) -> View:
    at_terminal = os.isatty(stdin) and stdout.isatty()
    if not at_terminal or os.environ.get("TERM") in _DUMB:
        return Pipe(stdin, stdout)
    try:
        from chatstate_console.terminal import Terminal
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        raise AdapterError(
            f"a terminal needs {error.name}: {pip_line('chatstate', 'console')}; "
            "without it the console works in a pipe"
        ) from error
    return Terminal(session, stdin, stdout, options.history, options.resume)
