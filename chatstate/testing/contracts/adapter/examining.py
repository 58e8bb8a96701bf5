"""The adapters' contract: what an adapter finds out of its account, for `chatstate doctor`."""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import asyncio
from pathlib import Path

from chatstate.testing.contracts.adapter.session import AdapterSuite, all_ended

_KINDS = frozenset({"message", "press", "reaction"})


class ExaminingContract(AdapterSuite):
    """What `examine` tells."""

    async def test_an_account_that_works_is_found_so(self, tmp_path: Path) -> None:
        """While nothing runs; what is not fine comes with what to do, and nothing goes on."""
        before = asyncio.all_tasks()
        driver = self.make_driver(tmp_path)
        await driver.open()
        try:
            found = await driver.make_adapter().examine(_KINDS)
        finally:
            await driver.close()
        failed = [finding.told for finding in found if finding.level == "failed"]
        assert failed == [], f"`examine` tells of failures where there are none: {failed}"
        helpless = [
            finding.what for finding in found if finding.level != "ok" and not finding.remedy
        ]
        assert helpless == [], f"`Finding.remedy` says what to do, also about {helpless}"
        await all_ended(asyncio.all_tasks() - before)
