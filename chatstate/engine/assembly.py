"""How the engine's parts are put together: each made once, downwards, from those made before it.

1. Lanes come first and are given to all; they are started last, once there are turns to run.
2. Every part takes what it needs, by keyword. Only the cache is told later who removes from it what
   has expired.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from chatstate.adapter import Adapter
from chatstate.bot.interface import Interface
from chatstate.bot.resources import Resources
from chatstate.bot.route import Route
from chatstate.bot.turn import Turn
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.forgetting import Forgetting
from chatstate.engine.host import AccountHost
from chatstate.engine.inbox.claims import Claims
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.lease import Lease
from chatstate.engine.observing import Observer, observed_effects, observed_work
from chatstate.engine.outbox.abridging import Abridger
from chatstate.engine.outbox.addressing import Addressing
from chatstate.engine.outbox.buttons import Buttons
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.sender import OnAmbiguous, Sender
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.outside import Outside
from chatstate.engine.parts import Parts
from chatstate.engine.recovery import Recovery
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.commits import Commits
from chatstate.engine.states.expiry import Expiries
from chatstate.engine.states.links import Links
from chatstate.engine.states.older_runs import OlderRuns
from chatstate.engine.states.volatile import foreign_keys, volatile_before
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.timers import Timers
from chatstate.engine.turns.admission import Admission
from chatstate.engine.turns.answering import Answering
from chatstate.engine.turns.approvals import Approvals
from chatstate.engine.turns.asker import Asker
from chatstate.engine.turns.calling import Caller
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.effects import TurnEffects
from chatstate.engine.turns.finish import Finish
from chatstate.engine.turns.handover import Handover
from chatstate.engine.turns.inquiries import Inquiries
from chatstate.engine.turns.late import LateTurns
from chatstate.engine.turns.later import Later
from chatstate.engine.turns.limits import Counters
from chatstate.engine.turns.linking import ASIDES, Linking
from chatstate.engine.turns.middleware import Around
from chatstate.engine.turns.modals import Modals
from chatstate.engine.turns.on_error import OnError
from chatstate.engine.turns.overlap import Overlap
from chatstate.engine.turns.own_events import sent, unreadable
from chatstate.engine.turns.plan import Plan, Plans
from chatstate.engine.turns.previews import Previews
from chatstate.engine.turns.quick import QuickTurns
from chatstate.engine.turns.refusals import Refusals
from chatstate.engine.turns.sending import sending
from chatstate.engine.turns.showing import Showings
from chatstate.engine.turns.shown import Shown
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.turns import Turns
from chatstate.engine.turns.typing_notices import TypingNotices
from chatstate.engine.turns.values import TurnValues
from chatstate.engine.turns.watch import Watch
from chatstate.messages import Event
from chatstate.stores.base import Account, Arrival, Store


def assemble(  # noqa: PLR0915 - each part is a statement
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
    failed: Callable[[Exception], None],
    connected: Callable[[Adapter, str], None],
    on_failure: Callable[[Event, BaseException], None],
    observer: Observer | None = None,
) -> Parts:
    """Return the parts of an engine that runs `bot` on `accounts`. Starts nothing."""
    adapters = accounts.adapters
    sentences = bot.sentences
    lanes = Lanes(store, failed)
    receipts = Receipts()
    threads = HandlerThreads()
    resources = Resources()
    watch = Watch(clock, running_limit)

    volatile = volatile_before(store, bot.states, clock)
    is_foreign = foreign_keys(store, volatile)
    cache = StateCache(volatile or store, clock, is_foreign)
    commits = Commits(volatile or store, failed)
    older_runs = OlderRuns(bot, store=store, clock=clock)
    links = Links(bot.id, cache=cache, versions=versions) if bot.linking else None
    values = TurnValues(
        bot=bot.id,
        tenants=accounts.tenants,
        cache=cache,
        is_foreign=is_foreign,
        older_runs=older_runs,
        versions=versions,
        clock=clock,
        links=links,
    )

    async def moved(account: int, old: str, new: str) -> None:
        await store.alias(account, old, new)
        cache.forget()

    async def prove() -> None:
        await store.remember(next(iter(accounts.adapters)), "health", f"{clock.time():.0f}")

    spool = Spool(store, threads, adapters, clock)
    buttons = Buttons(secret, store, clock)
    renderer = Renderer(
        adapters=adapters,
        sentences=sentences,
        buttons=buttons,
        threads=threads,
        max_messages=bot.max_messages,
    )
    abridger = Abridger(bot, adapters=adapters, renderer=renderer, threads=threads)
    sender = Sender(
        store=store,
        adapters=adapters,
        clock=clock,
        threads=threads,
        spool=spool,
        failed=failed,
        on_ambiguous=on_ambiguous,
        moved=moved,
        is_committing=commits.has,
        lease=lease,
    )

    def may_show(arrival: Arrival) -> bool:
        """Tell whether nothing older is owed in a conversation, or about to be, by whomever."""
        if lease and lease.is_unsure:
            return False
        account, conversation = arrival.place.account, arrival.place.conversation
        return sender.is_idle(account, conversation) and not commits.is_committing(conversation)

    addressing = Addressing(bot.id, store=store, accounts=accounts, clock=clock)
    showings = Showings(
        Previews(
            adapters=adapters,
            renderer=renderer,
            store=store,
            clock=clock,
            may_show=may_show,
            wait=lambda arrival, seconds: sender.wait(arrival.place.account, seconds),
        )
    )
    shown = Shown(receipts=receipts, store=store)
    inquiries = Inquiries(
        bot=bot.id, values=values, cache=cache, clock=clock, is_sole=store.is_sole
    )
    asker = Asker(
        values=values,
        addressing=addressing,
        sentences=sentences,
        clock=clock,
        shown=shown,
        inquiries=inquiries,
    )
    caller = Caller(
        values=values, threads=threads, showings=showings, asker=asker, sentences=sentences
    )
    admission = Admission(
        owners=bot.owners,
        adapters=adapters,
        threads=threads,
        counters=Counters(bot.id, cache, clock),
        resources=resources,
        clock=clock,
    )

    def make_turn(turn: RunningTurn) -> Turn:
        verbs = effects(turn, platform=adapters[turn.place.account].name)
        return Turn(observed_effects(verbs, turn, observer) if observer else verbs)

    def make_plan(route: Route) -> Plan:
        functions = route.around
        around = Around(functions, resources, caller.handle) if functions else None
        on_error = OnError(told, resources, threads) if (told := route.on_error) else None
        return Plan(bot.id, accounts.tenants, route, resources, make_turn, around, on_error)

    plans = Plans(make_plan)
    timers = Timers(
        bot,
        accounts=accounts,
        store=store,
        lanes=lanes,
        receipts=receipts,
        commits=commits,
        plans=plans,
        clock=clock,
        versions=versions,
    )
    linking = Linking(bot.id, bot.states, values=values, cache=cache, clock=clock)
    effects = functools.partial(
        TurnEffects,
        adapters=adapters,
        clock=clock,
        store=store,
        values=values,
        threads=threads,
        spool=spool,
        showings=showings,
        admission=admission,
        addressing=addressing,
        asker=asker,
        resources=resources,
        routes=bot.routes,
        plans=plans,
        watch=watch,
        timers=timers.of_turns,
        linking=linking,
    )
    approvals = Approvals(
        asker=asker,
        inquiries=inquiries,
        cache=cache,
        store=store,
        lanes=lanes,
        receipts=receipts,
        admission=admission,
        addressing=addressing,
        sentences=sentences,
    )
    refusals = Refusals(bot.id, run=run, store=store, clock=clock)
    answering = Answering(
        bot=bot.id,
        routes=bot.routes,
        plans=plans,
        asker=asker,
        shown=shown,
        approvals=approvals,
        inquiries=inquiries,
        refusals=refusals,
        buttons=buttons,
        cache=cache,
        store=store,
        sentences=sentences,
    )
    expiries = Expiries(
        bot,
        accounts=accounts,
        store=store,
        memory=volatile,
        cache=cache,
        lanes=lanes,
        receipts=receipts,
        plans=plans,
        own=[
            *([asker.state, inquiries.state] if answering.may_be_asked else []),
            *([ASIDES] if bot.linking else []),
        ],
        moved=[state for state in bot.states if bot.linking and state.scope == "user"],
        in_use=watch.expiring_keys,
    )
    dispatch = Dispatch(
        routes=bot.routes,
        plans=plans,
        buttons=buttons,
        own_events={
            "expiry": expiries.own_event(),
            "send": sending(bot, plans, store),
            "sent": sent(bot.routes.find, plans),
            "timer": timers.of_turns.own_event(),
            "unreadable": unreadable(),
        },
        sentences=sentences,
    )
    later = Later(
        store=store,
        clock=clock,
        lanes=lanes,
        dispatch=dispatch,
        previews=showings.previews,
        spool=spool,
        versions=versions,
    )
    handover = Handover(
        refusals=refusals,
        store=store,
        clock=clock,
        lanes=lanes,
        receipts=receipts,
        cache=cache,
        commits=commits,
        sender=sender,
        spool=spool,
        later=later,
    )
    overlap = Overlap(
        lanes=lanes,
        dispatch=dispatch,
        admission=admission,
        buttons=buttons,
        watch=watch,
        clock=clock,
    )
    finish = Finish(
        lanes=lanes,
        receipts=receipts,
        cache=cache,
        values=values,
        commits=commits,
        renderer=renderer,
        spool=spool,
        sender=sender,
        addressing=addressing,
        sentences=sentences,
        versions=versions,
        lease=lease,
        on_failure=on_failure,
        is_sole=store.is_sole,
    )
    turns = Turns(
        lanes=lanes,
        dispatch=dispatch,
        answering=answering,
        overlap=overlap,
        admission=admission,
        expiries=expiries,
        values=values,
        caller=caller,
        finish=finish,
        late=LateTurns(values=values, finish=finish, commits=commits),
        later=later,
        refusals=refusals,
        handover=handover,
        watch=watch,
        renderer=renderer,
        abridger=abridger,
        addressing=addressing,
        spool=spool,
        sentences=sentences,
    )
    quick = QuickTurns(
        store=store,
        dispatch=dispatch,
        admission=admission,
        values=values,
        caller=caller,
        finish=finish,
        renderer=renderer,
        spool=spool,
        sentences=sentences,
    )
    modals = Modals(bot, dispatch=dispatch, store=store)
    lanes.start(observed_work(turns, observer) if observer else turns, threads, commits.of)
    recovery = Recovery(
        store=store,
        lanes=lanes,
        turns=turns,
        later=later,
        commits=commits,
        sender=sender,
        failed=failed,
    )
    claims = Claims(
        store=store,
        clock=clock,
        lanes=lanes,
        turns=turns,
        sender=sender,
        receipts=receipts,
        cache=cache,
        recovery=recovery,
        handover=handover,
        interrupts=bot.routes.interrupts,
        lets_go=volatile is None,
    )

    def make_host(account: Account, adapter: Adapter) -> AccountHost:
        accounts.add(account, adapter)
        abridger.measure()
        return AccountHost(
            bot,
            account,
            adapter=adapter,
            store=store,
            clock=clock,
            lanes=lanes,
            receipts=receipts,
            dispatch=dispatch,
            turns=turns,
            quick=quick,
            modals=modals,
            sender=sender,
            renderer=renderer,
            moved=moved,
            connected=functools.partial(connected, adapter),
        )

    return Parts(
        lanes=lanes,
        turns=turns,
        answering=answering,
        approvals=approvals,
        overlap=overlap,
        commits=commits,
        cache=cache,
        sender=sender,
        spool=spool,
        expiries=expiries,
        older_runs=older_runs,
        timers=timers,
        forgetting=Forgetting(
            bot,
            accounts=accounts,
            store=store,
            lanes=lanes,
            turns=turns,
            receipts=receipts,
            cache=cache,
            memory=volatile,
            clock=clock,
            versions=versions,
        ),
        resources=resources,
        typing_notices=TypingNotices(adapters=adapters, watch=watch, clock=clock),
        recovery=recovery,
        claims=claims,
        outside=Outside(
            bot,
            accounts=accounts,
            store=store,
            lanes=lanes,
            receipts=receipts,
            spool=spool,
            clock=clock,
        ),
        prove=prove,
        make_host=make_host,
    )
