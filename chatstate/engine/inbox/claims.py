"""Claims: which conversations are this run's, as long as it runs.

1. What nobody holds is taken as soon as it has work. What a run that died has held is looked at
   with care first; see `recovery`.
2. What others have put into a conversation that is this run's is read as soon as it is told of it,
   and may interrupt what runs there.
3. Where others write too, a conversation without work is let go after a while, or at once where
   many turns run, so that others share them; what was remembered of its values is forgotten
   before. Where values are in this process alone, it stays.
4. What this run's code cannot handle is left to others, and not taken up again for a while; see
   `turns.handover`.
5. An event that was stored here, and is handled elsewhere, is asked about until it is settled.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.clock import Clock
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.recovery import Recovery
from chatstate.engine.roles import Roles
from chatstate.engine.states.cache import StateCache
from chatstate.engine.turns.fences import Fences
from chatstate.engine.turns.handover import Handover
from chatstate.stores.base import Answer, Claim, Store

_AT_ONCE = 256
_LINGER = 60.0  # seconds after which nobody is likely to say more


class Claims:
    """Takes conversations up and lets go of them."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        lanes: Lanes,
        fences: Fences,
        sender: Sender,
        receipts: Receipts,
        cache: StateCache,
        recovery: Recovery,
        handover: Handover,
        roles: Roles,
        interrupts: bool,
        lets_go: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lanes = lanes
        self._fences = fences
        self._sender = sender
        self._receipts = receipts
        self._cache = cache
        self._recovery = recovery
        self._handover = handover
        self._roles = roles
        self._interrupts = interrupts
        self._idle: dict[int, float] = {}
        if lets_go and not store.is_sole:
            lanes.idle = sender.idle = self._note_idle

    async def take(self) -> None:
        """Take up all that has work and is nobody's, and what is new in what is this run's."""
        claims: list[Claim] = []
        left = self._handover.left()
        for conversation in left:
            self._idle.pop(conversation, None)
        while not self._lanes.stopping and (found := await self._store.claim(_AT_ONCE, left)):
            claims += found
        self._recovery.take_up(claims)
        if self._interrupts or self._fences.are_put_off:
            await self._interrupt([claim.conversation for claim in claims if claim.is_news])

    async def run(self) -> None:
        """Do so whenever there may be something. What makes that impossible is raised."""
        while True:
            await self._store.wait()
            self._roles.wake()
            await self.take()
            await self._ask_for_settled()

    async def look(self) -> None:
        """Let go of what nobody has spoken in for a while; ask for what is handled elsewhere."""
        await self._ask_for_settled()
        if self._handover.is_due():
            await self.take()
        long_ago = self._clock.monotonic() - (0 if self._lanes.is_crowded else _LINGER)
        idle = [number for number, since in self._idle.items() if since <= long_ago]
        for conversation in idle:
            del self._idle[conversation]
        await self._let_go([number for number in idle if self._is_idle(number)])

    def changed(self, answer: Answer) -> None:
        """Go on with what a request has changed."""
        if answer.arrival:
            self._lanes.add(answer.arrival)
        if answer.conversation:
            self._sender.resume(answer.conversation)
        if answer.key:
            self._cache.read_again([answer.key])

    async def _interrupt(self, conversations: Sequence[int]) -> None:
        """Let events interrupt what runs in their conversations, as if they had come here."""
        for conversation in conversations:
            turn = self._fences.interruptible(conversation)
            if turn:
                last = turn.arrival.seq
                for arrival in await self._store.events(conversation, last, _AT_ONCE):
                    self._fences.arrived(arrival)

    def _note_idle(self, conversation: int) -> None:
        self._idle[conversation] = self._clock.monotonic()

    def _is_idle(self, conversation: int) -> bool:
        return not (self._lanes.has(conversation) or self._sender.has(conversation))

    async def _let_go(self, conversations: Sequence[int]) -> None:
        if conversations:
            self._cache.forget_conversations(conversations)  # at once: they may be back before
            gone = set(await self._store.release(conversations))
            for conversation in conversations:
                if conversation not in gone and self._is_idle(conversation):
                    self._note_idle(conversation)

    async def _ask_for_settled(self) -> None:
        elsewhere = self._receipts.elsewhere
        if elsewhere:
            asked = sorted(elsewhere)
            pending = await self._store.pending(asked)
            self._receipts.settled_elsewhere(set(asked).difference(pending))
