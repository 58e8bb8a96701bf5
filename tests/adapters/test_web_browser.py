"""The page in a real browser: what people see and do there, and that nothing of it is lost."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from adapters.web_browser import Tab, accessible, chromium, tab_of
from adapters.web_page import TOKEN
from playwright.async_api import Browser, FilePayload

from adapters import web_bot
from chatstate import Interface, Markdown, Option, Reply, Select
from chatstate.engine import Engine
from chatstate.language.en import ENGLISH
from chatstate.testing import MemoryStore
from chatstate_web import WebAdapter

pytestmark = pytest.mark.asyncio(loop_scope="module")
AXE = files("axe_playwright_python") / "axe.min.js"
DESK: dict[str, Any] = {"viewport": {"width": 1100, "height": 760}, "color_scheme": "light"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "color_scheme": "dark"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@contextlib.asynccontextmanager
async def served(bot: Interface) -> AsyncIterator[str]:
    """Run a bot on a page in this process; give the address with its token."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        listen = f"127.0.0.1:{found.getsockname()[1]}"
    engine = Engine(bot, [WebAdapter(listen=listen, page_token=TOKEN)], MemoryStore())
    await engine.start()
    waiting = asyncio.create_task(engine.wait())
    try:
        yield f"http://{listen}/#token={TOKEN}"
    finally:
        engine.request_stop()
        await asyncio.wait([waiting])
        await engine.stop()


async def test_two_browsers_are_two_people(browser: Browser) -> None:
    """Each with conversations of its own, over reloads; a code brings a third one to the first."""
    async with served(web_bot.bot) as address:
        desk, ada = await tab_of(browser, **DESK)
        phone, bob = await tab_of(browser, **PHONE)
        await ada.open(address)
        assert TOKEN not in ada.page.url
        await bob.page.goto(address.partition("#")[0])
        await bob.page.fill("[name=token]", "wrong")
        await bob.page.click("#enter .primary")
        await bob.page.get_by_text("That is not right.").wait_for()
        assert await accessible(bob, AXE) == []
        await bob.page.fill("[name=token]", TOKEN)
        await bob.page.press("[name=token]", "Enter")
        await bob.page.wait_for_selector("#say:focus")
        await ada.type("I am Ada")
        await bob.say("I am Bob")
        await ada.sees("1: I am Ada")
        await bob.sees("1: I am Bob")
        await ada.page.click("#new")
        await ada.say("something else")
        await ada.sees("1: something else")
        assert await ada.page.locator("#threads button").all_inner_texts() == [
            "something else",
            "I am Ada",
        ]
        await ada.page.reload()
        await ada.sees("1: something else")
        await ada.page.click("#threads >> text=I am Ada")
        await ada.sees("1: I am Ada")
        await ada.say("again")
        await ada.sees("2: I am Ada again")
        await ada.page.click("#link")
        await ada.page.wait_for_selector("#device output")
        code = await ada.page.locator("output").inner_text()
        third, elsewhere = await tab_of(browser, **PHONE)
        with_code = f"{address.partition('#')[0]}#code={code}"
        _, led = await bob.page.context.new_page(), Tab(bob.page.context.pages[-1])
        await led.page.goto(with_code)  # as Bob may be led to, by whoever has made the code
        await led.page.get_by_text("Enter only if it is from another device").wait_for()
        await led.page.click("#enter-code")
        await led.sees("1: I am Bob")
        await elsewhere.page.goto(with_code)
        await elsewhere.page.get_by_text("Enter only if it is from another device").wait_for()
        await elsewhere.page.click("#enter .primary")
        await elsewhere.sees("2: I am Ada again")
        await elsewhere.say("from here")
        await ada.sees("3: I am Ada again from here")
        for tab in (ada, bob, elsewhere):
            assert tab.complaints == []
        for context in (desk, phone, third):
            await context.close()


async def test_what_hangs_on_messages_works(browser: Browser) -> None:
    """Buttons, selects, commands, files both ways, reactions, edits and quick answers."""
    async with served(web_bot.bot) as address:
        context, tab = await tab_of(browser, **DESK)
        page = tab.page
        await tab.open(address)
        await page.fill("#say", "/m")
        await page.wait_for_selector("#commands [aria-selected=true] >> text=/menu")
        await page.press("#say", "Tab")
        await page.press("#say", "Enter")
        await tab.sees("What would you like?")
        assert await page.get_by_role("button", name="Off").is_disabled()
        assert await page.get_by_role("link", name="Web").get_attribute("rel") == (
            "noopener noreferrer"
        )
        await page.get_by_role("button", name="Sencha").click()
        await tab.sees("You chose Sencha")
        await tab.say("/extras")
        choose = page.get_by_role("button", name="Choose", exact=True)
        await choose.wait_for()
        assert await choose.is_disabled()
        await page.get_by_label("Honey").check()
        await page.get_by_label("Milk").check()
        await choose.click()
        await tab.sees("You chose Honey, Milk")
        tea = FilePayload(name="tea.txt", mimeType="text/plain", buffer=b"green")
        await page.set_input_files("#files", tea)
        await tab.say("look")
        await tab.sees("Got tea.txt: green")
        assert await _downloaded(tab, "back.txt") == b"back"
        await tab.say("nice")
        await tab.sees("thanks")
        await page.locator("#log .you .reaction", has_text="❤️").wait_for()
        await page.get_by_role("button", name="again").click()
        await tab.sees("again")
        reply = page.locator("#log .message.bot").last
        await reply.hover()
        await reply.locator("summary").click()
        await reply.get_by_role("button", name="🎉").click()
        await tab.sees("you reacted 🎉")
        mine = page.locator("#log .message.you", has_text="look")
        await mine.hover()
        await mine.get_by_role("button", name="Edit").click()
        await tab.type(" here")
        await tab.sees("you meant look here", "edited")
        assert await accessible(tab, AXE) == []
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size(PHONE["viewport"])
        await page.click("#menu")
        assert await accessible(tab, AXE) == []
        assert tab.complaints == []
        await context.close()


