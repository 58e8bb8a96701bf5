"""People in browsers, over HTTP: what they post is kept until it is taken, as the page keeps it."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import SkipTest

import httpx
import msgspec

from chatstate import Ambiguous
from chatstate.adapter import Action, Host, Sent
from chatstate.testing import AdapterDriver, Fault, Shown, Speaker
from chatstate.testing.delivered import SentFile
from chatstate.text import SpanKind
from chatstate_web import WebAdapter, WebOptions
from chatstate_web.send.calls import amend
from chatstate_web.send.parts import Body

TOKEN = "let-me-in"  # noqa: S105 - nobody's
KINDS: dict[str, SpanKind] = {
    "b": "bold",
    "i": "italic",
    "u": "underline",
    "s": "strike",
    "spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "link",
    "blockquote": "quote",
    "h": "heading",
    "table": "table",
}


class Watched(WebAdapter):
    """A page whose calls return once every open browser has seen what they did."""

    driver: "WebDriver"

    def attach(self, host: Host) -> None:
        self.host = host
        super().attach(host)

    async def perform(self, action: Action) -> Sent:
        sent = await super().perform(action)
        is_lost = self.driver.loses and action.verb == "send"
        self.driver.loses = self.driver.loses and not is_lost
        for browser in self.driver.browsers.values():
            await browser.caught_up(self.host)
        if is_lost:
            raise Ambiguous("the answer was lost")
        return sent


class Browser:
    """One person's browser."""

    def __init__(self, address: str) -> None:
        self.client = httpx.AsyncClient(
            base_url=address,
            headers={"Origin": address},
            timeout=30,
            verify=False,  # noqa: S501 - the address is http, and to read certificates takes time
        )
        self.person = ""
        self.messages: dict[str, dict[str, Any]] = {}
        self.files: dict[tuple[str, int], bytes] = {}
        self.ids: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.taken: set[str] = set()
        self.typing = 0
        self.revision = 0
        self.connected = asyncio.Event()
        self.changed = asyncio.Event()
        self.owed: asyncio.Queue[tuple[dict[str, Any], Sequence[SentFile]]] = asyncio.Queue()
        self.tasks = [asyncio.create_task(self.read()), asyncio.create_task(self.send())]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)
        await self.client.aclose()

    async def enter(self) -> None:
        """Come in, once somebody answers."""
        if not self.person:
            (await self.client.post("/enter", json={"token": TOKEN})).raise_for_status()
            self.person = (await self.client.get("/session")).raise_for_status().json()["person"]

    async def read(self) -> None:
        """Read what the page is told, from where it was before."""
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await self.enter()
                headers = {"Last-Event-ID": str(self.revision)}
                async with self.client.stream("GET", "/events", headers=headers) as told:
                    told.raise_for_status()
                    await self.listen(told)
            self.connected.clear()
            self.changed.set()
            await asyncio.sleep(0.02)

    async def listen(self, told: httpx.Response) -> None:
        name = ""
        async for line in told.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                await self.take(name, msgspec.json.decode(value))

    async def take(self, name: str, data: dict[str, Any]) -> None:
        if name == "live":
            self.typing += data.get("typing", False)
        elif name == "ready":
            self.connected.set()
        elif name == "message":
            await self.show(data)
        self.changed.set()

    async def show(self, data: dict[str, Any]) -> None:
        body = data["body"]
        for number, _ in enumerate(body.get("files", ()) if body else ()):
            path = f"/files/{data['id']}/{number}"
            self.files[data["id"], number] = (await self.client.get(path)).content
        self.messages[data["id"]] = data
        self.ids[data["key"]] = data["id"]
        self.keys[data["id"]] = data["key"]
        self.revision = data["revision"]

    async def caught_up(self, host: Host) -> None:
        """Return when all that was written is shown, if somebody looks."""
        while self.connected.is_set() and await host.transcript.read(
            self.person, after=self.revision
        ):
            self.changed.clear()
            await self.changed.wait()

    def do(self, key: str, files: Sequence[SentFile] = (), **said: Any) -> None:
        self.owed.put_nowait(({"key": key, **said}, files))

    async def send(self) -> None:
        """Post what is owed, one after the other, again and again until it is taken."""
        while True:
            said, files = await self.owed.get()
            form = {"said": msgspec.json.encode(said).decode()}
            given = [("file", (file.name, file.data, file.media_type)) for file in files]
            while said["key"] not in self.taken:
                await self.connected.wait()
                with contextlib.suppress(httpx.HTTPError):
                    posted = await self.client.post("/say", data=form, files=given)
                    if not posted.is_server_error:
                        assert posted.is_success, posted.text
                        self.taken.add(said["key"])
                await asyncio.sleep(0.01)


