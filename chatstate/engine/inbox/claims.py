"""Claims: which conversations are this run's, as long as it runs.

1. What nobody holds is taken as soon as it has work. What a run that died has held is looked at
   with care first; see `recovery`.
2. Where others write too, a conversation that has no more work is let go, and what was remembered
   of its values is forgotten.
3. An event that was stored here, and is handled elsewhere, is asked about until it is settled.
"""

from __future__ import annotations

from collections.abc import Callable

from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.recovery import Recovery
from chatstate.engine.states.cache import StateCache
from chatstate.stores.base import Answer, Claim, Store

_AT_ONCE = 256


class Claims:
    """Takes conversations up and lets go of them. `failed` is told what makes that impossible."""

    def __init__(
        self,
        *,
        store: Store,
        lanes: Lanes,
        sender: Sender,
        receipts: Receipts,
        cache: StateCache,
        recovery: Recovery,
        failed: Callable[[Exception], None],
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._sender = sender
        self._receipts = receipts
        self._cache = cache
        self._recovery = recovery
        self._failed = failed
        self._idle: set[int] = set()
        if not store.is_sole:
            lanes.idle = sender.idle = self._idle.add

    async def take(self) -> None:
        """Take up all that has work and is nobody's."""
        claims: list[Claim] = []
        while found := await self._store.claim(_AT_ONCE):
            claims += found
        self._recovery.take_up(claims)

    async def run(self) -> None:
        """Do so whenever there may be something, and let go of what has no more work."""
        try:
            while True:
                await self._store.wait()
                await self._release()
                await self.take()
                await self._ask_for_settled()
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)

    def changed(self, answer: Answer) -> None:
        """Go on with what a request has changed."""
        if answer.arrival:
            self._lanes.add(answer.arrival)
        if answer.conversation:
            self._sender.resume(answer.conversation)
        if answer.key:
            self._cache.read_again([answer.key])

    async def _release(self) -> None:
        idle = [conversation for conversation in self._idle if self._is_idle(conversation)]
        self._idle.clear()
        if idle:
            gone = await self._store.release(idle)
            self._cache.forget_conversations(gone)

    def _is_idle(self, conversation: int) -> bool:
        return not (self._lanes.has(conversation) or self._sender.has(conversation))

    async def _ask_for_settled(self) -> None:
        elsewhere = self._receipts.elsewhere
        if elsewhere:
            pending = set(await self._store.pending(sorted(elsewhere)))
            self._receipts.settled_elsewhere(elsewhere - pending)
