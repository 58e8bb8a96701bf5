"""The local console as a platform: lines in, lines out."""

from chatstate_console.adapter import ConsoleAdapter
from chatstate_console.options import ConsoleOptions

__all__ = ["ConsoleAdapter", "ConsoleOptions"]
