"""What goes wrong on demand: refusals, lost answers, stalls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Literal

from servers.telegram_model import ApiError, Chat, Json
from servers.telegram_queries import Queries


@dataclass(eq=False)
class Fault:
    """What happens to the next requests of a method.

    `accepted`: the request takes effect, and only its answer is replaced, lost or withheld.
    """

    method: str
    kind: Literal["fail", "drop", "stall"]
    times: float
    chat: Chat | None
    accepted: bool
    error: ApiError = field(default_factory=lambda: ApiError(500, ""))
    body: str | None = None
    is_reset: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def concerns(self, method: str, params: Json) -> bool:
        """Tell whether a request is to suffer from it."""
        is_there = self.chat is None or params.get("chat_id") == self.chat.id
        return is_there and self.times > 0 and fnmatchcase(method, self.method)


class Faulty(Queries):
    """The fault injection. `method` may be a pattern such as `send*`; `download` is a file's."""

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.faults: list[Fault] = []

    def fail(
        self,
        method: str,
        status: int = 429,
        description: str | None = None,
        *,
        retry_after: int | None = None,
        accepted: bool = False,
        body: str | None = None,
        times: float = 1,
        chat: Chat | None = None,
    ) -> None:
        """Answer the next requests with an error. `body` is sent instead of the usual JSON."""
        if status == HTTPStatus.TOO_MANY_REQUESTS and retry_after is None:
            retry_after = 1
        wait = {} if retry_after is None else {"retry_after": retry_after}
        said = description or HTTPStatus(status).phrase
        if retry_after is not None and description is None:
            said = f"Too Many Requests: retry after {retry_after}"
        error = ApiError(status, said, **wait)
        self.faults.append(Fault(method, "fail", times, chat, accepted, error, body))

    def drop(
        self,
        method: str,
        *,
        accepted: bool,
        reset: bool = False,
        times: float = 1,
        chat: Chat | None = None,
    ) -> None:
        """Close the connections of the next requests without an answer, or `reset` them.

        A download that is `accepted` is cut off in the middle.
        """
        fault = Fault(method, "drop", times, chat, accepted, is_reset=reset)
        self.faults.append(fault)

    def stall(self, method: str, *, accepted: bool = False, chat: Chat | None = None) -> None:
        """Answer no request until `recover`; then accepted ones are answered, others dropped."""
        self.faults.append(Fault(method, "stall", float("inf"), chat, accepted))

    def recover(self, method: str | None = None) -> None:
        """End the faults of a method, or all."""
        for fault in [fault for fault in self.faults if method in (None, fault.method)]:
            fault.over.set()
            self.faults.remove(fault)

    def fault_for(self, method: str, params: Json) -> Fault | None:
        """Return what a request is to suffer from, and count it."""
        for fault in self.faults:
            if fault.concerns(method, params):
                fault.times -= 1
                return fault
        return None
