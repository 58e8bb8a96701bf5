"""Files that a bot sends: in the spool from before the commit until they are sent or dead."""

import asyncio
import io
import shutil
import stat
import tempfile
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from support import FAILED, parts_of, query

from chatstate import File, Global, Interface, Rejected, Reply, Turn, UserError
from chatstate.adapter import Action, Sent, StoredFile
from chatstate.testing import Delivered, FakePlatform, TestClient
from chatstate.testing.platform import FULL


def answering(make: Callable[[], Any], **options: Any) -> Interface:
    """Return a bot that answers whatever is said with what `make` returns."""
    bot = Interface(id="bot")

    @bot.on_message(**options)
    async def work(_message: str) -> Any:
        return make()

    return bot


def folder_of(client: TestClient) -> Path:
    return Path(client.store_url.removeprefix("sqlite:///") + "-files")


def spool(client: TestClient) -> list[str]:
    """Return what lies in the spool."""
    owed = folder_of(client) / "owed"
    return sorted(path.name for path in owed.iterdir()) if owed.exists() else []


def letters(client: TestClient) -> list[str]:
    return [row[0] for row in query(client, "SELECT error FROM dead_letters")]


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def until_sent(client: TestClient, count: int) -> list[Delivered]:
    while len(client.platform.delivered) < count:
        await client.advance(1)
    return client.platform.delivered


def generated() -> Iterator[bytes]:
    yield b"ab"
    yield b""
    yield b"c"


async def generated_async() -> AsyncIterator[bytes]:
    for piece in generated():
        await asyncio.sleep(0)
        yield piece


class Stream:
    """What can be read, and is no file."""

    def __init__(self) -> None:
        self.left = b"abc"

    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("it is to be read")

    def read(self, size: int) -> bytes:
        data, self.left = self.left[:size], self.left[size:]
        return data


SOURCES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"abc"),
    "BytesIO": lambda: io.BytesIO(b"abc"),
    "generator": generated,
    "list": lambda: [b"a", bytearray(b"b"), memoryview(b"c")],
    "async generator": generated_async,
    "object with read": Stream,
}


@pytest.mark.parametrize("source", SOURCES)
async def test_a_file_arrives_whatever_its_source(source: str) -> None:
    """Its bytes, its name, its type; then the spool is empty."""
    bot = answering(lambda: Reply("here", files=[File(SOURCES[source](), "a.png")]))
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("hi")
        (file,) = reply.files
        assert (reply.text, file.name, file.media_type, file.data) == (
            "here",
            "a.png",
            "image/png",
            b"abc",
        )
        assert spool(client) == []


@pytest.mark.parametrize("opened", [False, True], ids=["path", "opened"])
async def test_a_file_of_the_disk_arrives(opened: Any, tmp_path: Path) -> None:
    """Given by its path, or opened."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    bot = answering(lambda: File(path.open("rb"), "b.txt") if opened else File(path))
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("hi")
        assert [(file.name, file.data) for file in reply.files] == [
            ("b.txt" if opened else "a.txt", b"abc")
        ]
        assert path.exists()


async def test_the_source_may_be_gone_once_the_turn_is_over(tmp_path: Path) -> None:
    """A file of the turn's own folder is sent though the folder is removed at its end."""
    bot, folders = Interface(id="bot"), list[Path]()

    @bot.on_message
    def work(_message: str, turn: Turn) -> File:
        folders.append(turn.folder)
        path = turn.folder / "report.txt"
        path.write_text("made here")
        return File(path)

    async with TestClient(bot) as client:
        client.platform.stall()
        said = asyncio.create_task(client.user("alice").say("hi"))
        await until(lambda: client.platform.tries and not folders[0].exists())
        client.platform.recover()
        (reply,) = await said
        assert reply.files[0].data == b"made here"


async def test_files_are_sent_after_a_crash_before_the_send() -> None:
    """What was committed lies in the spool; it is sent at the next start, and then gone."""
    bot = answering(lambda: Reply("here", files=[File(b"abc", "a.txt"), File(b"", "b.txt")]))
    async with TestClient(bot) as client:
        client.platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        await until(lambda: client.platform.tries)
        await client.crash()
        assert len(spool(client)) == 2
        client.platform.recover()
        await client.start()
        (reply,) = await until_sent(client, 1)
        assert [(file.name, file.data) for file in reply.files] == [
            ("a.txt", b"abc"),
            ("b.txt", b""),
        ]
        await until(lambda: not spool(client))


