"""What comes to the bot from the page, what is kept for it, and what open pages are told."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from adapters.web_page import on, visiting

from chatstate import Attachment, Interface, Message, PerMember, PerUser, Ref, Rejected, Reply
from chatstate.adapter import Action, PageMessage, Part
from chatstate.engine.transcript import AccountTranscript
from chatstate.files import File
from chatstate.language.en import ENGLISH
from chatstate.stores.base import Store
from chatstate.testing import MemoryData, MemoryStore
from chatstate_web import WebAdapter
from chatstate_web.live import LASTS, Live, News, Watcher
from chatstate_web.receive.streams import Stream

PAGE = Path(__file__).parents[2] / "adapters" / "chatstate_web" / "page"
FILES = sorted(PAGE.iterdir())


def counting() -> Interface:
    """Return a bot that counts what is said, in the conversation and by the person."""
    bot = Interface(id="counting")

    @bot.on_message
    def answer(message: Message, here: PerMember[Ref[int]], all_: PerUser[Ref[int]]) -> str:
        here.value += 1
        all_.value += 1
        return f"{message.text} {here.value} {all_.value} {message.sender.language}"

    return bot


async def test_conversations_of_a_person_are_told_apart() -> None:
    """Each has a state and a history of its own, a title, and its place in the list."""
    async with on(counting()) as page, visiting(page.app, "10.0.0.1") as (ada,):
        ada.client.headers["Accept-Language"] = "de-AT,de;q=0.8"
        await ada.enter()
        for text, thread, count in (("tea?", "", 2), ("milk?", "b", 2), ("yes", "", 4)):
            await ada.say(text, thread=thread)
            await ada.until(count, thread)
        assert await ada.texts() == ["tea?", "tea? 1 1 de-AT", "yes", "yes 2 3 de-AT"]
        assert await ada.texts("b") == ["milk?", "milk? 1 2 de-AT"]
        told = [(c["thread"], c["title"]) for c in (await ada.session())["conversations"]]
        assert told == [("", "tea?"), ("b", "milk?")]


async def test_what_is_posted_again_counts_once() -> None:
    """Under its key, however often and at once; under the same key another person says more."""
    async with (
        on(counting()) as page,
        visiting(page.app, "10.0.0.1", "10.0.0.2") as (ada, bob),
    ):
        for visitor in (ada, bob):
            await visitor.enter()
            posts = [visitor.post(key="the-same-key", text="hi") for _ in range(5)]
            assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
            await visitor.say("again")
            shown = [message["body"]["text"] for message in await visitor.until(4)]
            assert sorted(text.rpartition(" ")[0] for text in shown) == [
                "",
                "",
                "again 2 2",
                "hi 1 1",
            ]


async def test_a_form_is_asked_before_anything_is_said() -> None:
    """Its questions are answered under another key; what comes back is the bot's answer."""
    bot = Interface(lambda name, size: f"{name}: {size}", ["text", "number"], "text", id="form")
    async with on(bot) as page, visiting(page.app, "10.0.0.1") as (ada,):
        await ada.enter()
        asked = (await ada.post(text="/start")).json()["form"]
        assert [field["label"] for field in asked["fields"]] == ["Name", "Size"]
        assert await ada.shown() == []
        posted = await ada.post(text="/start", answers={"Name": "Ada", "Size": "3"})
        assert posted.json() == {"form": None}
        shown = [message["body"]["text"] for message in await ada.until(2)]
        assert shown == ["/start\nName: Ada\nSize: 3", "Ada: 3"]


async def test_a_page_is_as_it_was_in_the_next_process() -> None:
    """Whoever has the cookie goes on where they were; the bot's files are there, too."""
    bot, data = Interface(id="files"), MemoryData()

    @bot.on_message
    def answer(text: str) -> Reply:
        return Reply(f"{text}!", files=[File(b"back", "back.txt")])

    async with visiting(WebAdapter(listen=None).app, "10.0.0.1") as (ada,):
        for count in (2, 4):
            async with on(bot, store=MemoryStore(data)) as page:
                ada.client._transport.app = page.app  # type: ignore[attr-defined]  # pyright: ignore - httpx's
                if count == 2:
                    await ada.enter()
                await ada.say("hi")
                first, *_, last = await ada.until(count)
                got = await ada.client.get(f"files/{last['id']}/0")
                assert (got.content, first["body"]["text"]) == (b"back", "hi")


async def test_stop_ends_an_answer_and_keeps_what_is_shown() -> None:
    """What was written of it stays, and the bot says that it was interrupted; once."""
    bot = Interface(id="slow")

    @bot.on_message
    async def answer() -> AsyncIterator[str]:
        yield "once upon"
        await asyncio.Event().wait()

    async with on(bot) as page, visiting(page.app, "10.0.0.1") as (ada,):
        await ada.enter()
        watcher = page._live.watch((await ada.session())["person"])
        await ada.client.post("stop", json={"thread": ""})
        await ada.say("go")
        while not any(news.key for news in watcher.news()):
            await watcher.changed.wait()
            watcher.changed.clear()
        assert (await ada.client.post("stop", json={"thread": ""})).status_code == 204
        said, stays, told = [message["body"]["text"] for message in await ada.until(3)]
        assert (said, stays, told) == ("go", "once upon", ENGLISH["interrupted"])
        assert [news.over for news in watcher.news()] == [True]


