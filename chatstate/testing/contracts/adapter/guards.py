"""The adapters' contract: guards of what leaves (`@bot.egress`).

1. Whatever a platform is shown has passed them: what an adapter says by itself holds nothing of it.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatstate.bot.interface import Interface
from chatstate.bot.outgoing import Outgoing
from chatstate.files import File
from chatstate.replies import Button, Card, Markdown, Reply
from chatstate.testing.contracts.adapter.session import AdapterSuite

_WORD, _INSTEAD = "umbrella", "parasols"
_SAID = {
    "text": Markdown(f"a **{_WORD[:4]}**{_WORD[4:]} and _{_WORD}_"),
    "card": Reply("Here:", [Button(f"An {_WORD}")], card=Card(title=_WORD, footer=_WORD)),
    "file": File(b"x", f"{_WORD}.txt"),
    "stop": Reply(f"stop the {_WORD}", [Button("x")]),
}
_STOPPED = "Sorry, I cannot say that."


def _guarded() -> Interface:
    bot = Interface(id="guarded", sentences={"withheld": _STOPPED})

    @bot.on_message
    def say(text: str) -> Any:
        return _SAID[text]

    @bot.egress
    def guard(out: Outgoing) -> Outgoing | None:
        return None if "stop" in out.words else out.map(lambda text: text.replace(_WORD, _INSTEAD))

    return bot


class GuardsContract(AdapterSuite):
    """What a guard has changed, and what it has stopped."""

    async def test_what_leaves_has_passed_the_guards(self, tmp_path: Path) -> None:
        """A changed word arrives changed wherever it stands; of what is stopped nothing does."""
        async with self.session(tmp_path, bot=_guarded()) as session:
            for text in ("text", "card", "file"):
                shown = repr(await session.say(text))
                assert _INSTEAD in shown, f"what the guard made of it is not shown: {shown}"
                assert _WORD not in shown, f"it went around the guard: {shown}"
            (message,) = await session.say("stop")
            assert message.text == _STOPPED
