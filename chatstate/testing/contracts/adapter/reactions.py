"""The adapters' contract: reactions.

1. A message has one reaction of the bot's: the newest, or none.
2. A platform that has no reactions, or not this one, shows the emoji as an answer.
3. What there is no message for any more does no harm.
4. Who reacts to what, and takes it back, is told. The bot's own reactions are not.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatstate.bot.turn import Turn
from chatstate.replies import React
from chatstate.testing.contracts.adapter.script import gated
from chatstate.testing.contracts.adapter.session import ALICE, AdapterSuite, Session, only

EMOJI, OTHER = "👍", "🔥"


def react(turn: Turn) -> Any:
    """React to what is said with it; `-` takes a reaction away."""
    return React("" if turn.text == "-" else turn.text, to=turn.message.reply_to)


class ReactionsContract(AdapterSuite):
    """The bot reacts to messages."""

    async def test_a_reaction_is_shown(self, tmp_path: Path) -> None:
        """On the message that is handled; or as an answer, where there are no reactions."""
        async with self.session(tmp_path, react) as session:
            message = await _said(session, EMOJI)
            shown = [] if session.capabilities.reactions else [EMOJI]
            assert session.texts() == shown, f"shown: {session.shown()}"
            if session.capabilities.reactions:
                assert session.driver.reactions(ALICE, message) == [EMOJI], (
                    'the verb "reaction" must set the bot\'s reaction to `Action.message`'
                )

    async def test_a_reaction_takes_the_place_of_another(self, tmp_path: Path) -> None:
        """And may be taken away; that of a message of the bot's own, too."""
        async with self.session(
            tmp_path, lambda t: react(t) if t.message.reply_to else t.text
        ) as session:
            session.needs("reactions", "reply_to")
            reply = only(await session.say("hi"))
            for emoji, shown in ((EMOJI, [EMOJI]), (OTHER, [OTHER]), ("-", []), ("-", [])):
                await _said(session, emoji, reply_to=reply.id)
                assert session.driver.reactions(ALICE, reply.id) == shown, (
                    f"after the reaction {emoji!r}: there is one of the bot's, the newest"
                )
            assert session.letters() == []

    async def test_an_emoji_that_is_no_reaction_there_is_written(self, tmp_path: Path) -> None:
        """Whatever `reaction_emoji` tells; nothing of it is lost, and none is a dead letter."""
        async with self.session(tmp_path, react) as session:
            session.needs("reactions")
            message = await _said(session, "🧮")
            told = [*session.driver.reactions(ALICE, message), *session.texts()]
            assert told == ["🧮"], f"shown: {told}"
            assert session.letters() == [], "name what there is in `reaction_emoji`"

    async def test_a_reaction_of_somebody_is_told(self, tmp_path: Path) -> None:
        """What is new and what is gone, whose it is, and the message that it is for."""
        async with self.session(tmp_path) as session:
            reply = only(await session.say("hi"))
            for emoji, changed in ((EMOJI, ((EMOJI,), ())), ("", ((), (EMOJI,)))):
                seen, before = session.watched.taken, session.shown()
                await session.driver.react(ALICE, reply.id, emoji)
                answers = await session.answers(ALICE, seen, before)
                assert session.script.reactions, 'it is of the kind "reaction"'
                told = session.script.reactions[-1]
                assert told.reaction, "it has a `Message.reaction`"
                assert answers == []
                assert (told.reaction.added, told.reaction.removed) == changed
                assert (told.reaction.target.id, told.id) == (reply.id, reply.id)
                heard = session.script.heard[0]
                assert (told.sender.id, told.chat.id) == (heard.sender.id, heard.chat.id)

    async def test_its_own_reactions_are_not_told(self, tmp_path: Path) -> None:
        """Else a bot that reacts to reactions would never end."""
        async with self.session(tmp_path, react) as session:
            session.needs("reactions")
            await _said(session, EMOJI)
            await _said(session, EMOJI)
            assert session.script.reactions == [], "leave out what the account itself does"

    async def test_a_reaction_to_what_is_gone_does_no_harm(self, tmp_path: Path) -> None:
        """It is no dead letter, and the next reply is sent."""
        async with self.session(
            tmp_path, lambda t: react(t) if t.message.reply_to else t.text
        ) as session:
            session.needs("reactions", "reply_to")
            reply = only(await session.say("hi"))
            gate = gated(session.script)
            await session.driver.say(ALICE, EMOJI, reply_to=reply.id)
            await session.until(lambda: len(session.script.heard) == 2, "nothing was delivered")  # noqa: PLR2004 - after "hi"
            await session.driver.remove(ALICE, reply.id)
            gate.set()
            await session.settled()
            assert only(await session.say("next")).text == "next"
            assert session.letters() == [], "a message that is gone needs no reaction: return"


async def _said(session: Session, text: str, **more: Any) -> str:
    """Say something, and return its id once it is answered."""
    before = session.watched.taken
    message = await session.driver.say(ALICE, text, **more)
    await session.answers(ALICE, before, session.shown())
    return message
