"""Every adapter of ours passes the suite for adapters, and so does the one that the docs show."""

import inspect
import tomllib
from pathlib import Path

import pytest
from contracts.drivers.console import ConsoleDriver
from contracts.drivers.fake import FakeDriver, Reachable
from contracts.drivers.line import PAGE, LineDriver, package
from msgspec.structs import replace

from chatstate.adapter import Adapter, Capabilities, read_options
from chatstate.testing import AdapterContract
from chatstate.testing.platform import FULL


class TestFakePlatform(AdapterContract):
    def make_driver(self, folder: Path) -> FakeDriver:  # noqa: ARG002 - it keeps no files
        small = replace(FULL, text_limit=300, text_unit="utf16", file_bytes=400_000, finish=True)
        return FakeDriver(Reachable(replace(small, modals=5)))


class TestFakePlatformThatKnowsKeys(AdapterContract):
    def make_driver(self, folder: Path) -> FakeDriver:  # noqa: ARG002 - it keeps no files
        return FakeDriver(Reachable(replace(FULL, file_bytes=400_000), idempotent_for=300.0))


class TestFakePlatformThatFinds(AdapterContract):
    def make_driver(self, folder: Path) -> FakeDriver:  # noqa: ARG002 - it keeps no files
        return FakeDriver(Reachable(replace(FULL, file_bytes=400_000), finds=True))


class TestFakePlatformThatIsToldWhatIsNew(AdapterContract):
    def make_driver(self, folder: Path) -> FakeDriver:  # noqa: ARG002 - it keeps no files
        return FakeDriver(Reachable(replace(FULL, file_bytes=400_000, preview="delta")))


class TestFakePlatformThatCanDoNothing(AdapterContract):
    def make_driver(self, folder: Path) -> FakeDriver:  # noqa: ARG002 - it keeps no files
        return FakeDriver(Reachable(Capabilities()))


class TestConsoleInAPipe(AdapterContract):
    def make_driver(self, folder: Path) -> ConsoleDriver:
        return ConsoleDriver(folder)


class TestExampleOfTheDocs(AdapterContract):
    def make_driver(self, folder: Path) -> LineDriver:  # noqa: ARG002 - it keeps no files
        return LineDriver()


def test_the_page_shows_the_driver_that_is_run() -> None:
    """The driver in docs/adapters.md is the one that these tests use."""
    assert inspect.getsource(LineDriver).strip() in PAGE.read_text()


def test_the_page_names_an_entry_point_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its line in pyproject.toml names makes an adapter of that name, with its options."""
    monkeypatch.setenv("CHATSTATE_LINE_ACCOUNT", "echo")
    written = tomllib.loads(PAGE.read_text().split("```toml\n")[1].split("```")[0])
    ((name, value),) = written["project"]["entry-points"]["chatstate.adapters"].items()
    module, _, attribute = value.partition(":")
    factory = getattr(package(), attribute)
    made: Adapter = factory(read_options(factory.Options, {}, adapter=name))
    assert (made.name, made.account, module) == (name, "echo", package().__name__)
