"""What `Native` may call on a platform: the table that it goes by.

An adapter's table is `NATIVES` in the module that its entry point names. It is read where a
`Native` is made, so that module must not import the platform's library to have it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import msgspec

from chatstate.adapter.installing import table_of


class Natives(msgspec.Struct, frozen=True):
    """How a platform's methods are called: `pattern`, with an `example`.

    `refused` are those that are not called so, in lower case, with the reason and what to do.
    """

    pattern: str
    example: str
    refused: Mapping[str, str] = {}

    def refusal(self, method: str) -> str | None:
        """Return why a method is not called; None if it is."""
        if not re.fullmatch(self.pattern, method):
            return f"that is no method; one is like {self.example!r}"
        return self.refused.get(method.lower())


@functools.cache
def natives_of(platform: str) -> Natives | None:
    """Return the table of an installed adapter; None if there is no such adapter, or no table."""
    found: Natives | None = table_of(platform, "NATIVES")
    return found
