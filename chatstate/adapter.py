"""The contract between the engine and a platform.

An adapter turns what a platform says into `Event`s, and rendered parts into calls on the
platform. It keeps no state that matters: what it delivered is in the inbox, what it still has
to send is in the outbox. Rules:

1. `deliver` has returned: the events are durable and may be acknowledged to the platform.
2. `render` is pure. Each part it returns is one call, one outbox row, one idempotency key.
3. `perform` makes one call. It returns only when the platform has surely accepted it and
   raises one of the `SendError`s otherwise; anything else it raises counts as ambiguous.
4. `perform` may be called again with the same key after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from chatstate.messages import Command, Event, Reply

Part = Mapping[str, Any]
"""One rendered piece of a reply: JSON types only, read by the adapter that made it alone."""

ReceiptStatus = Literal["stored", "duplicate", "refused"]


class Capabilities(msgspec.Struct, frozen=True):
    """What a platform can do.

    `idempotent_for`: seconds during which a repeated call with the same key has no second
    effect; 0 if the platform knows no such keys.
    """

    idempotent_for: float = 0.0


class Action(msgspec.Struct, frozen=True):
    """One call to make on the platform.

    `key` is the same whenever this call is repeated, also after a crash. `chat` and `thread`
    are the platform's ids; `origin` is what the event carried that this answers.
    """

    key: str
    chat: str
    thread: str | None
    part: Part
    origin: str | None = None


class Sent(msgspec.Struct, frozen=True):
    """The platform has accepted an action, under this id if it gives one."""

    message_id: str | None = None


class Receipt(Protocol):
    """What became of one delivered event.

    `duplicate`: it had been delivered before. `refused`: its conversation has too many events
    waiting; nothing was stored, and it should be acknowledged all the same.
    """

    @property
    def status(self) -> ReceiptStatus: ...

    async def settled(self) -> None:
        """Return when the event's turn is committed and its replies are sent, held or dead."""
        ...


class Host(Protocol):
    """What an adapter may ask of the engine while it runs."""

    @property
    def commands(self) -> Sequence[Command]:
        """The commands the bot answers to, in the order of their registration."""
        ...

    @property
    def cursor(self) -> str | None:
        """The last cursor given to `deliver` for this account, in this process or before."""
        ...

    async def deliver(
        self, events: Sequence[Event], cursor: str | None = None
    ) -> Sequence[Receipt]:
        """Store events in their order, with the adapter's cursor, and return when durable.

        Gives one receipt per event. While the store fails this waits for it to recover; it
        raises `StorageError` if that is hopeless, and the events must not be acknowledged.
        """
        ...


class Adapter(Protocol):
    """A platform. See the module's rules."""

    @property
    def name(self) -> str:
        """The platform's name, as `--on` takes it; the same for all accounts on it."""
        ...

    @property
    def account(self) -> str:
        """The platform's id of the bot account; known before `run`, the same at each start."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def run(self, host: Host) -> None:
        """Receive until cancelled, or until there can be nothing more to receive."""
        ...

    def render(self, reply: Reply) -> Sequence[Part]:
        """Return the parts that show `reply` on this platform; none if there is nothing."""
        ...

    async def perform(self, action: Action) -> Sent:
        """Make one call on the platform."""
        ...
