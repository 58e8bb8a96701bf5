"""What a platform tells of by its own names: the table that `@bot.on` goes by.

An adapter's table is `UPDATES` in the module that its entry point names. It is read where a bot is
made, so that module must not import the platform's library to have it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import msgspec

from chatstate.adapter.installing import ADAPTERS, table_of


class Updates(msgspec.Struct, frozen=True):
    """What a platform tells of, by its own names for it.

    - `named`: what comes to `@bot.on`, and is of the kind "other", or of one of its own.
    - `portable`: what comes to other decorators, with these as they are written: "@bot.on_edit".
    - `never`: what no bot is told of here, with the reason, or what to do instead.
    - `quick`: those of `named` that are answered within seconds, by `Host.ask`.
    """

    named: frozenset[str]
    portable: Mapping[str, str] = {}
    never: Mapping[str, str] = {}
    quick: frozenset[str] = frozenset()


def updates_of(platform: str) -> Updates | None:
    """Return the table of an installed adapter; None if there is no such adapter, or no table."""
    found: Updates | None = table_of(platform, "UPDATES")
    return found


def why_not(update: str, known: Updates | None) -> str | None:
    """Return what is wrong with "platform:name"; None if nothing, or that is not known here."""
    platform, _, name = update.partition(":")
    if known is None:
        return _another_platform(platform)
    if name in known.named:
        return None
    if name in known.portable:
        return f"that comes to {known.portable[name]}"
    if name in known.never:
        return f"that never comes: {known.never[name]}"
    close = difflib.get_close_matches(name, [*known.named, *known.portable, *known.never], 1)
    meant = f'; did you mean "{platform}:{close[0]}"?' if close else ""
    return f"{platform} has no such update{meant}"


def _another_platform(platform: str) -> str | None:
    from importlib.metadata import entry_points

    installed = {point.name for point in entry_points(group=ADAPTERS)}
    close = difflib.get_close_matches(platform, installed, 1, cutoff=0.8)
    if not close or platform in installed:
        return None
    return f'there is no platform {platform!r}; did you mean "{close[0]}:..."?'
