"""The adapters' contract: places, contacts, polls and stickers.

1. What is shared is shown as such, or in words; with what is said above it.
2. A sticker that came can be sent again, by its id.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatstate.bot.turn import Turn
from chatstate.content import Contact, Content, Location, Sticker
from chatstate.files import File
from chatstate.replies import Button, Reply, sharing
from chatstate.testing.contracts.adapter.cards import PNG
from chatstate.testing.contracts.adapter.driver import Speaker
from chatstate.testing.contracts.adapter.script import POLL
from chatstate.testing.contracts.adapter.session import AdapterSuite, Session, only

PLACE = Location(52.5, 13.25, "Café *Nord*", "Street 1")
ROOM = Speaker("alice", "room")
SHARED: dict[str, Content] = {
    "locations": PLACE,
    "contacts": Contact("+49301234", "Alice"),
    "polls": POLL,
}


class SharedContract(AdapterSuite):
    """What a reply shares besides words and files."""

    async def test_what_is_shared_alone_is_shown(self, tmp_path: Path) -> None:
        """In a message of its own, or in its words."""
        given = iter(SHARED.values())
        async with self.session(tmp_path, lambda _: next(given)) as session:
            for name, shared in SHARED.items():
                message = only(await session.say("hi"))
                _check(session, name, shared, [message])
                assert not message.text or not getattr(session.capabilities, name)
            assert session.letters() == []

    async def test_a_place_without_a_name_is_shown(self, tmp_path: Path) -> None:
        """It is two numbers."""
        place = Location(-33.5, 151)
        async with self.session(tmp_path, lambda _: place) as session:
            _check(session, "locations", place, [only(await session.say("hi"))])

    async def test_what_is_shared_is_below_its_text(self, tmp_path: Path) -> None:
        """With the buttons, which hang on the text, and as an answer."""

        def answer(turn: Turn) -> Any:
            buttons, to = [Button("Thanks")], turn.message.id
            return Reply("Here:", buttons, reply_to=to, poll=POLL, silent=True)

        async with self.session(tmp_path, answer) as session:
            said = await session.say("hi")
            _check(session, "polls", POLL, said)
            assert said[0].text.startswith("Here:")
            assert "Thanks" in [*said[0].labels, *said[0].text.split()]
            assert session.letters() == []

    async def test_what_is_shared_ends_a_stream(self, tmp_path: Path) -> None:
        """It is a new message: what was shown before cannot become it."""

        async def stream(_turn: Turn) -> Any:
            yield "wait"
            yield sharing(POLL)

        async with self.session(tmp_path, stream) as session:
            _check(session, "polls", POLL, await session.say("hi"))
            assert session.letters() == []

    async def test_a_sticker_that_came_is_sent_again(self, tmp_path: Path) -> None:
        """It is told as such, and in words; below a text it is shown, or its words are."""

        def answer(turn: Turn) -> Any:
            return Reply("This one:", sticker=turn.message.sticker)

        async with self.session(tmp_path, answer) as session:
            seen, before = session.watched.taken, session.shown(ROOM)
            sent = await session.driver.send_sticker(ROOM)
            shown = await session.answers(ROOM, seen, before)
            (heard,) = session.script.heard
            assert heard.sticker, "what is sent is `Message.sticker`"
            assert (heard.sticker.id, heard.text) == (sent, heard.sticker.words)
            assert shown[0].text.startswith("This one:")
            assert session.letters() == []
            if not session.capabilities.stickers:
                assert heard.text in shown[0].text, f"its words are lost: {shown}"
                return
            stickers = [said.shared.id for said in shown if isinstance(said.shared, Sticker)]
            assert stickers == [sent], f"it is not shown: {shown}; look at `Post.shared`"

    async def test_a_sticker_that_is_not_there_is_words(self, tmp_path: Path) -> None:
        """Where there are no stickers; elsewhere a file may be one, and is a file at least."""
        sticker = Sticker("100", "👍", "wave")
        replies = iter([Reply("Hi:", sticker=sticker), Reply(sticker=File(PNG, "hi.png"))])
        async with self.session(tmp_path, lambda _: next(replies)) as session:
            if not session.capabilities.stickers:
                assert "👍" in only(await session.say("hi")).text
            else:
                next(replies)
            message = only(await session.say("hi"))
            if session.capabilities.files:
                assert [file.data for file in message.files] == [PNG]
            else:
                assert "hi.png" in message.text


def _check(session: Session, name: str, shared: Content, said: Any) -> None:
    if getattr(session.capabilities, name):
        shown = [message.shared for message in said if message.shared]
        assert shown == [shared], f"it is not shown: {said}; look at `Post.shared`"
    else:
        text = "\n".join(message.text for message in said)
        assert shared.words in text, f"its words are lost: {text!r}"
