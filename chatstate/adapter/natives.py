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

    `refused` are patterns of those that are not called so, each with the reason and what to do.
    Capitals make no difference there.
    """

    pattern: str
    example: str
    refused: Mapping[str, str] = {}

    def refusal(self, method: str) -> str | None:
        """Return why a method is not called; None if it is."""
        if not re.fullmatch(self.pattern, method):
            return f"that is no method; one is like {self.example!r}"
        for pattern, why in self.refused.items():
            if re.fullmatch(pattern, method, re.IGNORECASE):
                return why
        return None


@functools.cache
def natives_of(platform: str) -> Natives | None:
    """Return the table of an installed adapter; None if there is no such adapter, or no table."""
    found: Natives | None = table_of(platform, "NATIVES")
    return found
