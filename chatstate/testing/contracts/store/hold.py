"""The store's contract: who holds it, and who is who in it.

1. Accounts, people, chats and threads are found again by the platform's ids, in every process.
2. What one bot keeps is nothing to another one on the same store.
3. Runs have numbers: no two make the same version, and crashes in a row are counted.
4. A chat with a second id is one chat; where both were in use, nothing is thrown away.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import itertools
from pathlib import Path

from chatstate.messages import User
from chatstate.scope import key
from chatstate.stores.base import Account, Claim
from chatstate.testing.contracts.store.session import StoreSuite, event


class HoldContract(StoreSuite):
    """Runs, accounts and people."""

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

    async def test_runs_that_did_not_stop_are_counted_in_a_row(self, tmp_path: Path) -> None:
        """Crashes of this bot since it last stopped as it should."""
        self.needs_durability()
        crashes: list[int] = []
        for clean in (True, False, False, True, False):
            async with self.session(tmp_path, clean=clean) as session:
                await session.ingest(event("1"))
                crashes += [claim.crashes for claim in await session.claimed()]
        async with self.session(tmp_path, bot="other") as other:
            assert await other.claimed() == []
        async with self.session(tmp_path) as last:
            crashes += [claim.crashes for claim in await last.claimed()]
            assert crashes == [0, 1, 2, 0, 1]

    async def test_versions_of_two_runs_are_never_equal(self, tmp_path: Path) -> None:
        """However many the first has made, those of the second are others, and later."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            made = list(itertools.islice(session.run.versions(), 1000))
        async with self.session(tmp_path) as reopened:
            assert reopened.run.id > session.run.id
            later = list(itertools.islice(reopened.run.versions(), 1000))
        assert len({*made, *later}) == 2000
        assert max(made) < min(later)
        assert max(later) < 2**63

    async def test_a_bot_has_a_secret_of_its_own(self, tmp_path: Path) -> None:
        """Not to be guessed, and unlike that of any other bot or store."""
        async with self.session(tmp_path) as session:
            secret = session.run.secret
            assert len(secret) >= 16
        (tmp_path / "other").mkdir()
        async with self.session(tmp_path / "other") as other:
            assert other.run.secret != secret
        async with self.session(tmp_path, bot="other") as another:
            assert another.run.secret not in (secret, other.run.secret)

    async def test_a_secret_stays_the_same(self, tmp_path: Path) -> None:
        """In each process, also after a crash, whichever bot ran in between."""
        self.needs_durability()
        secrets: dict[str, set[bytes]] = {"a": set(), "b": set()}
        for bot, clean in [("a", False), ("b", True), ("a", True), ("b", False), ("a", True)]:
            async with self.session(tmp_path, bot=bot, clean=clean) as session:
                secrets[bot].add(session.run.secret)
        assert [len(known) for known in secrets.values()] == [1, 1]

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


class AliasContract(StoreSuite):
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
