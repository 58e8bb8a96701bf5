"""What a reply shares besides words and files: a place, a contact, a poll or a sticker; its limits.

The limits are those of the platform that takes least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatstate.checks import require_text
from chatstate.content import Contact, Content, Location, Poll, Sticker
from chatstate.files import File

if TYPE_CHECKING:
    from chatstate.replies.reply import Reply

QUESTION_LIMIT = 300
OPTIONS_LIMIT = 10
OPTION_LIMIT = 55
NAME_LIMIT = 256
_KINDS: dict[str, tuple[type[Content | File], ...]] = {
    "location": (Location,),
    "contact": (Contact,),
    "poll": (Poll,),
    "sticker": (Sticker, File),
}
_LATITUDES, _LONGITUDES = 90, 180


def check_shared(reply: Reply) -> None:
    """Raise `TypeError` or `ValueError` if a reply shares what cannot be sent."""
    given = {name: getattr(reply, name) for name in _KINDS if getattr(reply, name) is not None}
    for name, value in given.items():
        if not isinstance(value, _KINDS[name]):
            kinds = " or a ".join(kind.__name__ for kind in _KINDS[name])
            raise TypeError(f"Reply.{name} must be a {kinds}, not {type(value).__name__}")
        if not isinstance(value, File):
            _check(value)
    if len(given) > 1:
        raise ValueError(f"a Reply has a {' or a '.join(given)}, not both: return two of them")
    if given and reply.edit is not None:
        raise ValueError(f"a {next(iter(given))} comes with a new message: leave edit= away")


def _check(shared: Content) -> None:
    if isinstance(shared, Location):
        _check_location(shared)
    elif isinstance(shared, Contact):
        _check_text("Contact.phone", shared.phone, NAME_LIMIT)
        _check_text("Contact.name", shared.name, NAME_LIMIT)
    elif isinstance(shared, Poll):
        _check_poll(shared)
    else:
        _check_text("Sticker.id", shared.id, NAME_LIMIT)
        require_text("Sticker.emoji", shared.emoji)
        require_text("Sticker.name", shared.name)


def _check_location(place: Location) -> None:
    for name, most in (("latitude", _LATITUDES), ("longitude", _LONGITUDES)):
        degrees: Any = getattr(place, name)
        if not isinstance(degrees, int | float):
            raise TypeError(f"Location.{name} must be a number, not {type(degrees).__name__}")
        if not -most <= degrees <= most:
            raise ValueError(f"Location.{name} is from -{most} to {most} degrees, not {degrees}")
    if place.title or place.address:
        _check_text("Location.title", place.title, NAME_LIMIT)
        require_text("Location.address", place.address)


def _check_poll(poll: Poll) -> None:
    options: Any = poll.options
    _check_text("Poll.question", poll.question, QUESTION_LIMIT)
    if not isinstance(options, list | tuple):
        raise TypeError(f"Poll.options must be a list of str, not {type(options).__name__}")
    for option in poll.options:
        _check_text("an option of a Poll", option, OPTION_LIMIT)
    if not 1 < len(poll.options) <= OPTIONS_LIMIT:
        raise ValueError(f"a Poll has 2 to {OPTIONS_LIMIT} options, not {len(poll.options)}")


def _check_text(what: str, text: Any, limit: int) -> None:
    require_text(what, text)
    if not text.strip() or len(text) > limit:
        raise ValueError(f"{what} has 1 to {limit} characters: {text!r}")
