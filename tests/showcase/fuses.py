"""What ends the showcase's process, and what lets it run as fast as it can.

The file `SHOWCASE_FUSE` holds the point at which the process is to end itself; it is gone then.
Besides those of the store there are "stored", after an event was taken in, and "begun" and "got",
before and after a call that shows something. What comes after the storing of an event counts once
one was stored while the file was there: an earlier event's replies are not meant.
"""

import os
from pathlib import Path
from typing import Any

from adapters.telegram_host import QUICK
from fragile import Fuse

from chatstate.adapter import Action
from chatstate.engine.host import AccountHost
from chatstate_console import ConsoleAdapter
from chatstate_discord import DiscordAdapter
from chatstate_telegram import TelegramAdapter
from chatstate_telegram.send import pace


class Wick:
    """Tells at which point the process ends. `burns`: an event was stored since that was said."""

    burns = False

    def is_lit(self, point: str) -> bool:
        path = Path(os.environ["SHOWCASE_FUSE"])
        is_meant = path.exists() and path.read_text() == point
        is_lit = is_meant and (self.burns or point == "storing")
        if is_lit:
            path.unlink()
        return is_lit

    def light(self, *given: Any) -> bool:
        """Note that events were stored, unless all were known."""
        _host, _shares, stored = given
        is_news = any(ingested.arrival for ingested in stored.result())
        self.burns = self.burns or (is_news and Path(os.environ["SHOWCASE_FUSE"]).exists())
        return is_news


def shows(_: Any, action: Action) -> bool:
    return action.verb not in ("typing", "finish") and not action.preview


wick = Wick()
fuse = Fuse(wick.is_lit)
fuse.around_the_store()
fuse.around(AccountHost, "_take_in", before="stored", where=wick.light)
for adapter in (ConsoleAdapter, DiscordAdapter, TelegramAdapter):
    fuse.around(adapter, "perform", before="begun", after="got", where=shows)
vars(pace).update(Limits=lambda: QUICK)
