"""What can go wrong with a request on its way: refusals, lost answers, stalls, rate limits.

A route is a pattern over an operation's name: the method and the path of Discord's document,
as in `POST /channels/{channel_id}/messages`; `*` stands for anything.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from servers.discord_world import Json, World

SEND = "POST /channels/{channel_id}/messages"
EDIT = "PATCH /channels/{channel_id}/messages/{message_id}"
DELETE = "DELETE /channels/{channel_id}/messages/{message_id}"
HISTORY = "GET /channels/{channel_id}/messages"
TYPING = "POST /channels/{channel_id}/typing"
CALLBACK = "POST /interactions/{interaction_id}/{interaction_token}/callback"
EDIT_ORIGINAL = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"
FOLLOW_UP = "POST /webhooks/{webhook_id}/{webhook_token}"
DOWNLOAD = "GET /attachments/{channel_id}/{id}/{name}"

When = Literal["before", "after"]


@dataclass(eq=False)
class Call:
    """A request that arrived; `status` is None while it runs, and 0 if its connection was cut."""

    route: str
    path: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: Json | list[Json] | None
    files: dict[str, tuple[str, str, bytes]]
    time: float
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.route} {self.path} {self.query or ''} {self.body or ''}"

    @property
    def major(self) -> tuple[str | None, ...]:
        """What a rate limit counts by, besides the route."""
        names = ("channel_id", "guild_id", "webhook_id", "webhook_token")
        return tuple(self.path.get(name) for name in names)


def always(_: Call) -> bool:
    """Strike each call of the route."""
    return True


@dataclass(frozen=True)
class Answer:
    """What is sent instead of the real answer; a body of type str is sent as HTML."""

    status: int
    body: Json | str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Fault:
    """A fault in place; `hits` are the calls that met it. `times` of None: until cleared.

    `answer` None and not `cut`: the call is answered as usual once it was released.
    """

    route: str
    when: When
    times: int | None
    where: Callable[[Call], bool]
    answer: Answer | None = None
    cut: Literal["close", "reset"] | None = None
    gate: asyncio.Event | None = None
    hits: list[Call] = field(default_factory=list)

    def release(self) -> None:
        """Let stalled calls go on, now and from now on."""
        assert self.gate, "nothing is stalled by this"
        self.gate.set()

    def takes(self, call: Call) -> bool:
        """Tell whether it strikes this call."""
        due = self.times is None or len(self.hits) < self.times
        return due and fnmatchcase(call.route, self.route) and self.where(call)


@dataclass(eq=False)
class Bucket:
    """A rate limit as Discord keeps it: so many calls in a window, per channel or token."""

    route: str
    limit: int
    seconds: float
    scope: str
    used: dict[tuple[str | None, ...], list[float]] = field(default_factory=dict)

    def take(self, call: Call) -> tuple[dict[str, str], float | None]:
        """Count a call; return the headers, and for how long to wait if it is one too many."""
        now = time.monotonic()
        used = [at for at in self.used.get(call.major, []) if at > now - self.seconds]
        allowed = len(used) < self.limit
        used += [now] if allowed else []
        self.used[call.major] = used
        wait = used[0] + self.seconds - now
        headers = limits(self.route, self.limit, self.limit - len(used), wait)
        return headers, None if allowed else wait


def limits(route: str, limit: int, remaining: int, wait: float) -> dict[str, str]:
    """Return the headers that tell how much of a bucket is left."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{time.time() + wait:.3f}",
        "X-RateLimit-Reset-After": f"{wait:.3f}",
        "X-RateLimit-Bucket": hashlib.md5(route.encode(), usedforsecurity=False).hexdigest(),
    }


def too_many(wait: float, scope: str, headers: dict[str, str]) -> Answer:
    """Return a 429 as Discord answers it; `scope` is `user`, `shared` or `global`."""
    body: Json = {
        "message": "You are being rate limited.",
        "retry_after": round(wait, 3),
        "global": scope == "global",
    }
    named = {"Retry-After": f"{wait:.3f}", "X-RateLimit-Scope": scope, "Via": "1.1 google"}
    everywhere = {"X-RateLimit-Global": "true"} if scope == "global" else {}
    return Answer(429, body, headers | named | everywhere)


class Faults:
    """The faults in place. The one put in place first strikes first, one for each call."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults: list[Fault] = []
        self._buckets: list[Bucket] = []

    def fail(
        self,
        route: str,
        status: int,
        *,
        code: int = 0,
        message: str = "",
        body: Json | str | None = None,
        when: When = "before",
        times: int | None = 1,
        where: Callable[[Call], bool] = always,
    ) -> Fault:
        """Answer with an error, or a `body`, before or after the call took effect."""
        told: Json | str = {"code": code, "message": message or f"{status}: on demand"}
        # Without a code of Discord's it is the proxy before it that answers, and in HTML.
        said = told if code or status < 500 else f"<html>{status}</html>"
        answer = Answer(status, said if body is None else body)
        return self._put(Fault(route, when, times, where, answer=answer))

    def rate_limit(
        self,
        route: str,
        seconds: float,
        *,
        scope: Literal["user", "shared", "global"] = "user",
        times: int | None = 1,
        via: bool = True,
        where: Callable[[Call], bool] = always,
    ) -> Fault:
        """Answer 429; without `via` as Cloudflare does, which is a ban and no JSON."""
        bucket = {} if scope == "global" else limits(route, 5, 0, seconds)
        answer = too_many(seconds, scope, bucket)
        if not via:
            answer = Answer(429, "error code: 1015", {"Retry-After": f"{seconds:.0f}"})
        return self._put(Fault(route, "before", times, where, answer=answer))

    def bucket(self, route: str, limit: int, seconds: float, *, scope: str = "user") -> Bucket:
        """Really limit the rate: each answer tells what is left, one too many gets 429."""
        self._buckets.append(Bucket(route, limit, seconds, scope))
        return self._buckets[-1]

    def drop(
        self,
        route: str,
        *,
        when: When,
        reset: bool = False,
        times: int | None = 1,
        where: Callable[[Call], bool] = always,
    ) -> Fault:
        """Cut the connection instead of answering: before the effect, or after (a lost answer).

        `reset`: with a TCP reset, where an orderly end is the default.
        """
        return self._put(Fault(route, when, times, where, cut="reset" if reset else "close"))

    def stall(
        self,
        route: str,
        *,
        when: When = "before",
        times: int | None = 1,
        where: Callable[[Call], bool] = always,
    ) -> Fault:
        """Keep calls waiting until `release`."""
        return self._put(Fault(route, when, times, where, gate=asyncio.Event()))

    def clear(self) -> None:
        """Take all faults away and let go of what is stalled."""
        for fault in self._faults:
            if fault.gate:
                fault.gate.set()
        self._faults.clear()
        self._buckets.clear()

    def strike(self, call: Call, when: When) -> Fault | None:
        """Return the fault that this call meets here, counted."""
        found = next(
            (fault for fault in self._faults if fault.when == when and fault.takes(call)), None
        )
        if found:
            found.hits.append(call)
            self._world.changed()
        return found

    def count(self, call: Call) -> tuple[dict[str, str], Answer | None]:
        """Count a call in its bucket; return its headers, and the refusal if there is one."""
        for bucket in self._buckets:
            if fnmatchcase(call.route, bucket.route):
                headers, wait = bucket.take(call)
                return headers, None if wait is None else too_many(wait, bucket.scope, headers)
        return {}, None

    def _put(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault
