"""The adapters' contract, fifth part: calls that fail, connections that break, stop and start."""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import asyncio
from pathlib import Path

from chatstate.errors import Ambiguous, Moved, Rejected, RetryAfter, SendError, Unreachable
from chatstate.testing.contracts.adapter.driver import Speaker
from chatstate.testing.contracts.adapter.session import (
    ALICE,
    PROMPTLY,
    AdapterSuite,
    Session,
    gated,
    only,
)

WAIT = 30.0
DEFINITE = (RetryAfter, Unreachable, Moved, Rejected)


class SendingContract(AdapterSuite):
    """No reply is lost, whatever a call meets, and none is doubled that need not be."""

    async def test_a_wait_is_obeyed(self, tmp_path: Path) -> None:
        """Nothing of the conversation is sent before it is over, and nothing is lost."""
        async with self.session(tmp_path) as one:
            one.driver.fail("wait", WAIT)
            await one.driver.say(ALICE, "one")
            await one.until(
                lambda: any(WAIT <= pause <= 2 * WAIT for pause in one.clock.pauses),
                f"the platform said to wait {WAIT} s: raise `RetryAfter` with the seconds",
            )
            await one.driver.say(ALICE, "two")
            await one.until(lambda: len(one.watched.receipts) == 2, "nothing more is delivered")
            assert isinstance(one.watched.sends()[0].error, RetryAfter)
            await one.clock.advance(WAIT - 1)
            assert one.texts() == [], "it was sent before the wait was over"
            await one.settled(advancing=1.0)
            assert one.texts() == ["one", "two"]

    async def test_a_refused_reply_is_a_dead_letter(self, tmp_path: Path) -> None:
        """It is tried once, and the next reply goes on."""
        async with self.session(tmp_path) as one:
            one.driver.fail("refuse")
            await one.driver.say(ALICE, "one")
            await one.until(one.watched.sends, "the reply is not sent")
            error = one.watched.sends()[0].error
            assert isinstance(error, Rejected), (
                f"the platform refused a message for good: raise `Rejected`, not {error!r}"
            )
            await one.say("two")
            assert one.texts() == ["two"]
            (letter,) = one.letters()
            assert letter.startswith("refused")

    async def test_a_lost_answer_is_repeated(self, tmp_path: Path) -> None:
        """Under the same key: it is shown once where the platform knows keys, else twice."""
        async with self.session(tmp_path) as one:
            copies = await _lose_answer(one)
            await one.settled(advancing=1.0)
            await one.say("two")
            assert one.texts() == [*copies, "two"], "look at `Action.key` and `idempotent_for`"
            assert one.letters() == []

    async def test_a_lost_answer_may_be_held(self, tmp_path: Path) -> None:
        """With the other policy it is shown once, and the next reply goes on."""
        async with self.session(tmp_path, on_ambiguous="hold") as one:
            copies = await _lose_answer(one)
            await one.settled(advancing=1.0)
            await one.say("two")
            assert one.texts() == ["one", "two"]
            assert len(one.letters()) == len(copies) - 1, f"dead letters: {one.letters()}"

    async def test_a_lost_answer_is_repeated_after_a_crash(self, tmp_path: Path) -> None:
        """Under the same key, by a process that knows nothing of the call but that."""
        async with self.session(tmp_path) as one:
            copies = await _lose_answer(one)
            await one.crash()
            await one.start()
            await one.until(lambda: one.texts() == copies, "the reply is lost", advancing=0.5)
            await one.say("two")
            assert one.texts() == [*copies, "two"]

    async def test_what_cannot_reach_the_platform_is_sent_later(self, tmp_path: Path) -> None:
        """However long that lasts: none is lost, doubled or overtaken."""
        bob = Speaker("bob")
        async with self.session(tmp_path) as one:
            await owe(one, "one", "two", bobs="other")
            await one.until(
                lambda: len(one.watched.sends()) >= 10 or one.letters(),
                "calls that cannot reach the platform are not made again: raise `Unreachable`",
                advancing=5.0,
            )
            assert one.letters() == [], (
                "a reply was given up: raise `Unreachable` while a call surely does not reach the "
                "platform (no connection, say), and `Ambiguous` only when it may have"
            )
            for call in one.watched.sends():
                assert isinstance(call.error, Unreachable | Ambiguous), f"raised: {call.error!r}"
            assert one.texts() == []
            await one.driver.reconnect()
            await one.settled(advancing=1.0)
            assert (one.texts(), one.texts(bob)) == (["one", "two"], ["other"])
            await one.say("three")
            assert one.texts() == ["one", "two", "three"]

    async def test_a_reply_follows_a_group_that_has_moved(self, tmp_path: Path) -> None:
        """It arrives under the new id, and the group's state is still there."""
        old, new = Speaker("alice", "room"), Speaker("alice", "new room")
        async with self.session(tmp_path, lambda _: f"number {one.script.count}") as one:
            await one.say("hi", old)
            gate = gated(one.script)
            await one.driver.say(old, "hi")
            await one.until(lambda: len(one.watched.receipts) == 2, "nothing was delivered")
            await one.driver.move(old, "new room", told=False)
            gate.set()
            await one.until(
                lambda: "number 2" in one.texts(new),
                "the platform says that the chat has a new id: raise `Moved` with it",
                advancing=1.0,
            )
            reply = only(await one.say("hi", new))
            assert reply.text == "number 3", "the group's state was lost when it moved"


