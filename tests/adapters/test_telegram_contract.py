"""The Telegram adapter keeps the adapters' contract, by polling and by webhook."""

from pathlib import Path

from adapters.telegram_driver import TelegramDriver, WebhookDriver

from chatstate.testing import AdapterContract, AdapterDriver
from chatstate.testing.contracts.adapter.receiving import IntakeContract
from chatstate.testing.contracts.adapter.sending import StoppingContract


class TestTelegram(AdapterContract):
    """On the real `Bot` and the test server."""

    def make_driver(self, folder: Path) -> AdapterDriver:  # noqa: ARG002 - the contract's
        return TelegramDriver()


class TestTelegramByWebhook(IntakeContract, StoppingContract):
    """What comes in another way; what goes out is the same."""

    def make_driver(self, folder: Path) -> AdapterDriver:  # noqa: ARG002 - the contract's
        return WebhookDriver()
