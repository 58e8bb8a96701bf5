"""How a bot's account on Discord is, for `chatstate doctor`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord

from chatstate.adapter import Finding, fine, of_clocks
from chatstate_discord.client import HOME, PRIVILEGED, Reasons, final
from chatstate_discord.clock import DiscordClock
from chatstate_discord.options import DiscordOptions

_FEW = 10


async def findings(
    client: discord.Client, clock: DiscordClock, options: DiscordOptions, wanted: Reasons
) -> AsyncIterator[Finding]:
    """Yield what Discord says: of the token, the intents, the shards, and what time it is."""
    try:
        await client.login(options.token)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        yield _refused(error, wanted)
        return
    yield fine("token", f"is that of {client.user}")
    application = await client.http.application_info()
    flags = discord.ApplicationFlags._from_value(application.get("flags", 0))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - discord.py makes them from an application's own answer alone
    for intent, reasons in wanted.items():
        if intent in PRIVILEGED:
            yield _intent(intent, flags, " and ".join(reasons))
    shards, _, sessions = await client.http.get_bot_gateway()
    yield _sessions(sessions["remaining"], sessions["total"])
    yield _shards(shards, options.shards)
    yield of_clocks(clock.now(), "Discord")


def _refused(error: Exception, wanted: Reasons) -> Finding:
    told = final(error, wanted)
    if told:
        return Finding("failed", "token", str(told), "put it into CHATSTATE_DISCORD_TOKEN")
    reason = f"cannot be asked for: {type(error).__name__}: {error}"
    return Finding("failed", "token", reason, "see whether this machine reaches Discord")


def _intent(intent: str, flags: discord.ApplicationFlags, reason: str) -> Finding:
    what, flag = f"{PRIVILEGED[intent]} Intent", _FLAGS[intent]
    if getattr(flags, flag) or getattr(flags, f"{flag}_limited"):
        return fine(what, f"is switched on, for {reason}")
    remedy = f"switch it on at {HOME} (page Bot), or do without {reason}"
    return Finding("failed", what, f"is switched off, and {reason} needs it", remedy)


_FLAGS = {
    "message_content": "gateway_message_content",
    "members": "gateway_guild_members",
    "presences": "gateway_presence",
}


def _sessions(left: int, total: int) -> Finding:
    told = f"{left} of {total} are left today"
    if left > _FEW:
        return fine("sessions", told)
    return Finding("warning", "sessions", told, "see why the bot begins so many; wait a day")


def _shards(advised: int, given: int | None) -> Finding:
    if given is None or given >= advised:
        return fine("shards", f"Discord advises {advised}")
    remedy = f"leave --shards out, or give at least {advised}"
    return Finding("warning", "shards", f"Discord advises {advised}, not {given}", remedy)
