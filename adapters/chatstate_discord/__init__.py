"""Discord as a platform, on discord.py.

Owns the bot's account (`adapter`, `client`, `http`, `clock`, `options`, `menu`, `secrets`), what is
received of Discord (`receive`) and what is sent there (`send`). Public names: those below.
"""

from chatstate_discord.adapter import DiscordAdapter
from chatstate_discord.options import DiscordOptions

__all__ = ["DiscordAdapter", "DiscordOptions"]
