"""The adapters' contract: files, both ways.

1. A file arrives with its name and its bytes, in its order, and with the text it goes with.
2. One that cannot be sent, or is too large, is told of; the text is sent all the same.
3. A file that is owed outlives the process.
4. What came is sent again by its id, and what lies in the web by its address; or one is told of it.
5. What was received can be fetched again: a form and a chat's history do so in later turns.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from unittest import SkipTest

from chatstate.bot.turn import Turn
from chatstate.errors import SendError
from chatstate.files import Attachment, File, readable_size
from chatstate.language.en import ENGLISH
from chatstate.language.sentences import say
from chatstate.replies import Reply
from chatstate.testing.contracts.adapter.cards import PNG
from chatstate.testing.contracts.adapter.sending import owe
from chatstate.testing.contracts.adapter.session import ALICE, AdapterSuite, Session, only
from chatstate.testing.delivered import SentFile

DATA = bytes(itertools.islice(itertools.cycle(range(256)), 300_000))
NOTES = File(b"a\r\n\x00\xff\n", "notes.txt")
LARGEST = 50_000_000  # a larger limit is not tried out


class FilesContract(AdapterSuite):
    """Files arrive with their names and all their bytes."""

    async def test_a_file_is_sent(self, tmp_path: Path) -> None:
        """With its text, its name and its bytes; or as a note, where files cannot be sent."""
        async with self.session(tmp_path, lambda _: Reply("Here:", files=[NOTES])) as session:
            replies = await session.say("hi")
            text = " ".join(reply.text for reply in replies)
            assert text.startswith("Here:")
            if session.capabilities.files:
                sent = _sent([file for reply in replies for file in reply.files])
                assert sent == [("notes.txt", NOTES.read())], f"sent: {sent}"
            else:
                note = say(ENGLISH, "file", file="notes.txt", size=readable_size(6))
                assert note in text, f"the note about the file is missing in {text!r}"

    async def test_files_without_a_text_are_sent_in_order(self, tmp_path: Path) -> None:
        """Large ones too, each under its own name."""
        files = [File(DATA, "größte 1.bin"), NOTES]
        async with self.session(tmp_path, lambda _: Reply(files=files)) as session:
            session.needs("files")
            replies = await session.say("hi")
            sent = [file for reply in replies for file in reply.files]
            assert [file.name for file in sent] == ["größte 1.bin", "notes.txt"]
            assert [file.data for file in sent] == [DATA, NOTES.read()], "bytes were changed"

    async def test_voice_notes_are_sent_in_order(self, tmp_path: Path) -> None:
        """As such, or as files, with all their bytes."""
        files = [File(DATA, "one.ogg", "audio/ogg", voice=True), File(b"2", "2.mp3", voice=True)]
        async with self.session(tmp_path, lambda _: Reply("Listen:", files=files)) as session:
            session.needs("files")
            sent = [file.data for reply in await session.say("hi") for file in reply.files]
            assert sent == [DATA, b"2"], "a voice note is lost, changed or out of order"
            assert session.letters() == []

    async def test_a_file_that_is_too_large_is_told_of(self, tmp_path: Path) -> None:
        """A note says so, and the text is sent."""
        async with self.session(tmp_path, lambda _: Reply("Here:", files=[file])) as session:
            limit = _limit(session)
            file = File(bytes(limit + 1), "large.bin")
            reply = only(await session.say("hi"))
            size = readable_size(limit + 1)
            note = say(ENGLISH, "file_too_large", file="large.bin", size=size)
            assert (reply.text, list(reply.files)) == (f"Here:\n\n{note}", [])

    async def test_a_file_that_came_is_sent_again_by_its_id(self, tmp_path: Path) -> None:
        """Without being fetched; where there are no such ids, one is told that it cannot be."""

        def answer(turn: Turn) -> Reply:
            ids = [attachment.id for attachment in turn.message.attachments]
            return Reply("Here:", files=[File(id=ids[0] or "elsewhere", name="a.txt")])

        async with self.session(tmp_path, answer) as session:
            session.needs("files")
            said = await session.say("look", files=[SentFile("a.txt", "text/plain", DATA)])
            if session.capabilities.file_ids:
                sent = [file.data for reply in said for file in reply.files]
                assert sent == [DATA], "`Attachment.id` is what a file is sent again by"
            else:
                note = say(ENGLISH, "file_elsewhere", file="a.txt")
                assert note in only(said).text, f"it is not told of: {said}"
            assert session.letters() == []

    async def test_a_file_is_sent_by_its_address(self, tmp_path: Path) -> None:
        """With its text, and without being copied; or its address is shown."""
        reply = Reply("Here:", files=[File(url="https://example.com/sky.png")])
        async with self.session(tmp_path, lambda _: reply) as session:
            if session.capabilities.file_urls:
                session.driver.publish("https://example.com/sky.png", PNG)
            said = await session.say("hi")
            text = " ".join(message.text for message in said)
            sent = [file.data for message in said for file in message.files]
            assert text.startswith("Here:")
            if session.capabilities.file_urls:
                assert sent == [PNG], f"what lies at `StoredFile.url` was not sent: {said}"
            else:
                assert "https://example.com/sky.png" in text

    async def test_an_address_that_leads_nowhere_is_told(self, tmp_path: Path) -> None:
        """Whoever reads it may try it; it is no dead letter."""
        address = "https://example.com/gone.png"
        reply = Reply("Here:", files=[File(url=address)])
        async with self.session(tmp_path, lambda _: reply) as session:
            said = await session.say("hi")
            shown = [message.text for message in said]
            shown += [file.url for message in said for file in message.files]
            assert any(address in part for part in shown), f"the address is lost: {said}"
            assert session.letters() == []

    async def test_a_file_that_is_owed_outlives_a_restart(self, tmp_path: Path) -> None:
        """It is sent when the platform can be reached again."""
        async with self.session(tmp_path, lambda _: NOTES) as session:
            session.needs("files")
            await owe(session, "hi")
            await session.stop(hurry=True)
            await session.driver.reconnect()
            await session.start()
            await session.until(session.shown, "a file that is owed is not sent", advancing=1.0)
            assert [_sent(reply.files) for reply in session.shown()] == [
                [("notes.txt", NOTES.read())]
            ]

    async def test_a_file_is_received(self, tmp_path: Path) -> None:
        """With its text, its name, its type and its bytes."""

        async def answer(turn: Turn) -> str:
            for attachment in turn.message.attachments:
                file = await turn.download(attachment)
                received.append((file.name, file.media_type, file.read()))
            return "thanks"

        received: list[tuple[str, str, bytes]] = []
        async with self.session(tmp_path, answer) as session:
            session.needs("files")
            files = [SentFile("a b.png", "image/png", DATA)]
            reply = only(await session.say("look", files=files))
            assert reply.text == "thanks"
            assert session.script.heard[0].text == "look", "the text that came with a file is lost"
            assert received == [("a b.png", "image/png", DATA)], (
                f"`Message.attachments` were {session.script.heard[0].attachments}; "
                "`open` must give the bytes of what the `ref` of one names"
            )

    async def test_a_received_file_can_be_fetched_in_a_later_turn(self, tmp_path: Path) -> None:
        """By what `Message.attachments` told, also after a restart."""

        async def answer(turn: Turn) -> str:
            sent.extend(turn.message.attachments)
            try:
                file = await turn.download(sent[0])
            except SendError as error:
                raise AssertionError("a `ref` must be good for more than one turn") from error
            received.append(file.read())
            return turn.text

        sent: list[Attachment] = []
        received: list[bytes] = []
        async with self.session(tmp_path, answer) as session:
            session.needs("files")
            await session.say("look", files=[SentFile("a.png", "image/png", DATA)])
            await session.say("again")
            await session.restart()
            await session.say("and again")
            assert received == [DATA] * 3, "a `ref` must be good for more than one turn"

    async def test_a_file_that_cannot_be_had_now_is_received_later(self, tmp_path: Path) -> None:
        """It is asked for again; nobody is told that it is gone."""

        async def answer(turn: Turn) -> str:
            try:
                received.append((await turn.download(turn.message.attachments[0])).read())
            except SendError as error:
                refused.append(error)
            return "thanks"

        received: list[bytes] = []
        refused: list[SendError] = []
        async with self.session(tmp_path, answer) as session:
            session.needs("files")
            session.driver.withhold()
            await session.driver.say(ALICE, "look", files=[SentFile("a.png", "image/png", DATA)])
            await session.until(session.shown, "the message is not answered", advancing=1.0)
            assert received == [DATA], (
                f"`open` raised {refused}: let it be `Unreachable`, `RetryAfter` or `Ambiguous` if "
                "the file may be had later"
            )

    async def test_a_received_file_that_is_too_large_is_refused(self, tmp_path: Path) -> None:
        """Its sender is told how much is taken."""

        async def answer(turn: Turn) -> str:
            await turn.download(turn.message.attachments[0])
            return "thanks"

        async with self.session(tmp_path, answer) as session:
            session.needs("files")
            able = session.capabilities
            limit = _tried(able.received_bytes or able.file_bytes)
            files = [SentFile("large.bin", "application/octet-stream", bytes(limit + 1))]
            reply = only(await session.say("look", files=files))
            size = readable_size(limit)
            told = say(ENGLISH, "received_too_large", file="large.bin", size=size)
            assert reply.text == told


def _sent(files: Sequence[SentFile]) -> list[tuple[str, bytes]]:
    return [(file.name, file.data) for file in files]


def _limit(session: Session) -> int:
    """Return how large a file may be that is sent, if that can be tried out."""
    session.needs("files")
    return _tried(session.capabilities.file_bytes)


def _tried(limit: int) -> int:
    if limit > LARGEST:
        raise SkipTest(f"files of more than {limit} bytes are too large for a test")
    return limit
