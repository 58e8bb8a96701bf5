"""A store that an earlier version has written is taken over, with all that was on its way.

`fixtures/` holds such stores, each with what must be found in it, told in the platforms' ids, and
what the version that wrote it made of it; `fixtures/write_store.py` tells how they came to be.
"""

import asyncio
import contextlib
import json
import re
import sqlite3
import subprocess
import sys
import tarfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from stores.fixtures.bot import Outside, shop
from support import client_at

from chatstate import Chat, Event, Message, User
from chatstate.stores import open_store
from chatstate.testing import Delivered, FakePlatform, TestClient

FIXTURES = Path(__file__).parent / "fixtures"
Row = dict[str, Any]


class Left:
    """A store that a version has left at `path`, and what it holds."""

    def __init__(self, path: Path, told: Mapping[str, Any]) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self.rows: Mapping[str, list[Row]] = told
        self.now: float = told["written_at"] + 60

    def of_shop(self, what: str) -> list[Row]:
        """Return rows of what the shop has on "test", where it crashed."""
        return [row for row in self.rows[what] if (row["bot"], row["platform"]) == SHOP_ON_TEST]

    def chat(self, name: str) -> str:
        """Return what a chat is called now."""
        names: dict[str, str] = {row["known_as"]: row["chat"] for row in self.rows["aliases"]}
        return names.get(name, name)


SHOP_ON_TEST = ("shop", "test")


@pytest.fixture(params=sorted(FIXTURES.glob("store-*.json")), ids=lambda path: path.stem)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Left:
    """Return each store, unpacked."""
    told: Path = request.param
    with tarfile.open(told.with_suffix(".tar.gz")) as packed:
        packed.extractall(tmp_path, filter="data")
    return Left(tmp_path / "store.db", json.loads(told.read_text()))


async def open_once(left: Left) -> None:
    """Let this version make the store its own, on behalf of a bot that has nothing in it."""
    store = open_store(left.url)
    await store.open("somebody else")
    await store.end(clean=True)