async def test_files_wait_through_a_stop(tmp_path: Path) -> None:
    """An outage at the end of a run loses none."""
    bot = answering(lambda: File(b"abc", "a.txt"))
    async with TestClient(bot, grace=0.01) as client:
        client.platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        await until(lambda: client.platform.tries)
        await client.restart()
        client.platform.recover()
        (reply,) = await until_sent(client, 1)
        assert reply.files[0].data == b"abc"


async def test_a_crash_after_the_send_finds_the_file_still_there() -> None:
    """It goes only once it is durably noted as sent; until then it can be sent again."""
    platform, sent = FakePlatform(), asyncio.Event()
    real = platform.perform

    async def perform(action: Action) -> Sent:
        await real(action)
        sent.set()
        return await asyncio.Future[Sent]()

    platform.perform = perform  # type: ignore[method-assign]  # the answer never comes
    async with TestClient(answering(lambda: File(b"abc", "a.txt")), platform=platform) as client:
        await client.deliver_all([client.user("alice").event("hi")])
        await sent.wait()
        await client.crash()
        platform.perform = real  # type: ignore[method-assign]  # and works again
        await client.start()
        replies = await until_sent(client, 2)
        assert [reply.files[0].data for reply in replies] == [b"abc", b"abc"]


async def test_the_store_is_told_before_the_file_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In this order, so that no crash leaves a reply without its file."""
    async with TestClient(answering(lambda: File(b"abc", "a.txt"))) as client:
        owed: list[Any] = []
        spool_of_engine = parts_of(client).spool
        real = spool_of_engine.discard

        def discard(files: Any) -> None:
            owed.append(query(client, "SELECT * FROM outbox"))
            real(files)

        monkeypatch.setattr(spool_of_engine, "discard", discard)
        await client.user("alice").say("hi")
        assert owed[-1] == []


async def test_a_refused_file_stays_with_its_dead_letter_and_can_be_retried() -> None:
    """Over a restart too; retried, it is sent with the file, and then gone."""
    bot = answering(lambda: Reply("here", files=[File(b"abc", "a.txt")]))
    async with TestClient(bot) as client:
        client.platform.fail_next(Rejected("too many"))
        await client.user("alice").say("hi")
        await client.restart()
        assert letters(client) == ["refused: too many"]
        assert len(spool(client)) == 1
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        (reply,) = await until_sent(client, 1)
        assert (reply.text, reply.files[0].name, reply.files[0].data) == ("here", "a.txt", b"abc")
        await until(lambda: not spool(client))
        assert letters(client) == []


async def test_the_file_of_a_dropped_dead_letter_is_gone_at_the_next_start() -> None:
    """Nobody will ask for it."""
    bot = answering(lambda: Reply("here", files=[File(b"abc", "a.txt")]))
    async with TestClient(bot) as client:
        client.platform.fail_next(Rejected("too many"))
        await client.user("alice").say("hi")
        await client.restart()
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('drop', 1, 0)")
        while letters(client):
            await client.advance(1)
        await client.restart()
        assert spool(client) == []


async def test_a_file_that_was_taken_away_is_a_dead_letter_that_says_so() -> None:
    """And what is behind it goes out."""
    bot = answering(lambda: [Reply("here", files=[File(b"abc", "a.txt")]), "next"])
    async with TestClient(bot) as client:
        client.platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        await until(lambda: client.platform.tries)
        await client.crash()
        shutil.rmtree(folder_of(client))
        client.platform.recover()
        await client.start()
        assert [reply.text for reply in await until_sent(client, 1)] == ["next"]
        await client.restart()
        (letter,) = letters(client)
        assert letter.startswith("its file 'a.txt' is gone from ")


async def test_a_store_that_was_moved_finds_its_files(tmp_path: Path) -> None:
    """The database and the folder beside it, copied elsewhere between two runs."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    bot = answering(lambda: File(b"abc", "a.txt"))
    platform = FakePlatform()
    async with TestClient(bot, store=f"sqlite:///{old / 'a.db'}", platform=platform) as client:
        platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        await until(lambda: platform.tries)
        await client.crash()
        old.rename(new)
        platform.recover()
        client._store_url = f"sqlite:///{new / 'a.db'}"
        await client.start()
        (reply,) = await until_sent(client, 1)
        assert reply.files[0].data == b"abc"