async def events_of(stream: Stream, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the first events of a stream."""
    found: list[tuple[str, dict[str, Any]]] = []
    async for told in stream.events():
        fields = dict(line.split(": ", 1) for line in told.decode().splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["event"], msgspec.json.decode(fields["data"])))
        if len(found) == count:
            break
    return found


async def test_a_page_goes_on_from_the_last_change_it_has_seen() -> None:
    """It gets what came after, changed or deleted, and then that it is up to date."""
    store = MemoryStore()
    transcript = await transcript_of(store)
    said = [await transcript.write(PageMessage("ada", f"{n}", "{}")) for n in range(3)]
    await transcript.rewrite(said[0], None)
    stream = Stream(transcript, Live(), "ada", said[1].revision)
    told = await events_of(stream, 3)
    assert [(name, data.get("id"), data.get("body")) for name, data in told] == [
        ("message", str(said[2].id), {}),
        ("message", str(said[0].id), None),
        ("ready", None, None),
    ]
    await store.end(clean=True)


async def test_what_another_worker_says_is_shown() -> None:
    """Nobody tells this one, so it looks."""
    data = MemoryData()
    here, there = MemoryStore(data), MemoryStore(data)
    stream = Stream(await transcript_of(here), Live(), "ada", 0)
    listening = asyncio.create_task(events_of(stream, 2))
    await (await transcript_of(there)).write(PageMessage("ada", "1", '{"text":"hi"}'))
    (_, ready), (name, message) = sorted(await listening, key=lambda event: event[0] == "message")
    assert (ready, name, message["body"]) == ({}, "message", {"text": "hi"})
    for store in (here, there):
        await store.end(clean=True)


async def transcript_of(store: Store) -> AccountTranscript:
    await store.open("bot")
    return AccountTranscript(store, (await store.account("web", "local")).id)


def news_of(watcher: Watcher) -> list[News]:
    return list(watcher.news())


async def test_a_slow_page_is_told_the_newest_and_what_is_new_of_it() -> None:
    """Of a draft that grows, the blocks that it has not been told; of several states, the last."""
    live = Live()
    watcher = live.watch("ada")
    live.show("ada", "t", "k", ["a"])
    live.show("ada", "t", "k", ["a", "b"])
    assert news_of(watcher) == [News("t", key="k", first=0, blocks=["a", "b"])]
    live.show("ada", "t", "k", ["a", "bc", "d"])
    live.type("ada", "t")
    live.type("ada", "other")
    assert sorted(news_of(watcher), key=lambda news: news.thread) == [
        News("other", typing=True),
        News("t", key="k", first=1, blocks=["bc", "d"]),
    ]
    late = live.watch("ada")
    assert news_of(late) == [News("t", key="k", first=0, blocks=["a", "bc", "d"])]
    live.show("ada", "t", "k", ["x"])
    live.wrote("ada", "t")
    assert news_of(watcher) == news_of(late) == [News("t", over=True)]
    assert news_of(live.watch("ada")) == []
    assert news_of(live.watch("bob")) == []
    live.leave("ada", watcher)
    live.show("ada", "t", "k", ["y"])
    assert news_of(watcher) == []


async def test_a_draft_that_nobody_shows_again_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a turn that ended without a word, say: who opens the page later does not see it."""
    now = [0.0]
    monkeypatch.setattr("chatstate_web.live._now", lambda: now[0])
    live = Live()
    live.show("ada", "", "k", ["a"])
    now[0] = LASTS + 1
    assert news_of(live.watch("ada")) == []
    live.show("bob", "", "k", ["b"])
    assert list(live._drafts) == [("bob", "")]


async def test_a_message_is_written_once_though_the_answer_was_lost() -> None:
    """A call with a key that is known returns its id, also in another process."""
    data, ids = MemoryData(), list[str | None]()
    for _ in range(2):
        async with on(counting(), store=MemoryStore(data)) as page:
            action = Action("k", "ada", part=Part({"text": "hi"}))
            ids.append((await page.perform(action)).message_id)
            told = await page._transcript.read("ada")
    assert (ids[0] == ids[1], len(told)) == (True, 1)


@pytest.mark.parametrize("ref", ["../../etc/passwd", "/etc/passwd", "1-1-abcdef01", "", "page-x"])
async def test_nothing_but_what_people_sent_is_fetched(ref: str) -> None:
    """Whatever a handler keeps of an attachment: it leads to no other file of the machine."""
    async with on(counting()) as page:
        with pytest.raises(Rejected):
            await anext(page.open(Attachment(ref)))


def test_the_page_is_small() -> None:
    """Less than 80 kB in all."""
    assert sum(path.stat().st_size for path in FILES) < 80_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_page_takes_nothing_from_elsewhere(path: Path) -> None:
    """No script, font or style of others', no inline script, and no HTML made of texts."""
    text = path.read_text()
    assert set(re.findall(r"https?://[^\s'\"/]+", text)) <= {"http://www.w3.org"}
    for never in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "@import",
    ):
        assert never not in text
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", text) or path.suffix != ".html"


async def test_the_page_is_the_same_for_everybody() -> None:
    """Each of its files is there, by its type, and asked for again before it is used."""
    async with on(counting()) as page, visiting(page.app, "10.0.0.1") as (anybody,):
        for path in FILES:
            answer = await anybody.client.get(path.name)
            assert answer.content == path.read_bytes()
            assert answer.headers["cache-control"] == "no-cache"
        kinds = {Path(p).suffix: (await anybody.client.get(p.name)).headers for p in FILES}
        assert kinds[".js"]["content-type"].startswith("text/javascript")
        assert kinds[".css"]["content-type"].startswith("text/css")
        assert kinds[".svg"]["content-type"] == "image/svg+xml"