class WebDriver(AdapterDriver):
    """People in browsers."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.address = f"127.0.0.1:{found.getsockname()[1]}"
        self.browsers: dict[str, Browser] = {}
        self.said: dict[str, tuple[Speaker, dict[str, Any]]] = {}
        self.loses = False
        self.count = 0

    def make_adapter(self) -> WebAdapter:
        options = WebOptions(
            listen=self.address,
            page_token=TOKEN,
            rate=10_000,
            received_bytes=400_000,
            file_bytes=400_000,
        )
        adapter = Watched(options)
        adapter.driver = self
        self.adapter = adapter
        return adapter

    async def close(self) -> None:
        for browser in self.browsers.values():
            await browser.close()

    def browser(self, who: Speaker) -> Browser:
        if who.chat or who.is_bot:
            raise SkipTest("a page is one person's, alone with the bot")
        if who.user not in self.browsers:
            self.browsers[who.user] = Browser(f"http://{self.address}")
        return self.browsers[who.user]

    def do(self, who: Speaker, files: Sequence[SentFile] = (), **said: Any) -> str:
        self.count += 1
        key = f"key-{self.count:06}"
        self.said[key] = (who, said)
        self.browser(who).do(key, files, **said)
        return key

    async def say(
        self,
        who: Speaker,
        text: str,
        *,
        files: Sequence[SentFile] = (),
        reply_to: str | None = None,
    ) -> str:
        return self.do(who, files, text=text, message=reply_to or "")

    def shown(self, who: Speaker) -> Sequence[Shown]:
        browser = self.browser(who)
        return [
            shown_of(browser, number, msgspec.convert(data["body"], Body))
            for number, data in browser.messages.items()
            if data["body"] is not None and data["body"].get("by", "bot") == "bot"
        ]

    def account_name(self) -> str:
        return f"http://{self.address}/#token={TOKEN}"

    async def edit(self, who: Speaker, message: str, text: str) -> None:
        self.do(who, do="edit", message=self.browser(who).ids[message], text=text)

    async def react(self, who: Speaker, message: str, emoji: str) -> None:
        self.do(who, do="react", message=message, text=emoji)

    async def press(self, who: Speaker, message: str, label: str) -> None:
        body = msgspec.convert(self.browser(who).messages[message]["body"], Body)
        (data,) = [b.data for row in body.buttons for b in row if b.label == label]
        self.do(who, do="press", message=message, text=data, label=label)

    async def select(self, who: Speaker, message: str, labels: Sequence[str]) -> None:
        body = msgspec.convert(self.browser(who).messages[message]["body"], Body)
        assert body.select
        chosen = [option.data for option in body.select.options if option.label in labels]
        told = ", ".join(labels)
        self.do(
            who, do="select", message=message, text=body.select.data, selected=chosen, label=told
        )

    async def tap(self, who: Speaker, message: str, label: str) -> None:  # noqa: ARG002 - it is said
        self.do(who, text=label)

    async def forge(self, who: Speaker, message: str, data: str) -> None:
        self.do(who, do="press", message=message, text=data)

    async def remove(self, who: Speaker, message: str) -> None:
        browser = self.browser(who)
        await amend(self.adapter.host.transcript, browser.person, message, lambda _: None)
        self.adapter._live.tell(browser.person)
        await browser.caught_up(self.adapter.host)

    def reactions(self, who: Speaker, message: str) -> Sequence[str]:
        browser = self.browser(who)
        body = browser.messages[browser.ids.get(message, message)]["body"]
        emoji = body.get("reactions", {}).get("bot")
        return [emoji] if emoji else []

    def typing(self, who: Speaker) -> int:
        return self.browser(who).typing

    async def redeliver(self, message: str) -> None:
        who, said = self.said[message]
        self.browser(who).taken.discard(message)
        self.browser(who).do(message, **said)

    def is_acknowledged(self, message: str) -> bool:
        who, _ = self.said[message]
        return message in self.browser(who).taken

    def fail(self, fault: Fault, seconds: float = 0.0) -> None:  # noqa: ARG002 - there is no wait
        if fault != "lose":
            raise SkipTest("a page refuses nothing")
        self.loses = True


def shown_of(browser: Browser, number: str, body: Body) -> Shown:
    """Return what can be read of a message."""
    blocks = list(body.blocks) or ([["p", None, body.text]] if body.text else [])
    pictures: list[str] = []
    if body.card:
        card = body.card
        blocks += [["p", None, card.title], *card.text]
        blocks += [
            block
            for name, value in card.fields
            for block in (["p", None, ["b", None, name]], *value)
        ]
        blocks.append(["p", None, card.footer])
        pictures += [card.image] if card.image else []
    files = [
        SentFile(file.name, file.type, browser.files[number, index])
        for index, file in enumerate(body.files)
    ]
    return Shown(
        number,
        "\n\n".join(filter(None, map(words_of, blocks))),
        {KINDS[tag] for block in blocks for tag in tags_of(block) if tag in KINDS},
        [button.label for row in body.buttons for button in row],
        files,
        browser.keys.get(body.reply_to),
        body.edited,
        [button.url for row in body.buttons for button in row if button.url],
        [option.label for option in body.select.options] if body.select else [],
        list(body.suggestions),
        pictures,
    )


def words_of(node: Any) -> str:
    if isinstance(node, str):
        return node
    tag, attributes, *children = node
    words = "".join(map(words_of, children))
    if tag == "li":
        value = (attributes or {}).get("value")
        return f"{value + '.' if value else '•'} {words}\n"
    return f"{words}\n" if tag == "tr" else f"{words} " if tag in ("td", "th") else words


def tags_of(node: Any) -> Iterator[str]:
    if not isinstance(node, str):
        yield node[0]
        for child in node[2:]:
            yield from tags_of(child)
