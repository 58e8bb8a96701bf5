"""The adapters' contract: questions that wait for their answer.

1. What a person types or presses answers, also in the next process.
2. Where a platform can ask several texts at once, a form is asked so: nothing is delivered before
   it is submitted, and what does not fit is asked again in the chat.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.bot.interface import Interface
from chatstate.bot.turn import Turn
from chatstate.language.en import ENGLISH
from chatstate.replies import Button, Reply
from chatstate.testing.contracts.adapter.commands import give
from chatstate.testing.contracts.adapter.driver import Shown
from chatstate.testing.contracts.adapter.session import ALICE, AdapterSuite, Session, only


async def _order(turn: Turn) -> str:
    size = await turn.ask("Which size?", choices=["Small", "Large"], key="size")
    name = await turn.ask("For whom?", key="name")
    return f"{size} for {name}, as {turn.text} said"


class DialoguesContract(AdapterSuite):
    """What is asked, and what answers it."""

    async def test_what_is_typed_answers_a_question(self, tmp_path: Path) -> None:
        """Also in the next process; it is seen as the event that began the dialogue."""
        async with self.session(tmp_path, _order) as session:
            session.script.counts = False
            await session.say("hi")
            assert only(await session.say("large")).text == "For whom?"
            await session.restart()
            assert only(await session.say("Ann")).text == "Large for Ann, as hi said"

    async def test_a_button_answers_its_question_once(self, tmp_path: Path) -> None:
        """From then on it says so."""
        async with self.session(tmp_path, _order) as session:
            session.script.counts = False
            session.needs("buttons")
            question = only(await session.say("hi"))
            assert question.labels == ["Small", "Large"], f"it offers something else: {question}"
            assert only(await session.press("Small", question)).text == "For whom?"
            again = await session.press("Large", question)
            assert [reply.text for reply in again] == [ENGLISH["not_open"]]
            assert only(await session.say("Ann")).text == "Small for Ann, as hi said"


def _cups(cups: int, name: str) -> Reply:
    """Order tea."""
    return Reply(f"{cups} for {name}", [Button("3")])


_BLANK = {"Cups": "", "Name": ""}


class ModalsContract(AdapterSuite):
    """What is asked at once, of whoever begins a form, where the platform can do that."""

    async def test_a_form_is_asked_at_once(self, tmp_path: Path) -> None:
        """Nothing is delivered before it is submitted, also to the next process."""
        async with self.session(tmp_path, bot=_order_form()) as session:
            session.needs("modals")
            assert await _begun(session) == _BLANK
            first = session.watched
            await session.restart()
            shown = await _submitted(session, {"Cups": "2", "Name": "Ann"})
            assert not first.events, (
                "what begins a form is not to be delivered: ask `host.form`, and show what it tells"
            )
            assert [reply.text for reply in shown] == ["2 for Ann"], (
                "what is submitted comes as what began the form, under an id of its own, with the "
                f"texts by their labels in `Message.answers`; what is shown is {shown}"
            )

    async def test_what_does_not_fit_in_a_form_is_asked_again(self, tmp_path: Path) -> None:
        """In the chat, and it alone."""
        async with self.session(tmp_path, bot=_order_form()) as session:
            session.needs("modals")
            await _begun(session)
            assert "Cups" in only(await _submitted(session, {"Cups": "many", "Name": "Ann"})).text
            assert only(await session.say("2")).text == "2 for Ann"

    async def test_a_press_may_begin_a_form(self, tmp_path: Path) -> None:
        """With what its button sends there already, if that answers the first question."""
        async with self.session(tmp_path, bot=_order_form()) as session:
            session.needs("modals", "buttons")
            await _begun(session)
            order = only(await _submitted(session, {"Cups": "2", "Name": "Ann"}))
            await session.driver.press(ALICE, order.id, "3")
            assert await _form(session) == {**_BLANK, "Cups": "3"}
            assert only(await _submitted(session, {"Name": "Eve"})).text == "3 for Eve"


def _order_form() -> Interface:
    return Interface(_cups, ["number", "text"], ["text"], id="contract")


async def _begun(session: Session) -> dict[str, str]:
    """Let somebody begin the form; return what they are shown."""
    await give(session, "start", {})
    return await _form(session)


async def _form(session: Session) -> dict[str, str]:
    await session.until(
        lambda: session.driver.form(ALICE),
        "a command or a press that begins a form is to show it: its `host.form` was not asked, or "
        "not shown",
    )
    return dict(session.driver.form(ALICE) or {})


async def _submitted(session: Session, answers: dict[str, str]) -> list[Shown]:
    seen, before = session.watched.taken, session.shown()
    await session.driver.submit(ALICE, answers)
    return await session.answers(ALICE, seen, before)
