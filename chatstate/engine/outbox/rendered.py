"""An answer while it is rendered: the calls that it makes so far, and what is still to come.

1. Calls stand in the order in which they are made; each has its number as part of its key.
2. A message that showed a preview becomes one part of the answer at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chatstate.adapter import Part, StoredFile, Verb
from chatstate.engine.outbox.addressing import Addresses
from chatstate.engine.outbox.outbound import Outbound, new_outbound
from chatstate.stores.base import Arrival, KeptButton

Rendering = tuple[Sequence[Part], Sequence[KeptButton]]
"""The parts of a reply, and the buttons to keep for it."""
Ahead = Mapping[int, Rendering]
"""Replies that were rendered before, by the `id` of the object."""
_NO_ANSWER: frozenset[Verb] = frozenset(("delete", "native", "reaction"))
"""What ends no waiting for an answer."""


class Rendered(msgspec.Struct, gc=False):
    """The calls that an answer makes, in their order, and the buttons to keep for it.

    `files` are those that its replies have, still to come; `previews` the messages that show a
    preview and are not used for it yet, and `surplus` those that cannot be. `ahead` is what was
    rendered before, `addressed` where replies go that do not simply answer.
    """

    outbound: list[Outbound] = []
    buttons: Sequence[KeptButton] = ()
    files: Iterator[StoredFile] = iter(())
    previews: list[str] | None = None
    surplus: Sequence[str] = ()
    ahead: Ahead | None = None
    addressed: Addresses | None = None


def owe(
    rendered: Rendered,
    arrival: Arrival,
    part: Part,
    verb: Verb = "send",
    message: str | None = None,
    ref: str = "",
    changes: str = "",
) -> None:
    """Add a call to an answer, in place of what an event's own conversation shows or beside it."""
    number = len(rendered.outbound)
    new = new_outbound(arrival, number, part, verb, message, ref, changes)
    rendered.outbound.append(new)


def finish(arrivals: Sequence[Arrival], rendered: Rendered) -> None:
    """End what began with events that get no answer of their own."""
    *bare, arrival = arrivals
    if all(outbound.action.verb in _NO_ANSWER for outbound in rendered.outbound):
        bare.append(arrival)
    for unanswered in bare:
        origin = unanswered.event.origin
        if origin is not None:
            event = msgspec.structs.replace(arrival.event, origin=origin)
            owe(rendered, msgspec.structs.replace(arrival, event=event), Part({}), "finish")


def preview_for(rendered: Rendered, comes_new: object) -> str | None:
    """Return the next message that shows a preview, to be edited into a part.

    None if that `comes_new`: files, suggestions, places and the like, and what one person alone may
    see, are no edits. Those that are left then stand above it, and so cannot become what follows.
    """
    if rendered.previews and not comes_new:
        return rendered.previews.pop(0)
    rendered.surplus = [*rendered.surplus, *(rendered.previews or ())]
    rendered.previews = None
    return None
