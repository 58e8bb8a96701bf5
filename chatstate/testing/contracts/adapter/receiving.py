"""The adapters' contract, fourth part: what people do, and how it gets to the bot."""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

from chatstate.bot.turn import Turn
from chatstate.errors import StorageError
from chatstate.language.en import ENGLISH
from chatstate.messages import Message, Reply
from chatstate.testing.contracts.adapter.driver import Speaker
from chatstate.testing.contracts.adapter.session import ALICE, BOB, AdapterSuite, Session, only


class PeopleContract(AdapterSuite):
    """Who says what, where, in answer to what."""

    async def test_people_and_their_private_chats_are_told_apart(self, tmp_path: Path) -> None:
        """Each has an id and a private chat, the same each time, also after a restart."""
        async with self.session(tmp_path) as one:
            for who in (ALICE, BOB, ALICE):
                reply = only(await one.say(f"I am {who.user}", who))
                assert reply.text == f"I am {who.user}"
            await one.restart()
            await one.say("again", ALICE)
            alice, bob, *others = one.script.heard
            assert all(_same_place(alice, other) for other in others), f"ids change: {others}"
            assert alice.sender.id != bob.sender.id, "two people have one `User.id`"
            assert alice.chat.id != bob.chat.id, "two private chats have one `Chat.id`"
            assert alice.chat.kind == bob.chat.kind == "private"

    async def test_a_group_is_one_chat_of_several_people(self, tmp_path: Path) -> None:
        """All see what the bot answers to one, and it is no private chat."""
        alice, bob = Speaker("alice", "room"), Speaker("bob", "room")
        async with self.session(tmp_path) as one:
            await one.say("hi", alice)
            await one.say("hello", bob)
            await one.say("in private", ALICE)
            first, second, third = one.script.heard
            assert first.chat.id == second.chat.id != third.chat.id, "`Chat.id` is the group's"
            assert first.sender.id == third.sender.id != second.sender.id
            assert first.chat.kind != "private", "`Chat.kind` of a group must tell so"
            assert one.texts(alice) == one.texts(bob) == ["hi", "hello"]

    async def test_threads_are_kept_apart(self, tmp_path: Path) -> None:
        """Each is a conversation of its own, and is answered where it is."""
        red, blue, group = (Speaker("alice", "room", thread) for thread in ("red", "blue", None))
        async with self.session(tmp_path, lambda _: f"number {one.script.count}") as one:
            one.needs("threads")
            for who, count in ((red, 1), (blue, 1), (group, 1), (red, 2)):
                reply = only(await one.say("hi", who))
                assert reply.text == f"number {count}", "`Message.thread` does not tell them apart"
            assert one.texts(red) == ["number 1", "number 2"], "look at `Action.thread`"
            assert one.texts(group) == ["number 1"]

    async def test_a_group_that_moves_stays_the_same(self, tmp_path: Path) -> None:
        """Its state goes with it when the platform tells that it has a new id."""
        old, new = Speaker("alice", "room"), Speaker("alice", "new room")
        async with self.session(tmp_path, lambda _: f"number {one.script.count}") as one:
            await one.say("hi", old)
            await one.driver.move(old, "new room", told=True)
            reply = only(await one.say("hi", new))
            assert reply.text == "number 2", (
                "when the platform tells of a chat's new id, await `host.moved` before what follows"
            )

    async def test_admins_are_known(self, tmp_path: Path) -> None:
        """Those of this group, and nobody else."""
        alice, bob = Speaker("alice", "room"), Speaker("bob", "room")
        async with self.session(tmp_path) as one:
            await one.say("hi", alice)
            await one.say("hi", bob)
            await one.driver.promote(alice)
            is_admin = one.watched.adapter.is_admin
            told = [await is_admin(m.chat.id, m.sender.id) for m in one.script.heard]
            assert told == [True, False], "`is_admin` does not tell who is an admin of a group"

    async def test_a_command_runs(self, tmp_path: Path) -> None:
        """What is sent as one, with its argument; and one that is unknown is told."""
        async with self.session(tmp_path) as one:
            assert [reply.text for reply in await one.say("/vote maybe")] == ["voted maybe"]
            told = ENGLISH["unknown_command"].format(command="nothing")
            assert [reply.text for reply in await one.say("/nothing")] == [told]
            assert one.script.heard == []

    async def test_an_edited_message_is_an_edit(self, tmp_path: Path) -> None:
        """It reaches `on_edit` with its new text, and is no new message."""
        async with self.session(tmp_path) as one:
            message = await one.driver.say(ALICE, "frist")
            await one.until(lambda: one.texts() == ["frist"], "the message is not answered")
            seen, before = len(one.watched.events), one.shown()
            await one.driver.edit(ALICE, message, "first")
            reply = only(await one.answers(ALICE, seen, before))
            assert reply.text == "edited to first", 'an edit is a `Message` of the kind "edit"'
            assert len(one.script.heard) == 1, "an edit was delivered as a new message"
            (edit,) = one.script.edits
            assert edit.id == one.script.heard[0].id, "an edit has its message's `Message.id`"

    async def test_an_answer_names_what_it_answers(self, tmp_path: Path) -> None:
        """A person's, in `Message.reply_to`; the bot's, by `Post.reply_to`."""

        def answer(turn: Turn) -> Reply:
            return Reply(turn.text, reply_to=turn.message.id)

        async with self.session(tmp_path, answer) as one:
            one.needs("reply_to")
            message = await one.driver.say(ALICE, "one")
            await one.until(one.shown, "the message is not answered")
            first = only(one.shown())
            assert first.reply_to == message, f"it answers {first.reply_to}, not {message}"
            await one.say("two", reply_to=first.id)
            answered = one.script.heard[-1].reply_to
            assert answered, "`Message.reply_to` must name the message that somebody answers"
            assert answered.id == first.id

    async def test_typing_is_shown_while_a_turn_runs(self, tmp_path: Path) -> None:
        """Again and again, in the chat that waits, until it is answered."""
        gate = asyncio.Event()

        async def answer(turn: Turn) -> str:
            await gate.wait()
            return turn.text

        async with self.session(tmp_path, answer) as one:
            one.needs("typing")
            one.driver.typing(ALICE)
            await one.driver.say(ALICE, "hi")
            for wanted in (1, 2):
                await one.until(
                    functools.partial(_typed, one, wanted),
                    '`perform` does not show "typing", or `Capabilities.typing` is too long',
                    advancing=0.5,
                )
            assert one.driver.typing(BOB) == 0, "typing is shown in another chat"
            gate.set()
            await one.until(lambda: one.texts() == ["hi"], "the message is not answered")


