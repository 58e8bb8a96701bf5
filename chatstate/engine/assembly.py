"""How the engine's parts are put together: each made once, downwards, from those made before it.

1. Lanes come first and are given to all; they are started last, once there are turns to run.
2. Every part takes what it needs, by keyword. Only the cache is told later who removes from it what
   has expired.
3. The parts of the outbox, of states and of turns are put together in their own folders.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator

from chatstate.adapter import Adapter
from chatstate.bot.egress import guards_of
from chatstate.bot.interface import Interface
from chatstate.bot.outgoing import Verdict
from chatstate.bot.resources import Resources
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.egress.borders import guarded_adapter, guarded_host
from chatstate.engine.egress.egress import Egress
from chatstate.engine.egress.guards import Guards
from chatstate.engine.egress.menus import Menus
from chatstate.engine.forgetting import Forgetting
from chatstate.engine.host import AccountHost
from chatstate.engine.inbox.claims import Claims
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.lease import Lease
from chatstate.engine.observing import Observer, observed_work
from chatstate.engine.outbox.assembly import assemble_outbox
from chatstate.engine.outbox.sender import OnAmbiguous
from chatstate.engine.outside import Outside
from chatstate.engine.parts import Parts
from chatstate.engine.recovery import Recovery
from chatstate.engine.roles import Roles
from chatstate.engine.states.assembly import assemble_states
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.assembly import assemble_turns
from chatstate.engine.turns.typing_notices import TypingNotices
from chatstate.engine.turns.watch import Watch
from chatstate.messages import Event
from chatstate.stores.base import Account, Store


def assemble(
    bot: Interface,
    *,
    accounts: Accounts,
    store: Store,
    run: int,
    secret: bytes,
    versions: Iterator[int],
    clock: Clock,
    lease: Lease | None,
    running_limit: int,
    on_ambiguous: OnAmbiguous,
    has_guests: bool,
    failed: Callable[[Exception], None],
    connected: Callable[[Adapter, str], None],
    on_failure: Callable[[Event, BaseException], None],
    threads: HandlerThreads,
    observer: Observer | None = None,
    on_verdict: Callable[[Verdict], None],
) -> Parts:
    """Return the parts of an engine that runs `bot` on `accounts`. Starts nothing."""
    adapters = accounts.adapters
    lanes = Lanes(store, failed)
    receipts = Receipts(store.pending)
    roles = Roles(store=store, clock=clock, accounts=accounts)
    resources = Resources()
    watch = Watch(clock, running_limit)
    egress = menus = None
    if guards := guards_of(bot.parts):
        asked = Guards(guards, resources=resources, threads=threads, tell=on_verdict)
        egress = Egress(asked, adapters=adapters, threads=threads)
        menus = Menus(bot, egress)

    states = assemble_states(bot, store=store, clock=clock, has_guests=has_guests, failed=failed)
    cache, commits = states.cache, states.commits

    async def moved(account: int, old: str, new: str) -> None:
        with lanes.expecting():  # what comes from there uses the values as they are then
            await store.alias(account, old, new)
            cache.forget()

    async def prove() -> None:
        await store.remember(next(iter(accounts.adapters)), "health", f"{clock.time():.0f}")

    outbox = assemble_outbox(
        bot,
        accounts=accounts,
        store=store,
        secret=secret,
        clock=clock,
        threads=threads,
        lease=lease,
        on_ambiguous=on_ambiguous,
        failed=failed,
        moved=moved,
        is_committing=commits.has,
    )
    spool, sender = outbox.spool, outbox.sender

    turns = assemble_turns(
        bot,
        accounts=accounts,
        store=store,
        run=run,
        versions=versions,
        clock=clock,
        lease=lease,
        lanes=lanes,
        receipts=receipts,
        threads=threads,
        resources=resources,
        watch=watch,
        states=states,
        outbox=outbox,
        on_failure=on_failure,
        observer=observer,
        egress=egress,
    )
    fences = turns.fences
    work = observed_work(turns.turns, observer) if observer else turns.turns
    lanes.start(work, threads, commits.of)
    recovery = Recovery(
        store=store,
        lanes=lanes,
        later=turns.later,
        fences=fences,
        commits=commits,
        sender=sender,
        failed=failed,
    )
    claims = Claims(
        store=store,
        clock=clock,
        lanes=lanes,
        fences=fences,
        sender=sender,
        receipts=receipts,
        cache=cache,
        recovery=recovery,
        handover=turns.handover,
        roles=roles,
        interrupts=bot.routes.interrupts,
        lets_go=states.volatile is None,
    )

    def guarded(adapter: Adapter) -> Adapter:
        return guarded_adapter(adapter, egress) if egress else adapter

    async def prepare_menus() -> None:
        if menus:
            await menus.prepare()

    def make_host(
        account: Account, adapter: Adapter, find: Callable[[], Awaitable[Account]]
    ) -> AccountHost:
        accounts.add(account, adapter)
        outbox.abridger.measure()
        host = AccountHost(
            bot,
            account,
            adapter=adapter,
            find=find,
            roles=roles,
            lease=lease,
            store=store,
            clock=clock,
            lanes=lanes,
            receipts=receipts,
            dispatch=turns.dispatch,
            fences=fences,
            quick=turns.quick,
            modals=turns.modals,
            sender=sender,
            renderer=outbox.renderer,
            moved=moved,
            volatile=states.volatile,
            connected=functools.partial(connected, adapter),
        )
        return guarded_host(host, adapter, egress, menus) if egress and menus else host

    return Parts(
        lanes=lanes,
        turns=turns.turns,
        fences=fences,
        answering=turns.answering,
        approvals=turns.approvals,
        overlap=turns.overlap,
        commits=commits,
        cache=cache,
        sender=sender,
        spool=spool,
        expiries=turns.expiries,
        older_runs=states.older_runs,
        timers=turns.timers,
        forgetting=Forgetting(
            bot,
            accounts=accounts,
            store=store,
            lanes=lanes,
            fences=fences,
            receipts=receipts,
            cache=cache,
            memory=states.volatile,
            clock=clock,
            versions=versions,
        ),
        resources=resources,
        typing_notices=TypingNotices(adapters=adapters, watch=watch, clock=clock),
        recovery=recovery,
        claims=claims,
        roles=roles,
        outside=Outside(
            bot,
            accounts=accounts,
            store=store,
            lanes=lanes,
            receipts=receipts,
            spool=spool,
            clock=clock,
            egress=egress,
        ),
        prove=prove,
        guarded=guarded,
        prepare_menus=prepare_menus,
        make_host=make_host,
    )
