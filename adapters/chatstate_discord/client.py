"""discord.py's client, made for receiving raw events, and what its failures mean.

discord.py gives raw payloads to nobody. What it calls with each of them are its parsers; these are
wrapped here.

1. discord.py reads an event first, so that its caches know what it is about before it is heard.
   What it cannot read is logged, and is heard all the same.
2. It keeps nothing in memory that is not asked for, and logs a lost connection in one line, and no
   token of an interaction.
3. Which failures nothing but an operator can mend is told by one table.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import aiohttp
import discord

from chatstate import AdapterError
from chatstate_discord import secrets
from chatstate_discord.clock import DiscordClock
from chatstate_discord.http import Http
from chatstate_discord.options import DiscordOptions
from chatstate_discord.receive.wire import Groups

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
_HOME = "https://discord.com/developers/applications"
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


def intents(groups: Groups, *, members: bool) -> discord.Intents:
    """Return what to be told of."""
    return discord.Intents(
        guilds=True,
        guild_messages=True,
        dm_messages=True,
        message_content=groups == "all",
        members=members,
    )


def make(
    wanted: discord.Intents, shards: int | None, options: DiscordOptions, clock: DiscordClock
) -> discord.Client:
    """Return a client that sets `clock`; it keeps nothing in memory that is not asked for."""
    client = _made(wanted, shards, options.shard_ids or None)
    client.http = Http(client.loop, options, clock)
    client._connection.http = client.http  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - it is made with it
    return client


def _made(
    wanted: discord.Intents, shards: int | None, shard_ids: Sequence[int] | None
) -> discord.Client:
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
    if shard_ids is None and shards in (None, 1):
        return discord.Client(**options)
    if shard_ids is not None:
        options["shard_ids"] = list(shard_ids)
    return discord.AutoShardedClient(shard_count=shards, **options)


def listen(client: discord.Client, hear: Hear) -> None:
    """Let `hear` have the payload of each event, after discord.py has noted what it says."""
    state: Any = client._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see above
    parsers = cast("dict[str, Callable[[Any], None]]", state.parsers)
    for event in EVENTS:
        parsers[event] = functools.partial(_parse, event, parsers[event], hear)


def final(error: BaseException, wanted: discord.Intents) -> AdapterError | None:
    """Return what an operator must do about an error; None if it may pass."""
    if isinstance(error, discord.LoginFailure):
        return AdapterError(f"Discord refuses the bot's token: get one at {_HOME} (page Bot)")
    if isinstance(error, discord.PrivilegedIntentsRequired):
        names = {"message_content": "Message Content", "members": "Server Members"}
        asked = [f"{name} Intent" for flag, name in names.items() if getattr(wanted, flag)]
        return AdapterError(
            f"the bot's application lacks the {' and the '.join(asked)}: switch it on at "
            f"{_HOME} (page Bot), or do without --groups all and --members"
        )
    code = error.code if isinstance(error, discord.ConnectionClosed) else 0
    if code in _FINAL:
        return AdapterError(f"Discord has closed the connection for good: {_FINAL[code]} ({code})")
    return None


def _parse(event: str, parser: Callable[[Any], None], hear: Hear, data: dict[str, Any]) -> None:
    try:
        parser(data)
    except Exception:
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
