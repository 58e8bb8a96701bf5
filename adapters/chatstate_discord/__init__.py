"""Discord as a platform, on discord.py.

`adapter` joins what is received (`receive`) with what is sent (`send`); `client` is the library's
own, `menu` the commands that people are shown, `options` what may be set.
"""

from chatstate_discord.adapter import DiscordAdapter
from chatstate_discord.options import DiscordOptions

__all__ = ["DiscordAdapter", "DiscordOptions"]
