"""Goes on with what another run left; after a crash with care.

1. After a crash, events that may have been running are suspects: they run one at a time, and
   nothing else runs before they are through.
2. One that crashes the process three times while it runs alone is set aside. Nobody innocent is.
3. A reply, which is rarely to blame, is suspected after the second crash in a row.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.states.commits import Commits
from chatstate.engine.turns.fences import Fences
from chatstate.engine.turns.later import Later
from chatstate.stores.base import Claim, Store

log = logging.getLogger("chatstate.engine")

_CRASHES = 3


class Recovery:
    """Takes up what waits in the store. `task` is there while suspects run."""

    def __init__(
        self,
        *,
        store: Store,
        lanes: Lanes,
        later: Later,
        fences: Fences,
        commits: Commits,
        sender: Sender,
        failed: Callable[[Exception], None],
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._later = later
        self._fences = fences
        self._commits = commits
        self._sender = sender
        self._failed = failed
        self._suspects: list[Claim] = []
        self.task: asyncio.Task[None] | None = None

    def take_up(self, claims: Sequence[Claim]) -> None:
        """Go on with conversations that are this run's from now on."""
        suspects = [claim for claim in claims if claim.crashes]
        if suspects:
            self._suspects += suspects
            self._lanes.paused = True
        for claim in claims:
            if claim.waits:
                self._lanes.resume(claim.conversation)
            if claim.owes and not claim.crashes:
                self._sender.resume(claim.conversation)
        if suspects and self.task is None:
            self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Find what crashed the process, if anything did, by running what may have alone."""
        try:
            await self._lanes.activity.over()
            while self._suspects:
                suspects, self._suspects = self._suspects, []
                await self._clear(suspects)
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            self.task = None
            self._lanes.release()

    async def _clear(self, suspects: Sequence[Claim]) -> None:
        waiting = [claim.conversation for claim in suspects if claim.waits]
        owing = [claim for claim in suspects if claim.owes]
        if waiting:
            log.warning(
                "the process before this one did not stop as it should; "
                "%d conversations go on one at a time first",
                len(waiting),
            )
        await self._sender.try_heads_alone(
            [claim.conversation for claim in owing if claim.crashes > 1]
        )
        for claim in owing:
            self._sender.resume(claim.conversation)
        for conversation in waiting:
            await self._run_suspect(conversation)

    async def _run_suspect(self, conversation: int) -> None:
        """Run the event of a conversation that may have been running at a crash."""
        for suspect in await self._store.events(conversation, 0, 1):
            if self._lanes.stopping:
                return
            if suspect.noted and await self._later.seconds_left(suspect.seq):
                return  # it was put off, and did nothing
            if suspect.crashes >= _CRASHES:
                await self._fences.set_aside(suspect)
            else:
                await self._store.suspect(suspect.seq)
                await self._lanes.run_alone(suspect)
            await self._commits.over()
