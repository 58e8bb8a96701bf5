"""Makes the pictures of the page in docs/images: on a desk and on a phone, light and dark.

From the project's folder:

    PYTHONPATH=tests python -m adapters.web_screenshots
"""

import asyncio
import contextlib
import io
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from adapters.web_browser import Tab, chromium, tab_of
from adapters.web_page import TOKEN
from PIL import Image
from playwright.async_api import Browser

from chatstate import Button, Card, Interface, Markdown, Message, Option, PerMember, Reply, Select
from chatstate.engine import Engine
from chatstate.testing import MemoryStore
from chatstate_web import WebAdapter

FOLDER = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 128
SIZES: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1120, "height": 720}},
    "phone": {
        "viewport": {"width": 390, "height": 760},
        "device_scale_factor": 2,
        "is_mobile": True,
    },
}
ADVICE = """Green tea wants **cooler water** than black:

| Tea | Water | Steep |
|---|--:|--:|
| Sencha | 75 °C | 90 s |
| Assam | 96 °C | 4 min |
"""

bot = Interface(id="tea", title="Tea house", description="Teas, orders, and how to brew them")


@bot.command
def menu() -> Reply:
    """See what there is today."""
    card = Card(
        title="Sencha Asagiri",
        text=Markdown("A *spring* tea from **Shizuoka**, sweet and grassy."),
        fields={"Price": "4.50 €", "Water": "75 °C", "Steep": "90 s"},
        footer="Picked in May",
        colour=0x2E7D32,
    )
    buttons = [Button("Order a pot", style="primary"), Button("Another one")]
    return Reply(card=card, buttons=buttons)


@bot.command
def extras() -> Reply:
    """Choose what goes with it."""
    options = [Option("Honey", description="from our own bees"), Option("Lemon"), Option("Milk")]
    return Reply("What goes with it?", select=Select(options, min_values=1, max_values=2))


@bot.on_message
def answer(message: Message, ordered: PerMember[list[str]]) -> Reply:
    if message.pressed:
        ordered.append(message.text)
        told = f"One pot of Sencha is on its way: number **{len(ordered)}** today."
        return Reply(Markdown(told), suggestions=["/extras", "How do I brew it?"])
    return Reply(Markdown(ADVICE), suggestions=["/menu", "/extras"])


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        listen = f"127.0.0.1:{found.getsockname()[1]}"
    engine = Engine(bot, [WebAdapter(listen=listen, page_token=TOKEN)], MemoryStore())
    await engine.start()
    waiting = asyncio.create_task(engine.wait())
    yield f"http://{listen}/#token={TOKEN}"
    engine.request_stop()
    await asyncio.wait([waiting])
    await engine.stop()


async def talk(tab: Tab) -> None:
    """Hold the conversation that is shown."""
    await tab.say("Is the loose leaf Assam back?")
    await tab.sees("cooler water")
    if await tab.page.is_visible("#new"):
        await tab.page.click("#new")
    await tab.say("How do I brew green tea?")
    await tab.sees("cooler water")
    await tab.say("/menu")
    await tab.sees("Picked in May")
    await tab.page.get_by_role("button", name="Order a pot").click()
    await tab.sees("is on its way")
    await tab.page.mouse.move(0, 0)


async def picture(browser: Browser, address: str, size: str, scheme: Any) -> None:
    """Take a picture of the page."""
    context, tab = await tab_of(browser, color_scheme=scheme, **SIZES[size])
    await tab.open(address)
    await talk(tab)
    await take(tab, f"web-{size}-{scheme}.png")
    await context.close()


async def picture_of_inspector(browser: Browser, address: str) -> None:
    """Take a picture of what an owner sees beside the chat."""
    context, tab = await tab_of(browser, color_scheme="light", **SIZES["desk"])
    await tab.open(address)
    await tab.page.click("#inspect")
    await tab.page.get_by_text("Your state (0)").wait_for()
    await talk(tab)
    pressed = tab.page.locator("#log .message.you").last
    await pressed.get_by_role("button", name="Its turn").click()
    await tab.page.wait_for_selector(".turn .changed")
    await take(tab, "web-inspector.png")
    await context.close()


async def take(tab: Tab, name: str) -> None:
    await asyncio.sleep(0.5)  # what has just come is still moving
    shot = Image.open(io.BytesIO(await tab.page.screenshot()))
    shot.convert("RGB").quantize(COLOURS).save(FOLDER / name, optimize=True)


async def main() -> None:
    """Make them all."""
    await asyncio.to_thread(FOLDER.mkdir, exist_ok=True)
    async with chromium() as browser, served() as address:
        for size in SIZES:
            for scheme in ("light", "dark"):
                await picture(browser, address, size, scheme)
        await picture_of_inspector(browser, address)


if __name__ == "__main__":
    asyncio.run(main())
