"""The adapters' contract: cards.

1. All that a card says is shown, and so is its picture.
2. A card that is replaced is gone.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatstate.bot.turn import Turn
from chatstate.files import File
from chatstate.replies import Button, Card, Markdown, Reply
from chatstate.testing.contracts.adapter.session import AdapterSuite, only

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "000000050001a5f645400000000049454e44ae426082"
)
FIELDS: dict[str, str | Markdown] = {
    "High": "21°",
    "Low_temperature": Markdown("**9°**"),
    "Hours": "one\ntwo",
}
WORDS = ("Weather *today*", "Sunny", "High", "21°", "Low_temperature", "9°", "two", "as of noon")
ADDRESS = "https://example.com/sky.png"


def weather(**more: Any) -> Card:
    """Return a card with everything that is no picture."""
    return Card(
        title="Weather *today*",
        text=Markdown("**Sunny**, mostly."),
        fields=FIELDS,
        url="https://example.com/",
        colour=0xFFAA00,
        footer="as of noon",
        **more,
    )


class CardsContract(AdapterSuite):
    """Cards, as they are shown."""

    async def test_all_that_a_card_says_is_shown(self, tmp_path: Path) -> None:
        """With what is said above it, and with buttons below."""
        card = Reply("Here:", card=weather(), buttons=[Button("Thanks")])
        async with self.session(tmp_path, lambda _: card) as session:
            message = only(await session.say("hi"))
            for word in ("Here:", *WORDS):
                assert word in message.text, f"{word!r} is not shown: {message.text!r}"
            assert "Thanks" in message.labels or "Thanks" in message.text
            assert "**" not in message.text, "markup is shown as it was written"

    async def test_a_card_alone_is_a_message(self, tmp_path: Path) -> None:
        """Without any text beside it."""
        async with self.session(tmp_path, lambda _: weather()) as session:
            assert "Sunny" in only(await session.say("hi")).text

    async def test_the_picture_of_a_card_is_sent(self, tmp_path: Path) -> None:
        """With other files; where there are none, it is named."""
        card = weather(image=File(PNG, "sky.png"))
        reply = Reply(card=card, files=[File(b"more", "more.txt")])
        async with self.session(tmp_path, lambda _: reply) as session:
            shown = await session.say("hi")
            text = "\n".join(message.text for message in shown)
            assert all(word in text for word in WORDS), f"words are lost: {text!r}"
            if not session.capabilities.files:
                assert "sky.png" in text
                return
            sent = [file.data for message in shown for file in message.files]
            assert sorted(sent) == sorted([PNG, b"more"]), (
                "the `picture` of a `PostCard` is a file of the part, as all others are"
            )

    async def test_a_picture_elsewhere_is_shown(self, tmp_path: Path) -> None:
        """Or its address is."""
        async with self.session(tmp_path, lambda _: weather(image=ADDRESS)) as session:
            message = only(await session.say("hi"))
            assert ADDRESS in (*message.pictures, *message.text.split()), f"it is lost: {message}"

    async def test_a_card_full_of_markup_characters_is_shown_whole(self, tmp_path: Path) -> None:
        """However many more there are once they are escaped."""
        card = Card(title="*" * 250, text="_" * 2500, fields={"~": "`*" * 500}, footer="*end*")
        async with self.session(tmp_path, lambda _: card) as session:
            text = "".join(message.text for message in await session.say("hi"))
            for character, count in (("_", 2500), ("*", 250 + 500 + 2), ("`", 500), ("~", 1)):
                found = text.count(character)
                assert found >= count, f"of {character!r} {count - found} are not shown"
            assert session.letters() == []

    async def test_a_card_that_is_edited_away_is_gone(self, tmp_path: Path) -> None:
        """The message shows its new text, and no picture."""
        ids: list[str] = []

        def answer(turn: Turn) -> Any:
            if ids:
                return Reply(turn.text, edit=ids[0])
            return Reply("Here:", card=weather(image=ADDRESS))

        async with self.session(tmp_path, answer) as session:
            session.needs("edit")
            ids.append(only(await session.say("hi")).id)
            message = only(await session.say("gone"))
            assert (message.text, list(message.pictures)) == ("gone", [])
