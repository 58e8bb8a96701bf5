"""`Inbox`, on dicts: what comes in, from whom, and which run handles it.

1. An event is handed to whoever stored it only if its conversation is that run's; see `holds`.
2. A duplicate, and an event that is refused, changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from chatstate.adapter import proved
from chatstate.messages import Chat, Event, Message, User
from chatstate.scope import Place
from chatstate.stores.accounts import refuse_other_bots, refuse_other_tenant
from chatstate.stores.base import Account, Arrival, Claim, Early, Ingested, Role
from chatstate.stores.events import read, unreadable
from chatstate.testing.memory import aliases, directory, holds
from chatstate.testing.memory.tables import EventRow, MemoryData
from chatstate.testing.memory.verbs import Verbs, verb

_NO_CURSORS: Mapping[str, str] = {}


class MemoryInbox(Verbs):
    """The verbs of `chatstate.stores.base.Inbox`."""

    @verb
    def account(
        self, platform: str, platform_id: str, *, tenant: str = "", alone: bool = False
    ) -> Account:
        data, bot = self._data, self._worker.bot
        name = (bot, platform, platform_id)
        if name in data.accounts:
            known = data.tenant_of(data.accounts[name])
            refuse_other_tenant(platform, platform_id, tenant, known=known)
        else:
            if alone:
                others = [other[0] for other in data.accounts if other[1:] == name[1:]]
                refuse_other_bots(*name, others)
            data.accounts[name] = data.number("account")
            if tenant and (bot, tenant) not in data.tenants:
                data.tenants[bot, tenant] = data.number("tenant")
            data.tenancy[data.accounts[name]] = data.tenants.get((bot, tenant), 0)
        number = data.accounts[name]
        self._worker.accounts.add(number)
        return Account(number, dict(data.cursors[number]), data.tenancy[number])

    @verb
    def ingest(
        self,
        account: int,
        events: Sequence[Event],
        cursors: Mapping[str, str] = _NO_CURSORS,
        *,
        share: bool = False,
        early: Early | None = None,  # noqa: ARG002 - they are kept at once
    ) -> Sequence[Ingested]:
        for part, cursor in cursors.items():
            receiver = self._data.leaders.get(Role("poller", account, part))
            if receiver in (None, self._worker):
                self._data.cursors[account][part] = cursor
        return [self.receive(account, event, share=share) for event in events]

    @verb
    def claim(self, limit: int, but: Collection[int] = ()) -> Sequence[Claim]:
        holds.bury(self._data, self._clock(), but=self._worker)
        return holds.claim(self._data, self._worker, limit, but)

    @verb
    def release(self, conversations: Sequence[int], *, working: bool = False) -> Sequence[int]:
        let_go = holds.leave if working else holds.release
        return [number for number in conversations if let_go(self._data, self._worker, number)]

    async def wait(self) -> None:
        await self.way()
        woken = self._worker.woken
        await woken.wait()
        woken.clear()
        await self.way()
        self.enter()

    @verb
    def events(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        rows = self._data.waiting.get(conversation, {}).values()
        ahead = [row for row in rows if row.ahead and not after]
        in_line = [row for row in rows if not row.ahead and row.seq > after]
        return [arrival_of(self._data, row) for row in (*ahead, *in_line[:limit])]

    @verb
    def pending(self, turns: Sequence[int]) -> Sequence[int]:
        return [turn for turn in turns if _waits(self._data, turn) or self._data.owes(turn)]

    @verb
    def suspect(self, seq: int) -> None:
        if seq in self._data.events:
            self._data.events[seq].crashes += 1

    @verb
    def person(self, account: int, user: User) -> int:
        return directory.person_of(self._data, account, user)

    @verb
    def place(self, account: int, chat: Chat, thread: str | None) -> Place:
        return directory.conversation_of(self._data, account, chat, thread)

    @verb
    def alias(self, account: int, old: str, new: str) -> None:
        aliases.note(self._data, account, old, new)

    def receive(self, account: int, event: Event, *, share: bool = False) -> Ingested:
        """Store an event, unless it is known, or its conversation is full."""
        try:
            body, event = proved(event)
        except Exception as error:  # noqa: BLE001 - an adapter may have put anything into it
            return Ingested("refused", error=unreadable(event, error))
        known = self._data.event_ids.get((account, event.id))
        if self._is_forgotten(account, event.message, is_known=known is not None):
            return Ingested("duplicate")
        place = directory.place_of(self._data, account, event.message)
        if known is not None:
            return self._duplicate(known)
        arrival = Arrival(self._data.number("event"), place, event)
        dropped = None
        if len(self._data.waiting.get(place.conversation, ())) >= self._waiting_limit:
            dropped = self._make_room(place.conversation)
            if dropped is None:
                return Ingested("refused", arrival)
        return self._stored(arrival, body, dropped, share=share)

    def _is_forgotten(self, account: int, message: Message, *, is_known: bool) -> bool:
        name = next(name for name, number in self._data.accounts.items() if number == account)
        tombstones = self._data.tombstones[name[0]]
        return tombstones.cover(message, lambda: name[1:], lambda: is_known)

    def _duplicate(self, seq: int) -> Ingested:
        if not _waits(self._data, seq):
            return Ingested("duplicate", done=seq)
        holder = self._data.conversations[self._data.events[seq].conversation].holder
        return Ingested("duplicate", pending=seq, elsewhere=holder is not self._worker)

    def _stored(self, arrival: Arrival, body: str, dropped: int | None, *, share: bool) -> Ingested:
        conversation = arrival.place.conversation
        is_mine = holds.put(self._data, conversation, self._worker, share=share)
        add(self._data, arrival, body, self._clock(), self._worker.id)
        if is_mine:
            return Ingested("stored", arrival, dropped=dropped)
        return Ingested("stored", pending=arrival.seq, dropped=dropped, elsewhere=True)

    def _make_room(self, conversation: int) -> int | None:
        """Drop the oldest event that is not at its turn, if that is the policy."""
        rows = self._data.waiting[conversation].values()
        fired = {timer.fired for timer in self._data.timers.values()}
        in_line = [row for row in rows if not (row.ahead or row.seq in fired)]
        if self._overflow == "refuse" or len(in_line) < 2:  # noqa: PLR2004 - the first is at its turn
            return None
        end(self._data, in_line[1], self._clock(), None)
        return in_line[1].seq


def add(
    data: MemoryData, arrival: Arrival, body: str, now: float, run: int, *, ahead: bool = False
) -> None:
    """Store an event."""
    seq, place, event_id = arrival.seq, arrival.place, arrival.event.id
    row = EventRow(seq, place.account, place.conversation, place.person, event_id, body, now, run)
    row.ahead = ahead
    data.events[seq] = data.waiting[place.conversation][seq] = row
    data.event_ids[place.account, event_id] = seq


def end(data: MemoryData, row: EventRow, now: float, attempt: int | None) -> None:
    """Note that an event is done, by an attempt at its turn or by none, and erase it."""
    del data.waiting[row.conversation][row.seq]
    row.body, row.done_at, row.attempt = "", now, attempt


def arrival_of(data: MemoryData, row: EventRow) -> Arrival:
    """Return an event as it arrived."""
    place = directory.place_in(data, row.conversation, row.person)
    address = directory.address_of(data, row.conversation)
    event = read(row.body, row.event_id, address.chat, address.thread or "")
    noted = bool(data.notes.get(row.seq))
    return Arrival(row.seq, place, event, row.crashes, row.ahead, noted)


def _waits(data: MemoryData, seq: int) -> bool:
    return seq in data.events and data.events[seq].done_at is None
