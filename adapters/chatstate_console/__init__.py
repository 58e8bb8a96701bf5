"""The local console as a platform: lines in, lines out.

Owns who speaks and where (`adapter`, `options`, `session`), where that is shown (`view`: `terminal`
or `pipe`), what is typed (`receive`) and what is printed (`send`). Public names: those below.
"""

from chatstate_console.adapter import ConsoleAdapter
from chatstate_console.options import ConsoleOptions

UPDATES = ConsoleAdapter.updates

__all__ = ["UPDATES", "ConsoleAdapter", "ConsoleOptions"]
