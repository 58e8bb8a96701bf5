"""Discord as a platform, on discord.py.

Owns the bot's account (`adapter`, `client`, `http`, `clock`, `options`, `menu`, `secrets`), what is
received of Discord (`receive`, `updates`) and what is sent there (`send`, `natives`). Public names:
those below. The library is imported with the adapter, when that is asked for.
"""

from typing import TYPE_CHECKING, Any

from chatstate_discord.natives import NATIVES
from chatstate_discord.options import DiscordOptions
from chatstate_discord.updates import UPDATES

if TYPE_CHECKING:
    from chatstate_discord.adapter import DiscordAdapter

__all__ = ["NATIVES", "UPDATES", "DiscordAdapter", "DiscordOptions"]


def __getattr__(name: str) -> Any:
    if name != "DiscordAdapter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chatstate_discord.adapter import DiscordAdapter

    return DiscordAdapter