async def _downloaded(tab: Tab, name: str) -> bytes:
    """Press the link of a file; return what the browser has got."""
    async with tab.page.expect_download() as downloading:
        await tab.page.get_by_role("link", name=name).click()
    got = Path(await (await downloading.value).path())
    return await asyncio.to_thread(got.read_bytes)


def foreign() -> Interface:
    """Return a bot whose every word is in brackets, written from right to left."""
    words = {
        name: "ar" if name == "page_language" else f"⟦{text}⟧" for name, text in ENGLISH.items()
    }
    bot = Interface(id="foreign", title="⟦bot⟧", sentences={"ar": words})

    @bot.on_edit
    def edited() -> None: ...

    @bot.on_reaction
    def reacted() -> None: ...

    @bot.on_message
    def show() -> list[Reply]:
        options = [Option("⟦a⟧"), Option("⟦b⟧")]
        return [
            Reply("⟦choose⟧", select=Select(options, min_values=1, max_values=2)),
            Reply(Markdown("```\n⟦code⟧\n```\n\n| ⟦a⟧ |\n|--|\n| ⟦b⟧ |\n\n||⟦c⟧||")),
        ]

    return bot


_WORDS = """() => {
  const all = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { data, parentElement } = walk.currentNode;
    if (!parentElement.closest('noscript, #inspector, #me, time, .day, output')) all.push(data);
  }
  for (const node of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
    all.push(node.ariaLabel ?? '', node.title, node.placeholder ?? '');
  }
  return all.map((text) => text.trim()).filter((text) => /[a-z]/i.test(text));
}"""


async def test_the_page_speaks_as_its_bot_does(browser: Browser) -> None:
    """All of its words are those of its bot for whoever opens it, and stand as they are read."""
    async with served(foreign()) as address:
        context, tab = await tab_of(browser, **PHONE, locale="ar-EG")
        page = tab.page
        await page.goto(address.partition("#")[0])
        await page.wait_for_selector("#enter[open]")
        assert await page.locator("html").get_attribute("dir") == "rtl"
        assert await page.locator("html").get_attribute("lang") == "ar"
        await page.fill("[name=token]", "wrong")
        await page.press("[name=token]", "Enter")
        await page.get_by_text("⟦That is not right.⟧").wait_for()
        await tab.open(address)  # in the same window: only what is behind the # is other
        await tab.say("⟦hi⟧")
        await tab.sees("⟦choose⟧", "⟦code⟧")
        answer = page.locator("#log .message.bot").first
        await answer.get_by_role("button", name="⟦Answer⟧").click()
        await page.click("#menu")
        assert await accessible(tab, AXE) == []
        words = await page.evaluate(_WORDS)
        left = [word for word in words if "⟦" not in word]
        assert left == []
        assert len(words) > 60
        box = await page.locator("#side").bounding_box()
        assert box
        assert box["x"] + box["width"] == PHONE["viewport"]["width"]
        assert tab.complaints == []
        await context.close()


async def test_a_form_is_asked_at_once(browser: Browser) -> None:
    """In a dialogue; what is answered comes to the bot with what began it."""
    async with served(web_bot.form) as address:
        context, tab = await tab_of(browser, **DESK)
        await tab.open(address)
        await tab.say("/start")
        await tab.page.fill("#form [name=Name]", "Ada")
        await tab.page.fill("#form [name=Size]", "3")
        assert await accessible(tab, AXE) == []
        await tab.page.click("#form .primary")
        await tab.sees("Ada: 3")
        assert tab.complaints == []
        await context.close()