def sessions(left: Left) -> list[Row]:
    """Return all state, as a person reads it."""
    with contextlib.closing(sqlite3.connect(left.path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM sessions")]


def dead(left: Left, *arguments: str) -> str:
    """Run `chatstate dead` on the store."""
    command = [sys.executable, "-m", "chatstate", "dead", *arguments, "--store", left.url]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


async def until(true: Callable[[], bool]) -> None:
    """Let the others run, at the same time of the clock, until something is true.

    What never becomes true fails the test, which would else be busy for ever.
    """
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0)


async def sent(client: TestClient, count: int) -> list[Delivered]:
    """Return what has been sent, previews left out, once it is so much."""

    def found() -> list[Delivered]:
        return [message for message in client.platform.delivered if not message.preview]

    await until(lambda: len(found()) >= count)
    return found()


def as_told(message: Delivered) -> Row:
    """Return what a fixture tells of something that was sent."""
    return {
        "chat": message.chat,
        "thread": message.thread,
        "event": message.event,
        "text": message.text,
        "files": [[file.name, file.media_type, file.data.decode()] for file in message.files],
        "labels": message.labels,
        "edits": message.edits,
    }


def by_conversation(left: Left, rows: Sequence[Row]) -> dict[tuple[str, str | None], list[Row]]:
    """Return rows in their order, by the chat's present name and the thread."""
    found: defaultdict[tuple[str, str | None], list[Row]] = defaultdict(list)
    for row in rows:
        chat = left.chat(row["chat"])
        found[chat, row["thread"]].append({**row, "chat": chat})
    return found


def ordered(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


async def test_the_view_shows_every_value_as_before(left: Left) -> None:
    """`sessions` keeps its columns, and no value is lost, changed or somebody else's."""
    expected = left.rows["values"]
    await open_once(left)
    found = [{name: row[name] for name in expected[0]} for row in sessions(left)]
    assert ordered(found) == ordered(expected)


async def test_every_handler_finds_the_values_of_its_place(left: Left) -> None:
    """In every scope, for odd names, on each platform, for each bot, under old ids and new."""
    accounts = {(row["bot"], row["platform"]): row["platform_id"] for row in left.rows["accounts"]}
    shown = groupby(left.rows["shown"], lambda row: (row["bot"], row["platform"]))
    for (identity, name), rows in shown:
        platform = FakePlatform(name, accounts[identity, name])
        bot = shop(Outside(), identity)
        async with client_at(left.now, bot, left.path, platform=platform) as client:
            for row in rows:
                person = client.user(row["person"], chat=row["chat"], thread=row["thread"])
                (reply,) = await person.say("/show")
                assert (row, json.loads(reply.text)) == (row, json.loads(row["text"]))


async def test_what_waited_and_was_owed_is_done_once_and_in_order(left: Left) -> None:
    """Events, expired values, replies with their files, previews; no step is taken again."""
    outside = Outside(mended=True)
    expected = left.rows["answers"]
    async with client_at(left.now, shop(outside), left.path) as client:
        await sent(client, len(expected))
        await client.restart()
        await client.user("ann", chat="queue").say("and now?")
        *found, last = [as_told(message) for message in await sent(client, len(expected) + 1)]
    assert by_conversation(left, found) == by_conversation(left, expected)
    waited = {row["event"] for row in left.of_shop("waiting") if not row["ahead"]}
    assert waited <= {row["event"] for row in found}
    assert {row["text"] for row in left.of_shop("owed")} <= {row["text"] for row in found}
    assert last["text"].endswith("message: three | message: and now?")
    assert outside.charged == []


async def test_events_from_before_are_known_again(left: Left) -> None:
    """Whether handled or still waiting; and the adapter finds its cursor."""
    events = [*left.of_shop("handled"), *(r for r in left.of_shop("waiting") if not r["ahead"])]
    (account,) = left.of_shop("accounts")
    async with client_at(left.now, shop(Outside(mended=True)), left.path) as client:
        host = await client.platform.connected()
        assert host.cursor == account["cursor"]
        message = Message("again", User("ann"), Chat("queue", "group"))
        receipts = await host.deliver([Event(row["event"], message) for row in events])
        assert {receipt.status for receipt in receipts} == {"duplicate"}
        settling = [asyncio.ensure_future(receipt.settled()) for receipt in receipts]
        found = await sent(client, len(left.rows["answers"]))
        while not all(task.done() for task in settling):
            await client.advance(1)
        assert "again" not in " ".join(message.text for message in found)


async def test_what_waited_for_another_account_is_answered_when_that_runs(left: Left) -> None:
    """A bot's events of one platform wait while it runs on another."""
    (waiting,) = (row for row in left.rows["waiting"] if row["platform"] == "other")
    platform = FakePlatform("other", "bot-2")
    async with client_at(left.now, shop(Outside()), left.path, platform=platform) as client:
        (reply,) = await sent(client, 1)
    assert (reply.event, reply.text) == (waiting["event"], f"message: {waiting['text']}")


async def test_buttons_from_before_still_work(left: Left) -> None:
    """Those that carry what they send, those kept, and those whose message was still owed."""
    async with client_at(left.now, shop(Outside(mended=True)), left.path) as client:
        for carried in left.rows["carried"]:
            person = client.user("cat", chat=carried["chat"])
            on = Delivered("choose", carried["chat"], None, None, "", carried["message"])
            (reply,) = await person.press_data(carried["data"], on=on)
            assert reply.text.endswith(f"press: {carried['sends']}")
        await sent(client, len(left.rows["answers"]) + len(left.rows["carried"]))
        (kept,) = (row for row in left.of_shop("buttons") if row["message"] is None)
        (reply,) = await client.user("ann", chat=kept["chat"]).press("long")
        assert reply.text == f"press: {kept['sends']}"


async def test_dead_letters_from_before_are_listed_and_retried(left: Left) -> None:
    """Those asked for already are gone at once; a reply is sent with its file."""
    await open_once(left)
    _, *listed = dead(left, "list", "--reveal").splitlines()
    assert len(listed) == len(left.of_shop("dead"))
    for line, letter in zip(listed, left.of_shop("dead"), strict=True):
        assert f"{letter['number']}  " in line
        assert f"{letter['kind']} " in line
        assert re.search(rf"{letter['chat']} .*  {re.escape(letter['error'])}", line)
    unasked = [letter for letter in left.of_shop("dead") if letter["asked"] is None]
    for letter in unasked:
        dead(left, "retry", str(letter["number"]))
    async with client_at(left.now, shop(Outside(mended=True)), left.path) as client:
        found = await sent(client, len(left.rows["answers"]) + len(unasked))
    files = {file.data.decode() for message in found for file in message.files}
    assert {letter["file"] for letter in unasked if letter["file"]} <= files
    assert {"for apples", "held"} <= {message.text for message in found}
    assert dead(left, "list") == ""


async def test_values_from_before_expire_when_their_time_has_come(left: Left) -> None:
    """Not before it, and a use puts it off; those that end are told where they were used last."""
    (ends,) = {row["expires"] for row in left.rows["values"] if row["expires"]}
    end = datetime.fromisoformat(ends).timestamp()
    async with client_at(end - 60, shop(Outside(mended=True)), left.path) as client:
        before = len(await sent(client, len(left.rows["answers"])))
        cat = client.user("cat", chat="early")
        (reply,) = await cat.say("/visit again")
        assert reply.text == "visited: the early one again"
        await client.clock.jump(end + 1 - client.clock.time())
        told = (await sent(client, before + 3))[before + 1 :]
        assert {(message.chat, message.thread, message.text) for message in told} == {
            ("early", None, "put back: figs"),
            ("early", "last", "the votes: yes no"),
        }
        (reply,) = await cat.say("/reserve dates")
        assert reply.text == "reserved: dates"
        (reply,) = await cat.say("/visit and again")
        assert reply.text == "visited: the early one again and again"


async def test_what_may_have_been_sent_is_held_if_that_is_the_policy(left: Left) -> None:
    """Of the replies owed, those that were begun are dead letters, and the others are sent."""
    begun = [row for row in left.of_shop("owed") if row["begun"]]
    owed = [row for row in left.of_shop("owed") if not row["begun"]]
    outside = Outside(mended=True)
    async with client_at(left.now, shop(outside), left.path, on_ambiguous="hold") as client:
        found = await sent(client, len(left.rows["answers"]) - len(begun))
    replies = [message.text for message in found if message.chat == "owed"]
    assert replies == [row["text"] for row in owed]
    before = [row for row in left.of_shop("dead") if row["error"].startswith("held")]
    assert dead(left, "list").count("held: ") == len(begun) + len(before)


async def test_crashes_from_before_count(left: Left) -> None:
    """What was suspected once is set aside when the process dies twice more."""
    (suspect,) = (row for row in left.of_shop("waiting") if row["crashes"])
    outside = Outside(holds=True)
    async with client_at(left.now, shop(outside), left.path) as client:
        for _ in range(2):
            await until(lambda: bool(outside.reached))
            assert outside.reached == ["put back apples"]
            outside.reached.clear()
            await client.crash()
            await client.start()
        await until(lambda: bool(outside.reached))
        assert outside.reached != ["put back apples"]
        assert re.search(
            rf"{suspect['chat']} +the process crashed 3 times", dead(left, "list", "--reveal")
        )
        outside.release()
