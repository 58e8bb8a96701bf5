"""What is stored and nobody reads any more: a parameter, a scope or a bot was renamed.

1. Nothing is changed and nothing refused: old values may be left behind on purpose.
2. Each warning says what is stored, what the bot declares instead, and how to get the values back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chatstate.scope import is_ours
from chatstate.state.bound import BoundState
from chatstate.stores.base import StoredState


def warnings(
    bot: str, declared: Iterable[BoundState], stored: Sequence[StoredState]
) -> Iterator[str]:
    """Yield what to tell the operator of a bot of values that its states do not reach."""
    states = list(declared)
    own = [state for state in stored if state.bot == bot and not is_ours(state.name)]
    bots = sorted({state.bot for state in stored})
    if states and bots and bot not in bots:
        yield (
            f"nothing is stored for bot {bot!r}, but there is for {_listed(bots)}; if it was "
            f"renamed, give it its id back: Interface(id={bots[0]!r})"
        )
    for state in own:
        named = next((other for other in states if other.name == state.name), None)
        if named is None:
            yield _undeclared(state, _new(state, states, own))
        elif named.scope != state.scope:
            yield (
                f"state {state.name!r} is stored with scope={state.scope!r} and declared with "
                f"scope={named.scope!r}; what is stored is kept, and not read: to have it back, "
                f"declare {_declaration(state)}"
            )
        elif not named.lifecycle.durable:
            yield (
                f"{state.scope} state {state.name!r} is stored, and is kept in memory alone now; "
                "what is stored is not read: to have it back, leave out durable=False"
            )


def _undeclared(state: StoredState, candidates: Sequence[str]) -> str:
    renamed = f" (it might be {_listed(candidates)} now)" if candidates else ""
    return (
        f"{state.scope} state {state.name!r} is stored, and nobody declares it any more; if its "
        f"parameter was renamed{renamed}, keep the name: {_declaration(state)}"
    )


def _new(
    state: StoredState, states: Iterable[BoundState], own: Sequence[StoredState]
) -> Sequence[str]:
    """Return the names of states of the same scope that have no values yet."""
    known = {(other.scope, other.name) for other in own}
    names = [other.name for other in states if other.scope == state.scope]
    return [n for n in names if (state.scope, n) not in known and not is_ours(n)]


def _declaration(state: StoredState) -> str:
    return f"State(scope={state.scope!r}, name={state.name!r})"


def _listed(names: Iterable[str]) -> str:
    return " or ".join(map(repr, names))
