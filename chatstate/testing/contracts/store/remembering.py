"""The store's contract: what adapters keep for themselves."""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.testing.contracts.store.session import StoreSuite, event


class RememberingContract(StoreSuite):
    """`remember` and `recall`."""

    async def test_what_was_remembered_is_recalled(self, tmp_path: Path) -> None:
        """By account and name, as it was last; what was never remembered is None."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            other = await store.account("test", "2")
            await store.remember(account, "a", "")
            await store.remember(account, "b", '{"é": "🎲"}')
            await store.remember(other.id, "b", "other")
            await store.remember(account, "a", "new")
            recalled = [await store.recall(account, name) for name in ("a", "b", "B", "")]
            assert recalled == ["new", '{"é": "🎲"}', None, None]
            assert [await store.recall(other.id, name) for name in ("a", "b")] == [None, "other"]

    async def test_what_is_forgotten_is_recalled_no_more(self, tmp_path: Path) -> None:
        """It alone; to forget what nobody remembers is harmless."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            await store.remember(account, "a", "1")
            await store.remember(account, "b", "2")
            await store.remember(account, "a", None)
            await store.remember(account, "c", None)
            assert [await store.recall(account, name) for name in "abc"] == [None, "2", None]

    async def test_all_of_a_kind_are_recalled(self, tmp_path: Path) -> None:
        """Those of one account whose names begin so, in their order, up to a limit."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            other = await store.account("test", "2")
            for name in ("b_2", "b_1", "b%", "c", "b_3"):
                await store.remember(account, name, name)
            await store.remember(other.id, "b_0", "other")
            assert list(await store.recall_all(account, "b_", 2)) == ["b_1", "b_2"]
            assert await store.recall_all(account, "b%", 9) == {"b%": "b%"}
            assert await store.recall_all(account, "d", 9) == {}

    async def test_it_is_recalled_in_the_next_process(self, tmp_path: Path) -> None:
        """It is durable when `remember` returns, and no state of the bot's."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            await session.arrive(event("1"))
            await session.store.remember(session.account.id, "a", "1")
            assert list(await session.store.list("states")) == []
        async with self.session(tmp_path, bot="other") as other:
            assert await other.store.recall(other.account.id, "a") is None
        async with self.session(tmp_path) as reopened:
            assert await reopened.store.recall(reopened.account.id, "a") == "1"
