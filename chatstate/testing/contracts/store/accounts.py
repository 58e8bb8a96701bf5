"""The store's contract: accounts, people, and where a conversation is.

1. Accounts, people, chats and threads are found again by the platform's ids, in every process.
2. What one bot keeps is nothing to another one on the same store.
3. An account has a cursor for each part of what it receives.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.messages import User
from chatstate.stores.base import Account, Claim
from chatstate.testing.contracts.store.session import StoreSuite, event


class AccountsContract(StoreSuite):
    """`account`, `person` and `address`."""

    async def test_an_account_is_the_same_each_time(self, tmp_path: Path) -> None:
        """One id for one (platform, id), other ids for others, no cursor at first."""
        async with self.session(tmp_path) as session:
            assert session.account.cursors == {}
            assert await session.store.account("test", "1") == session.account
            others = [
                await session.store.account(*name) for name in [("test", "2"), ("other", "1")]
            ]
            assert len({session.account.id, *(other.id for other in others)}) == 3

    async def test_an_account_is_the_same_in_the_next_process(self, tmp_path: Path) -> None:
        """Its id, and the last cursor that was noted."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            await session.ingest(event("1"), cursor="c1")
        async with self.session(tmp_path) as reopened:
            assert reopened.account == Account(session.account.id, {"": "c1"})

    async def test_a_cursor_is_noted_also_without_events(self, tmp_path: Path) -> None:
        """And stays where it is if none is given."""
        async with self.session(tmp_path) as session:
            assert await session.ingest(cursor="c1") == []
            await session.ingest(event("1"))
            assert (await session.store.account("test", "1")).cursors == {"": "c1"}

    async def test_each_part_has_a_cursor_of_its_own(self, tmp_path: Path) -> None:
        """Noted by itself or with others, in the next process as in this one."""
        async with self.session(tmp_path, clean=False) as session:
            ingest = session.store.ingest
            await ingest(session.account.id, [event("1")], {"0": "a", "1": "b"})
            await ingest(session.account.id, [], {"1": "c"})
            await session.ingest(cursor="d")
            kept = {"0": "a", "1": "c", "": "d"}
            assert (await session.store.account("test", "1")).cursors == kept
            assert (await session.store.account("test", "2")).cursors == {}
        if self.durable:
            async with self.session(tmp_path) as reopened:
                assert reopened.account.cursors == kept

    async def test_two_bots_on_one_store_keep_apart(self, tmp_path: Path) -> None:
        """Accounts, cursors, events and replies of one are nothing to the other."""
        self.needs_durability()
        async with self.session(tmp_path, bot="a") as session:
            waits, owes = await session.arrive(event("1"), event("2", chat="other"))
            await session.ingest(cursor="c1")
            await session.commit(session.turn(owes, owed=[session.reply(owes)]))
        async with self.session(tmp_path, bot="b") as other:
            assert other.account.id != session.account.id
            assert other.account.cursors == {}
            (found,) = await other.arrive(event("1"))
            assert found.place != waits.place
            assert await other.claimed() == []
        async with self.session(tmp_path, bot="b") as again:
            (claim,) = await again.claimed()
            assert claim == Claim(found.place.conversation, waits=True, owes=False)

    async def test_a_person_is_the_same_wherever_they_speak(self, tmp_path: Path) -> None:
        """By the platform's id within one account; a new name changes nothing."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2", chat="other"))
            assert first.place.person == second.place.person
            known = await session.store.person(
                session.account.id, User("alice", "Alice the Second")
            )
            assert known == first.place.person
            new = await session.store.person(session.account.id, User("bob"))
            assert new != known
            (his,) = await session.arrive(event("3", user="bob"))
            assert his.place.person == new
            another = await session.store.account("test", "2")
            assert await session.store.person(another.id, User("alice")) not in (known, new)

    async def test_an_address_is_where_the_platform_has_it(self, tmp_path: Path) -> None:
        """The account, the chat's id and the thread's, None if there is none."""
        async with self.session(tmp_path) as session:
            plain, threaded = await session.arrive(event("1"), event("2", thread="t"))
            address = await session.store.address(plain.place.conversation)
            assert (address.account, address.chat, address.thread) == (
                session.account.id,
                "room",
                None,
            )
            assert (await session.store.address(threaded.place.conversation)).thread == "t"
