"""`Parts`: what an assembled engine starts, watches and stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chatstate.adapter import Adapter
from chatstate.bot.resources import Resources
from chatstate.engine.forgetting import Forgetting
from chatstate.engine.host import AccountHost
from chatstate.engine.inbox.claims import Claims
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.outside import Outside
from chatstate.engine.recovery import Recovery
from chatstate.engine.roles import Roles
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.commits import Commits
from chatstate.engine.states.expiry import Expiries
from chatstate.engine.states.older_runs import OlderRuns
from chatstate.engine.timers import Timers
from chatstate.engine.turns.answering import Answering
from chatstate.engine.turns.approvals import Approvals
from chatstate.engine.turns.fences import Fences
from chatstate.engine.turns.overlap import Overlap
from chatstate.engine.turns.turns import Turns
from chatstate.engine.turns.typing_notices import TypingNotices
from chatstate.stores.base import Account


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the engine starts, watches and stops. `make_host` adds an account.

    `guarded` returns an adapter for what may leave, if the bot has guards of that.
    """

    lanes: Lanes
    turns: Turns
    fences: Fences
    answering: Answering
    approvals: Approvals
    overlap: Overlap
    commits: Commits
    cache: StateCache
    sender: Sender
    spool: Spool
    expiries: Expiries
    older_runs: OlderRuns
    timers: Timers
    forgetting: Forgetting
    resources: Resources
    typing_notices: TypingNotices
    recovery: Recovery
    claims: Claims
    roles: Roles
    outside: Outside
    prove: Callable[[], Awaitable[None]]
    guarded: Callable[[Adapter], Adapter]
    prepare_menus: Callable[[], Awaitable[None]]
    make_host: Callable[[Account, Adapter, Callable[[], Awaitable[Account]]], AccountHost]
