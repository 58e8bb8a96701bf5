"""Shows what a turn is going to answer while it still runs: a stream, or what it has sent.

1. A preview is a courtesy: what is owed is the turn's answer, and the commit owes it as edits of
   the messages that previews have made. A preview that fails costs nothing but itself.
2. It goes out only while nothing older is owed in the conversation, at the platform's pace.
3. The id of each message it makes is noted at once, so that a rerun after a crash edits the same.
4. Where previews are a "delta", a message that grows at its end is shown what is new. All of it is
   shown first, after a restart or a failure, when it has changed otherwise, and beside others.
5. A preview that is no message and goes by itself is shown again before that.
6. The commit waits for the call in flight. A turn that is fenced cannot: a message which is being
   made then is deleted again, because its answer is owed without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from chatstate.adapter import Action, Adapter, Part, Verb
from chatstate.clock import Clock
from chatstate.engine.outbox.answers import Answer, in_advance
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import RetryAfter, SendError, StorageError
from chatstate.replies import Reply
from chatstate.stores.base import Arrival, Store

log = logging.getLogger("chatstate.sender")

_FIRST_AFTER = 0.3  # a turn that is done by then answers at once
_SHORTEST_PAUSE = 0.05
_PART_OF_LIFE = 2 / 3  # after which what would vanish is shown again


class Preview:
    """The messages in which one turn's answer is shown in advance.

    `ids` are theirs, as the platform calls them; `shown` is what they were made of. `may_show`
    tells whether its line is free, `wait` is told when the whole account must wait.
    """

    def __init__(
        self,
        arrival: Arrival,
        *,
        adapter: Adapter,
        renderer: Renderer,
        store: Store,
        clock: Clock,
        may_show: Callable[[Arrival], bool],
        wait: Callable[[Arrival, float], None],
    ) -> None:
        self._arrival = arrival
        self._adapter = adapter
        self._renderer = renderer
        self._store = store
        self._clock = clock
        self._may_show = may_show
        self._wait = wait
        self._pause = max(self._adapter.capabilities.edit_pause, _SHORTEST_PAUSE)
        self._lasts = adapter.capabilities.preview_lasts * _PART_OF_LIFE
        self._shows_news = adapter.capabilities.preview == "delta"
        self._parts: list[Part] = []
        self._latest: Answer = ()
        self._changed = asyncio.Event()
        self._calling = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._is_making = False
        self._is_over = False
        self.ids: list[str] = []
        self.shown: Sequence[Reply] = ()

    async def load(self) -> None:
        """Find the messages that an earlier attempt has made, maybe before a crash."""
        notes = await self._store.notes(self._arrival.seq)
        while (note := notes.get(self._note(len(self.ids)))) is not None:
            self.ids.append(note)

    def show(self, answer: Answer) -> None:
        """Show `answer` soon, instead of what is shown."""
        if self._is_over:
            return
        self._latest = answer
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Show nothing more of this attempt; return when no call is in flight."""
        try:
            async with self._calling:
                pass
        finally:
            self.cancel()

    def cut_off(self) -> None:
        """Show nothing more, from now on: the turn is fenced, and its answer is owed already."""
        self._is_over = True
        if not self._is_making:
            self.cancel()

    def cancel(self) -> None:
        """Show nothing more, and wait for nothing."""
        if self._task:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        try:
            await self._clock.sleep(_FIRST_AFTER)
            await self.load()  # also so that nothing is shown of an event that may yet be lost
            while not self._is_over:
                if self._lasts and self._parts and not self.ids:
                    await self._news_or_end()
                else:
                    await self._changed.wait()
                if self._may_show(self._arrival):
                    await self._show_latest()
                await self._clock.sleep(self._pause)
        except (SendError, StorageError) as error:
            log.info("a preview in chat %s is given up: %s", self._chat, error)
        except Exception:  # a preview is a courtesy: its answer comes all the same
            log.exception("a preview in chat %s is given up", self._chat)

    async def _news_or_end(self) -> None:
        """Return when the answer has changed, or what is shown of it is about to vanish."""
        changing = asyncio.ensure_future(self._changed.wait())
        vanishing = asyncio.ensure_future(self._clock.sleep(self._lasts))
        try:
            await asyncio.wait([changing, vanishing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            changing.cancel()
            vanishing.cancel()
        if not self._changed.is_set():
            self._parts.clear()

    async def _show_latest(self) -> None:
        self._changed.clear()
        answer = in_advance(self._latest)
        parts = await self._renderer.preview(self._arrival, answer)
        news = await self._news(parts, answer) if self._shows_news else None
        try:
            for number, part in enumerate(parts):
                if self._is_over:
                    return
                if self._parts[number : number + 1] != [part]:
                    shows_all = number == len(parts) - 1
                    shown = answer if shows_all else self.shown
                    await self._show_part(number, part, shown, news)
            self.shown = answer
        except RetryAfter as error:
            self._changed.set()
            if error.account:
                self._wait(self._arrival, error.seconds)
            await self._clock.sleep(error.seconds)

    async def _news(self, parts: Sequence[Part], answer: Sequence[Reply]) -> Part | None:
        """Return what the one message that is shown has grown by, if it has not changed else."""
        if not (self.ids and len(parts) == len(self._parts) == len(answer) == len(self.shown) == 1):
            return None
        return await self._renderer.beyond(self._arrival, self.shown[0], answer[0])

    async def _show_part(
        self, number: int, part: Part, shows: Sequence[Reply], news: Part | None
    ) -> None:
        async with self._calling:
            known = self.ids[number] if number < len(self.ids) else None
            self._is_making = known is None
            action = self._action(number, part, known)
            if self._lasts:
                self.shown = shows  # whoever sees it may stop it before the call has returned
            if news:
                action = replace(action, part=news, continues=True)
                self._parts.clear()  # if it fails, nobody knows what the message shows
            try:
                sent = await self._adapter.perform(action)
                made = sent.message_id if known is None else None
                if made is not None and self._is_over:
                    await self._adapter.perform(self._action(number, Part({}), made, "delete"))
            finally:
                self._is_making = False
            self._parts[number : number + 1] = [part]
            self.shown = shows
            if made is not None and not self._is_over:
                self.ids.append(made)
                await self._store.note(self._arrival.seq, self._note(number), made)

    def _note(self, number: int) -> str:
        """Return the name of a note; one of an event that is retried has another number."""
        return f"message {self._arrival.seq} {number}"

    def _action(
        self, number: int, part: Part, known: str | None, verb: Verb | None = None
    ) -> Action:
        message = self._arrival.event.message
        return Action(
            f"{self._arrival.place.conversation}-{self._arrival.seq}-{number}-preview",
            message.chat.id,
            message.thread,
            part,
            self._arrival.event.origin,
            verb or ("send" if known is None else "edit"),
            known,
            preview=verb is None,
        )

    @property
    def _chat(self) -> str:
        return self._arrival.event.message.chat.id


class Previews:
    """Opens the previews of one bot's turns, if they `are_wanted`."""

    def __init__(
        self,
        *,
        adapters: Mapping[int, Adapter],
        renderer: Renderer,
        store: Store,
        clock: Clock,
        may_show: Callable[[Arrival], bool],
        wait: Callable[[Arrival, float], None],
        are_wanted: bool = True,
    ) -> None:
        self._adapters = adapters
        self._are_wanted = are_wanted
        self._parts: dict[str, Any] = {
            "renderer": renderer,
            "store": store,
            "clock": clock,
            "may_show": may_show,
            "wait": wait,
        }

    def are_possible(self, turn: RunningTurn) -> bool:
        """Tell whether the platform of a turn can show anything in advance."""
        if turn.is_quick or turn.arrival.event.best_before is not None:
            return False
        return self._are_wanted and self._adapters[turn.place.account].capabilities.edit

    async def open(self, turn: RunningTurn) -> Preview:
        """Return the preview of a turn, with what an earlier attempt has shown."""
        if turn.preview is None:
            arrival = turn.arrivals[0]
            adapter = self._adapters[arrival.place.account]
            turn.preview = Preview(arrival, adapter=adapter, **self._parts)
            if arrival.noted:
                await turn.preview.load()
        return turn.preview
