"""What waits for the bot: a queue of updates, read by getUpdates or posted to a webhook."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import aiohttp
from servers.telegram_model import ApiError, Json

UPDATE_KINDS = frozenset(
    (
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "callback_query",
        "inline_query",
        "pre_checkout_query",
        "shipping_query",
        "poll",
        "poll_answer",
        "message_reaction",
        "my_chat_member",
        "chat_member",
    )
)
"""What this server tells of."""

_ON_DEMAND = frozenset({"chat_member", "message_reaction"})
"""Kinds that a bot gets only if `allowed_updates` names them."""

_LONGEST_POLL = 50
_PAUSE = 0.05  # Telegram waits from a second on
_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance"
_T = TypeVar("_T")


class BrokenPollError(Exception):
    """The connection of a waiting poll is to be closed without an answer."""


class Changes:
    """Wakes whoever waits for something to become true."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Something has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, predicate: Callable[[], _T]) -> _T:
        """Return the first value of `predicate` that counts as true."""
        while not (value := predicate()):
            await self._changed.wait()
        return value


class Updates:
    """The queue. An update leaves it when a later offset, or the webhook, confirms it."""

    def __init__(self, changes: Changes) -> None:
        self.all: list[Json] = []
        self.webhook: Json = {}
        self._changes = changes
        self._waiting: list[Json] = []
        self._again: list[Json] = []
        self._next_id = 700_000_001
        self._allowed = UPDATE_KINDS - _ON_DEMAND
        self._poll: asyncio.Future[None] | None = None
        self._posting: asyncio.Task[None] | None = None

    def push(self, update: Json) -> Json:
        """Queue an update under the next id, unless it has one or the bot wants none of it."""
        if "update_id" not in update:
            update = {"update_id": self._next_id, **update}
        self._next_id = max(self._next_id, update["update_id"]) + 1
        self.all.append(update)
        kinds = update.keys() & UPDATE_KINDS
        if not kinds or kinds & self._allowed:
            self._waiting.append(update)
            self._wake()
        return update

    def push_again(self, update: Json) -> None:
        """Deliver an update once more, whether or not it was confirmed."""
        self._again.append(update)
        self._wake()

    @property
    def pending(self) -> list[Json]:
        """What is not confirmed."""
        return [*self._again, *self._waiting]

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Choose the kinds of updates that are queued from now on; None leaves the choice."""
        if kinds is not None:
            self._allowed = frozenset(kinds) or UPDATE_KINDS - _ON_DEMAND

    async def get(self, offset: int, limit: int, seconds: int) -> list[Json]:
        """Return what waits from `offset` on, confirming what is before, or wait for it."""
        if self.webhook:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._confirm(offset)
        if not self.pending and seconds:
            self.end_poll(ApiError(409, f"{_CONFLICT} is running"))
            await self._wait(min(seconds, _LONGEST_POLL))
        found = self.pending[: min(max(limit, 1), 100)]
        self._again = [update for update in self._again if update not in found]
        return found

    def end_poll(self, error: Exception | None = None) -> None:
        """End the poll that is waiting, if one is: with an error, or with nothing new."""
        poll, self._poll = self._poll, None
        if poll and not poll.done():
            poll.set_exception(error) if error else poll.set_result(None)

    @property
    def is_polled(self) -> bool:
        """Whether a poll is waiting for something to happen."""
        return self._poll is not None

    def set_webhook(self, settings: Json) -> None:
        """Post updates to `settings["url"]` from now on; an empty one ends that."""
        if self._posting:
            self._posting.cancel()
            self._posting = None
        self.webhook = settings if settings.get("url") else {}
        self.open()

    def open(self) -> None:
        """Begin to post, if there is a webhook."""
        if self.webhook:
            self.end_poll(ApiError(409, "Conflict: terminated by setWebhook request"))
            self._posting = asyncio.create_task(self._post_all())

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._again.clear()

    async def close(self) -> None:
        """End what is going on."""
        self.end_poll()
        if self._posting:
            self._posting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._posting
            self._posting = None

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._waiting = self._waiting[offset:]
        else:
            self._waiting = [update for update in self._waiting if update["update_id"] >= offset]
        self._changes.tell()

    async def _wait(self, seconds: float) -> None:
        poll = self._poll = asyncio.get_running_loop().create_future()
        self._changes.tell()
        try:
            await asyncio.wait_for(poll, seconds)
        except TimeoutError:
            pass
        finally:
            if self._poll is poll:
                self._poll = None

    def _wake(self) -> None:
        self.end_poll()
        self._changes.tell()

    async def _post_all(self) -> None:
        """Post one update after the other, each until it is taken."""
        pause = _PAUSE
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session:
            while True:
                update = (await self._changes.until(lambda: self.pending))[0]
                problem = await self._post(session, update)
                if problem is None:
                    pause = _PAUSE
                    (self._again if update in self._again else self._waiting).remove(update)
                else:
                    now = int(time.time())
                    self.webhook |= {"last_error_date": now, "last_error_message": problem}
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 1.0)
                self._changes.tell()

    async def _post(self, session: aiohttp.ClientSession, update: Json) -> str | None:
        """Post an update; return what went wrong."""
        secret = self.webhook.get("secret_token")
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        try:
            async with session.post(self.webhook["url"], json=update, headers=headers) as answer:
                is_taken = 200 <= answer.status <= 299
                wrong = f"Wrong response from the webhook: {answer.status} {answer.reason}"
                return None if is_taken else wrong
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"Connection failed: {error!r}"


def check_secret(secret: str | None) -> None:
    """Refuse a secret token that no header may carry."""
    if secret is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise ApiError(400, "Bad Request: secret token contains unallowed characters")
