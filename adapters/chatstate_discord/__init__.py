"""Discord as a platform, on discord.py."""

from chatstate_discord.adapter import DiscordAdapter

__all__ = ["DiscordAdapter"]