class Fails:
    """Owes a file, and then does not come to its commit."""

    def __init__(self) -> None:
        self.bot = Interface(id="bot")
        self.bot.on_message(timeout=60, overlap="interrupt")(self.work)
        self.entered, self.gate = asyncio.Event(), asyncio.Event()

    async def work(self, message: str, turn: Turn, kept: Global[list[Any]]) -> Any:
        await turn.send(File(b"abc", "a.txt"))
        match message:
            case "raise":
                raise RuntimeError("broken")
            case "refuse":
                raise UserError("no")
            case "no state":
                kept.append(object())
            case "no source":
                return [File(b"abc"), File(self.broken())]
            case "wait":
                self.entered.set()
                await self.gate.wait()
            case "slow source":
                return [File(b"abc"), File(self.slow())]
        return "fine"

    def broken(self) -> Iterator[bytes]:
        yield b"abc"
        raise OSError("the disk is gone")

    async def slow(self) -> AsyncIterator[bytes]:
        yield b"abc"
        self.entered.set()
        await self.gate.wait()


@pytest.mark.parametrize(
    ("message", "said"),
    [("raise", FAILED), ("refuse", "no"), ("no state", FAILED), ("no source", FAILED)],
)
async def test_a_turn_that_fails_leaves_nothing_in_the_spool(message: str, said: str) -> None:
    """Wherever it fails: in the handler, at the state, at another file."""
    async with TestClient(Fails().bot, raise_errors=False) as client:
        replies = await client.user("alice").say(message)
        assert [reply.text for reply in replies] == [said]
        assert spool(client) == []


@pytest.mark.parametrize("message", ["wait", "slow source"])
@pytest.mark.parametrize("by", ["timeout", "interrupt", "stop"])
async def test_a_turn_that_is_ended_leaves_nothing_in_the_spool(message: str, by: str) -> None:
    """By its timeout, by the next message, by a stop: while it runs, and while it is copied."""
    made = Fails()
    async with TestClient(made.bot, grace=0.01) as client:
        alice = client.user("alice")
        (receipt,) = await client.deliver_all([alice.event(message)])
        await made.entered.wait()
        if by == "timeout":
            await client.advance(62)
            await receipt.settled()
        elif by == "interrupt":
            await alice.say("next")
        else:
            await client._stop()
        made.gate.set()
        await until(lambda: not spool(client))
        for _ in range(50):
            await asyncio.sleep(0)
        assert spool(client) == []
        if by == "stop":
            await client._start()


async def test_a_source_that_blocks_its_thread_leaves_nothing_when_it_goes_on() -> None:
    """A turn that is given up while a sync stream hangs: what it still yields goes nowhere."""
    entered, release, ended = threading.Event(), threading.Event(), threading.Event()

    def hanging() -> Iterator[bytes]:
        try:
            yield b"abc"
            entered.set()
            release.wait()
            yield b"def"
        finally:
            ended.set()

    async with TestClient(answering(lambda: File(hanging(), "a"), timeout=5)) as client:
        said = asyncio.create_task(client.user("alice").say("hi"))
        await asyncio.to_thread(entered.wait)
        await client.advance(7)
        assert [reply.text for reply in await said] == [FAILED]
        assert spool(client) == []
        release.set()
        await asyncio.to_thread(ended.wait)
        assert spool(client) == []


async def test_a_turn_that_runs_again_sends_its_file_once() -> None:
    """A conflict on a shared value: the files of the attempt that lost are removed."""
    bot, gate, entered, made = Interface(id="bot"), asyncio.Event(), asyncio.Event(), list[str]()

    @bot.on_message
    async def work(message: str, shared: Global[list[str]], turn: Turn) -> Any:
        (turn.folder / "left").touch()  # a second attempt has a folder of its own
        if message == "slow" and not gate.is_set():
            entered.set()
            await gate.wait()
        shared.append(message)
        made.append(message)
        return File(" ".join(shared).encode(), "a.txt")

    async with TestClient(bot) as client:
        slow = asyncio.create_task(client.user("alice").say("slow"))
        await entered.wait()
        await client.user("bob").say("fast")
        gate.set()
        (reply,) = await slow
        assert [file.data for file in reply.files] == [b"fast slow"]
        assert made == ["fast", "slow", "slow"]
        assert spool(client) == []
        await until(lambda: not list((folder_of(client) / "turns").iterdir()))