class IntakeContract(AdapterSuite):
    """Nothing that people do is lost, doubled or put out of order on its way in."""

    async def test_order_is_kept_in_each_chat(self, tmp_path: Path) -> None:
        """Though several people talk at once."""
        people = [Speaker(name) for name in ("alice", "bob", "carol", "dave")]
        texts = [f"number {number}" for number in range(5)]
        async with self.session(tmp_path) as one:
            for text in texts:
                await asyncio.gather(*(one.driver.say(who, text) for who in people))
            await one.until(
                lambda: len(one.watched.receipts) == 20, "not all that was said was delivered"
            )
            await one.settled()
            for who in people:
                assert one.texts(who) == texts, "a conversation is out of order, or incomplete"

    async def test_a_duplicate_changes_nothing(self, tmp_path: Path) -> None:
        """What the platform delivers again has the same `Event.id`, also after a restart."""
        async with self.session(tmp_path) as one:
            message = await one.driver.say(ALICE, "first")
            await one.until(one.shown, "the message is not answered")
            for after in ("second", "third"):
                await one.driver.redeliver(message)
                await one.driver.say(ALICE, after)
                await one.until(
                    functools.partial(_is_answered, one, after), f"{after} is not answered"
                )
                await one.restart()
            assert one.texts() == ["first", "second", "third"], "a duplicate has another `Event.id`"
            assert one.script.count == 3

    async def test_an_event_is_acknowledged_once_it_is_stored(self, tmp_path: Path) -> None:
        """Not while the store cannot write, but soon afterwards."""
        async with self.session(tmp_path) as one:
            one.watched.accepts.clear()
            message = await one.driver.say(ALICE, "hi")
            await one.until(lambda: one.watched.delivering, "`run` does not deliver")
            assert not one.driver.is_acknowledged(message), (
                "acknowledged before it was stored: await `host.deliver` first"
            )
            one.watched.accepts.set()
            await one.until(
                lambda: one.driver.is_acknowledged(message),
                "`deliver` has returned, but the event is not acknowledged",
            )
            await one.until(lambda: one.texts() == ["hi"], "the message is not answered")

    async def test_an_event_that_cannot_be_stored_comes_again(self, tmp_path: Path) -> None:
        """If the store is broken for good `run` ends, and the next one gets the event."""
        async with self.session(tmp_path) as one:
            one.watched.refusal = StorageError("the disk is gone")
            message = await one.driver.say(ALICE, "hi")
            await one.until_it_fails(
                "`run` must end with the `StorageError` that `deliver` raised: raise it as it is"
            )
            assert not one.driver.is_acknowledged(message), "acknowledged, and never stored"
            await one.restart()
            await one.until(lambda: one.texts() == ["hi"], "it is not delivered again")

    async def test_what_is_said_while_disconnected_arrives(self, tmp_path: Path) -> None:
        """After `run` has connected again by itself; once, and in order."""
        async with self.session(tmp_path) as one:
            await one.say("one")
            await one.driver.disconnect()
            await one.driver.say(ALICE, "two")
            await one.driver.say(ALICE, "three")
            await one.driver.reconnect()
            wanted = ["one", "two", "three"]
            await one.until(
                lambda: len(one.texts()) >= 3, "`run` must connect again", advancing=1.0
            )
            await one.say("four")
            assert one.texts() == [*wanted, "four"]

    async def test_what_is_said_while_stopped_arrives(self, tmp_path: Path) -> None:
        """At the next start, once."""
        async with self.session(tmp_path) as one:
            await one.say("one")
            await one.stop()
            await one.driver.say(ALICE, "two")
            await one.start()
            await one.until(lambda: len(one.texts()) >= 2, "the event is not delivered at start")
            await one.say("three")
            assert one.texts() == ["one", "two", "three"]


def _typed(one: Session, times: int) -> bool:
    return one.driver.typing(ALICE) >= times


def _is_answered(one: Session, text: str) -> bool:
    return text in one.texts()


def _same_place(one: Message, other: Message) -> bool:
    return (one.chat.id, one.sender.id) == (other.chat.id, other.sender.id)
