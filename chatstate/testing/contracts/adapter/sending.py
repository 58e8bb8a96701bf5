"""The adapters' contract: calls that fail, connections that break, stop and start.

1. A wait is obeyed, a refusal is final, and what else fails is tried again under the same key,
   or held where the bot wants it.
2. No reply is lost or overtaken; one is doubled only where the answer to a call was lost, the
   platform knows no keys, and cannot tell whether it was made.
3. What `find` tells of a call is true, or `Unknown`.
4. `run` ends at once when it is cancelled, and leaves nothing running.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from chatstate.adapter import Sent, Unknown
from chatstate.errors import Ambiguous, Blocked, Moved, Rejected, RetryAfter, SendError, Unreachable
from chatstate.testing.contracts.adapter.driver import Fault, Speaker
from chatstate.testing.contracts.adapter.script import gated
from chatstate.testing.contracts.adapter.session import (
    ALICE,
    PROMPTLY,
    AdapterSuite,
    Session,
    only,
)

WAIT = 30.0
DEFINITE = (RetryAfter, Unreachable, Moved, Rejected)


class SendingContract(AdapterSuite):
    """No reply is lost, whatever a call meets, and none is doubled that need not be."""

    async def test_a_wait_is_obeyed(self, tmp_path: Path) -> None:
        """Nothing of the conversation is sent before it is over, and nothing is lost."""
        async with self.session(tmp_path) as session:
            session.driver.fail("wait", WAIT)
            await session.driver.say(ALICE, "one")
            await session.until(
                lambda: any(WAIT <= pause <= 2 * WAIT for pause in session.clock.pauses),
                f"the platform said to wait {WAIT} s: raise `RetryAfter` with the seconds",
            )
            await session.driver.say(ALICE, "two")
            await session.until(
                lambda: len(session.watched.receipts) == 2, "nothing more is delivered"
            )
            assert isinstance(session.watched.sends()[0].error, RetryAfter)
            await session.clock.advance(WAIT - 1)
            assert session.texts() == [], "it was sent before the wait was over"
            await session.settled(advancing=1.0)
            assert session.texts() == ["one", "two"]

    async def test_a_refused_reply_is_a_dead_letter(self, tmp_path: Path) -> None:
        """It is tried once, and the next reply goes on."""
        async with self.session(tmp_path) as session:
            session.driver.fail("refuse")
            await session.driver.say(ALICE, "one")
            await session.until(session.watched.sends, "the reply is not sent")
            error = session.watched.sends()[0].error
            assert isinstance(error, Rejected), (
                f"the platform refused a message for good: raise `Rejected`, not {error!r}"
            )
            await session.say("two")
            assert session.texts() == ["two"]
            (letter,) = session.letters()
            assert letter.startswith("refused")

    async def test_who_takes_nothing_is_told_from_who_refuses_a_message(
        self, tmp_path: Path
    ) -> None:
        """So that broadcasts leave them out; a message that is refused says nothing of its chat."""
        async with self.session(tmp_path) as session:
            faults: Sequence[tuple[Fault, bool]] = (("refuse", False), ("block", True))
            for fault, is_blocked in faults:
                session.driver.fail(fault)
                calls = len(session.watched.sends())
                await session.driver.say(ALICE, fault)
                await session.until(
                    lambda: len(session.watched.sends()) > calls,  # noqa: B023 - at once
                    "the reply is not sent",
                )
                error = session.watched.sends()[-1].error
                assert isinstance(error, Blocked) == is_blocked, (
                    "raise `Blocked` where the chat takes nothing from the bot any more, and only "
                    f"there: {fault} is {error!r}"
                )

    async def test_what_was_sent_is_found(self, tmp_path: Path) -> None:
        """Where the platform can tell; elsewhere that is unknown. What never was sent is not."""
        async with self.session(tmp_path) as session:
            reply = only(await session.say("one"))
            made = replace(session.watched.sends()[0].action, begun_at=session.clock.time())
            found = await session.watched.find(made)
            told = {Sent(reply.id), Sent(None), Unknown()}
            assert found in told, f"`find` tells of a message that is shown: {found}"
            found = await session.watched.find(replace(made, key="never made"))
            assert not isinstance(found, Sent), f"`find` tells of what never was sent: {found}"

    async def test_a_lost_answer_is_repeated(self, tmp_path: Path) -> None:
        """Once it is shown where the platform knows keys or can tell what it has, else twice."""
        async with self.session(tmp_path) as session:
            copies = await _lose_answer(session)
            await session.settled(advancing=1.0)
            await session.say("two")
            assert session.texts() == [*copies, "two"], (
                "look at `Action.key` and `idempotent_for`, or at what `find` returns"
            )
            assert session.letters() == []

    async def test_a_lost_answer_may_be_held(self, tmp_path: Path) -> None:
        """With the other policy it is shown once, and the next reply goes on."""
        async with self.session(tmp_path, on_ambiguous="hold") as session:
            copies = await _lose_answer(session)
            await session.settled(advancing=1.0)
            await session.say("two")
            assert session.texts() == ["one", "two"]
            assert len(session.letters()) == len(copies) - 1, f"dead letters: {session.letters()}"

    async def test_a_lost_answer_is_repeated_after_a_crash(self, tmp_path: Path) -> None:
        """Under the same key, by a process that knows nothing of the call but that."""
        async with self.session(tmp_path) as session:
            copies = await _lose_answer(session)
            await session.crash()
            await session.start()
            await session.until(
                lambda: session.texts() == copies, "the reply is lost", advancing=0.5
            )
            await session.say("two")
            assert session.texts() == [*copies, "two"]

    async def test_what_cannot_reach_the_platform_is_sent_later(self, tmp_path: Path) -> None:
        """However long that lasts: none is lost, doubled or overtaken."""
        bob = Speaker("bob")
        async with self.session(tmp_path) as session:
            await owe(session, "one", "two", bobs="other")
            await session.until(
                lambda: len(session.watched.sends()) >= 10 or session.letters(),
                "calls that cannot reach the platform are not made again: raise `Unreachable`",
                advancing=5.0,
            )
            assert session.letters() == [], (
                "a reply was given up: raise `Unreachable` while a call surely does not reach the "
                "platform (no connection, say), and `Ambiguous` only when it may have"
            )
            for call in session.watched.sends():
                assert isinstance(call.error, Unreachable | Ambiguous), f"raised: {call.error!r}"
            assert session.texts() == []
            await session.driver.reconnect()
            await session.settled(advancing=1.0)
            assert (session.texts(), session.texts(bob)) == (["one", "two"], ["other"])
            await session.say("three")
            assert session.texts() == ["one", "two", "three"], session.report()

    async def test_a_reply_follows_a_group_that_has_moved(self, tmp_path: Path) -> None:
        """It arrives under the new id, and the group's state is still there."""
        old, new = Speaker("alice", "room"), Speaker("alice", "new room")
        async with self.session(tmp_path, lambda _: f"number {session.script.count}") as session:
            await session.say("hi", old)
            gate = gated(session.script)
            await session.driver.say(old, "hi")
            await session.until(lambda: len(session.watched.receipts) == 2, "nothing was delivered")
            await session.driver.move(old, "new room", told=False)
            gate.set()
            await session.until(
                lambda: "number 2" in session.texts(new),
                "the platform says that the chat has a new id: raise `Moved` with it",
                advancing=1.0,
            )
            reply = only(await session.say("hi", new))
            assert reply.text == "number 3", "the group's state was lost when it moved"


