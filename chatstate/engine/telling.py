"""What an adapter's host tells of the bot, and of what is kept and read of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager

from chatstate.adapter import About, Adapter
from chatstate.bot.interface import Interface
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.lease import Lease
from chatstate.engine.receiving import Receiving
from chatstate.engine.roles import Roles
from chatstate.inspection import Inspection, Seen
from chatstate.messages import Command
from chatstate.stores.base import Account, Store
from chatstate.stores.view import View


class Telling(Receiving):
    """The part of a host that tells."""

    def __init__(
        self,
        bot: Interface,
        account: Account,
        *,
        adapter: Adapter,
        store: Store,
        roles: Roles,
        lease: Lease | None,
        find: Callable[[], Awaitable[Account]],
        lanes: Lanes,
    ) -> None:
        super().__init__(account, store=store, roles=roles, lease=lease, find=find)
        self._bot = bot
        self._lanes = lanes
        self._handled = bot.routes.kinds
        named = (update.partition(":") for update in bot.routes.updates)
        self._updates = frozenset(name for its, _, name in named if its == adapter.name)

    @property
    def about(self) -> About:
        """See `Host.about`."""
        bot = self._bot
        return About(bot.id, bot.title, bot.description or "", self._store.location)

    @property
    def commands(self) -> Sequence[Command]:
        """See `Host.commands`."""
        return self._bot.commands

    @property
    def kinds(self) -> AbstractSet[str]:
        """See `Host.kinds`."""
        return self._handled

    @property
    def updates(self) -> AbstractSet[str]:
        """See `Host.updates`."""
        return self._updates

    def sentences(self, language: str | None) -> Mapping[str, str]:
        """See `Host.sentences`."""
        return self._bot.sentences.of(language)

    def inspect(self, *, reveal: bool = False) -> Inspection:
        """See `Host.inspect`."""
        return View(self._store, bot=self._bot.id, reveal=reveal)

    def witness(self, told: Callable[[Seen], None]) -> AbstractContextManager[None]:
        """See `Host.witness`."""
        return self._lanes.witnesses.of(self._account, told)