@pytest.mark.parametrize(
    "source", [b"x" * 1001, [b"x" * 500] * 3, "path"], ids=["bytes", "stream", "path"]
)
async def test_a_file_that_is_too_large_is_a_note_and_the_rest_is_sent(
    source: Any, tmp_path: Path
) -> None:
    """With its name and its whole size; the text and the other files stay."""
    if source == "path":
        source = tmp_path / "x"
        source.write_bytes(b"x" * 1500)
    bot = answering(
        lambda: Reply("here", files=[File(source, "big.txt"), File(b"x" * 1000, "fits.txt")])
    )
    platform = FakePlatform(capabilities=replace(FULL, file_bytes=1000))
    async with TestClient(bot, platform=platform) as client:
        (reply,) = await client.user("alice").say("hi")
        size = "1.0 kB" if isinstance(source, bytes) else "1.5 kB"
        assert reply.text == f"here\n\n[file big.txt, {size}: too large to be sent here]"
        assert [file.name for file in reply.files] == ["fits.txt"]
        assert spool(client) == []


async def test_on_a_platform_without_files_a_file_is_a_note() -> None:
    """With its name and size, also if it is empty; nothing is kept."""
    files = [File(b"x" * 1500, "a.txt"), File(b"", "b.txt"), File(iter([b"x"]), "c.txt")]
    bot = answering(lambda: [Reply("here", files=files), File(b"x", "d.txt")])
    async with TestClient(bot, platform=FakePlatform.without("files")) as client:
        replies = await client.user("alice").say("hi")
        assert [reply.text for reply in replies] == [
            "here\n\n[file a.txt, 1.5 kB]\n[file b.txt, 0 bytes]\n[file c.txt, 1 byte]",
            "[file d.txt, 1 byte]",
        ]
        assert spool(client) == []


