"""Events of the framework's own: what sets their turns apart from those of what people do.

`assembly` makes the table: a row for each kind of message that no adapter delivers. Whatever else
the framework comes to do in a conversation is one row more. (To go `ahead` of the line is the
store's business.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from chatstate.bot.route import Route
from chatstate.engine.turns.plan import Plan, Plans
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import OtherVersionError
from chatstate.messages import Message, MessageKind
from chatstate.stores.base import Arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEvent:
    """How the turns of one kind of event run.

    - `find` returns the plan and the text; None if nothing need be done. May raise `StateError`.
      `begin` does the same where that is to be looked up.
    - `check` raises `ReplyError` for an answer that has no place to go.
    - `is_admitted`: guards, limits and middleware of the bot hold for them.
    - `shows_typing`: the bot is typing while they run.
    - `apologises`: the conversation is told when one fails.
    - `is_interrupted`: a later event of the conversation may end them.
    """

    find: Callable[[Arrival], tuple[Plan, str] | None]
    check: Callable[[Arrival, Sequence[object]], None]
    begin: Callable[[RunningTurn], Awaitable[tuple[Plan, str] | None]] | None = None
    is_admitted: bool = False
    shows_typing: bool = False
    apologises: bool = False
    is_interrupted: bool = False


OwnEvents = Mapping[MessageKind, OwnEvent]


def sent(find: Callable[[Message], tuple[Route, str] | None], plans: Plans) -> OwnEvent:
    """Return what sets events apart that tell what a platform has returned for a call."""

    def planned(arrival: Arrival) -> tuple[Plan, str] | None:
        found = find(arrival.event.message)
        return (plans.of(found[0]), found[1]) if found else None

    return OwnEvent(find=planned, check=lambda _arrival, _answer: None)


def unreadable() -> OwnEvent:
    """Return what sets stored events apart that cannot be read: each is for newer code, or dead."""
    return OwnEvent(find=_give_up, check=lambda _arrival, _answer: None, apologises=True)


def _give_up(arrival: Arrival) -> None:
    raise OtherVersionError(
        f"what is stored of it cannot be read: {arrival.event.message.text}; it is in this dead "
        "letter: run the version of chatstate that stored it, and retry it there"
    )