class StoppingContract(AdapterSuite):
    """It stops at once, and what is left goes on at the next start."""

    async def test_it_stops_when_it_is_told_to(self, tmp_path: Path) -> None:
        """At once: while it waits for what comes, and in the middle of a delivery."""
        async with self.session(tmp_path) as session:
            await session.say("hi")
            await _stop_promptly(session)
            await session.start()
            session.watched.accepts.clear()
            await session.driver.say(ALICE, "more")
            await session.until(lambda: session.watched.delivering, "`run` does not deliver")
            await _stop_promptly(session)

    async def test_what_was_not_stored_when_it_stopped_comes_again(self, tmp_path: Path) -> None:
        """A delivery that was cut off is not acknowledged."""
        async with self.session(tmp_path) as session:
            session.watched.accepts.clear()
            message = await session.driver.say(ALICE, "hi")
            await session.until(lambda: session.watched.delivering, "`run` does not deliver")
            await session.stop()
            assert not session.driver.is_acknowledged(message), "acknowledged, and never stored"
            await session.start()
            await session.until(
                lambda: session.texts() == ["hi"], "what was not stored must come again"
            )

    async def test_it_stops_while_it_is_cut_off(self, tmp_path: Path) -> None:
        """Its attempts to connect again end as well."""
        async with self.session(tmp_path) as session:
            await session.say("hi")
            await session.driver.disconnect()
            await _stop_promptly(session)
            await session.driver.reconnect()
            await session.start()
            await session.say("again")
            assert session.texts() == ["hi", "again"]

    async def test_what_runs_is_answered_before_it_stops(self, tmp_path: Path) -> None:
        """Though `deliver` takes nothing more in and does not return any more."""
        async with self.session(tmp_path, grace=PROMPTLY * 3) as session:
            gate = gated(session.script)
            await session.driver.say(ALICE, "one")
            await session.until(lambda: session.script.heard, "nothing was delivered")
            stopping = asyncio.create_task(session.stop())
            await session.until(lambda: session.is_stopping, "it does not begin to stop")
            await session.driver.say(ALICE, "two")
            await session.until(
                lambda: session.watched.delivering or session.watched.waiting,
                "while a turn runs, the next event is not delivered",
            )
            gate.set()
            await stopping
            assert session.texts() == ["one"], (
                "while it stops, `deliver` does not return, but `perform` must still work: "
                "deliver in a task of its own if answers to calls come over the same connection"
            )

    async def test_what_is_owed_is_sent_at_the_next_start(self, tmp_path: Path) -> None:
        """In its order, by a new adapter."""
        async with self.session(tmp_path) as session:
            await owe(session, "one", "two")
            await session.stop(hurry=True)
            await session.driver.reconnect()
            await session.start()
            await session.until(
                lambda: len(session.texts()) >= 2, "replies are lost", advancing=1.0
            )
            await session.say("three")
            assert session.texts() == ["one", "two", "three"], session.report()

    async def test_what_is_owed_is_sent_after_a_crash(self, tmp_path: Path) -> None:
        """The same, though nothing could be tidied up."""
        async with self.session(tmp_path) as session:
            await owe(session, "one", "two")
            await session.crash()
            await session.driver.reconnect()
            await session.start()
            await session.until(
                lambda: len(session.texts()) >= 2, "replies are lost", advancing=1.0
            )
            await session.say("three")
            assert session.texts() == ["one", "two", "three"], session.report()