async def text_pieces() -> AsyncIterator[Any]:
    yield "text"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: File(["text"]), "a stream gives bytes, not str"),  # type: ignore[list-item]  # it is refused
        (lambda _: File(text_pieces()), "a stream gives bytes, not str"),
        (lambda _: File({"a": 1}), "a stream gives bytes, not str"),  # type: ignore[dict-item]  # it is refused
        (lambda path: path.unlink(), "No such file or directory"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
        (lambda _: File(closed()), "read of closed file"),
    ],
    ids=["list", "async", "dict", "removed", "folder", "closed"],
)
async def test_a_source_that_cannot_be_read_fails_its_turn_whole(
    make: Any, said: str, tmp_path: Path
) -> None:
    """Nothing is half sent: one sentence to the person, a clear error to the author."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")

    def work() -> Any:
        first = File(path)
        made = make(path)
        return ["text", Reply("more", files=[first, made] if isinstance(made, File) else [first])]

    async with TestClient(answering(work), raise_errors=False) as client:
        assert [reply.text for reply in await client.user("alice").say("hi")] == [FAILED]
        (letter,) = letters(client)
        assert letter.startswith("ReplyError: file ")
        assert "cannot be copied to be sent" in letter
        assert said in letter
        assert spool(client) == []


def closed() -> Any:
    with tempfile.TemporaryFile() as opened:
        return opened


async def test_what_a_stream_raises_fails_its_turn_as_it_is() -> None:
    """A `UserError` is told to the person, any other error to the author."""

    async def refuses() -> AsyncIterator[bytes]:
        yield b"abc"
        raise UserError("there is no such report")

    bot = answering(lambda: File(refuses(), "report.pdf"))
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("hi")
        assert reply.text == "there is no such report"
        assert spool(client) == []


async def test_one_file_in_several_places_is_read_once_and_sent_everywhere() -> None:
    """Also if its source is a stream; files of one name are not confused."""

    def work() -> Any:
        stream = File(iter([b"abc"]), "a.txt")
        return [Reply("one", files=[stream, stream]), stream, File(b"other", "a.txt")]

    async with TestClient(answering(work)) as client:
        replies = await client.user("alice").say("hi")
        assert [[file.data for file in reply.files] for reply in replies] == [
            [b"abc", b"abc"],
            [b"abc"],
            [b"other"],
        ]
        assert {file.name for reply in replies for file in reply.files} == {"a.txt"}
        assert spool(client) == []


def size_on_disk(file: StoredFile) -> int:
    return Path(file.path).stat().st_size


async def test_a_large_file_is_streamed() -> None:
    """21 MB go through a few pieces of memory, from a stream of either kind."""

    def large() -> Iterator[bytes]:
        for number in range(21):
            yield bytes([number]) * 1_000_000

    async def large_async() -> AsyncIterator[bytes]:
        for piece in large():
            yield piece

    sizes: list[int] = []

    class Measuring(FakePlatform):
        async def perform(self, action: Action) -> Sent:
            sizes.extend(map(size_on_disk, action.part.files))
            return Sent()

    platform = Measuring(capabilities=replace(FULL, file_bytes=30_000_000))
    sources: list[Callable[[], Any]] = [large, large_async]
    bot = answering(lambda: File(sources.pop()(), "large.bin"))
    async with TestClient(bot, platform=platform) as client:
        tracemalloc.start()
        for _ in range(2):
            await client.user("alice").say("hi")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sizes == [21_000_000] * 2
        assert peak < 6_000_000
        assert spool(client) == []


async def test_a_large_file_never_holds_up_others() -> None:
    """While it is copied, another person is answered."""
    gate = threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"x"
        gate.wait()

    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str) -> Any:
        return File(slow(), "a") if message == "file" else message

    async with TestClient(bot) as client:
        copying = asyncio.create_task(client.user("alice").say("file"))
        assert [reply.text for reply in await client.user("bob").say("hi")] == ["hi"]
        assert not copying.done()
        gate.set()
        (reply,) = await copying
        assert reply.files[0].data == b"x"


async def test_the_spool_is_for_its_owner_alone() -> None:
    """Folders of mode 0700, files of mode 0600."""
    bot = Interface(id="bot")
    modes: dict[str, int] = {}

    @bot.on_message
    async def work(_message: str, turn: Turn, files: list[File]) -> Any:
        modes["turn"] = stat.S_IMODE(turn.folder.stat().st_mode)
        modes["got"] = stat.S_IMODE(files[0].path.stat().st_mode) if files[0].path else 0
        return File(b"abc", "a.txt")

    async with TestClient(bot) as client:
        client.platform.stall()
        sent = client.platform.upload("a.txt", b"x", "text/plain")
        said = asyncio.create_task(client.user("alice").say("hi", files=[sent]))
        await until(lambda: client.platform.tries)
        folder = folder_of(client)
        for path in (folder, folder / "owed", folder / "turns"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        (name,) = spool(client)
        assert stat.S_IMODE((folder / "owed" / name).stat().st_mode) == 0o600
        assert modes == {"turn": 0o700, "got": 0o600}
        client.platform.recover()
        await said


async def test_what_a_crash_left_in_the_spool_is_removed_at_the_start() -> None:
    """Nothing that is owed, and nothing that somebody else has put there."""
    bot = answering(lambda: File(b"abc", "a.txt"))
    async with TestClient(bot) as client:
        client.platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        await until(lambda: client.platform.tries)
        await client.crash()
        (name,) = spool(client)
        owed, turns = folder_of(client) / "owed", folder_of(client) / "turns"
        turns.mkdir()
        left = [owed / "999-1-abcdef01", turns / "999-1", turns / "999-2"]
        others = ("0", "999-1-abcdef", "999-1-abcdefgh", "notes.txt", "999", "999-", "-1-", "²-1")
        theirs = [folder / name for folder in (owed, turns) for name in others]
        for path in (*left, *theirs):
            path.mkdir() if path.parent == turns else path.touch()
        (turns / "999-1" / "file").touch()
        (owed / "folder").mkdir()
        await client.start()
        assert [path for path in (*left, *theirs) if path.exists()] == theirs
        assert (owed / "folder").is_dir()
        assert name in spool(client)
        client.platform.recover()
        (reply,) = await until_sent(client, 1)
        assert reply.files[0].data == b"abc"


async def test_a_store_in_memory_sends_files_too() -> None:
    """Its spool is a temporary folder."""
    async with TestClient(answering(lambda: File(b"abc", "a.txt")), store=":memory:") as client:
        (reply,) = await client.user("alice").say("hi")
        assert reply.files[0].data == b"abc"


async def test_what_is_elsewhere_is_never_here() -> None:
    """It waits for the platform without a copy, also in the next process."""
    there = [File(id="photo:1", name="sky.png"), File(url="https://a.example/a.ogg", voice=True)]
    async with TestClient(answering(lambda: Reply("Here:", files=there))) as client:
        client.platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        await until(lambda: client.platform.tries)
        assert spool(client) == []
        await client.crash()
        client.platform.recover()
        await client.start()
        (sent,) = await until_sent(client, 1)
        assert [(file.name, file.id, file.url, file.is_voice) for file in sent.files] == [
            ("sky.png", "photo:1", "", False),
            ("a.ogg", "", "https://a.example/a.ogg", True),
        ]
        assert letters(client) == []
