"""Where things are said: what discord.py knows of channels, and what it must ask for."""

from __future__ import annotations

import logging
from typing import Any

import discord

from chatstate import Chat
from chatstate_discord.receive import wire
from chatstate_discord.receive.content import Json
from chatstate_discord.receive.wire import Place
from chatstate_discord.send.errors import meaning

log = logging.getLogger("chatstate.discord")


class Places:
    """The channels that a client knows."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def of(self, message: Json) -> Place:
        """Return where a message was said, by its channel's id and whether it has a guild's."""
        channel = str(message["channel_id"])
        if "guild_id" not in message:
            return wire.private(channel)
        known = self._client.get_channel(int(channel))
        return _place(known) if known else await self._asked(channel)

    def lobby(self, guild: str) -> Place | None:
        """Return where Discord greets who comes to a guild; None if that is nowhere."""
        known = self._client.get_guild(int(guild))
        return _place(known.system_channel) if known and known.system_channel else None

    def guild(self, channel: str) -> str | None:
        """Return the guild that a channel or a thread is in; None if that is not known."""
        known = self._client.get_channel(wire.number_of(channel))
        if not isinstance(known, discord.abc.GuildChannel | discord.Thread):
            return None
        return str(known.guild.id)

    def role(self, channel: str) -> str:
        """Return the role that is the bot's own in a channel's guild; "" if it has none."""
        known = self._client.get_channel(wire.number_of(channel))
        guild = known.guild if isinstance(known, discord.abc.GuildChannel) else None
        own = guild.self_role if guild else None
        return str(own.id) if own else ""

    def may_read(self, channel: str) -> bool:
        """Tell whether the bot may see what was said in a channel."""
        known = self._client.get_channel(int(channel))
        if not isinstance(known, discord.abc.GuildChannel | discord.Thread):
            return True  # then Discord will tell
        me: discord.Member | None = known.guild.me
        allowed = known.permissions_for(me) if me else discord.Permissions.all()
        return allowed.view_channel and allowed.read_message_history

    async def is_admin(self, channel: str, user: str) -> bool:
        """Tell whether somebody may manage the guild of a channel; who is no member may not.

        Raises what a call means.
        """
        try:
            guild = await self._guild_of(channel)
            if guild is None:
                return False
            member = guild.get_member(int(user)) or await guild.fetch_member(int(user))
        except discord.NotFound:
            return False
        except Exception as error:  # `meaning` tells what it is
            raise meaning(error) from error
        return member.guild_permissions.manage_guild or member.guild_permissions.administrator

    async def _guild_of(self, channel: str) -> discord.Guild | None:
        """Return a channel's guild: of one that another worker hears, Discord is asked for it."""
        known = self._client.get_channel(int(channel))
        if known is None:
            told: Any = await self._client.http.get_channel(int(channel))
            guild = told.get("guild_id")
            return await self._client.fetch_guild(int(guild)) if guild else None
        return known.guild if isinstance(known, discord.abc.GuildChannel | discord.Thread) else None

    async def _asked(self, channel: str) -> Place:
        try:
            told: Any = await self._client.http.get_channel(int(channel))
            return wire.place_of(told)
        except Exception as error:  # noqa: BLE001 - whatever is answered, what was said there is heard
            log.warning("channel %s is taken for no thread: %s", channel, meaning(error))
            return Place(Chat(channel, "group"))


def _place(channel: Any) -> Place:
    if isinstance(channel, discord.Thread):
        return Place(Chat(str(channel.parent_id), "group"), str(channel.id))
    is_news = channel.type is discord.ChannelType.news
    return Place(Chat(str(channel.id), "channel" if is_news else "group", channel.name))
