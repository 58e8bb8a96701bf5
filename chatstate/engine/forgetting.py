"""Forgets people: in the store, in what this process holds of them, and wherever adapters keep it.

1. What is asked for is begun once the turn that asks is settled, and goes on at the next start if
   the process dies. Each step may be done twice.
2. What is theirs is erased at once. Turns of theirs that run are fenced; those of others that run
   may still bring something: when all of them are over, in every worker, it is erased once more.
   Only then it is done, the files are written anew, and who it was is known no more.
3. The handlers of `@bot.on_forget` are timers of a lane of their own: each runs once, also if the
   process dies, and what fails is a dead letter. They are waited for, where the account is here.
4. Who was forgotten is noted beside the store too, by marks: a store that comes from a backup, and
   does not know it, forgets them again when it is started.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from chatstate.bot.cleaning import uncleaned
from chatstate.bot.interface import Interface
from chatstate.bot.linking import CODES
from chatstate.bot.timers import Told
from chatstate.clock import Clock, growing_pauses
from chatstate.engine.accounts import Accounts
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.volatile import VolatileStates
from chatstate.engine.turns.fences import Fences
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import StorageError
from chatstate.inspection import Filter, Request
from chatstate.messages import Chat
from chatstate.scope import Key
from chatstate.stores.base import Forgotten, Role, Store, StoredTimer
from chatstate.stores.forgetting import mark_of
from chatstate.stores.gathering import erase_pages
from chatstate.stores.ledger import Line, append, lines

log = logging.getLogger("chatstate.engine")

_SETTLED_WITHIN = 60.0  # seconds that the turn which asks may take to be settled
_LANE = "forget"


class Forgetting:
    """Forgets those of one bot whom somebody has asked to forget."""

    def __init__(
        self,
        bot: Interface,
        *,
        accounts: Accounts,
        store: Store,
        lanes: Lanes,
        fences: Fences,
        receipts: Receipts,
        cache: StateCache,
        memory: VolatileStates | None,
        clock: Clock,
        versions: Iterator[int],
    ) -> None:
        self._bot = bot
        self._accounts = accounts
        self._store = store
        self._lanes = lanes
        self._fences = fences
        self._receipts = receipts
        self._cache = cache
        self._memory = memory
        self._clock = clock
        self._versions = versions
        self._running: dict[int, set[RunningTurn]] = {}
        self._scrub_at = 0.0
        self._pauses = growing_pauses()

    async def start(self) -> None:
        """Ask for those to be forgotten once more whom the store does not know to be."""
        written = await asyncio.to_thread(lines, self._ledger)
        if not written:
            return
        known = {row.mark: row.asked_at for row in await self._store.forgotten()}
        missing = {
            line.mark: line
            for line in written
            if line.bot == self._bot.id and line.at > known.get(line.mark, 0.0)
        }
        for line in missing.values():
            await self._store.bury(line.mark, line.at)
        for person in await self._people(missing) if missing else ():
            log.warning("the store is older than a request to forget somebody: done once more")
            await self._store.ask(Request(verb="forget", number=person))

    async def look(self) -> None:
        """Begin what was asked for, and end what can be."""
        for row in await self._store.forgotten(is_open=True):
            if row.bot != self._bot.id:
                continue
            if row.number in self._running:
                await self._end(row)
            elif not await self._is_asking(row):
                await self._begin(row)

    async def _is_asking(self, row: Forgotten) -> bool:
        """Tell whether the turn that asks is not settled yet; it has its time for that."""
        is_late = self._clock.time() > row.asked_at + _SETTLED_WITHIN
        return bool(row.turn and not is_late and await self._store.pending([row.turn]))

    async def _begin(self, row: Forgotten) -> None:
        leads = await self._leads(row)
        if row.erased_at is None and not leads:
            return  # who leads begins; the others follow
        if row.user:
            if leads:
                await self._let_clean(row)
                await self._end_offers(row)
            await self._erase(row)
        self._running[row.number] = set(self._fences.running)

    async def _leads(self, row: Forgotten) -> bool:
        return bool(await self._store.lead([Role("forget", row.account)]))

    async def _end(self, row: Forgotten) -> None:
        self._running[row.number].intersection_update(self._fences.running)
        if self._running[row.number] or await self._is_being_cleaned(row):
            return
        if not await self._store.passed(row.number) or not await self._leads(row):
            return
        if row.user:
            await self._erase(row)
            adapter = self._accounts.adapters.get(row.account)
            if adapter:
                await adapter.forget(row.user)
            line = Line(row.bot, row.mark, row.asked_at)
            await asyncio.to_thread(append, self._ledger, [line])
            await self._store.forgot(row.number)
            self._tell_of_others()
        if self._clock.monotonic() < self._scrub_at:
            return
        try:
            await self._store.scrub(row.number)
        except StorageError as error:
            pause = next(self._pauses)
            self._scrub_at = self._clock.monotonic() + pause
            told = "what is erased is still in pages of the file: %s; again in %.1f s"
            log.warning(told, error, pause)
            return
        self._pauses = growing_pauses()
        del self._running[row.number]
        log.info("a person is forgotten (%d)", row.number)

    async def _erase(self, row: Forgotten) -> None:
        await erase_pages(self._store, row)
        erased = await self._store.forget(row.number)
        self._cache.forget()
        if self._memory:
            self._memory.forget(row.person, erased)
        numbers = set(erased.turns)
        for seq in self._lanes.drop_all(numbers):
            self._receipts.dropped(seq)
        self._fences.end_erased(numbers)

    def _tell_of_others(self) -> None:
        names = ", ".join(uncleaned(self._bot))
        if names:
            log.warning(
                "what others share may still hold something of whom the bot has forgotten, and no "
                "@bot.on_forget handler takes it: %s",
                names,
            )

    # What authors do

    async def _let_clean(self, row: Forgotten) -> None:
        names = sorted(self._bot.routes.cleaners)
        if not names:
            return
        lane = await self._lane(row.account)
        person = msgspec.Raw(msgspec.json.encode(row.user))
        text = msgspec.json.encode(Told({"person": person})).decode()
        now = self._clock.time()
        timers = [
            StoredTimer(lane, 0, f"{row.number} {name}", next(self._versions), now, name, text)
            for name in names
        ]
        await self._store.schedule(timers)

    async def _end_offers(self, row: Forgotten) -> None:
        """Let nobody link themselves by a code that was asked for before: it names who asked."""
        if self._bot.linking:
            tenant = self._accounts.tenants.get(row.account, 0)
            codes = Key(self._bot.id, "global", CODES.name or "", tenant, 0)
            await self._store.ask(Request(verb="delete", key=codes))

    async def _is_being_cleaned(self, row: Forgotten) -> bool:
        if not self._bot.routes.cleaners or row.account not in self._accounts.connected:
            return False
        timers = await self._store.timers(await self._lane(row.account), 0)
        return any(timer.key.partition(" ")[0] == str(row.number) for timer in timers)

    async def _lane(self, account: int) -> int:
        place = await self._store.place(account, Chat(""), _LANE)
        return place.conversation

    # The ledger beside the store

    @property
    def _ledger(self) -> Path:
        return self._store.folder / "forgotten"

    async def _people(self, marks: Collection[str]) -> Sequence[int]:
        """Return the numbers of those who have one of these marks."""
        secret = (await self._store.secrets())[self._bot.id]
        found: list[int] = []
        after = 0
        while page := await self._store.list("people", Filter(bot=self._bot.id, after=after)):
            after = page[-1].number
            for entry in page:
                who = (entry.platform, entry.account, entry.person)
                if mark_of(secret, *who) in marks:
                    found.append(entry.number)
        return found