async def test_an_owner_sees_beside_the_chat_what_happens(browser: Browser) -> None:
    """A change within a second, what a turn has changed, and what failed, to be tried again."""
    async with served(web_bot.bot) as address:
        context, tab = await tab_of(browser, **DESK)
        page, beside = tab.page, tab.page.get_by_role("complementary", name="Inspector")
        await tab.open(address)
        await page.click("#inspect")
        await beside.get_by_text("Your state (0)").wait_for()
        await tab.say("hello")
        await tab.sees("1: hello")
        await beside.get_by_text("Your state (1)").wait_for()
        await beside.get_by_text('"hello"').wait_for()
        await page.locator("#log .message.you").get_by_role("button", name="Its turn").click()
        await beside.locator(".turn .changed ins", has_text='["hello"]').wait_for()
        assert "1: hello (after" in await beside.locator(".turn").inner_text()
        await beside.locator(".turn .read", has_text="member said list of 0").wait_for()
        await tab.say("fail")
        await beside.get_by_text("Dead letters (1)").click()
        await tab.say("mended")
        await tab.sees("2: hello mended")
        await beside.get_by_role("button", name="Try again").click()
        await tab.sees("3: hello mended fail")
        await beside.get_by_text("Dead letters (0)").wait_for()
        await tab.until("() => document.documentElement.scrollHeight <= innerHeight")
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size(PHONE["viewport"])
        assert await accessible(tab, AXE) == []
        assert tab.complaints == []
        await context.close()


async def test_hostile_words_are_words(browser: Browser) -> None:
    """Of the bot's, of people's, and in names: nothing runs, and no element is made of them."""
    async with served(web_bot.bot) as address:
        context, tab = await tab_of(browser, **DESK)
        page = tab.page
        await page.add_init_script("window.hits = 0; window.hit = () => (window.hits += 1)")
        await tab.open(address)
        assert await page.title() == "Tea <b>house</b>"
        await tab.say("<img src=x onerror=hit()>")
        evil = FilePayload(name="<img src=x onerror=hit()>.txt", mimeType="text/html", buffer=b"x")
        await page.set_input_files("#files", evil)
        await tab.say("file")
        await tab.say("/hostile")
        await tab.sees("onerror=hit() .svg")
        await page.locator("#suggestions .button").click()
        await page.locator("#log .button").click()
        await tab.sees("You chose <img src=x onerror=hit()>")
        await page.get_by_role("button", name="Hidden words: show them").click()
        made = "#log :is(script, iframe, object, embed, [onclick], [onerror], [onload], [href^=j])"
        assert await page.locator(made).count() == 0
        shown = await page.locator("#log img").evaluate_all("all => all.map(img => img.src)")
        assert [src for src in shown if "/files/" not in src] == []
        for link in await page.locator("#log a.file").all():
            answer = await page.request.get(await link.evaluate("link => link.href"))
            assert "sandbox" in answer.headers["content-security-policy"]
        assert await page.evaluate("() => window.hits") == 0
        assert tab.complaints == []
        await context.close()


class Process:
    """A bot that runs by itself, to be killed."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.listen = f"127.0.0.1:{found.getsockname()[1]}"
        self.command = [sys.executable, "-m", "chatstate", "run", f"{web_bot.__file__}:bot"]
        self.command += ["--on", "web", "--store", f"sqlite:///{folder / 'page.db'}"]
        self.command += ["--listen", self.listen, "--page-token", TOKEN]
        self.address = f"http://{self.listen}/#token={TOKEN}"

    async def start(self) -> None:
        """Start it; return once it has told where it is."""
        self.running = await asyncio.create_subprocess_exec(
            *self.command, stderr=asyncio.subprocess.PIPE
        )
        assert self.running.stderr
        while self.address.encode() not in (line := await self.running.stderr.readline()):
            assert line, "it ended before it told where it is"

    async def kill(self) -> None:
        """Kill it, as nothing can be prepared for."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.running.pid, signal.SIGKILL)
        await self.running.communicate()


async def test_nothing_is_lost_when_the_bot_is_killed(browser: Browser, tmp_path: Path) -> None:
    """While it streams and somebody types on: all of it arrives once, in order, over a reload."""
    process = Process(tmp_path)
    await process.start()
    try:
        context, tab = await tab_of(browser, **DESK)
        await tab.open(process.address)
        await tab.say("one")
        await tab.sees("1: one")
        await tab.say("slow")
        await tab.page.locator("#draft").get_by_text("word 5").wait_for()
        await process.kill()
        await tab.page.get_by_text("The bot cannot be reached").wait_for()
        for text in ("two", "three"):
            await tab.say(text)
        tea = FilePayload(name="tea.txt", mimeType="text/plain", buffer=b"green")
        await tab.page.set_input_files("#files", tea)
        await tab.say("four")
        await tab.page.locator("#owed .message:nth-child(3)", has_text="sending…").wait_for()
        again = await _closed_and_opened(tab)
        await process.start()
        await again.open(process.address)
        await again.sees("the end of it", "3: one slow two", "Got tea.txt: green")
        await again.until("() => !document.querySelector('#owed .message, #draft .message')")
        shown = await again.texts()
        assert shown == [
            "one",
            "1: one",
            "slow",
            "two",
            "three",
            "four\n\ntea.txt\n5 bytes",
            "the end of it",
            "3: one slow two",
            "4: one slow two three",
            "Got tea.txt: green\n\nback.txt\n4 bytes",
        ]
        assert again.complaints == []
        await context.close()
    finally:
        await process.kill()


async def _closed_and_opened(tab: Tab) -> Tab:
    """Close a window, and open another one of the same browser."""
    context = tab.page.context
    await tab.page.close()
    return Tab(await context.new_page())
