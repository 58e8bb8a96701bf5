"""The store's contract: what one run at a time does for an account, and which runs have that."""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path
from typing import Literal

from chatstate.stores.base import Role
from chatstate.testing.contracts.store.session import event
from chatstate.testing.contracts.store.workers import WorkersSuite

DUTIES: tuple[Literal["poller", "clock"], ...] = ("poller", "clock")


class RolesContract(WorkersSuite):
    """`lead`, `cede`, `leave` and `peers`, among several runs."""

    async def test_one_run_at_a_time_leads(self, tmp_path: Path) -> None:
        """Each role, of each bot; it goes on with the end of that run."""
        async with self.pair(tmp_path) as (workers, mine, other):
            stranger = await workers.start(bot="other")
            for duty in DUTIES:
                for part in ("", "1"):
                    assert await mine.leads(duty, part)
                    assert await stranger.leads(duty, part)
                    assert [await run.leads(duty, part) for run in (other, mine)] == [False, True]
            await mine.store.end(clean=True)
            assert await other.leads("poller")

    async def test_each_takes_a_share_of_roles_and_no_more(self, tmp_path: Path) -> None:
        """What it has it keeps, until it cedes it; what it has ceded, others may take."""
        async with self.pair(tmp_path) as (_, mine, other):
            roles = [Role("poller", mine.account.id, str(part)) for part in range(4)]
            assert list(await mine.store.lead(roles, 3)) == roles[:3]
            assert list(await mine.store.lead(roles, 2)) == roles[:3]
            assert list(await other.store.lead(roles, 2)) == roles[3:]
            await other.store.cede(roles)
            await mine.store.cede(roles[1:3])
            assert list(await other.store.lead(roles, 2)) == roles[1:3]
            assert list(await mine.store.lead(roles)) == [roles[0], roles[3]]

    async def test_an_account_is_left_to_others(self, tmp_path: Path) -> None:
        """With its roles and what waits there; whoever has it is counted."""
        async with self.pair(tmp_path) as (_, mine, other):
            await mine.arrive(event("1"))
            account = mine.account.id
            assert await mine.leads("poller")
            assert await other.store.peers() == {account: 2}
            await mine.store.leave(account)
            assert await other.store.peers() == await mine.store.peers() == {}
            assert await mine.claimed() == []
            assert len(await other.claimed()) == 1
            assert await other.leads("poller")

    async def test_who_receives_notes_the_cursor(self, tmp_path: Path) -> None:
        """Of a part for which another run receives, nobody else can set it back."""
        async with self.pair(tmp_path) as (_, mine, other):
            assert await mine.leads("poller", "1")
            for run, cursor in ((mine, "new"), (other, "old")):
                await run.store.ingest(run.account.id, [], {"1": cursor, "2": cursor})
            cursors = (await mine.store.account("test", "1")).cursors
            assert cursors == {"1": "new", "2": "old"}

    async def test_what_is_shared_is_anybodys(self, tmp_path: Path) -> None:
        """Conversations that nobody holds are given to all that have the account, evenly."""
        async with self.pair(tmp_path) as (workers, mine, other):
            held = await mine.arrive(event("held", chat="held"))
            events = [event(str(n), chat=f"c{n}") for n in range(10)]
            more = [event("more", chat="held"), *events]
            stored = await mine.store.ingest(mine.account.id, more, share=True)
            own = [entry.arrival for entry in stored if entry.arrival]
            assert own[0].place == held[0].place
            assert 1 < len(own) < len(events)
            news = await other.claimed()
            assert all(claim.is_news and claim.waits for claim in news)
            assert len(news) == len(events) - len(own) + 1
            for number in [entry.pending for entry in stored if entry.pending]:
                assert await mine.store.pending([number]) == [number]
            await workers.outlive(other)
            assert len(await mine.claimed()) == len(news)
            again = [event(f"again {n}", chat=f"d{n}") for n in range(10)]
            alone = await mine.store.ingest(mine.account.id, again, share=True)
            assert all(entry.arrival for entry in alone)
