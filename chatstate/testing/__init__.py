"""For tests of bots, stores and adapters: the real engine on a real SQLite file."""

from chatstate.testing.adapter_contract import AdapterContract
from chatstate.testing.adapter_driver import AdapterDriver, Fault, Shown, Speaker
from chatstate.testing.client import Person, TestClient
from chatstate.testing.clock import FakeClock
from chatstate.testing.platform import Delivered, FakePlatform, SentFile
from chatstate.testing.store_contract import StoreContract

__all__ = [
    "AdapterContract",
    "AdapterDriver",
    "Delivered",
    "FakeClock",
    "FakePlatform",
    "Fault",
    "Person",
    "SentFile",
    "Shown",
    "Speaker",
    "StoreContract",
    "TestClient",
]
