"""discord.py's client, made for receiving raw events, and what its failures mean.

discord.py gives raw payloads to nobody. What it calls with each of them are its parsers; these are
wrapped here.

1. discord.py reads an event first, so that its caches know what it is about before it is heard.
   What it cannot read is logged, and is heard all the same.
2. It keeps nothing in memory that is not asked for, and logs a lost connection in one line, and no
   token of an interaction.
3. It is asked for the intents that the bot's options and handlers need, and for no others.
4. Which failures nothing but an operator can mend is told by one table.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

import aiohttp
import discord

from chatstate import AdapterError
from chatstate_discord import secrets
from chatstate_discord.clock import DiscordClock
from chatstate_discord.http import Http
from chatstate_discord.options import DiscordOptions
from chatstate_discord.updates import INTENTS

log = logging.getLogger("chatstate.discord")

EVENTS = (
    "READY",
    "RESUMED",
    "GUILD_CREATE",
    "GUILD_DELETE",
    "GUILD_MEMBER_ADD",
    "GUILD_MEMBER_REMOVE",
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "INTERACTION_CREATE",
)
HOME = "https://discord.com/developers/applications"
PRIVILEGED = {
    "message_content": "Message Content",
    "members": "Server Members",
    "presences": "Presence",
}
"""Intents that whoever owns the bot must switch on, by discord.py's names."""
_CLOSE_SECONDS = 0.5
_EXPECTED = (OSError, aiohttp.ClientError, TimeoutError, discord.DiscordException)
_LOGGERS = ("discord.client", "discord.shard", "discord.gateway")
_FINAL = {
    4004: "the token is not valid (any more)",
    4010: "a shard has a number that is too large for the count of shards",
    4011: "the bot is in too many guilds for one shard: leave --shards out, or give more",
    4012: "this version of discord.py speaks an old version of the gateway's language",
    4013: "discord.py asked for intents that do not exist",
}

Hear = Callable[[str, dict[str, Any]], None]
Reasons = Mapping[str, Sequence[str]]
"""Intents by discord.py's names, and what of the bot needs each."""


def wanted(options: DiscordOptions, updates: AbstractSet[str]) -> Reasons:
    """Return the intents that are needed beside those of all bots, and what needs each."""
    found: dict[str, list[str]] = {}
    if options.groups == "all":
        found["message_content"] = ["--groups all"]
    if options.members:
        found["members"] = ["--members"]
    for update in sorted(updates):
        for intent in INTENTS.get(update, ()):
            found.setdefault(intent, []).append(f'@bot.on("discord:{update}")')
    return found


def make(
    wanted: Reasons,
    shards: int | None,
    mine: Sequence[int],
    options: DiscordOptions,
    clock: DiscordClock,
) -> discord.Client:
    """Return a client of those of so many shards that are mine; it sets `clock`.

    It keeps nothing in memory that is not asked for.
    """
    usual = ("guilds", "guild_messages", "dm_messages")
    intents = discord.Intents(**dict.fromkeys([*usual, *wanted], True))
    client = _made(intents, shards, mine)
    client.http = Http(client.loop, options, clock)
    client._connection.http = client.http  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - it is made with it
    return client


def _made(wanted: discord.Intents, shards: int | None, shard_ids: Sequence[int]) -> discord.Client:
    secrets.hide()
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_in_a_line)  # which is there once, however often added
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
    options: dict[str, Any] = {
        "intents": wanted,
        "max_messages": None,
        "chunk_guilds_at_startup": False,
        "member_cache_flags": discord.MemberCacheFlags.none(),
        "guild_ready_timeout": 0.1,  # `on_ready` means nothing here
    }
    if shards in (None, 1):
        return discord.Client(**options)
    return discord.AutoShardedClient(shard_count=shards, shard_ids=list(shard_ids), **options)


def listen(client: discord.Client, hear: Hear, updates: AbstractSet[str] = frozenset()) -> None:
    """Let `hear` have the payload of each event, after discord.py has noted what it says.

    Of those that all bots need, and of the `updates` that this one handles.
    """
    state: Any = client._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see above
    parsers = cast("dict[str, Callable[[Any], None]]", state.parsers)
    more = [update.upper() for update in updates if update in INTENTS]
    for event in (*EVENTS, *more):
        parsers[event] = functools.partial(_parse, event, parsers[event], hear)


def session_key(client: discord.Client, data: Mapping[str, Any]) -> str:
    """Return the session and the number of the event that is being heard: Discord gives it no id.

    It is the same if Discord tells of it again.
    """
    guild = data.get("guild_id")
    ws: Any = client._get_websocket(int(guild) if guild else 0)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - nothing else knows it
    return f"{ws.session_id}/{ws.sequence}"


def final(error: BaseException, wanted: Reasons) -> AdapterError | None:
    """Return what an operator must do about an error; None if it may pass."""
    if isinstance(error, discord.LoginFailure):
        return AdapterError(f"Discord refuses the bot's token: get one at {HOME} (page Bot)")
    if isinstance(error, discord.PrivilegedIntentsRequired):
        asked = [name for name in PRIVILEGED if name in wanted]
        intents = " and the ".join(f"{PRIVILEGED[name]} Intent" for name in asked)
        why = " and ".join(reason for name in asked for reason in wanted[name])
        return AdapterError(
            f"the bot's application lacks the {intents}: switch it on at {HOME} (page Bot), "
            f"or do without {why}"
        )
    code = error.code if isinstance(error, discord.ConnectionClosed) else 0
    if code in _FINAL:
        return AdapterError(f"Discord has closed the connection for good: {_FINAL[code]} ({code})")
    return None


async def close(client: discord.Client) -> None:
    """Close a client; who does not answer that within a moment is not waited for."""
    closing = asyncio.create_task(client.close())
    _closing.add(closing)
    closing.add_done_callback(_closed)
    await asyncio.wait([closing], timeout=_CLOSE_SECONDS)


_closing: set[asyncio.Task[None]] = set()


def _closed(task: asyncio.Task[None]) -> None:
    _closing.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.debug("a connection was not closed in order: %s", error)


def _parse(event: str, parser: Callable[[Any], None], hear: Hear, data: dict[str, Any]) -> None:
    try:
        parser(data)
    except Exception:  # its parsers raise whatever a payload makes them
        # What discord.py cannot read may still be for us, and must not end the connection.
        log.exception("discord.py cannot read an event %s", event)
    hear(event, data)


def _in_a_line(record: logging.LogRecord) -> bool:
    """Let discord.py tell of a lost connection in a line, in place of a traceback of sixty."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, _EXPECTED):
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}: {error}", ()
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True
