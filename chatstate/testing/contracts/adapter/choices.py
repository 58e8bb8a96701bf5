"""The adapters' contract: selects, suggestions, and buttons of other kinds.

1. What is chosen arrives as values, however a platform lets people choose.
2. What can be chosen is shown, whatever a platform lacks, and to type it is to choose it.
3. A change of buttons alone leaves all else of a message as it is.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatstate.bot.turn import Turn
from chatstate.language.en import ENGLISH
from chatstate.replies import Button, Markdown, Option, Reply, Select, ShareContact
from chatstate.testing.contracts.adapter.driver import Shown
from chatstate.testing.contracts.adapter.session import (
    ALICE,
    AdapterSuite,
    Session,
    only,
)

LONG = "a value longer than any platform has room for, größer 🎲 " * 10
ONE = Select([Option("Red", "r", "warm"), Option("Häh? 🎲", LONG)], "A colour")
SEVERAL = Select([Option("Red", "r"), Option("Blue", LONG), "Green"], max_values=2)
ADDRESS = "https://example.com/page?a=1&b=2"


class ChoicesContract(AdapterSuite):
    """What people choose from, beside plain buttons."""

    async def test_an_option_is_chosen(self, tmp_path: Path) -> None:
        """Its value arrives whole, as a press on that message, and in the next process too."""
        async with self.session(tmp_path, _offering(ONE)) as session:
            *above, message = await session.say("hi")
            if not session.capabilities.buttons:
                text = " ".join(shown.text for shown in (*above, message))
                assert "Red" in text, f"the options are not shown: {text!r}"
                return
            await _choose(session, message, "Red")
            await session.restart()
            await _choose(session, message, "Häh? 🎲")
            presses = session.script.heard[1:]
            assert [press.selected for press in presses] == [("r",), (LONG,)], (
                "an option that is chosen must be delivered with its `PostOption.data` in "
                f"`Message.selected`; the bot heard {presses}"
            )
            assert [press.kind for press in presses] == ["press", "press"]
            assert {press.pressed and press.pressed.id for press in presses} == {message.id}

    async def test_several_options_are_chosen(self, tmp_path: Path) -> None:
        """At once, or one after the other; nothing else of their message changes."""
        async with self.session(tmp_path, _offering(SEVERAL, "**Which**?")) as session:
            *above, before = await session.say("hi")
            if not (session.capabilities.select or session.capabilities.edit_buttons):
                text = " ".join(shown.text for shown in (*above, before))
                assert ENGLISH["choose_some"] in " ".join(text.split())
                return
            await _choose(session, before, "Blue", "Green")
            assert session.script.heard[-1].selected == (LONG, "Green")
            (after,) = (message for message in session.shown() if message.id == before.id)
            assert (after.text, after.styles) == (before.text, before.styles), (
                "a part that `keeps` must change nothing of its message but the buttons"
            )

    async def test_fewer_than_are_wanted_are_no_choice(self, tmp_path: Path) -> None:
        """The person is told how many, by whomever."""
        several = Select(["Red", "Blue", "Green"], min_values=2, max_values=3)
        async with self.session(tmp_path, _offering(several)) as session:
            if session.capabilities.select or not session.capabilities.edit_buttons:
                return  # the platform itself does not let them
            message = only(await session.say("hi"))
            await session.press("Red", message)
            (reply,) = await session.press(ENGLISH["done"], _now(session, message))
            assert reply.text == ENGLISH["too_few_chosen"].format(number=2)
            assert len(session.script.heard) == 1

    async def test_a_link_is_shown(self, tmp_path: Path) -> None:
        """As a button that opens it, or in words."""
        buttons = [Button("Site", url=ADDRESS), Button("Yes", style="success")]
        async with self.session(tmp_path, lambda _: Reply("x", buttons=buttons)) as session:
            message = only(await session.say("hi"))
            assert ADDRESS in (*message.links, *message.text.split()), (
                f"the address of `PostButton.url` is lost: {message}"
            )
            if session.capabilities.buttons:
                assert "Yes" in message.labels

    async def test_a_disabled_button_does_nothing(self, tmp_path: Path) -> None:
        """Where it can be pressed all the same, that is answered."""
        buttons = [Button("On"), Button("Off", disabled=True)]
        async with self.session(tmp_path, lambda _: Reply("x", buttons=buttons)) as session:
            session.needs("buttons")
            message = only(await session.say("hi"))
            assert "Off" in message.labels, f"it is not shown: {message}"
            if session.capabilities.disabled_buttons:
                return
            replies = await session.press("Off", message)
            assert [reply.text for reply in replies] == [ENGLISH["dead_button"]]
            assert len(session.script.heard) == 1

    async def test_a_wide_grid_is_shown(self, tmp_path: Path) -> None:
        """Of more and wider rows than there may be room for: each of it can be chosen."""
        grid = [[Button(f"field {row}{n}") for n in range(8)] for row in range(7)]
        async with self.session(tmp_path, lambda _: Reply("Board", buttons=grid)) as session:
            replies = await session.say("hi")
            labels = [label for reply in replies for label in reply.labels]
            text = "\n".join(reply.text for reply in replies)
            for button in (button for row in grid for button in row):
                assert button.label in labels or button.label in text, f"{button} is not shown"

    async def test_a_suggestion_is_an_answer(self, tmp_path: Path) -> None:
        """To tap it says it; a command runs."""

        def suggest(turn: Turn) -> Any:
            return Reply(f"heard {turn.text}", suggestions=["Yes & no", "/vote yes"])

        async with self.session(tmp_path, suggest) as session:
            message = only(await session.say("hi"))
            assert only(await _tap(session, message, "Yes & no")).text.startswith("heard Yes & no")
            assert only(await _tap(session, message, "/vote yes")).text == "voted yes"
            assert session.script.votes == ["yes"]

    async def test_what_cannot_be_shared_by_a_tap_is_asked_for(self, tmp_path: Path) -> None:
        """In words, where there is nothing to tap."""

        def suggest(turn: Turn) -> Any:
            return Reply("Who?", suggestions=[ShareContact("Me"), "Nobody"]) if turn.text else "x"

        async with self.session(tmp_path, suggest) as session:
            message = only(await session.say("hi"))
            if not session.capabilities.shares:
                assert ENGLISH["write_contact"] in message.text
                return
            assert list(message.suggestions) == ["Me", "Nobody"]
            await _tap(session, message, "Me")
            assert session.script.heard[1:], "what was shared never arrived"
            contact = session.script.heard[-1].contact
            assert contact, "what is shared is `Message.contact`, or `Message.location`"
            assert contact.words == session.script.heard[-1].text

    async def test_suggestions_come_with_a_stream(self, tmp_path: Path) -> None:
        """With its end, whatever was shown of it before."""

        async def stream(_turn: Turn) -> Any:
            yield "wait"
            yield Reply(Markdown("**done**"), suggestions=["Yes"])

        async with self.session(tmp_path, stream) as session:
            replies = await session.say("hi")
            assert replies[-1].text.startswith("done")
            shown = [*replies[-1].suggestions, *replies[-1].labels, *replies[-1].text.split()]
            assert "Yes" in shown
            assert session.letters() == []


def _offering(select: Select, text: str = "Choose!") -> Any:
    def answer(turn: Turn) -> Any:
        return "chosen" if turn.message.pressed else Reply(Markdown(text), select=select)

    return answer


async def _choose(session: Session, message: Shown, *labels: str) -> None:
    """Choose options, in whatever form the platform offers them."""
    if session.capabilities.select:
        assert set(labels) <= set(message.options), f"the options are not shown: {message}"
        seen, before = session.watched.taken, session.shown()
        await session.driver.select(ALICE, message.id, labels)
        await session.answers(ALICE, seen, before)
        return
    for label in labels:
        await session.press(label, _now(session, message))
    if ENGLISH["done"] in _now(session, message).labels:
        await session.press(ENGLISH["done"], _now(session, message))


def _now(session: Session, message: Shown) -> Shown:
    """Return a message as it is shown now."""
    (shown,) = (shown for shown in session.shown() if shown.id == message.id)
    return shown


async def _tap(session: Session, message: Shown, label: str) -> Sequence[Shown]:
    """Choose a suggestion, in whatever form the platform offers it."""
    if label in message.labels:
        return await session.press(label, message)
    if not session.capabilities.suggestions:
        assert label in message.text, f"the suggestion {label!r} is lost: {message}"
        return await session.say(label)
    assert label in message.suggestions, f"the suggestion {label!r} is lost: {message}"
    seen, before = session.watched.taken, session.shown()
    await session.driver.tap(ALICE, message.id, label)
    return await session.answers(ALICE, seen, before)
