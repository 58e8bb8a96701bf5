"""The adapter under test, looked at from the engine's side while it works.

1. Calls are handed on as they are, or held up by the test; what is wrong is noted, not mended.
2. Parts go through JSON, as they do when another process sends them.
3. Each problem says what the contract wants instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from chatstate.adapter import Action, Adapter, Found, Host, Part, Post, Receipt, Sent
from chatstate.messages import Event


class Call(msgspec.Struct):
    """A call of `perform`, and what it raised."""

    action: Action
    error: BaseException | None = None


class WatchedAdapter:
    """An `Adapter` that hands everything on to `adapter`, and notes what none may do.

    `events` and `receipts` are of what was delivered, `calls` those of `perform` that are over;
    `problems` says what was wrong. `delivering` and `waiting` count the calls of `deliver` and of
    `settled` that have not returned; `names` are those it was connected under. While `accepts`
    is cleared, `deliver` waits, as it does while a store cannot write; `refusal` is raised by it
    instead.
    """

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.events: list[Event] = []
        self.receipts: list[Receipt] = []
        self.calls: list[Call] = []
        self.problems: list[str] = []
        self.names: list[str] = []
        self.accepts = asyncio.Event()
        self.accepts.set()
        self.delivering = 0
        self.waiting = 0
        self.refusal: Exception | None = None
        self.runs = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.adapter, name)

    async def run(self, host: Host) -> None:
        """Let the adapter receive."""
        self.runs = True
        try:
            await self.adapter.run(cast("Host", _WatchedHost(host, self)))
        finally:
            self.runs = False

    def render(self, post: Post) -> Sequence[Part]:
        """Let the adapter render, twice; give its parts as another process would read them."""
        parts = self.adapter.render(post)
        self.problems += unfit_parts(post, parts, self.adapter.render(post))
        return [replace(part, content=_stored(part)) for part in parts]

    async def perform(self, action: Action) -> Sent:
        """Let the adapter make a call."""
        call = Call(action)
        try:
            sent = await self.adapter.perform(action)
        except BaseException as error:  # it is noted and passed on, whatever it is
            call.error = error
            raise
        finally:
            self.calls.append(call)
        self.problems += self._unfit(action, sent)
        return sent

    @property
    def taken(self) -> int:
        """How many events were delivered that had not been before: what comes again is none."""
        return sum(receipt.status != "duplicate" for receipt in self.receipts)

    async def find(self, action: Action) -> Found:
        """Let the adapter tell whether a call was made."""
        found = await self.adapter.find(action)
        if not isinstance(found, Found):
            self.problems.append(f"`find` returned {found!r}: return `Sent`, `Absent` or `Unknown`")
        return found

    def sends(self) -> list[Call]:
        """Return the calls that send a message, but for previews."""
        return [c for c in self.calls if c.action.verb == "send" and not c.action.preview]

    def _unfit(self, action: Action, sent: Sent) -> list[str]:
        if not isinstance(sent, Sent):
            return [f"`perform` returned {sent!r}: return a `Sent`"]
        is_named = self.adapter.capabilities.edit or action.part.has_buttons
        is_new = action.verb == "send" and not action.preview
        if is_new and is_named and sent.message_id is None:
            return ["`perform` returned a `Sent` without `message_id`: it is edited by that later"]
        return []


class _WatchedHost:
    def __init__(self, host: Host, watched: WatchedAdapter) -> None:
        self._host = host
        self._watched = watched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def connected(self, name: str) -> None:
        self._watched.names.append(name)
        self._host.connected(name)

    async def deliver(
        self, events: Sequence[Event], cursor: str | None = None, part: str = ""
    ) -> Sequence[Receipt]:
        watched = self._watched
        watched.problems += [problem for event in events for problem in unfit_event(event)]
        watched.delivering += 1
        try:
            await watched.accepts.wait()
            if watched.refusal:
                raise watched.refusal
            receipts = await self._host.deliver(events, cursor, part)
        finally:
            watched.delivering -= 1
        watched.events += events
        watched.receipts += receipts
        return [cast("Receipt", _WatchedReceipt(receipt, watched)) for receipt in receipts]


class _WatchedReceipt:
    def __init__(self, receipt: Receipt, watched: WatchedAdapter) -> None:
        self.status = receipt.status
        self._receipt = receipt
        self._watched = watched

    async def settled(self) -> None:
        self._watched.waiting += 1
        try:
            await self._receipt.settled()
        finally:
            self._watched.waiting -= 1


def unfit_parts(post: Post, parts: Sequence[Part], again: Sequence[Part]) -> list[str]:
    """Return what is wrong with what `render` made of a post, twice."""
    problems: list[str] = []
    if list(parts) != list(again):
        problems.append("`render` is not pure: the same post gave other parts the second time")
    try:
        if [_stored(part) for part in parts] != [_listed(part.content) for part in parts]:
            problems.append("`Part.content` does not come back from JSON as it was: use its types")
    except (TypeError, ValueError) as error:
        problems.append(f"`Part.content` cannot be written as JSON: {error}")
    picture = [post.card.picture] if post.card and post.card.picture else []
    sent = [file.key for part in parts for file in part.files if file.key]
    if sent != [file.key for file in (*picture, *post.files) if file.key]:
        problems.append("`render` must put each file of the post into one `Part.files`, in order")
    if sum(part.has_buttons for part in parts) != bool(post.buttons or post.select):
        problems.append("`render` must set `has_buttons` on the one part that carries them")
    if any(part.keeps != post.keeps for part in parts):
        problems.append("`render` must set `keeps` on a part, as it is in the post")
    return problems


def _stored(part: Part) -> Any:
    return msgspec.json.decode(msgspec.json.encode(part.content))


def _listed(value: Any) -> Any:
    """Return a value with lists in place of tuples, which is how they come back."""
    if isinstance(value, tuple | list):
        return [_listed(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    return value


def unfit_event(event: Event) -> list[str]:
    """Return what is wrong with an event that an adapter delivers."""
    problems: list[str] = []
    message = event.message
    if not event.id:
        problems.append("an `Event` needs an id that is the same when it is delivered again")
    if not message.update and not (message.sender.id and message.chat.id):
        problems.append("a `Message` needs the platform's ids of its sender and its chat")
    if message.kind == "other" and not message.update:
        problems.append('what is of the kind "other" needs its name, in `Message.update`')
    if message.time is not None and message.time.tzinfo is None:
        problems.append("`Message.time` needs a time zone")
    try:
        if msgspec.json.decode(msgspec.json.encode(event), type=Event) != event:
            problems.append("an `Event` does not come back from JSON as it was: look at `raw`")
    except (TypeError, ValueError) as error:
        problems.append(f"an `Event` cannot be written as JSON: {error}")
    return problems
