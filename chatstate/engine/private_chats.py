"""Private chats of people, asked of their platforms by whoever can wait."""

from __future__ import annotations

import logging

from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.asking import PASSING
from chatstate.errors import RetryAfter
from chatstate.messages import Chat, User

log = logging.getLogger("chatstate.engine")

_PAUSE = 5.0  # before a platform that could not tell is asked again


class PrivateChats:
    """Asks for them. A platform that cannot tell now is left alone for a while."""

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._not_before: dict[int, float] = {}

    async def find(self, account: int, user: User) -> Chat | None:
        """Return the chat with a person; None while the platform cannot tell.

        Raises what its adapter raises that does not pass.
        """
        now = self._clock.monotonic()
        if self._not_before.get(account, 0.0) > now:
            return None
        try:
            return Chat(await self._accounts.adapters[account].private_chat(user.id))
        except PASSING as error:
            seconds = error.seconds if isinstance(error, RetryAfter) else _PAUSE
            self._not_before[account] = now + seconds
            log.warning("the private chat with %s cannot be had now (%s)", user.id, error)
            return None
