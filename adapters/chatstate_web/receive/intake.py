"""Takes in what people do: first onto their page, then to the bot, both once under its key.

1. What is posted again was not acknowledged: it is done again, and known by its key.
2. Who is answered that it is taken need not keep it: it is durable.
3. A file is kept before the message that it came with.
4. What begins a form is answered with its questions, and taken once they are answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from starlette.datastructures import UploadFile

from chatstate.adapter import Host, PageMessage, PostForm
from chatstate.files import is_media_type, safe_name, type_of
from chatstate_web.live import Live
from chatstate_web.receive.cookies import Person
from chatstate_web.receive.inspector import Inspector
from chatstate_web.receive.wire import Said, body_of, event_of
from chatstate_web.send import parts
from chatstate_web.send.calls import amend, file_key
from chatstate_web.send.parts import Body, PageFile

_FORM_SECONDS = 5.0


class NothingThereError(Exception):
    """What was to be changed is not there, or not theirs."""


class Intake:
    """Takes in for one account. Files of more than `file_bytes` are told of, and not kept."""

    def __init__(self, host: Host, live: Live, inspector: Inspector, file_bytes: int) -> None:
        self._host = host
        self._transcript = host.transcript
        self._live = live
        self._inspector = inspector
        self._file_bytes = file_bytes

    async def take(
        self, person: Person, said: Said, uploads: Sequence[UploadFile], language: str | None
    ) -> PostForm | None:
        """Take something in; return a form instead, if that is what it begins.

        Raises `NothingThereError` where it names a message that cannot be meant.
        """
        on = await self._meant(person, said)
        if not uploads and (form := await self._form(person, said, language, on)):
            return form
        if not said.is_written:
            await self._host.deliver([event_of(said, person, language, None, on)])
            await self._show(person, said)
            return None
        files = [await self._keep(person, said, n, upload) for n, upload in enumerate(uploads)]
        body = body_of(said, files)
        written = await self._transcript.write(
            PageMessage(person.id, said.key, parts.json_of(body), said.thread, body.keys)
        )
        self._live.tell(person.id)
        event = event_of(said, person, language, written, on, files)
        await self._inspector.watched(person, said.key, lambda: self._host.deliver([event]))
        return None

    def stop(self, person: Person, thread: str) -> None:
        """End the answer that is being written in a thread; the bot says what was shown of it."""
        self._host.interrupt(person.id, thread or None)

    async def _meant(self, person: Person, said: Said) -> tuple[PageMessage, Body] | None:
        """Return the message that is named."""
        if not said.message:
            if said.do == "say":
                return None
            raise NothingThereError
        found = await self._transcript.find(person.id, int(said.message))
        if found is None or found.body is None:
            if said.do in ("edit", "react"):
                raise NothingThereError
            return None
        body = parts.body_of(found.body)
        if said.do == "edit" and body.by != "you":
            raise NothingThereError
        return found, body

    async def _form(
        self,
        person: Person,
        said: Said,
        language: str | None,
        on: tuple[PageMessage, Body] | None,
    ) -> PostForm | None:
        asking = self._host.form(event_of(said, person, language, None, on))
        if asking is None:
            return None
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(_waited(asking), _FORM_SECONDS)
        return None

    async def _show(self, person: Person, said: Said) -> None:
        """Show what has become of a message that was edited, or reacted to."""

        def change(before: Body) -> Body:
            if said.do == "edit":
                return msgspec.structs.replace(before, text=said.text, edited=True)
            return parts.reacted(before, "you", said.text)

        await amend(self._transcript, person.id, said.message, change)
        self._live.tell(person.id)

    async def _keep(self, person: Person, said: Said, number: int, upload: UploadFile) -> PageFile:
        name, size = safe_name(upload.filename or ""), upload.size or 0
        claimed = upload.content_type or ""
        media_type = claimed if is_media_type(claimed) else type_of(name)
        if size > self._file_bytes:
            return PageFile(name, media_type, size)
        key = file_key(person.id, said.key, number)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "upload")
            await asyncio.to_thread(_copy, upload, path)
            await self._transcript.keep(key, path)
        return PageFile(name, media_type, size, key)


async def _waited(asking: Any) -> PostForm | None:
    form: PostForm | None = await asking
    return form


def _copy(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as copy:
        shutil.copyfileobj(upload.file, copy)
