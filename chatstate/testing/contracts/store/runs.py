"""The store's contract: runs.

1. Runs have numbers: no two make the same version, and crashes in a row are counted.
2. A bot has a secret, the same in each of its runs.
3. A role is one run's at a time.
"""

# ruff: noqa: S101, PLR2004 - a test suite

from __future__ import annotations

import itertools
import os
from pathlib import Path

from chatstate.testing.contracts.store.session import NOW, StoreSuite, Time, event


class RunsContract(StoreSuite):
    """`open`, `end` and `lead`."""

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

    async def test_a_store_that_is_in_order_says_so(self, tmp_path: Path) -> None:
        """However often it is asked, whatever it does meanwhile."""
        async with self.session(tmp_path) as session:
            await session.store.check()
            await session.arrive(event("1"))
            await session.store.check()

    async def test_a_run_leads_what_nobody_leads(self, tmp_path: Path) -> None:
        """Each role by itself, as often as it asks; the next run has them in its turn."""
        for _ in range(2):
            async with self.session(tmp_path) as session:
                assert await session.leads("poller")
                assert await session.leads("clock")
                assert await session.leads("poller")

    async def test_who_looks_sees_the_runs_that_live(self, tmp_path: Path) -> None:
        """With their roles, what they hold, and what waits there; one that has ended is none."""
        time = Time()
        async with self.session(tmp_path, clock=time) as session:
            await session.leads("clock")
            await session.leads("poller")
            await session.ingest(event("1"), event("2"))
            time.now += 1
            worker, *others = await session.store.workers()
            assert len(others) == self.runs - 1
            assert (worker.id, worker.bot, worker.pid) == (session.run.id, "bot", os.getpid())
            duties = [role.partition(":")[0] for role in worker.roles]
            assert (duties, worker.holds) == (["clock", "poller"], 1)
            assert (worker.waiting, worker.oldest_at) == (2, NOW)
            assert worker.lease == max(session.run.lease - 1, 0)
        if self.durable:
            store = self.make_store(tmp_path, clock=time, waiting_limit=1000, overflow="refuse")
            assert list(await store.workers()) == []

    async def test_a_run_that_beats_lives_on(self, tmp_path: Path) -> None:
        """Whatever it holds is its own after many leases, and it can go on with it."""
        time = Time()
        async with self.session(tmp_path, clock=time) as session:
            (arrival,) = await session.arrive(event("1"))
            for _ in range(10):
                time.now += session.run.lease / 2
                await session.beat()
            assert await session.leads("poller")
            assert await session.claimed() == []
            assert await session.commit(session.turn(arrival)) == ["applied"]
