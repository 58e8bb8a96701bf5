"""`Outside`: what a bot is given to say outside of turns, to somebody or to many."""

from __future__ import annotations

import asyncio

from chatstate.bot.interface import Interface
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.broadcasts.announcing import Announcer
from chatstate.engine.broadcasts.carrying_out import Broadcasts
from chatstate.engine.egress.egress import Egress
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.own_intake import OwnIntake
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.private_chats import PrivateChats
from chatstate.engine.sends import Sends
from chatstate.stores.base import Store


class Outside:
    """Stores what one bot is given to say, and takes it up."""

    def __init__(
        self,
        bot: Interface,
        *,
        accounts: Accounts,
        store: Store,
        lanes: Lanes,
        receipts: Receipts,
        spool: Spool,
        clock: Clock,
        egress: Egress | None = None,
    ) -> None:
        intake, chats = OwnIntake(lanes, receipts), PrivateChats(accounts, clock)
        self.sends = Sends(
            bot=bot.id,
            accounts=accounts,
            store=store,
            intake=intake,
            receipts=receipts,
            chats=chats,
            spool=spool,
            clock=clock,
            egress=egress,
        )
        self.broadcasts = Broadcasts(
            bot.id,
            states=bot.states,
            accounts=accounts,
            store=store,
            intake=intake,
            chats=chats,
        )
        self.announcer = Announcer(
            bot,
            store=store,
            sends=self.sends,
            spool=spool,
            clock=clock,
            look=self.broadcasts.look,
        )

    def look(self) -> None:
        """Look soon for what is to be taken up, of whomever."""
        self.sends.look()
        self.broadcasts.look()

    async def run(self) -> None:
        """Take up what there is, whenever there may be something."""
        await asyncio.gather(self.sends.run(), self.broadcasts.run())
