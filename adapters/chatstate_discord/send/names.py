"""People, channels and times in Discord's own form ("Message Formatting" in its reference)."""

from __future__ import annotations

import re

from chatstate.markup import Span

_SNOWFLAKE = re.compile(r"[0-9]{1,20}")
_TIME_STYLES = ("t", "T", "d", "D", "f", "F", "R")


def native_name(span: Span) -> str:
    """Return what Discord shows as a mention or a time; "" for what is none of its own."""
    kind, _, value = span.value.partition(" ")
    if span.kind == "time" and kind.isascii() and kind.isdecimal() and value in _TIME_STYLES:
        return f"<t:{kind}:{value}>"
    if span.kind == "mention" and _SNOWFLAKE.fullmatch(value):
        return {"user": f"<@{value}>", "chat": f"<#{value}>"}.get(kind, "")
    return ""
