"""How what runs turns is put together, downwards: each made once, from those made before it.

1. Lanes are there before; they are started last, by whoever has put all together.
2. Every part takes what it needs, by keyword.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from chatstate.bot.interface import Interface
from chatstate.bot.resources import Resources
from chatstate.bot.route import Route
from chatstate.bot.turn import Turn
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.egress.egress import Egress
from chatstate.engine.egress.guarded_turns import GuardedTurns
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.lease import Lease
from chatstate.engine.observing import Observer, observed_effects
from chatstate.engine.outbox.assembly import OutboxParts
from chatstate.engine.states.assembly import StateParts
from chatstate.engine.states.expiry import Expiries
from chatstate.engine.states.links import Links
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.timers import Timers
from chatstate.engine.turns.admission import Admission
from chatstate.engine.turns.answering import Answering
from chatstate.engine.turns.approvals import Approvals
from chatstate.engine.turns.asker import Asker
from chatstate.engine.turns.calling import Caller
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.effects import TurnEffects
from chatstate.engine.turns.fences import Fences
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
from chatstate.engine.turns.parts import TurnParts
from chatstate.engine.turns.plan import Plan, Plans
from chatstate.engine.turns.previews import Previews
from chatstate.engine.turns.quick import QuickTurns
from chatstate.engine.turns.refusals import Refusals
from chatstate.engine.turns.sending import sending
from chatstate.engine.turns.showing import Showings
from chatstate.engine.turns.shown import Shown
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.turns import Turns
from chatstate.engine.turns.values import TurnValues
from chatstate.engine.turns.watch import Watch
from chatstate.messages import Event
from chatstate.stores.base import Arrival, Store


def assemble_turns(
    bot: Interface,
    *,
    accounts: Accounts,
    store: Store,
    run: int,
    versions: Iterator[int],
    clock: Clock,
    lease: Lease | None,
    lanes: Lanes,
    receipts: Receipts,
    threads: HandlerThreads,
    resources: Resources,
    watch: Watch,
    states: StateParts,
    outbox: OutboxParts,
    on_failure: Callable[[Event, BaseException], None],
    observer: Observer | None,
    egress: Egress | None,
) -> TurnParts:
    """Return what runs the turns of one bot. Starts nothing."""
    adapters = accounts.adapters
    sentences = bot.sentences
    cache, commits = states.cache, states.commits
    spool, buttons, sender = outbox.spool, outbox.buttons, outbox.sender
    renderer, abridger, addressing = outbox.renderer, outbox.abridger, outbox.addressing
    values = TurnValues(
        bot=bot.id,
        tenants=accounts.tenants,
        cache=cache,
        is_foreign=states.is_foreign,
        older_runs=states.older_runs,
        versions=versions,
        clock=clock,
        links=Links(bot.id, cache=cache, versions=versions) if bot.linking else None,
    )

    def may_show(arrival: Arrival) -> bool:
        """Tell whether nothing older is owed in a conversation, or about to be, by whomever."""
        if lease and lease.is_unsure:
            return False
        account, conversation = arrival.place.account, arrival.place.conversation
        return sender.is_idle(account, conversation) and not commits.is_committing(conversation)

    showings = Showings(
        Previews(
            adapters=adapters,
            renderer=renderer,
            store=store,
            clock=clock,
            may_show=may_show,
            wait=lambda arrival, seconds: sender.wait(arrival.place.account, seconds),
            are_wanted=egress is None or egress.wants_previews,
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
        linking=Linking(bot.id, bot.states, values=values, cache=cache, clock=clock),
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
        memory=states.volatile,
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
    fences = Fences(
        lanes=lanes,
        dispatch=dispatch,
        overlap=overlap,
        later=later,
        finish=finish,
        watch=watch,
        sentences=sentences,
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
        handover=handover,
        fences=fences,
        watch=watch,
        renderer=renderer,
        abridger=abridger,
        addressing=addressing,
        spool=spool,
        guarded=GuardedTurns(egress, finish=finish, sentences=sentences) if egress else None,
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
    return TurnParts(
        dispatch=dispatch,
        turns=turns,
        fences=fences,
        quick=quick,
        modals=Modals(bot, dispatch=dispatch, store=store),
        answering=answering,
        approvals=approvals,
        overlap=overlap,
        expiries=expiries,
        timers=timers,
        later=later,
        handover=handover,
    )
