"""What `@bot.on_forget` refuses, and what no such handler takes. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from chatstate.bot.handlers import Handler
from chatstate.bot.injected import Named
from chatstate.bot.routes import Routes
from chatstate.bot.timers import told
from chatstate.errors import BindingError
from chatstate.messages import User
from chatstate.scope import SHARED, is_ours
from chatstate.signature import label
from chatstate.state.bound import States


class Cleaned(Protocol):
    """A bot, as far as it keeps something, and cleans it."""

    states: States
    routes: Routes


def _person(given: Any) -> User:
    return User(msgspec.json.decode(told(given.message).data["person"], type=str))


OF_FORGETTING: Mapping[str, Named] = {"person": Named(User, _person)}
"""What a handler of `@bot.on_forget` gets by name."""


def check_cleaner(handler: Handler) -> None:
    """Raise `BindingError` for a function that would want a person's own state, or a chat's."""
    for slot in handler.slots:
        if slot.state.scope != "global":
            raise BindingError(
                f"{label(handler.fn)} has {slot.state.scope} state {slot.state.name!r}; what is a "
                "person's own is erased anyway, and it is called in no chat: use Global[...]"
            )


def uncleaned(bot: Cleaned) -> Sequence[str]:
    """Return the stored states that others share with a person, and no handler cleans."""
    cleaned = {
        slot.state.name
        for name in bot.routes.cleaners
        for slot in bot.routes.timers[name].handler.slots
    }
    shared = [s for s in bot.states if s.scope in SHARED and s.scope != "user"]
    return sorted(
        f"{state.name} ({state.scope})"
        for state in shared
        if state.lifecycle.durable
        and state.name not in cleaned
        and not is_ours(state.name)  # which the framework cleans
    )
