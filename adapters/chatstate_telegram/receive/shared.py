"""What is in a message besides text and files: a place, a contact, a poll, a sticker.

Pure functions.
"""

from __future__ import annotations

from typing import Any

from chatstate import Contact, Location, Poll, Sticker

Json = dict[str, Any]


def shared(raw: Json) -> dict[str, Location | Contact | Poll | Sticker]:
    """Return what a message holds of these, by the names of the fields of `Message`.

    A venue is shown as a location too.
    """
    if place := raw.get("venue", raw.get("location")):
        return {"location": location_in(place)}
    if "contact" in raw:
        return {"contact": contact_in(raw["contact"])}
    if "sticker" in raw:
        return {"sticker": sticker_in(raw["sticker"])}
    return {"poll": poll_in(raw["poll"])} if "poll" in raw else {}


def location_in(raw: Json) -> Location:
    """Return a location, or a venue, which has a name."""
    at = raw.get("location", raw)
    named = (raw["title"], raw["address"]) if "location" in raw else ()
    return Location(at["latitude"], at["longitude"], *named)


def contact_in(raw: Json) -> Contact:
    """Return a contact."""
    name = " ".join(filter(None, (raw["first_name"], raw.get("last_name"))))
    person = raw.get("user_id")
    return Contact(raw["phone_number"], name, None if person is None else str(person))


def poll_in(raw: Json) -> Poll:
    """Return a poll."""
    options = tuple(option["text"] for option in raw.get("options") or ())
    several, anonymous = raw.get("allows_multiple_answers", False), raw.get("is_anonymous", True)
    return Poll(raw["question"], options, several, anonymous)


def sticker_in(raw: Json) -> Sticker:
    """Return a sticker, which is known by the set that it is in."""
    return Sticker(str(raw["file_id"]), raw.get("emoji", ""), raw.get("set_name", ""))
