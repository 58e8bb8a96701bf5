"""The adapters' contract: commands in groups and menus, and what may be typed for them.

1. However a platform lets people give a command, it comes as a line would, or with its arguments by
   name.
2. What is chosen in a menu comes as what a command answers.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from unittest import SkipTest

from chatstate.language.en import ENGLISH
from chatstate.testing.contracts.adapter.driver import Shown
from chatstate.testing.contracts.adapter.script import CANDIDATES, POLL
from chatstate.testing.contracts.adapter.session import ALICE, AdapterSuite, Session, only


class CommandsContract(AdapterSuite):
    """What people give commands by, beside plain lines."""

    async def test_a_command_of_a_group_runs(self, tmp_path: Path) -> None:
        """With its arguments; whoever sends the group alone is told what is in it."""
        async with self.session(tmp_path) as session:
            for why in ("", "it is late"):
                arguments = {"when": "7", **({"why": why} if why else {})}
                reply = only(await _commanded(session, "poll close", arguments))
                assert reply.text == f"closed at 7 for {why or 'no reason'}", (
                    'a command of a group comes as the text "/group command", with its arguments '
                    "behind it, or by name in `Message.arguments`"
                )
            told = ENGLISH["which_command"].format(usages="/poll close when [why]")
            assert [reply.text for reply in await session.say("/poll")] == [told]

    async def test_a_poll_answers_a_command(self, tmp_path: Path) -> None:
        """Though it may be no answer as a text is: with its text, as a poll, and once."""
        async with self.session(tmp_path) as session:
            shown = await _commanded(session, "ask", {})
            assert shown[0].text.startswith("Please vote:")
            polls = [message.shared for message in shown if message.shared]
            if session.capabilities.polls:
                assert polls == [POLL], f"it is not shown: {shown}"
            else:
                assert POLL.words in shown[0].text
            assert session.letters() == []

    async def test_what_is_chosen_in_a_menu_is_handled(self, tmp_path: Path) -> None:
        """A message of the bot's: its words are the function's."""
        async with self.session(tmp_path) as session:
            session.needs("reply_to")
            shown = only(await session.say("three words here"))
            reply = only(await _chosen(session, "Count words", "/count_words", shown))
            assert reply.text == "3 words", (
                "what is chosen in a menu comes as its command, with the message that was chosen "
                f"as `Message.reply_to`; the answer is {reply.text!r}"
            )

    async def test_what_may_be_typed_is_offered(self, tmp_path: Path) -> None:
        """As the bot tells, in its order, and nothing is delivered for it."""
        async with self.session(tmp_path) as session:
            await session.say("hi")
            seen = session.watched.taken
            for typed, expected in (("mar", CANDIDATES[:2]), ("Ö", CANDIDATES[2:]), ("x", ())):
                offered = await session.driver.complete(ALICE, "vote", {"choice": typed})
                assert list(offered) == list(expected), (
                    "what may be typed for an argument that `completes` is what `host.complete` "
                    f"returns; of {typed!r} that is {list(offered)}"
                )
            assert session.watched.taken == seen, "what is being typed is not to be delivered"


async def _commanded(session: Session, name: str, arguments: Mapping[str, str]) -> list[Shown]:
    seen, before = session.watched.taken, session.shown()
    await give(session, name, arguments)
    return await session.answers(ALICE, seen, before)


async def give(session: Session, name: str, arguments: Mapping[str, str]) -> None:
    """Let somebody give a command, as the platform asks for it if that is no line."""
    try:
        await session.driver.command(ALICE, name, arguments)
    except SkipTest:
        await session.driver.say(ALICE, " ".join([f"/{name}", *arguments.values()]))


async def _chosen(session: Session, title: str, command: str, shown: Shown) -> list[Shown]:
    seen, before = session.watched.taken, session.shown()
    try:
        await session.driver.choose(ALICE, shown.id, title)
    except SkipTest:
        await session.driver.say(ALICE, command, reply_to=shown.id)
    return await session.answers(ALICE, seen, before)
