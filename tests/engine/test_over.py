"""A `Turn` that somebody kept beyond its end."""

from collections.abc import Callable
from typing import Any

import pytest
from support import texts

from chatstate import Interface, PerMember, Turn
from chatstate.testing import TestClient

Use = Callable[[Turn], Any]
USES: dict[str, Use] = {
    "send": lambda turn: turn.send("ding"),
    "step": lambda turn: turn.step("pay", lambda: 1),
    "state": lambda turn: turn.state(list[str]),
    "apply": lambda turn: turn.apply(list[str], lambda value: value),
    "replace": lambda turn: turn.replace(list[str], []),
    "progress": lambda turn: turn.progress(0.5),
    "folder": lambda turn: turn.folder,
}


@pytest.mark.parametrize("what", USES)
async def test_a_turn_can_do_nothing_after_its_end(what: str) -> None:
    """Whoever kept it is told, with the handler and what was called; nothing is sent or kept."""
    bot, kept = Interface(id="bot"), []

    @bot.on_message
    async def keep(turn: Turn, seen: PerMember[list[str]]) -> str:
        kept.append(turn)
        return f"{len(seen)}"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["0"]
        with pytest.raises(RuntimeError, match=rf"turn\.{what}\(\) was called after .*keep\(\)"):
            result = USES[what](kept[0])
            await result
        assert await texts(alice, "again") == ["0"]
        assert len(client.platform.delivered) == 2
