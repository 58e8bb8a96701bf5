"""The local console as a platform: lines in, lines out."""

from chatstate_console.adapter import ConsoleAdapter

__all__ = ["ConsoleAdapter"]
