"""The adapters' contract: what is sent to others than who has spoken, and changed later.

1. What answers nothing arrives all the same: in a group, a thread, a private chat.
2. A person's private chat is the one in which the person speaks with the bot.
3. A message that is gone cannot be edited, and an adapter tells that from any other refusal.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from unittest import SkipTest

from chatstate.bot.turn import Turn
from chatstate.errors import Gone, Rejected
from chatstate.messages import MessageRef, Target
from chatstate.replies import Delete, Reply
from chatstate.testing.contracts.adapter.driver import Speaker
from chatstate.testing.contracts.adapter.session import ALICE, BOB, AdapterSuite, Session

GROUP = Speaker("bob", "room")


class ElsewhereContract(AdapterSuite):
    """What is sent elsewhere, and what becomes of it there."""

    async def test_a_reply_is_sent_to_a_group(self, tmp_path: Path) -> None:
        """By somebody who speaks in private; nothing of it is shown there."""
        async with self.session(tmp_path) as session:
            await session.say("hi", GROUP)
            _tell(session, session.script.heard[-1].chat)
            await session.say("news")
            await _is_told(session, GROUP, ["hi", "news"])
            assert session.texts() == ["sent"]

    async def test_a_reply_is_sent_to_a_thread(self, tmp_path: Path) -> None:
        """By a message that was said in it."""
        thread = Speaker("bob", "room", "thread")
        async with self.session(tmp_path) as session:
            session.needs("threads")
            await session.say("hi", thread)
            _tell(session, session.script.heard[-1].ref)
            await session.say("news")
            await _is_told(session, thread, ["hi", "news"])

    async def test_a_person_is_told_in_private(self, tmp_path: Path) -> None:
        """Where the person has spoken with the bot before, though it is asked for by the person."""
        async with self.session(tmp_path) as session:
            await session.say("hi", BOB)
            bob = session.script.heard[-1]
            try:
                chat = await session.watched.adapter.private_chat(bob.sender.id)
            except Rejected as error:
                raise SkipTest(str(error)) from error
            assert chat == bob.chat.id, "`private_chat` is not where the person speaks"
            _tell(session, bob.sender)
            await session.say("news")
            await _is_told(session, BOB, ["hi", "news"])

    async def test_what_was_sent_elsewhere_is_changed_from_there(self, tmp_path: Path) -> None:
        """It is edited in its place, and deleted."""
        kept: list[MessageRef] = []

        async def change(turn: Turn) -> Reply | Delete | None:
            if turn.chat.kind != "private":
                kept.append(await turn.send("one", to=turn.message.ref))
                await turn.step("keep", lambda: {"sent": kept[0].sent})
                return None
            return Delete(kept[0]) if turn.text == "delete" else Reply(turn.text, edit=kept[0])

        async with self.session(tmp_path, change) as session:
            session.needs("edit")
            await session.say("hi", GROUP)
            assert session.texts(GROUP) == ["one"]
            await session.say("two")
            assert "one" not in session.texts(GROUP)
            assert session.texts(GROUP)[-1:] == ["two"], "is `Action.chat` where it is edited?"
            await session.say("delete")
            assert session.texts(GROUP) == []

    async def test_what_is_gone_is_told_from_what_is_refused(self, tmp_path: Path) -> None:
        """An edit of a message that somebody has deleted raises `Gone`."""
        kept: list[MessageRef] = []

        async def change(turn: Turn) -> Reply | None:
            if kept:
                return Reply("two", edit=kept[0])
            kept.append(await turn.send("one"))
            await turn.step("keep", lambda: {"sent": kept[0].sent})
            return None

        async with self.session(tmp_path, change) as session:
            session.needs("edit")
            await session.say("hi")
            await session.driver.remove(ALICE, session.shown()[0].id)
            await session.say("again")
            edits = [call.error for call in session.watched.calls if call.action.verb == "edit"]
            assert isinstance(edits[-1], Gone), (
                f"an edit of what is gone raised {edits[-1]!r}: raise `Gone`"
            )
            assert (session.texts(), session.letters()) == ([], [])


def _tell(session: Session, to: Target) -> None:
    """Let the bot send what it is told from now on to somebody else."""

    async def tell(turn: Turn) -> str:
        await turn.send(turn.text, to=to)
        return "sent"

    session.script.answer = tell


async def _is_told(session: Session, who: Speaker, texts: list[str]) -> None:
    await session.until(
        lambda: session.texts(who) == texts,
        f"what is sent to {who} is not shown there: it answers no event, so it has no `origin`",
    )
