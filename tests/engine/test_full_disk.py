"""A disk that is full when files are copied: waited for, as a store that is full waits."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import query

from chatstate import File, Interface, PerMember, Reply, Turn
from chatstate.engine.outbox import copying
from chatstate.testing import TestClient

DATA = bytes(range(256)) * 4000
FULL = pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])


class Disk:
    """Takes half of what it is given to write, and then nothing while it `is_full`."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int = errno.ENOSPC) -> None:
        self.is_full = False
        self.refused = 0
        self._number = number
        self._half = True
        patch.setattr(copying, "os", SimpleNamespace(**{**vars(os), "write": self.write}))
        mkdir = Path.mkdir

        def make(folder: Path, *arguments: Any, **options: Any) -> None:
            if self.is_full and "-files" in str(folder) and not folder.exists():
                self.refuse()
            mkdir(folder, *arguments, **options)

        patch.setattr(Path, "mkdir", make)

    def write(self, descriptor: int, data: memoryview) -> int:
        if not self.is_full:
            return os.write(descriptor, data)
        self._half = not self._half
        if not self._half and len(data) > 1:
            return os.write(descriptor, data[: len(data) // 2])
        self.refuse()
        return 0

    def refuse(self) -> None:
        self.refused += 1
        raise OSError(self._number, os.strerror(self._number))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def folder_of(client: TestClient) -> Path:
    return Path(client.store_url.removeprefix("sqlite:///") + "-files")


def files_in(client: TestClient) -> list[Path]:
    return [path for path in folder_of(client).rglob("*") if path.is_file()]


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def wait(client: TestClient, disk: Disk, seconds: int) -> None:
    """Let the disk be full for so long."""
    for _ in range(seconds):
        disk.refused = 0
        await client.advance(5)
        while not disk.refused:  # whoever tries again may have begun to wait only now
            await client.advance(1)
            await asyncio.sleep(0.001)


def pieces(closed: list[str]) -> Iterator[bytes]:
    try:
        for first in range(0, len(DATA), 100_000):
            yield DATA[first : first + 100_000]
    finally:
        closed.append("it is closed")


async def pieces_async() -> AsyncIterator[bytes]:
    for piece in pieces([]):
        yield piece


SOURCES: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda _: DATA,
    "path": lambda path: path,
    "opened": lambda path: path.open("rb"),
    "generator": lambda _: pieces([]),
    "async generator": lambda _: pieces_async(),
}


@pytest.mark.parametrize("source", SOURCES)
async def test_a_file_that_is_owed_waits_for_room(
    source: str, tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """However long that takes; it is whole then, and its turn is committed."""
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    bot = Interface(id="bot")

    @bot.on_message(timeout=60)
    async def work(message: str, seen: PerMember[list[str]]) -> Reply:
        seen.append(message)
        disk.is_full = message == "first"
        return Reply(" ".join(seen), files=[File(SOURCES[source](path), "a.bin")])

    async with TestClient(bot) as client:
        alice = client.user("alice")
        for text in ("zeroth", "first"):
            saying = asyncio.create_task(alice.say(text))
            if text == "first":
                await until(lambda: disk.refused)
                await wait(client, disk, 40)  # more than three times the handler's time
                assert not saying.done()
                disk.is_full = False
                await client.advance(5)
            (reply,) = await saying
            assert reply.files[0].data == DATA
        assert reply.text == "zeroth first"
        assert query(client, "SELECT * FROM dead_letters") == []
        assert files_in(client) == []
    assert "cannot be written: No space left on device; trying again" in caplog.text


@FULL
async def test_a_received_file_waits_for_room(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does the folder that it is to lie in; that is not the handler's time."""
    disk, bot = Disk(monkeypatch, number), Interface(id="bot")

    @bot.on_message(timeout=60)
    def work(file: File) -> str:
        return "whole" if file.read() == DATA else "not whole"

    async with TestClient(bot) as client:
        sent = client.platform.upload("a.bin", DATA, "")
        disk.is_full = True
        saying = asyncio.create_task(client.user("alice").say("hi", files=[sent]))
        await until(lambda: disk.refused)
        await wait(client, disk, 40)
        disk.is_full = False
        await client.advance(5)
        assert [reply.text for reply in await saying] == ["whole"]
        assert query(client, "SELECT * FROM dead_letters") == []


async def test_who_asks_for_a_folder_is_told_that_there_is_no_room(disk: Disk) -> None:
    """It is for the handler to say what it does without one."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str, turn: Turn) -> str:
        disk.is_full = True
        try:
            return str(turn.folder)
        except OSError as error:
            return os.strerror(error.errno or 0)
        finally:
            disk.is_full = False

    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("hi")
        assert reply.text == "No space left on device"


@pytest.mark.parametrize("end", ["interrupt", "stop"])
async def test_a_turn_that_ends_while_it_waits_for_room_leaves_nothing(
    end: str, disk: Disk
) -> None:
    """Its source is closed, and its copy is gone; one that was stopped runs again."""
    bot, closed = Interface(id="bot"), list[str]()

    @bot.on_message(overlap="interrupt")
    async def work(message: str) -> Any:
        disk.is_full = message == "first" and not closed
        return message if message == "second" else File(pieces(closed), "a.bin")

    async with TestClient(bot, grace=0.01) as client:
        alice = client.user("alice")
        await alice.say("zeroth")
        closed.clear()
        await client.deliver_all([alice.event("first")])
        await until(lambda: disk.refused)
        if end == "interrupt":
            saying = asyncio.create_task(alice.say("second"))
            await until(lambda: closed)
            disk.is_full = False
            assert [reply.text for reply in await saying] == ["second"]
        else:
            await client._stop()
            assert closed
            assert files_in(client) == []
            disk.is_full = False
            await client._start()
            await until(lambda: len(client.platform.delivered) == 2)
            assert client.platform.delivered[1].files[0].data == DATA
        await until(lambda: not files_in(client))
