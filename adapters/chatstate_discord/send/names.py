"""People, channels and times in Discord's own form ("Message Formatting" in its reference)."""

from __future__ import annotations

import re

from chatstate.markup import Span

_SNOWFLAKE = re.compile(r"[0-9]{1,20}")
_EMOJI = re.compile(r"<a?:\w{1,32}:[0-9]{1,20}>", re.ASCII)
_TIME_STYLES = ("t", "T", "d", "D", "f", "F", "R")


def native_name(span: Span) -> str:
    """Return a mention, a time or an emoji as Discord has it; "" for what is none of its own."""
    if span.kind == "emoji":
        found = _EMOJI.fullmatch(span.own("discord"))
        return found[0] if found else ""
    kind, _, value = span.value.partition(" ")
    if span.kind == "time" and kind.isascii() and kind.isdecimal() and value in _TIME_STYLES:
        return f"<t:{kind}:{value}>"
    if span.kind == "mention" and _SNOWFLAKE.fullmatch(value):
        return {"user": f"<@{value}>", "chat": f"<#{value}>"}.get(kind, "")
    return ""
