"""For tests of bots: the real engine on a real SQLite file, and a platform made for tests."""

from chatstate.testing.client import Person, TestClient
from chatstate.testing.clock import FakeClock
from chatstate.testing.platform import Delivered, FakePlatform
from chatstate.testing.store_contract import StoreContract

__all__ = ["Delivered", "FakeClock", "FakePlatform", "Person", "StoreContract", "TestClient"]
