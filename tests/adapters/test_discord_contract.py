"""The Discord adapter keeps the adapters' contract."""

from pathlib import Path

from adapters.discord_driver import DiscordDriver

from chatstate.testing import AdapterContract, AdapterDriver


class TestDiscord(AdapterContract):
    """On the real discord.py and the test server."""

    def make_driver(self, folder: Path) -> AdapterDriver:  # noqa: ARG002 - the contract's
        return DiscordDriver()
