"""The adapters' contract: places, contacts and polls.

1. What is shared is shown as such, or in words; with what is said above it.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatstate.bot.turn import Turn
from chatstate.content import Contact, Content, Location, Poll
from chatstate.replies import Button, Reply, sharing
from chatstate.testing.contracts.adapter.session import AdapterSuite, Session, only

PLACE = Location(52.5, 13.25, "Café *Nord*", "Street 1")
POLL = Poll("Lunch?", ("Pizza", "No *thanks*"), several=True, anonymous=False)
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


def _check(session: Session, name: str, shared: Content, said: Any) -> None:
    if getattr(session.capabilities, name):
        shown = [message.shared for message in said if message.shared]
        assert shown == [shared], f"it is not shown: {said}; look at `Post.shared`"
    else:
        text = "\n".join(message.text for message in said)
        assert shared.words in text, f"its words are lost: {text!r}"
