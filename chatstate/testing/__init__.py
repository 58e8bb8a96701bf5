"""For tests of bots, stores and adapters: the real engine on a real SQLite file.

`client` holds a conversation with a bot, on the platform of `platform` and by the time of `clock`,
where `person` is who speaks; `contracts` are the suites that adapters and stores inherit. What is
named below is public.
"""

from chatstate.bot.outgoing import Verdict
from chatstate.testing.client import TestClient
from chatstate.testing.clock import FakeClock
from chatstate.testing.contracts.adapter.driver import AdapterDriver, Fault, Shown, Speaker
from chatstate.testing.contracts.adapter.suite import AdapterContract
from chatstate.testing.contracts.store.suite import StoreContract
from chatstate.testing.delivered import Called, Delivered, SentFile
from chatstate.testing.memory.store import MemoryStore
from chatstate.testing.memory.tables import MemoryData
from chatstate.testing.person import Person
from chatstate.testing.platform import FakePlatform

__all__ = [
    "AdapterContract",
    "AdapterDriver",
    "Called",
    "Delivered",
    "FakeClock",
    "FakePlatform",
    "Fault",
    "MemoryData",
    "MemoryStore",
    "Person",
    "SentFile",
    "Shown",
    "Speaker",
    "StoreContract",
    "TestClient",
    "Verdict",
]
