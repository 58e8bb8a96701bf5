"""Discord as a platform, on discord.py."""

from chatstate_discord.adapter import DiscordAdapter
from chatstate_discord.options import DiscordOptions

__all__ = ["DiscordAdapter", "DiscordOptions"]
