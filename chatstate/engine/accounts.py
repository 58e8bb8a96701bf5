"""The accounts that a bot runs on: their adapters, and whose they are.

1. All parts of an engine look here, by the account's internal id, whenever they need an adapter:
   accounts come and go while the bot runs.
2. One that has gone leaves a stand-in, which refuses what is still owed to it: a dead letter says
   so, and can be sent once the account is back.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.errors import Rejected
from chatstate.stores.accounts import OWN
from chatstate.stores.base import Account


class Accounts:
    """The adapters of one engine's accounts, and the tenants of those that have one.

    `own` is the account of what is of no platform, 0 if the bot has none.
    """

    def __init__(self) -> None:
        self.adapters: dict[int, Adapter] = {}
        self.tenants: dict[int, int] = {}
        self.own = 0
        self._connected: set[int] = set()

    @property
    def connected(self) -> Sequence[int]:
        """Those that are there now."""
        return list(self._connected)

    def label(self, number: int) -> str:
        """Return what people call an account; "" if they do not, or it was never here."""
        adapter = self.adapters.get(number)
        return adapter.label if adapter else ""

    def add(self, account: Account, adapter: Adapter) -> None:
        """Let an adapter send for an account from now on."""
        self.adapters[account.id] = adapter
        self._connected.add(account.id)
        if account.tenant:
            self.tenants[account.id] = account.tenant

    def add_own(self, account: Account, adapter: Adapter) -> None:
        """Add the account of the framework's own, from which nothing is sent."""
        self.add(account, adapter)
        self.own = account.id

    def refuse(self, number: int) -> None:
        """Let nothing more be sent for an account: what is owed is refused."""
        self.adapters[number] = _Gone(self.adapters[number])

    def remove(self, number: int) -> None:
        """Note that an account is no longer there."""
        self.refuse(number)
        self._connected.discard(number)


class Nowhere(Adapter):
    """The adapter of an account of the framework's own: nobody is there."""

    name = OWN
    account = "schedules"
    capabilities = Capabilities()

    async def run(self, host: Host) -> None:
        """Receive nothing."""

    def render(self, post: Post) -> Sequence[Part]:  # noqa: ARG002 - nobody sees it
        """Return nothing."""
        return ()

    async def perform(self, action: Action) -> Sent:
        """Refuse it."""
        raise Rejected(f"to {action.verb}: nobody is there")


class _Gone(Adapter):
    """What stands in for the adapter of an account that was disconnected."""

    def __init__(self, adapter: Adapter) -> None:
        self.name = adapter.name
        self.account = adapter.account
        self.label = adapter.label
        self.capabilities = adapter.capabilities
        self._render = adapter.render

    async def run(self, host: Host) -> None:
        """Receive nothing."""

    def render(self, post: Post) -> Sequence[Part]:
        """Return what it would have sent."""
        return self._render(post)

    async def perform(self, action: Action) -> Sent:
        """Refuse it."""
        what = f"to {action.verb} in chat {action.chat}"
        raise Rejected(f"{what}: account {self.account} on {self.name} was disconnected")
