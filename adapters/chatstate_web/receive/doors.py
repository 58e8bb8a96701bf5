"""Who is let in: by a token, a password, or an author's own function of a name and a password.

1. What is compared is compared in a time that tells nothing.
2. With a function the person is who bears the name, on each device. Else each browser is somebody.
3. A code from another device lets in, too: see `links`.
"""

from __future__ import annotations

import asyncio
import hmac
import importlib
import inspect
import secrets
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from chatstate import AdapterError
from chatstate_web.options import WebOptions
from chatstate_web.receive.cookies import Person, named_person, new_person
from chatstate_web.receive.links import Links

Check = Callable[[str, str], Any]
"""Tells whether a name and a password are right; it may be async."""
Asks = Literal["token", "password", "name"]
"""What the page asks for of whom it does not know."""


class Entry(msgspec.Struct, frozen=True):
    """What somebody gives to be let in."""

    token: str = ""
    name: str = ""
    password: str = ""
    code: str = ""


class Door:
    """Lets people in. `check` is the author's function; without one the options say how."""

    def __init__(self, options: WebOptions, check: Check | None, links: Links) -> None:
        self._options = options
        named = options.web_auth.startswith("@")
        self._check = check or (_imported(options.web_auth[1:]) if named else None)
        self._password = "" if named else options.web_auth
        self._links = links
        self.token = options.page_token or secrets.token_urlsafe(24)

    @property
    def asks(self) -> Asks:
        """What is asked for."""
        if self._check:
            return "name"
        return "password" if self._password else "token"

    @property
    def entrance(self) -> str:
        """What cookies depend on: they are void once something else lets people in."""
        return f"{self.asks} {self._password}"

    async def enter(self, entry: Entry, known: Person | None = None) -> Person | None:
        """Return who is let in: who is `known` already, if there are no names; None for nobody."""
        if entry.code:
            return self._links.use(entry.code)
        if self._check:
            return await _named(self._check, entry)
        wanted = self._password or self.token
        given = entry.password if self._password else entry.token
        is_right = hmac.compare_digest(given.encode(), wanted.encode())
        return (known or new_person()) if is_right else None

    def is_owner(self, person: Person) -> bool:
        """Tell whether somebody who was let in may see everybody's state."""
        if not self._options.inspector:
            return False
        if self._check:
            return person.name in self._options.owners
        return self._options.is_own


async def _named(check: Check, entry: Entry) -> Person | None:
    name = entry.name.strip()
    if not name:
        return None
    if inspect.iscoroutinefunction(check):
        is_right = await check(name, entry.password)
    else:
        is_right = await asyncio.to_thread(check, name, entry.password)
    return named_person(name) if is_right else None


def _imported(path: str) -> Check:
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise AdapterError(
            f"--web-auth names @{path}, which cannot be had ({error}); it is @MODULE:FUNCTION"
        ) from error
    if not callable(found):
        raise AdapterError(f"--web-auth names @{path}, which is no function")
    check: Check = found
    return check
