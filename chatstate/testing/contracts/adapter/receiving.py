"""The adapters' contract: what people do, and how it gets to the bot.

1. Each person, chat and thread has an id of its own, the same each time.
2. Nothing is acknowledged before it is stored; what was not is delivered again.
3. What is delivered again has the id it had before.
4. The order of each chat is kept, also over a lost connection and a restart.
5. A bot is told apart from a person; what the bot's own account says is not delivered.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

from chatstate.bot.turn import Turn
from chatstate.errors import StorageError
from chatstate.language.en import ENGLISH
from chatstate.messages import Message
from chatstate.replies import Reply
from chatstate.testing.contracts.adapter.driver import Speaker
from chatstate.testing.contracts.adapter.session import ALICE, BOB, AdapterSuite, Session, only


class PeopleContract(AdapterSuite):
    """Who says what, where, in answer to what."""

    async def test_people_and_their_private_chats_are_told_apart(self, tmp_path: Path) -> None:
        """Each has an id and a private chat, the same each time, also after a restart."""
        async with self.session(tmp_path) as session:
            for who in (ALICE, BOB, ALICE):
                reply = only(await session.say(f"I am {who.user}", who))
                assert reply.text == f"I am {who.user}"
            await session.restart()
            await session.say("again", ALICE)
            alice, bob, *others = session.script.heard
            assert all(_same_place(alice, other) for other in others), f"ids change: {others}"
            assert alice.sender.id != bob.sender.id, "two people have one `User.id`"
            assert alice.chat.id != bob.chat.id, "two private chats have one `Chat.id`"
            assert alice.chat.kind == bob.chat.kind == "private"

    async def test_a_group_is_one_chat_of_several_people(self, tmp_path: Path) -> None:
        """All see what the bot answers to one, and it is no private chat."""
        alice, bob = Speaker("alice", "room"), Speaker("bob", "room")
        async with self.session(tmp_path) as session:
            await session.say("hi", alice)
            await session.say("hello", bob)
            await session.say("in private", ALICE)
            first, second, third = session.script.heard
            assert first.chat.id == second.chat.id != third.chat.id, "`Chat.id` is the group's"
            assert first.sender.id == third.sender.id != second.sender.id
            assert first.chat.kind != "private", "`Chat.kind` of a group must tell so"
            assert session.texts(alice) == session.texts(bob) == ["hi", "hello"]

    async def test_threads_are_kept_apart(self, tmp_path: Path) -> None:
        """Each is a conversation of its own, and is answered where it is."""
        red, blue, group = (Speaker("alice", "room", thread) for thread in ("red", "blue", None))
        async with self.session(tmp_path, lambda _: f"number {session.script.count}") as session:
            session.needs("threads")
            for who, count in ((red, 1), (blue, 1), (group, 1), (red, 2)):
                reply = only(await session.say("hi", who))
                assert reply.text == f"number {count}", "`Message.thread` does not tell them apart"
            assert session.texts(red) == ["number 1", "number 2"], "look at `Action.thread`"
            assert session.texts(group) == ["number 1"]

    async def test_a_group_that_moves_stays_the_same(self, tmp_path: Path) -> None:
        """Its state goes with it when the platform tells that it has a new id."""
        old, new = Speaker("alice", "room"), Speaker("alice", "new room")
        async with self.session(tmp_path, lambda _: f"number {session.script.count}") as session:
            await session.say("hi", old)
            await session.driver.move(old, "new room", told=True)
            reply = only(await session.say("hi", new))
            assert reply.text == "number 2", (
                "when the platform tells of a chat's new id, await `host.moved` before what follows"
            )

    async def test_admins_are_known(self, tmp_path: Path) -> None:
        """Those of this group, and nobody else."""
        alice, bob = Speaker("alice", "room"), Speaker("bob", "room")
        async with self.session(tmp_path) as session:
            await session.say("hi", alice)
            await session.say("hi", bob)
            await session.driver.promote(alice)
            is_admin = session.watched.adapter.is_admin
            told = [await is_admin(m.chat.id, m.sender.id) for m in session.script.heard]
            assert told == [True, False], "`is_admin` does not tell who is an admin of a group"

    async def test_other_bots_are_ignored(self, tmp_path: Path) -> None:
        """Else two bots in a group would answer each other for ever."""
        robot, alice = Speaker("robot", "room", is_bot=True), Speaker("alice", "room")
        async with self.session(tmp_path) as session:
            await session.driver.say(robot, "hello")
            await session.driver.say(robot, "/vote yes")
            await session.driver.say(alice, "hi")
            await session.until(lambda: session.texts(alice), "what a person says is not answered")
            assert session.texts(alice) == ["hi"], "what a bot says needs a `User` with `is_bot`"

    async def test_other_bots_are_heard_if_that_is_wanted(self, tmp_path: Path) -> None:
        """Each as a bot of its own."""
        robot, alice = Speaker("robot", "room", is_bot=True), Speaker("alice", "room")
        async with self.session(tmp_path, hear_bots=True) as session:
            for who in (robot, alice):
                assert [reply.text for reply in await session.say(who.user, who)] == [who.user]
            first, second = [heard.sender for heard in session.script.heard]
            assert (first.is_bot, second.is_bot) == (True, False)
            assert first.id != second.id, "a bot and a person have one `User.id`"

    async def test_its_own_messages_are_never_heard(self, tmp_path: Path) -> None:
        """However the platform tells of them, and though other bots are heard."""
        alice = Speaker("alice", "room")
        async with self.session(tmp_path, hear_bots=True) as session:
            await session.say("hi", alice)
            await session.driver.echo(alice, "I said that myself")
            await session.driver.say(alice, "again")
            await session.until(lambda: "again" in session.texts(alice), "it is not answered")
            told = [heard.text for heard in session.script.heard]
            assert told == ["hi", "again"], "what comes from the account itself is not for the bot"

    async def test_whoever_starts_it_is_told_as_whom_it_runs(self, tmp_path: Path) -> None:
        """By the name that people know the account by, at each start."""
        async with self.session(tmp_path) as session:
            name = session.driver.account_name()
            for _ in range(2):
                await session.say("hi")
                hint = f"`run` calls `host.connected`, with {name!r}, once it is connected"
                await session.until(lambda: session.watched.names, hint)
                assert set(session.watched.names) == {name}, hint
                await session.restart()

    async def test_a_command_runs(self, tmp_path: Path) -> None:
        """What is sent as one, with its argument; and one that is unknown is told."""
        async with self.session(tmp_path) as session:
            assert [reply.text for reply in await session.say("/vote maybe")] == ["voted maybe"]
            told = ENGLISH["unknown_command"].format(command="nothing")
            assert [reply.text for reply in await session.say("/nothing")] == [told]
            assert session.script.heard == []

    async def test_an_edited_message_is_an_edit(self, tmp_path: Path) -> None:
        """It reaches `on_edit` with its new text, and is no new message."""
        async with self.session(tmp_path) as session:
            message = await session.driver.say(ALICE, "frist")
            await session.until(lambda: session.texts() == ["frist"], "the message is not answered")
            seen, before = session.watched.taken, session.shown()
            await session.driver.edit(ALICE, message, "first")
            reply = only(await session.answers(ALICE, seen, before))
            assert reply.text == "edited to first", 'an edit is a `Message` of the kind "edit"'
            assert len(session.script.heard) == 1, "an edit was delivered as a new message"
            (edit,) = session.script.edits
            assert edit.id == session.script.heard[0].id, "an edit has its message's `Message.id`"

    async def test_an_answer_names_what_it_answers(self, tmp_path: Path) -> None:
        """A person's, in `Message.reply_to`; the bot's, by `Post.reply_to`."""

        def answer(turn: Turn) -> Reply:
            return Reply(turn.text, reply_to=turn.message.id)

        async with self.session(tmp_path, answer) as session:
            session.needs("reply_to")
            message = await session.driver.say(ALICE, "one")
            await session.until(session.shown, "the message is not answered")
            first = only(session.shown())
            assert first.reply_to == message, f"it answers {first.reply_to}, not {message}"
            await session.say("two", reply_to=first.id)
            second = session.script.heard[-1]
            answered = second.reply_to
            assert answered, "`Message.reply_to` must name the message that somebody answers"
            assert answered.id == first.id
            assert second.quote == first.text, (
                "`Message.quote` must be the words of what it answers"
            )

    async def test_who_is_named_is_told(self, tmp_path: Path) -> None:
        """In `Message.mentions`, by the id that they speak under."""
        alice, bob = Speaker("alice", "room"), Speaker("bob", "room")
        async with self.session(tmp_path) as session:
            await session.say("hi", bob)
            await session.say(f"give {session.driver.mention(bob)} 5", alice)
            bobs, said = session.script.heard
            named = [person.id for person in said.mentions]
            assert named == [bobs.sender.id], f"`Message.mentions` names {named}"

    async def test_the_bots_own_name_is_no_part_of_a_text(self, tmp_path: Path) -> None:
        """Wherever it stands: it says only whom the message is for."""
        alice = Speaker("alice", "room")
        async with self.session(tmp_path) as session:
            name = session.driver.mention(None)
            for said in (f"{name} hello there", f"hello {name} there", f"hello there {name}"):
                await session.say(said, alice)
                heard = session.script.heard[-1].text
                assert heard == "hello there", f"{said!r} was delivered as {heard!r}"
            assert [reply.text for reply in await session.say(f"{name} /vote yes", alice)] == [
                "voted yes"
            ]

    async def test_typing_is_shown_while_a_turn_runs(self, tmp_path: Path) -> None:
        """Again and again, in the chat that waits, until it is answered."""
        gate = asyncio.Event()

        async def answer(turn: Turn) -> str:
            await gate.wait()
            return turn.text

        async with self.session(tmp_path, answer) as session:
            session.needs("typing")
            session.driver.typing(ALICE)
            await session.driver.say(ALICE, "hi")
            for wanted in (1, 2):
                await session.until(
                    functools.partial(_typed, session, wanted),
                    '`perform` does not show "typing", or `Capabilities.typing` is too long',
                    advancing=0.5,
                )
            assert session.driver.typing(BOB) == 0, "typing is shown in another chat"
            gate.set()
            await session.until(lambda: session.texts() == ["hi"], "the message is not answered")

    async def test_what_has_neither_words_nor_files_is_told(self, tmp_path: Path) -> None:
        """It reaches `on_other` with all that the platform says of it: nothing vanishes."""
        async with self.session(tmp_path) as session:
            await session.driver.other(ALICE)
            await session.until(
                lambda: session.script.others,
                'what an adapter has no words for is a `Message` of the kind "other"',
            )
            await session.until(lambda: session.texts() == ["something else"], "it is not answered")
            (other,) = session.script.others
            assert other.raw, "`Message.raw` must hold what the platform says of it"
            assert (other.text, other.attachments) == ("", ())
            assert [reply.text for reply in await session.say("hi")] == ["hi"]
            assert _same_place(other, session.script.heard[0])


class IntakeContract(AdapterSuite):
    """Nothing that people do is lost, doubled or put out of order on its way in."""

    async def test_order_is_kept_in_each_chat(self, tmp_path: Path) -> None:
        """Though several people talk at once."""
        people = [Speaker(name) for name in ("alice", "bob", "carol", "dave")]
        texts = [f"number {number}" for number in range(5)]
        async with self.session(tmp_path) as session:
            for text in texts:
                await asyncio.gather(*(session.driver.say(who, text) for who in people))
            await session.until(
                lambda: len(session.watched.receipts) == 20, "not all that was said was delivered"
            )
            await session.settled()
            for who in people:
                assert session.texts(who) == texts, "a conversation is out of order, or incomplete"

    async def test_a_duplicate_changes_nothing(self, tmp_path: Path) -> None:
        """What the platform delivers again has the same `Event.id`, also after a restart."""
        async with self.session(tmp_path) as session:
            message = await session.driver.say(ALICE, "first")
            await session.until(session.shown, "the message is not answered")
            for after in ("second", "third"):
                await session.driver.redeliver(message)
                await session.driver.say(ALICE, after)
                await session.until(
                    functools.partial(_is_answered, session, after), f"{after} is not answered"
                )
                await session.restart()
            assert session.texts() == ["first", "second", "third"], (
                "a duplicate has another `Event.id`"
            )
            assert session.script.count == 3

    async def test_what_cannot_be_read_stops_nothing(self, tmp_path: Path) -> None:
        """It is left out, whatever it is: what follows is answered, also after a restart."""
        async with self.session(tmp_path) as session:
            await session.driver.garble(ALICE)
            assert [reply.text for reply in await session.say("first")] == ["first"]
            failure = session.failure()
            assert failure is None, f"`run` ended with what nobody can read: {failure!r}"
            await session.restart()
            assert [reply.text for reply in await session.say("second")] == ["second"]

    async def test_an_event_is_acknowledged_once_it_is_stored(self, tmp_path: Path) -> None:
        """Not while the store cannot write, but soon afterwards."""
        async with self.session(tmp_path) as session:
            session.watched.accepts.clear()
            message = await session.driver.say(ALICE, "hi")
            await session.until(lambda: session.watched.delivering, "`run` does not deliver")
            assert not session.driver.is_acknowledged(message), (
                "acknowledged before it was stored: await `host.deliver` first"
            )
            session.watched.accepts.set()
            await session.until(
                lambda: session.driver.is_acknowledged(message),
                "`deliver` has returned, but the event is not acknowledged",
            )
            await session.until(lambda: session.texts() == ["hi"], "the message is not answered")

    async def test_an_event_that_cannot_be_stored_comes_again(self, tmp_path: Path) -> None:
        """If the store is broken for good `run` ends, and the next one gets the event."""
        async with self.session(tmp_path) as session:
            session.watched.refusal = StorageError("the disk is gone")
            message = await session.driver.say(ALICE, "hi")
            await session.until_it_fails(
                "`run` must end with the `StorageError` that `deliver` raised: raise it as it is"
            )
            assert not session.driver.is_acknowledged(message), "acknowledged, and never stored"
            await session.restart()
            await session.until(lambda: session.texts() == ["hi"], "it is not delivered again")

    async def test_what_is_said_while_disconnected_arrives(self, tmp_path: Path) -> None:
        """After `run` has connected again by itself; once, and in order."""
        async with self.session(tmp_path) as session:
            await session.say("one")
            await session.driver.disconnect()
            await session.driver.say(ALICE, "two")
            await session.driver.say(ALICE, "three")
            await session.driver.reconnect()
            wanted = ["one", "two", "three"]
            await session.until(
                lambda: len(session.texts()) >= 3, "`run` must connect again", advancing=1.0
            )
            await session.say("four")
            assert session.texts() == [*wanted, "four"]

    async def test_what_is_said_while_stopped_arrives(self, tmp_path: Path) -> None:
        """At the next start, once."""
        async with self.session(tmp_path) as session:
            await session.say("one")
            await session.stop()
            await session.driver.say(ALICE, "two")
            await session.start()
            await session.until(
                lambda: len(session.texts()) >= 2, "the event is not delivered at start"
            )
            await session.say("three")
            assert session.texts() == ["one", "two", "three"]


def _typed(session: Session, times: int) -> bool:
    return session.driver.typing(ALICE) >= times


def _is_answered(session: Session, text: str) -> bool:
    return text in session.texts()


def _same_place(message: Message, other: Message) -> bool:
    return (message.chat.id, message.sender.id) == (other.chat.id, other.sender.id)
