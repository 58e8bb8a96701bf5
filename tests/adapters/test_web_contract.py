"""The page passes the suite for adapters, driven over HTTP as browsers drive it."""

from pathlib import Path

from contracts.drivers.web import WebDriver

from chatstate.testing import AdapterContract


class TestWeb(AdapterContract):
    def make_driver(self, folder: Path) -> WebDriver:  # noqa: ARG002 - all of it is in the store
        return WebDriver()
