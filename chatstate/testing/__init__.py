"""For tests of bots: the real engine on a real SQLite file, and a platform made for tests."""

from chatstate.testing.client import Person, TestClient
from chatstate.testing.clock import FakeClock
from chatstate.testing.platform import Delivered, FakePlatform

__all__ = ["Delivered", "FakeClock", "FakePlatform", "Person", "TestClient"]
