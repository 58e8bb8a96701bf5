"""The store's contract: one chat under two ids.

1. A chat with a second id is one chat, under either.
2. Where both were in use, nothing is thrown away.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.scope import key
from chatstate.testing.contracts.store.session import StoreSuite, event


class AliasesContract(StoreSuite):
    """`alias`: one chat under two of the platform's ids."""

    async def test_a_chat_with_a_new_id_is_the_same_chat(self, tmp_path: Path) -> None:
        """Under either id, with its threads; replies go to the new one."""
        async with self.session(tmp_path) as session:
            plain, thread = await session.arrive(event("1"), event("2", thread="t"))
            await session.store.alias(session.account.id, "room", "super")
            old, new, there = await session.arrive(
                event("3"), event("4", chat="super"), event("5", chat="super", thread="t")
            )
            assert plain.place == old.place == new.place
            assert thread.place == there.place
            assert (await session.store.address(plain.place.conversation)).chat == "super"
            assert len(await session.waiting(plain)) == 3

    async def test_a_chat_keeps_its_ids_in_the_next_process(self, tmp_path: Path) -> None:
        """An alias is durable when it returns, and may be told again."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (first,) = await session.arrive(event("1"))
            await session.store.alias(session.account.id, "room", "super")
        async with self.session(tmp_path) as reopened:
            await reopened.claimed()
            await reopened.store.alias(reopened.account.id, "room", "super")
            (second,) = await reopened.arrive(event("2", chat="super"))
            assert second.place == first.place
            assert (await reopened.store.address(first.place.conversation)).chat == "super"

    async def test_an_alias_of_an_unknown_chat_changes_nothing(self, tmp_path: Path) -> None:
        """Nor does one in another account."""
        async with self.session(tmp_path) as session:
            (first,) = await session.arrive(event("1"))
            other = await session.store.account("test", "2")
            await session.store.alias(session.account.id, "nowhere", "elsewhere")
            await session.store.alias(other.id, "room", "super")
            (second,) = await session.arrive(event("2", chat="super"))
            assert second.place.chat != first.place.chat
            assert (await session.store.address(first.place.conversation)).chat == "room"

    async def test_of_two_chats_in_use_the_older_stays(self, tmp_path: Path) -> None:
        """It gets the values it does not have, and keeps those it has; the rest is kept aside."""
        async with self.session(tmp_path) as session:
            old, new, more, last = await session.arrive(
                event("1"),
                event("2", chat="super"),
                event("3", chat="super"),
                event("4", chat="super"),
            )
            both = [key("bot", "chat", "both", arrival.place) for arrival in (old, new)]
            only = [key("bot", "member", "only", arrival.place) for arrival in (old, new)]
            for arrival, what in [(old, both[0]), (new, both[1]), (more, only[1])]:
                await session.put(arrival, what, f'"{arrival.event.id}"')
            await session.commit(session.turn(last, owed=[session.reply(last)]))
            (waits,) = await session.arrive(event("5", chat="super"))
            await session.store.alias(session.account.id, "room", "super")
            (after,) = await session.arrive(event("6", chat="super"))
            assert after.place == old.place
            assert [await session.text(what) for what in (both[0], only[0])] == ['"1"', '"3"']
            assert await session.text(both[1]) == '"2"'
            assert await session.waiting(old) == [waits.seq, after.seq]
            assert await session.owed(old) == [(last.seq, 0)]
            assert (await session.store.address(old.place.conversation)).chat == "super"