async def owe(session: Session, *texts: str, bobs: str | None = None) -> None:
    """Have the bot owe answers to alice (and bob) while the platform cannot be reached."""
    gate = gated(session.script)
    for text in texts:
        await session.driver.say(ALICE, text)
    if bobs:
        await session.driver.say(Speaker("bob"), bobs)
    wanted = len(texts) + bool(bobs)
    await session.until(
        lambda: len(session.watched.receipts) == wanted or session.watched.waiting,
        "not all was delivered",
    )
    await session.driver.disconnect()
    gate.set()
    await session.until(session.watched.sends, "nothing is sent")


async def _lose_answer(session: Session) -> list[str]:
    """Have the first reply shown, its answer lost; return what is shown after a repetition."""
    session.driver.fail("lose")
    await session.driver.say(ALICE, "one")
    await session.until(session.watched.sends, "the reply is not sent, or `perform` waits for ever")
    error = session.watched.sends()[0].error
    assert not isinstance(error, DEFINITE), (
        f"the call took effect though its answer was lost: raise `Ambiguous`, not {error!r}"
    )
    if error is not None and not isinstance(error, SendError):
        raise AssertionError(f"raise `Ambiguous` from {error!r}") from error
    can_tell = await session.watched.find(session.watched.sends()[0].action) != Unknown()
    once = error is None or session.capabilities.idempotent_for > 0 or can_tell
    return ["one"] if once else ["one", "one"]


async def _stop_promptly(session: Session) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await session.stop()
    took = loop.time() - began
    assert took < PROMPTLY, f"it took {took:.1f} s to stop: `run` must end when it is cancelled"
