"""The adapters' contract: calls by a platform's own names.

1. A call is made in its place among the replies, in the chat and the thread of its turn.
2. It is not made again while nobody knows whether it was; what stands behind it goes on.
3. What a platform returns is JSON, and comes back to the conversation.
4. Where it is another platform's, what is said otherwise is shown.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from chatstate.bot.turn import Turn
from chatstate.errors import ReplyError
from chatstate.replies import Native, Reply
from chatstate.testing.contracts.adapter.driver import Speaker
from chatstate.testing.contracts.adapter.session import ALICE, AdapterSuite

ELSEWHERE = "a platform that nobody has"


class NativesContract(AdapterSuite):
    """Calls by a platform's own names, as what they do is shown."""

    async def test_a_call_is_made_in_its_place(self, tmp_path: Path) -> None:
        """After what was owed before, and before what is owed after it."""
        native: list[Any] = []
        async with self.session(tmp_path, lambda _: ["before", *native, "after"]) as session:
            session.needs("native")
            native.append(session.driver.native("between"))
            await session.say("hi")
            assert session.texts() == ["before", "between", "after"]

    async def test_a_call_is_made_where_it_is_owed(self, tmp_path: Path) -> None:
        """Without being told so: in the thread of a group, and nowhere else."""
        native: list[Any] = []
        async with self.session(tmp_path, lambda _: native) as session:
            session.needs("native", "threads")
            native.append(session.driver.native("here"))
            there = Speaker(chat="room", thread="topic")
            await session.say("hi", there)
            assert session.texts(there) == ["here"]
            assert session.texts(Speaker(chat="room")) == [], "it is shown outside of its thread"

    async def test_a_call_names_a_message_that_is_not_sent_yet(self, tmp_path: Path) -> None:
        """It is made once that is, with its id: of a reply, and of what another call has made."""

        async def answer(turn: Turn) -> Any:
            said, called = await turn.send("one"), await turn.send(native[0])
            return ["three", deletion(said), deletion(called)]

        native: list[Native] = []
        async with self.session(tmp_path, answer) as session:
            session.needs("native")
            native.append(session.driver.native("two"))
            deletion = session.driver.native_deletion
            await session.say("hi")
            assert session.texts() == ["three"]
            assert session.letters() == []

    async def test_a_call_in_doubt_is_not_made_again(self, tmp_path: Path) -> None:
        """Though replies are repeated: it may have been a payment."""

        def answer(turn: Turn) -> Any:
            return [*native, "after"] if turn.text == "pay" else turn.text

        native: list[Any] = []
        async with self.session(tmp_path, answer, on_ambiguous="repeat") as session:
            session.needs("native")
            native.append(session.driver.native("paid"))
            session.driver.fail("lose")
            await session.driver.say(ALICE, "pay")
            await session.until(lambda: session.watched.receipts, "nothing is delivered")
            await session.settled(advancing=1.0)
            assert session.texts() == ["paid", "after"]
            held = [letter for letter in session.letters() if not letter.startswith("held")]
            assert held == [], "it was made, so it is noted as made, or held"

    async def test_what_a_call_returns_is_told(self, tmp_path: Path) -> None:
        """To the conversation, with the id of the message that it has made, as JSON types."""
        native: list[Any] = []
        async with self.session(tmp_path, lambda _: native) as session:
            session.needs("native")
            native.append(session.driver.native("made"))
            await session.say("hi")
            await session.until(lambda: session.script.sent, "`Sent.result` is told to nobody")
            (told,), (shown,) = session.script.sent, session.shown()
            assert told.id == shown.id, "`Sent.message_id` must be that of the message it made"
            raw = msgspec.json.decode(msgspec.json.encode(told.raw))
            assert raw["result"], "`Sent.result` must be what the platform has returned"

    async def test_what_would_lead_elsewhere_is_an_error(self, tmp_path: Path) -> None:
        """Another chat is no argument: what is owed there would lose its order."""
        async with self.session(tmp_path) as session:
            session.needs("native")
            call = session.driver.native_elsewhere()
            try:
                session.watched.native(call)
            except ReplyError:
                return
            raise AssertionError("`native` must raise `ReplyError` for a call that names a chat")

    async def test_another_platform_gets_what_is_said_otherwise(self, tmp_path: Path) -> None:
        """A call of a platform's that is not this one, and what a reply adds there."""
        other = Native("call", on=ELSEWHERE, otherwise="instead")
        added = Reply("plain", native={ELSEWHERE: {"text": "none of it"}})
        async with self.session(tmp_path, lambda _: [other, added]) as session:
            await session.say("hi")
            assert session.texts() == ["instead", "plain"]
