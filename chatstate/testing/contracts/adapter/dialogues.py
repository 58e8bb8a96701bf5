"""The adapters' contract: questions that wait for their answer."""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.bot.turn import Turn
from chatstate.language.en import ENGLISH
from chatstate.testing.contracts.adapter.session import AdapterSuite, only


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
