"""A real browser, where there is one: Debian's Chromium, without a window."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from importlib.resources.abc import Traversable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

WHERE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
ARGUMENTS = [
    "--no-sandbox",  # whoever is root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser; skip the test where there is none, but under CI=true."""
    if WHERE is None:
        told = "there is no Chromium here: apt install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=WHERE, args=ARGUMENTS)
        yield browser
        await browser.close()


class Tab:
    """A browser's window on a page, of somebody with cookies of their own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda _: self.complaints.append("a dialog was opened"))
        page.on("console", self._note)

    def _note(self, told: Any) -> None:
        if told.type == "error" and "Failed to load resource" not in told.text:
            self.complaints.append(told.text)

    async def open(self, address: str) -> None:
        """Open an address, and wait until one can write."""
        await self.page.goto(address)
        await self.page.wait_for_selector("#say:focus")

    async def say(self, text: str) -> None:
        """Write something, and send it."""
        await self.page.fill("#say", text)
        await self.page.press("#say", "Enter")

    async def type(self, text: str) -> None:
        """Do so key by key."""
        await self.page.locator("#say").press_sequentially(f"{text}\n")

    async def sees(self, *texts: str) -> None:
        """Wait until each of some words is shown in the conversation."""
        for text in texts:
            await self.page.get_by_role("log").get_by_text(text).first.wait_for()

    async def texts(self, who: str = "") -> list[str]:
        """Return the words of the messages that are shown, of the "bot" or "you"."""
        shown = self.page.locator(f"#log .message{who and f'.{who}'} > .shown")
        return await shown.all_inner_texts()

    async def until(self, script: str) -> None:
        """Wait until something is true on the page."""
        await self.page.wait_for_function(script)


async def tab_of(browser: Browser, **options: Any) -> tuple[BrowserContext, Tab]:
    """Return a new window of somebody whom nobody knows."""
    context = await browser.new_context(**options)
    context.set_default_timeout(15_000)
    return context, Tab(await context.new_page())


# What comes into sight is pale until it is there; what blinks never ends.
_STILL = """() => Promise.all(document.getAnimations()
    .filter(moving => moving.effect.getComputedTiming().iterations === 1)
    .map(moving => moving.finished.catch(() => null))).then(() => null)"""


async def accessible(tab: Tab, where: Traversable) -> list[str]:
    """Return what axe-core finds wrong on a page, once nothing moves on it."""
    await tab.page.evaluate(_STILL)
    if not await tab.page.evaluate("() => 'axe' in window"):
        await tab.page.evaluate(await asyncio.to_thread(where.read_text))
    found = await tab.page.evaluate("() => axe.run()")
    return [
        f"{wrong['id']}: {node['html']}" for wrong in found["violations"] for node in wrong["nodes"]
    ]
