"""How what makes, keeps and sends replies is put together, downwards, from what it is made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chatstate.bot.interface import Interface
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.lease import Lease
from chatstate.engine.outbox.abridging import Abridger
from chatstate.engine.outbox.addressing import Addressing
from chatstate.engine.outbox.buttons import Buttons
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.sender import OnAmbiguous, Sender
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.threads import HandlerThreads
from chatstate.stores.base import Store


@dataclass(frozen=True, kw_only=True)
class OutboxParts:
    """What makes, keeps and sends the replies of one bot."""

    spool: Spool
    buttons: Buttons
    renderer: Renderer
    abridger: Abridger
    sender: Sender
    addressing: Addressing


def assemble_outbox(
    bot: Interface,
    *,
    accounts: Accounts,
    store: Store,
    secret: bytes,
    clock: Clock,
    threads: HandlerThreads,
    lease: Lease | None,
    on_ambiguous: OnAmbiguous,
    failed: Callable[[Exception], None],
    moved: Callable[[int, str, str], Awaitable[None]],
    is_committing: Callable[[int], bool],
) -> OutboxParts:
    """Return the parts of one bot's outbox.

    `moved` is told of chats that have another id now; `is_committing` tells whether the commit of
    a turn is on its way.
    """
    adapters = accounts.adapters
    spool = Spool(store, threads, adapters, clock)
    buttons = Buttons(secret, store, clock)
    renderer = Renderer(
        adapters=adapters,
        sentences=bot.sentences,
        buttons=buttons,
        threads=threads,
        max_messages=bot.max_messages,
    )
    sender = Sender(
        store=store,
        adapters=adapters,
        clock=clock,
        threads=threads,
        spool=spool,
        failed=failed,
        on_ambiguous=on_ambiguous,
        moved=moved,
        is_committing=is_committing,
        lease=lease,
    )
    return OutboxParts(
        spool=spool,
        buttons=buttons,
        renderer=renderer,
        abridger=Abridger(bot, adapters=adapters, renderer=renderer, threads=threads),
        sender=sender,
        addressing=Addressing(bot.id, store=store, accounts=accounts, clock=clock),
    )
