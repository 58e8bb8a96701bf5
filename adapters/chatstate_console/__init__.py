"""The local console as a platform: lines in, lines out.

`adapter` joins what is read (`receive`) with what is shown (`send`); `terminal` and `pipe` are the
two ways to talk to it, `session` is who speaks where, `options` what may be set.
"""

from chatstate_console.adapter import ConsoleAdapter
from chatstate_console.options import ConsoleOptions

__all__ = ["ConsoleAdapter", "ConsoleOptions"]