class StoppingContract(AdapterSuite):
    """It stops at once, and what is left goes on at the next start."""

    async def test_it_stops_when_it_is_told_to(self, tmp_path: Path) -> None:
        """At once: while it waits for what comes, and in the middle of a delivery."""
        async with self.session(tmp_path) as one:
            await one.say("hi")
            await _stop_promptly(one)
            await one.start()
            one.watched.accepts.clear()
            await one.driver.say(ALICE, "more")
            await one.until(lambda: one.watched.delivering, "`run` does not deliver")
            await _stop_promptly(one)

    async def test_what_was_not_stored_when_it_stopped_comes_again(self, tmp_path: Path) -> None:
        """A delivery that was cut off is not acknowledged."""
        async with self.session(tmp_path) as one:
            one.watched.accepts.clear()
            message = await one.driver.say(ALICE, "hi")
            await one.until(lambda: one.watched.delivering, "`run` does not deliver")
            await one.stop()
            assert not one.driver.is_acknowledged(message), "acknowledged, and never stored"
            await one.start()
            await one.until(lambda: one.texts() == ["hi"], "what was not stored must come again")

    async def test_it_stops_while_it_is_cut_off(self, tmp_path: Path) -> None:
        """Its attempts to connect again end as well."""
        async with self.session(tmp_path) as one:
            await one.say("hi")
            await one.driver.disconnect()
            await _stop_promptly(one)
            await one.driver.reconnect()
            await one.start()
            await one.say("again")
            assert one.texts() == ["hi", "again"]

    async def test_what_runs_is_answered_before_it_stops(self, tmp_path: Path) -> None:
        """Though `deliver` takes nothing more in and does not return any more."""
        async with self.session(tmp_path, grace=PROMPTLY * 3) as one:
            gate = gated(one.script)
            await one.driver.say(ALICE, "one")
            await one.until(lambda: one.script.heard, "nothing was delivered")
            stopping = asyncio.create_task(one.stop())
            await one.until(lambda: one.is_stopping, "it does not begin to stop")
            await one.driver.say(ALICE, "two")
            await one.until(
                lambda: one.watched.delivering or one.watched.waiting,
                "while a turn runs, the next event is not delivered",
            )
            gate.set()
            await stopping
            assert one.texts() == ["one"], (
                "while it stops, `deliver` does not return, but `perform` must still work: "
                "deliver in a task of its own if answers to calls come over the same connection"
            )

    async def test_what_is_owed_is_sent_at_the_next_start(self, tmp_path: Path) -> None:
        """In its order, by a new adapter."""
        async with self.session(tmp_path) as one:
            await owe(one, "one", "two")
            await one.stop(hurry=True)
            await one.driver.reconnect()
            await one.start()
            await one.until(lambda: len(one.texts()) >= 2, "replies are lost", advancing=1.0)
            await one.say("three")
            assert one.texts() == ["one", "two", "three"]

    async def test_what_is_owed_is_sent_after_a_crash(self, tmp_path: Path) -> None:
        """The same, though nothing could be tidied up."""
        async with self.session(tmp_path) as one:
            await owe(one, "one", "two")
            await one.crash()
            await one.driver.reconnect()
            await one.start()
            await one.until(lambda: len(one.texts()) >= 2, "replies are lost", advancing=1.0)
            await one.say("three")
            assert one.texts() == ["one", "two", "three"]


async def owe(one: Session, *texts: str, bobs: str | None = None) -> None:
    """Have the bot owe answers to alice (and bob) while the platform cannot be reached."""
    gate = gated(one.script)
    for text in texts:
        await one.driver.say(ALICE, text)
    if bobs:
        await one.driver.say(Speaker("bob"), bobs)
    wanted = len(texts) + bool(bobs)
    await one.until(
        lambda: len(one.watched.receipts) == wanted or one.watched.waiting, "not all was delivered"
    )
    await one.driver.disconnect()
    gate.set()
    await one.until(one.watched.sends, "nothing is sent")


async def _lose_answer(one: Session) -> list[str]:
    """Have the first reply shown, its answer lost; return what is shown after a repetition."""
    one.driver.fail("lose")
    await one.driver.say(ALICE, "one")
    await one.until(one.watched.sends, "the reply is not sent, or `perform` waits for ever")
    error = one.watched.sends()[0].error
    assert not isinstance(error, DEFINITE), (
        f"the call took effect though its answer was lost: raise `Ambiguous`, not {error!r}"
    )
    if error is not None and not isinstance(error, SendError):
        raise AssertionError(f"raise `Ambiguous` from {error!r}") from error
    once = error is None or one.capabilities.idempotent_for > 0
    return ["one"] if once else ["one", "one"]


async def _stop_promptly(one: Session) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await one.stop()
    took = loop.time() - began
    assert took < PROMPTLY, f"it took {took:.1f} s to stop: `run` must end when it is cancelled"
