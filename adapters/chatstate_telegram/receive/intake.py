"""From updates to durable events: by one worker, whichever way the updates came.

1. An update is taken in when its event is in the inbox, or when it is kept in the cursor because
   its message may still grow. Only then may it be acknowledged to Telegram.
2. A kind of message that has neither words nor files is told once: where nobody handles it, nothing
   else shows it.
3. An update that cannot be read, whatever reading it raises, is told. It stops no other, and is
   acknowledged: it would be unreadable again. What can be told of it is delivered as "other".
4. What is answered at once is not delivered. Nobody waits for it again, so it may come twice.
5. A group that has moved is noted between what came before it and after.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from chatstate import Event, Message, User
from chatstate.adapter import Host, Receipt
from chatstate_telegram.receive.content import Json, content_of, number_of
from chatstate_telegram.receive.joining import Group, Joining
from chatstate_telegram.receive.others import in_time
from chatstate_telegram.receive.people import user
from chatstate_telegram.receive.wire import Me, Move, Unreadable, parse
from chatstate_telegram.updates import STOPPED, UPDATES

log = logging.getLogger("chatstate.telegram")

OFFSET_SECONDS = 86_400.0
_PEOPLE = 10_000
_QUICK = frozenset(f"telegram:{name}" for name in UPDATES.quick)
_SHOWN = 2000  # characters of an update that cannot be read


class _Submitted(NamedTuple):
    updates: Sequence[Any]
    offset: int | None
    taken: asyncio.Future[None]


class Intake:
    """Takes updates in. `delivered` is told of each event and its receipt, `asked` of a quick one.

    `stopped` is told what people stop.
    `offset` is where an earlier process stopped to poll, if that was not long ago.
    """

    def __init__(
        self,
        host: Host,
        me: Me,
        delivered: Callable[[Event, Receipt], None],
        asked: Callable[[Host, Event], None],
        stopped: Callable[[Host, Json], None],
    ) -> None:
        self._host = host
        self._me = me
        self._delivered = delivered
        self._asked = asked
        self._stopped = stopped
        self._people: OrderedDict[str, User] = OrderedDict()
        self._submitted: list[_Submitted] = []
        self._wake = asyncio.Event()
        self._told: set[str] = set()
        self._is_over = False
        self._loop = asyncio.get_running_loop()
        cursor: dict[str, Any] = json.loads(host.cursor or "{}")
        is_fresh = 0.0 <= time.time() - cursor.get("at", 0.0) < OFFSET_SECONDS
        self.offset: int | None = cursor.get("offset") if is_fresh else None
        self._joining = Joining(cursor, self._loop.time())
        self._stored = json.dumps(self._joining.kept())

    def take(self, updates: Sequence[Any], offset: int | None = None) -> asyncio.Future[None]:
        """Return what is done when these updates are durable, and may be acknowledged.

        `offset` is what the next poll will confirm them with, and the first one after a restart.
        It is cancelled if they are not, because `run` has ended.
        """
        taken: asyncio.Future[None] = self._loop.create_future()
        if self._is_over:
            taken.cancel()
        self._submitted.append(_Submitted(updates, offset, taken))
        self._wake.set()
        return taken

    async def run(self) -> None:
        """Work until cancelled. Raises `StorageError` if nothing can be stored any more."""
        taken: list[_Submitted] = []
        try:
            while True:
                await self._something()
                taken, self._submitted = self._submitted, []
                offset = max((posted.offset for posted in taken if posted.offset), default=None)
                await self._take_in([update for some in taken for update in some.updates], offset)
                for posted in taken:
                    if not posted.taken.done():
                        posted.taken.set_result(None)
        finally:
            self._is_over = True
            for posted in (*taken, *self._submitted):
                posted.taken.cancel()

    async def _something(self) -> None:
        """Return when updates were submitted, or a message is complete."""
        due = self._joining.due
        try:
            async with asyncio.timeout_at(due):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _take_in(self, updates: Sequence[Any], offset: int | None) -> None:
        known = [update for update in updates if self._is_update(update)]
        known = [update for update in known if not self._is_stop(update)]
        groups = self._joining.sort(known, self._loop.time())
        events: list[Event] = []
        for meant in self._meant(groups):
            if isinstance(meant, Move):
                await self._deliver(events)
                events = []
                await self._host.moved(meant.old, meant.new)
            elif meant.message.update in _QUICK:
                self._asked(self._host, meant)
            else:
                events.append(in_time(meant, time.time()))
        kept = json.dumps(self._joining.kept())
        cursor = None
        if kept != self._stored or (events and offset):
            place = {"offset": offset, "at": time.time()} if offset else {}
            cursor = json.dumps({**json.loads(kept), **place})
        await self._deliver(events, cursor)
        self._stored = kept

    async def _deliver(self, events: Sequence[Event], cursor: str | None = None) -> None:
        if not events and cursor is None:
            return
        receipts = await self._host.deliver(events, cursor)
        for event, receipt in zip(events, receipts, strict=True):
            self._delivered(event, receipt)

    def _meant(self, groups: Sequence[Group]) -> Iterator[Event | Move]:
        """Yield what updates mean. One that cannot be read stops no other."""
        for group in groups:
            try:
                self._meet(group)
                meant: Sequence[Event | Move] = parse(group, self._me, self._people)
            except Exception as error:  # noqa: BLE001 - by the module's rule 3
                meant = error.rest if isinstance(error, Unreadable) else ()
                what = 'is "other"' if meant else "is left out"
                log.error(  # noqa: TRY400 - where it was read tells nothing, what it is does
                    "an update cannot be read (%s) and %s: %s", error, what, _shown(group)
                )
            else:
                said = [event.message for event in meant if isinstance(event, Event)]
                self._tell_of([message for message in said if message.kind == "other"])
            yield from meant

    def _tell_of(self, messages: Sequence[Message]) -> None:
        """Tell what messages hold that have neither words nor files, once of each kind."""
        for content in {content_of(message.raw or {}) for message in messages} - self._told:
            self._told.add(content)
            log.debug('a message has neither words nor files, and is "other": %s', content)

    def _meet(self, group: Group) -> None:
        """Remember by their usernames who speaks, so that they can be mentioned."""
        for update in group:
            for content in update.values():
                who: object = (
                    cast("Any", content).get("from") if isinstance(content, dict) else None
                )
                name: object = cast("Any", who).get("username") if isinstance(who, dict) else None
                if isinstance(name, str) and "first_name" in cast("Any", who):
                    self._people[name.lower()] = user(cast("Any", who))
                    self._people.move_to_end(name.lower())
        while len(self._people) > _PEOPLE:
            self._people.popitem(last=False)

    def _is_stop(self, update: Json) -> bool:
        """Tell of the answer that somebody stops, if an update is that."""
        stopped = update.get(STOPPED)
        try:
            if stopped is not None:
                self._stopped(self._host, stopped)
        except (KeyError, TypeError, AttributeError) as error:
            log.error("an update cannot be read (%s) and is left out: %s", error, _shown(update))  # noqa: TRY400 - as above
        return stopped is not None

    def _is_update(self, update: Any) -> bool:
        if number_of(update) is not None:
            return True
        log.error("what Telegram gave is no update and is left out: %s", _shown(update))
        return False


def _shown(update: Any) -> str:
    try:
        return json.dumps(update)[:_SHOWN]
    except (RecursionError, ValueError):
        return "(it is nested too deeply to be shown)"
