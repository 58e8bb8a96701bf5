"""The adapters' contract: what a platform tells of by a name of its own.

1. It is told because the bot handles it: `Host.updates` says so.
2. It comes with that name and all that the platform says of it, by whom and where that is known.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import functools
from pathlib import Path

from chatstate.messages import Message
from chatstate.testing.contracts.adapter.session import ALICE, BOB, AdapterSuite


class NamedContract(AdapterSuite):
    """What comes to `@bot.on`."""

    async def test_what_is_handled_by_its_own_name_is_told(self, tmp_path: Path) -> None:
        """With all that the platform says of it, from the person who did it."""
        told: list[Message] = []

        def note(message: Message) -> None:
            told.append(message)

        async with self.session(tmp_path, named=note) as session:
            name = session.driver.named
            known = session.watched.adapter.updates
            assert known, "`Adapter.updates` lists what the platform tells of"
            assert name.partition(":")[2] in known.named, f"`Adapter.updates` does not name {name}"
            await session.say("hi", ALICE)
            for count, who in enumerate((BOB, ALICE), 1):
                await session.driver.happen(who)
                await session.until(
                    functools.partial(_are_so_many, told, count),
                    "what is in `Host.updates` has to be asked for, and delivered",
                )
            assert session.script.others == [], "what has a handler by its name came to `on_other`"
            (alice,) = session.script.heard
            assert [message.update for message in told] == [name, name]
            assert told[0].sender.id != told[1].sender.id == alice.sender.id
            assert all(message.kind == "other" and message.raw for message in told)


def _are_so_many(told: list[Message], count: int) -> bool:
    return len(told) == count
