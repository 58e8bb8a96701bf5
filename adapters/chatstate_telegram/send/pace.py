"""How fast the bot writes: below Telegram's limits, and whoever has just spoken comes first.

Telegram's limits ("Bots FAQ: My bot is hitting limits") are about one message a second in a chat,
where short bursts are allowed, 20 a minute in a group, and about 30 a second in all.

1. No window of so many seconds ever holds more messages than its limit. python-telegram-bot's
   own `AIORateLimiter` does not pace private chats, and stops every chat when one must wait.
2. Who waits for the account's turn is in one of two lines: chats in which somebody has just
   spoken, and others, which are owed something from before. The first goes first; each fifth
   turn is the other's, so that it moves too.
3. A chat's previews go a little apart, one a second, within the limit of what it gets in all: a
   message waits for at most a second because of them. Of what a group gets in a minute, and of what
   the account sends, they take no more than half.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from chatstate import RetryAfter

_LIVE_SECONDS = 60.0
_KNOWN_CHATS = 10_000
_OTHERS_TURN = 5


class Clock(Protocol):
    """The time, in seconds, and how to wait."""

    def monotonic(self) -> float:
        """Return the time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...


class LoopClock(Clock):
    """The event loop's."""

    def monotonic(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)


class Limit(NamedTuple):
    """At most so many messages in any window of so many seconds."""

    messages: int
    seconds: float


class Limits(NamedTuple):
    """Telegram's: for the account, for one chat (one a second, in bursts of three), for a group.

    `preview` is ours: how far apart the previews in a chat are.
    """

    account: Limit = Limit(30, 1.0)
    chat: Limit = Limit(3, 3.0)
    group: Limit = Limit(20, 60.0)
    preview: Limit = Limit(1, 0.9)  # a stream is shown once a second, and no clock is exact


class _Window:
    """The latest messages that count for a limit."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._times: deque[float] = deque(maxlen=limit.messages)

    def free_at(self, share: int = 1) -> float:
        """Return when one more message is within so small a part of the limit."""
        most = max(self._limit.messages // share, 1)
        return self._times[-most] + self._limit.seconds if len(self._times) >= most else 0.0

    def spare_at(self, share: int = 1) -> float:
        """Return when no more than half of it is used."""
        return self.free_at(2 * share)

    def take(self, now: float) -> None:
        """Count a message."""
        self._times.append(now)


class _Chat:
    """What counts for a chat; a group's id is negative."""

    def __init__(self, chat: str, limits: Limits) -> None:
        self.messages = _Window(limits.chat)
        self.minute = _Window(limits.group) if chat.startswith("-") else None
        self.previews = _Window(limits.preview)

    @property
    def windows(self) -> list[_Window]:
        """The windows that hold each message."""
        return [self.messages, *([self.minute] if self.minute else [])]

    def free_at(self) -> float:
        """Return when one more message is within all limits."""
        return max(window.free_at() for window in self.windows)

    def spare_at(self) -> float:
        """Return when one more preview leaves messages what they need."""
        minute = self.minute.spare_at() if self.minute else 0.0
        return max(self.messages.free_at(), self.previews.free_at(), minute)


async def _nothing() -> None:
    """Do nothing: who is alone need not be assured."""


class Pace:
    """Gives each message its turn. `heard` tells in which chats somebody speaks.

    `peers` tells how many workers send for the account: each has its part of what that may send.
    `assure` is awaited after a wait: others may send by then what this worker would.
    """

    def __init__(self, limits: Limits | None = None, clock: Clock | None = None) -> None:
        self.peers: Callable[[], int] = lambda: 1
        self.assure: Callable[[], Awaitable[None]] = _nothing
        self._limits = limits or Limits()
        self._clock = clock or LoopClock()
        self._account = _Window(self._limits.account)
        self._chats: OrderedDict[str, _Chat] = OrderedDict()
        self._heard: OrderedDict[str, float] = OrderedDict()
        self._live: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._turns = 0
        self._giving: asyncio.Task[None] | None = None

    def heard(self, chat: str) -> None:
        """Note that somebody has spoken in a chat."""
        self._heard[chat] = self._clock.monotonic()
        self._heard.move_to_end(chat)
        if len(self._heard) > _KNOWN_CHATS:
            self._heard.popitem(last=False)

    async def turn(self, chat: str) -> None:
        """Return when a message may be sent to a chat, and count it."""
        if await self._is_late(chat):
            await self.assure()

    async def _is_late(self, chat: str) -> bool:
        """Wait for the turn of a message, and count it; tell whether it had to wait."""
        began = self._clock.monotonic()
        there = self._chat(chat)
        while (wait := there.free_at() - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
        now = self._clock.monotonic()
        for window in there.windows:
            window.take(now)
        if self._live or self._others or self._account.free_at(self.peers()) > now:
            await self._in_line(chat)
        else:
            self._account.take(now)
        return self._clock.monotonic() > began

    def preview(self, chat: str, *, is_draft: bool = False) -> None:
        """Count a preview. Raises `RetryAfter` if that takes what messages may need.

        A draft is none of the messages of its chat.
        """
        now = self._clock.monotonic()
        there = self._chat(chat)
        free_at = there.previews.free_at() if is_draft else there.spare_at()
        wait = max(free_at, self._account.spare_at(self.peers())) - now
        if wait > 0 or self.is_busy:
            raise RetryAfter(max(wait, 0.1))
        messages = () if is_draft else there.windows
        for window in (*messages, there.previews, self._account):
            window.take(now)

    @property
    def is_busy(self) -> bool:
        """Whether messages wait for the account's turn."""
        return bool(self._live or self._others)

    def close(self) -> None:
        """Give no more turns."""
        if self._giving:
            self._giving.cancel()

    def _chat(self, chat: str) -> _Chat:
        there = self._chats.get(chat)
        if there is None:
            there = self._chats[chat] = _Chat(chat, self._limits)
            self._forget()
        self._chats.move_to_end(chat)
        return there

    def _forget(self) -> None:
        """Forget the chats that have been silent for longest, if their windows are empty."""
        now = self._clock.monotonic()
        while len(self._chats) > _KNOWN_CHATS:
            if next(iter(self._chats.values())).free_at() > now:
                return
            self._chats.popitem(last=False)

    async def _in_line(self, chat: str) -> None:
        is_live = self._clock.monotonic() - self._heard.get(chat, float("-inf")) <= _LIVE_SECONDS
        turn = asyncio.get_running_loop().create_future()
        (self._live if is_live else self._others).append(turn)
        if self._giving is None or self._giving.done():
            self._giving = asyncio.create_task(self._give())
        await turn

    async def _give(self) -> None:
        """Give the account's turns, as long as somebody waits."""
        while self.is_busy:
            wait = self._account.free_at(self.peers()) - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)
                continue
            turn = self._next()
            if not turn.done():
                self._account.take(self._clock.monotonic())
                turn.set_result(None)

    def _next(self) -> asyncio.Future[None]:
        self._turns += 1
        is_others = self._turns % _OTHERS_TURN == 0 or not self._live
        return (self._others if is_others and self._others else self._live).popleft()
