"""The store's contract: accounts, people, and where a conversation is.

1. Accounts, people, chats and threads are found again by the platform's ids, in every process.
2. What one bot keeps is nothing to another one on the same store.
3. An account has a cursor for each part of what it receives.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path

from chatstate.errors import StateError
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

    async def test_an_account_of_another_bot_can_be_refused(self, tmp_path: Path) -> None:
        """Where a bot wants to be alone: both bots are named, and no account is made."""
        self.needs_durability()
        async with self.session(tmp_path, bot="a") as session:
            mine = await session.store.account("test", "2", alone=True)
        for _ in range(2):
            async with self.session(tmp_path, bot="b") as other:
                told = await _refusal(other.store.account("test", "2", alone=True))
                assert "bot 'a'" in told
                assert "id='a'" in told
        async with self.session(tmp_path, bot="a") as again:
            assert await again.store.account("test", "2", alone=True) == mine

    async def test_an_account_is_of_one_tenant(self, tmp_path: Path) -> None:
        """The same each time; of another, or of none, it is refused."""
        async with self.session(tmp_path) as session:
            find = session.store.account
            acme = await find("test", "2", tenant="acme")
            also = await find("test", "3", tenant="acme")
            other = await find("test", "4", tenant="other")
            assert acme.tenant == also.tenant != 0
            assert len({acme.tenant, other.tenant, session.account.tenant}) == 3
            assert await find("test", "2", tenant="acme") == acme
            for tenant in ("other", ""):
                told = await _refusal(find("test", "2", tenant=tenant))
                assert "account 2 on test is of tenant 'acme'" in told
            told = await _refusal(find("test", "1", tenant="acme"))
            assert "account 1 on test is the bot's own" in told

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


async def _refusal(wanted: Awaitable[Account]) -> str:
    """Return why an account is refused."""
    try:
        await wanted
    except StateError as error:
        return str(error)
    raise AssertionError("it was not refused")
