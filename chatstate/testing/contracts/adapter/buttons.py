"""The adapters' contract: buttons, presses, and what a bot edits and deletes.

1. A press says what its button sends, whole, and by whom it was pressed.
2. Buttons that are shown work in the next process too.
3. A press that somebody made up reaches no handler, and is answered.
4. A platform that lacks buttons or edits gets a list of what to send, or a new message. So it does
   if the message is gone that was to be edited.
5. However many choices a model gives, and however long they are, the answer is shown, and each of
   them can be chosen.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatstate.bot.turn import Turn
from chatstate.language.en import ENGLISH
from chatstate.replies import Button, Delete, Markdown, Reply
from chatstate.testing.contracts.adapter.driver import Shown, Speaker
from chatstate.testing.contracts.adapter.script import gated
from chatstate.testing.contracts.adapter.session import (
    ALICE,
    AdapterSuite,
    Session,
    only,
)
from chatstate.testing.contracts.adapter.text import times, within_limit

LONG = "a value longer than any platform has room for, größer 🎲 " * 10
BUTTONS = [
    [Button("Yes", "/vote yes"), Button("Häh? 🎲", LONG)],
    [Button("Vote", command="/vote no")],
]
LABELS = ["Yes", "Häh? 🎲", "Vote"]


def ask(turn: Turn) -> Any:
    """Answer a message with buttons, and a press with what it said."""
    pressed = turn.message.kind == "press"
    return f"pressed {turn.text}" if pressed else Reply("Choose!", buttons=BUTTONS)


class ButtonsContract(AdapterSuite):
    """Buttons hang on messages, and a press says what its button sends."""

    async def test_buttons_are_shown(self, tmp_path: Path) -> None:
        """With their labels in order; or as a list of what to send, where there are none."""
        async with self.session(tmp_path, ask) as session:
            replies = await session.say("hi")
            text = " ".join(" ".join(reply.text for reply in replies).split())
            assert text.startswith("Choose!"), f"the text above the buttons is lost: {text!r}"
            if session.capabilities.buttons:
                assert [list(reply.labels) for reply in replies] == [LABELS], f"shown: {replies}"
                return
            for shown in (*LABELS, "/vote yes", "/vote no", *LONG.split()):
                assert shown in text, f"{shown!r} is missing in the list of buttons: {text}"

    async def test_what_a_button_shows_may_be_typed_instead(self, tmp_path: Path) -> None:
        """A command that is listed instead of a button runs when somebody sends it."""
        async with self.session(tmp_path, ask) as session:
            await session.say("hi")
            reply = only(await session.say("/vote no"))
            assert reply.text == "voted no", f"/vote was sent; the answer is {reply.text!r}"

    async def test_a_pressed_value_is_text(self, tmp_path: Path) -> None:
        """It arrives as text of a press on that message, and never runs a command."""
        async with self.session(tmp_path, ask) as session:
            message = await _asked(session)
            reply = only(await session.press("Yes", message))
            assert reply.text == "pressed /vote yes"
            press = session.script.heard[-1]
            assert (press.kind, press.text) == ("press", "/vote yes")
            assert press.pressed, "`Message.pressed` must name the message that the button hangs on"
            assert press.pressed.id == message.id, "`Message.pressed` names another message"
            assert press.sender == session.script.heard[0].sender, "somebody else pressed"
            assert session.script.votes == []

    async def test_a_pressed_command_runs(self, tmp_path: Path) -> None:
        """As if it had been typed."""
        async with self.session(tmp_path, ask) as session:
            reply = only(await session.press("Vote", await _asked(session)))
            assert (reply.text, session.script.votes) == ("voted no", ["no"])

    async def test_a_long_value_arrives_whole(self, tmp_path: Path) -> None:
        """However few bytes a platform's buttons carry."""
        async with self.session(tmp_path, ask) as session:
            message = await _asked(session)
            await session.press("Häh? 🎲", message)
            assert session.script.heard[-1].text == LONG, (
                "a press must be delivered with the `PostButton.data` of the button as its text "
                "and with the id of its message, which is the `message_id` of `Sent`"
            )

    async def test_buttons_work_after_a_restart(self, tmp_path: Path) -> None:
        """Those that are shown when the bot stops: nothing of them may be in memory alone."""
        async with self.session(tmp_path, ask) as session:
            message = await _asked(session)
            await session.restart()
            for label, said in (("Yes", "/vote yes"), ("Häh? 🎲", LONG)):
                await session.press(label, message)
                heard = session.script.heard[-1]
                assert (heard.kind, heard.text) == ("press", said)

    async def test_a_press_that_was_made_up_is_refused_and_answered(self, tmp_path: Path) -> None:
        """Whatever data a manipulated client sends: it is delivered as it is, and told."""
        async with self.session(tmp_path, ask) as session:
            message = await _asked(session)
            for data in ("made up", "c/vote forged", "x" * 60):
                seen, before = session.watched.taken, session.shown()
                await session.driver.forge(ALICE, message.id, data)
                replies = await session.answers(ALICE, seen, before)
                assert [reply.text for reply in replies] == [ENGLISH["dead_button"]]
            assert len(session.script.heard) == 1, "a press that was made up reached the bot"
            assert session.script.votes == []

    async def test_who_presses_is_told(self, tmp_path: Path) -> None:
        """In a group a press is by whoever pressed, not by whom the bot had answered."""
        alice, bob = Speaker("alice", "room"), Speaker("bob", "room")
        async with self.session(tmp_path, ask) as session:
            session.needs("buttons")
            message = only(await session.say("hi", alice))
            await session.press("Yes", message, bob)
            await session.say("and me", bob)
            said, pressed, bobs = [heard.sender.id for heard in session.script.heard]
            assert said != pressed == bobs

    async def test_what_one_person_may_see_is_shown_to_no_other(self, tmp_path: Path) -> None:
        """In answer to a press in a group: whatever the platform shows it as."""
        alice, bob = Speaker("alice", "room"), Speaker("bob", "room")

        def answer(turn: Turn) -> Any:
            return Reply("psst", ephemeral=True) if turn.message.pressed else ask(turn)

        async with self.session(tmp_path, answer) as session:
            session.needs("buttons", "ephemeral")
            message = only(await session.say("hi", alice))
            reply = only(await session.press("Yes", message, alice))
            assert reply.text == "psst"
            assert "psst" not in session.texts(bob), "others see it too: look at `Post.ephemeral`"

    async def test_a_press_may_edit_its_message(self, tmp_path: Path) -> None:
        """It shows the new text then, at its place, and the new buttons."""
        buttons = [Button("Once more")]

        def answer(turn: Turn) -> Reply:
            pressed = turn.message.pressed
            if turn.text == "Yes":
                return Reply("Again!", buttons=buttons, edit=pressed)
            return Reply("Done.", edit=pressed) if pressed else ask_once

        ask_once = Reply("Yes?", buttons=[Button("Yes")])
        async with self.session(tmp_path, answer) as session:
            session.needs("edit")
            first = await _asked(session)
            await session.say("another")
            second = only(await session.press("Yes", first))
            assert (second.id, second.text, list(second.labels)) == (
                first.id,
                "Again!",
                ["Once more"],
            ), f"the edited message is now {second}"
            third = only(await session.press("Once more", second))
            assert (third.id, third.text, list(third.labels)) == (first.id, "Done.", [])
            assert session.texts() == ["Done.", "Yes?"], "an edited message must keep its place"

    async def test_what_cannot_be_edited_any_more_is_sent_anew(self, tmp_path: Path) -> None:
        """A press on a message that is deleted meanwhile is answered by a new one."""
        buttons = [Button("Yes")]

        def answer(turn: Turn) -> Reply:
            return Reply(f"{turn.text}!", buttons=buttons, edit=turn.message.pressed)

        async with self.session(tmp_path, answer) as session:
            session.needs("edit")
            message = await _asked(session)
            gate = gated(session.script)
            seen = session.watched.taken
            await session.driver.press(ALICE, message.id, "Yes")
            await session.until(lambda: session.script.heard[1:], "the press is not there")
            await session.driver.remove(ALICE, message.id)
            gate.set()
            reply = only(await session.answers(ALICE, seen, [message]))
            assert (reply.text, session.texts()) == ("Yes!", ["Yes!"]), f"shown: {reply}"
            assert session.letters() == [], (
                "a message that is gone cannot be edited: raise `Rejected`, and it is sent anew"
            )
            await session.press("Yes", reply)
            assert session.texts() == ["Yes!"], "its button does not work"

    async def test_a_message_is_edited(self, tmp_path: Path) -> None:
        """The bot's own one, by its id; where nothing can be edited the text is sent anew."""
        ids: list[str] = []

        def answer(turn: Turn) -> Reply:
            return Reply(turn.text, edit=ids[0] if ids else None)

        async with self.session(tmp_path, answer) as session:
            first = only(await session.say("first"))
            ids.append(first.id)
            second = only(await session.say("second"))
            assert second.text == "second"
            assert session.texts() == (
                ["second"] if session.capabilities.edit else ["first", "second"]
            )
            assert second.edited == session.capabilities.edit, (
                f"it is not shown as edited: {second}"
            )

    async def test_a_message_is_deleted(self, tmp_path: Path) -> None:
        """The bot's own one, by its id; where nothing can be deleted it stays."""
        async with self.session(tmp_path, lambda t: Delete(ids[0]) if ids else t.text) as session:
            ids: list[str] = []
            first = only(await session.say("first"))
            ids.append(first.id)
            await session.say("delete it")
            assert session.texts() == ([] if session.capabilities.edit else ["first"])

    async def test_buttons_hang_below_a_long_text(self, tmp_path: Path) -> None:
        """On the last of its messages."""
        async with self.session(
            tmp_path, lambda _: Reply(Markdown(text), buttons=BUTTONS)
        ) as session:
            session.needs("buttons")
            text = "**word** " * times(session, "word ")
            replies = await session.say("go")
            assert [list(reply.labels) for reply in replies[:-1]] == [[]] * (len(replies) - 1)
            assert list(replies[-1].labels) == LABELS
            within_limit(session)

    async def test_more_choices_than_buttons_are_shown_and_work(self, tmp_path: Path) -> None:
        """What is no button is written out: to type it is to choose it."""
        names = [f"choice number {number:02}" for number in range(1, 41)]

        def offer(turn: Turn) -> Any:
            is_chosen = turn.text in names
            options = [{"value": name} for name in names]
            return (
                f"chosen: {turn.text}" if is_chosen else {"content": "Choose!", "options": options}
            )

        async with self.session(tmp_path, offer) as session:
            replies = await session.say("hi")
            labels = [label for reply in replies for label in reply.labels]
            text = "\n".join(reply.text for reply in replies)
            assert text.startswith("Choose!"), f"the text above the buttons is lost: {text!r}"
            for name in names:
                assert name in labels or name in text, f"{name!r} cannot be chosen in {replies}"
            for name in (names[0], names[-1]):
                assert only(await session.say(name)).text == f"chosen: {name}"

    async def test_a_long_choice_has_a_short_label_and_its_value(self, tmp_path: Path) -> None:
        """A label is shortened to what people can see; what the button sends is not."""
        value = "the longest choice there ever was, größer 🎲 than any other; " * 5

        def offer(turn: Turn) -> Any:
            if turn.message.pressed:
                return "chosen"
            return {"content": "Choose!", "options": [{"value": value}]}

        async with self.session(tmp_path, offer) as session:
            session.needs("buttons")
            message = only(await session.say("hi"))
            (label,) = message.labels
            assert value.startswith(label.rstrip("… ")), f"the label is {label!r}"
            assert only(await session.press(label, message)).text == "chosen"
            heard = session.script.heard[-1].text
            assert heard == value, f"the button sent {heard!r}"

    async def test_a_press_without_an_answer_ends(self, tmp_path: Path) -> None:
        """Nobody is left with a sign that something is being waited for; nor is any answered."""
        async with self.session(
            tmp_path, lambda t: None if t.message.pressed else ask(t)
        ) as session:
            session.needs("finish")
            message = await _asked(session)
            await session.press("Yes", message)
            assert session.driver.waiting() == 0, '`perform` must do "finish", by the `origin`'
            await session.press("Vote", message)
            assert session.driver.waiting() == 0, "an answered press still waits: look at `origin`"


async def _asked(session: Session) -> Shown:
    """Say something; return the one message with buttons that is the answer."""
    session.needs("buttons")
    return only(await session.say("hi"))
