"""Files that people send: fetched for handlers that want them, and gone after the turn."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from support import FAILED, query

from chatstate import (
    Ambiguous,
    Attachment,
    File,
    Interface,
    Message,
    PerMember,
    Rejected,
    RetryAfter,
    Turn,
    Unreachable,
)
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL

TEXT = "text/plain"


def folder_of(client: TestClient) -> Path:
    return Path(client.store_url.removeprefix("sqlite:///") + "-files")


def turn_folders(client: TestClient) -> list[str]:
    turns = folder_of(client) / "turns"
    return [folder.name for folder in turns.iterdir()] if turns.exists() else []


def path_of(file: File) -> Path:
    assert file.path
    return file.path


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0)


class Watched(FakePlatform):
    """A platform that counts how often a file is opened, and how often that ends."""

    opened = closed = 0

    async def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        self.opened += 1
        try:
            async for piece in super().open(attachment):
                yield piece
        finally:
            self.closed += 1


async def say(client: TestClient, *attachments: Attachment, text: str = "hi") -> list[str]:
    replies = await client.user("alice").say(text, files=attachments)
    return [reply.text for reply in replies]


async def test_a_handler_gets_files_as_paths_in_its_own_folder() -> None:
    """All of a message, with their names, types and bytes; they are gone after the turn."""
    bot, seen = Interface(id="bot"), list[Path]()

    @bot.on_message
    async def work(message: str, files: list[File], turn: Turn) -> str:
        paths = [path_of(file) for file in files]
        assert all(path.is_relative_to(turn.folder) for path in paths)
        seen.extend(paths)
        told = [f"{f.name} {f.media_type} {f.read()!r}" for f in files]
        return "\n".join([message, *told])

    async with TestClient(bot) as client:
        upload = client.platform.upload
        sent = [upload("a.txt", b"abc", TEXT), upload("a.txt", b"", "image/png")]
        assert await say(client, *sent) == [
            "hi\na.txt text/plain b'abc'\na.txt image/png b''",
        ]
        assert len(seen) == 2
        await until(lambda: not turn_folders(client))
        assert await say(client) == ["hi"]


async def test_a_handler_may_want_one_file_or_one_if_there_is_any() -> None:
    """`File | None` gets the first or nothing; `File` has the person asked for one."""
    bot = Interface(id="bot")

    @bot.on_message
    def perhaps(file: File | None) -> str:
        return file.read().decode() if file else "none"

    @bot.command
    def need(file: File, name: str = "") -> str:
        return file.read().decode() + name

    async with TestClient(bot) as client:
        upload = client.platform.upload
        sent = [upload("a", b"first", TEXT), upload("b", b"second", TEXT)]
        assert await say(client, *sent) == ["first"]
        assert await say(client) == ["none"]
        assert await say(client, *sent, text="/need x") == ["firstx"]
        assert await say(client, text="/need x") == ["Please send a file."]


async def test_files_are_fetched_only_for_handlers_that_want_them() -> None:
    """Attachments cost nothing otherwise; `turn.download` fetches one."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: Message, turn: Turn) -> str:
        if message.text != "fetch":
            return f"{len(turn.files)} {len(message.attachments)}"
        file = await turn.download(message.attachments[1])
        return f"{file.name} {file.read()!r}"

    platform = Watched()
    async with TestClient(bot, platform=platform) as client:
        sent = [platform.upload(name, name.encode(), TEXT) for name in ("a.txt", "b.txt")]
        assert await say(client, *sent) == ["0 2"]
        assert platform.opened == 0
        assert turn_folders(client) == []
        assert await say(client, *sent, text="fetch") == ["b.txt b'b.txt'"]
        assert platform.opened == 1


@pytest.mark.parametrize(
    ("name", "media_type", "expected"),
    [
        ("../../etc/passwd", TEXT, ("_.._etc_passwd", TEXT)),
        ("/etc/passwd", TEXT, ("_etc_passwd", TEXT)),
        ("C:\\x", "", ("C_x", "application/octet-stream")),
        ("photo\u202egpj.exe", "image/jpeg", ("photo_gpj.exe", "image/jpeg")),
        ("x" * 1000 + ".png", "", ("x" * 196 + ".png", "image/png")),
        ("", "image/png", ("file", "image/png")),
        ("..", "no type", ("file", "application/octet-stream")),
        ("a.png", "text/html\r\nX: y", ("a.png", "image/png")),
        ("nul\x00l", TEXT, ("nul_l", TEXT)),
        (".", TEXT, ("file", TEXT)),
    ],
    ids=ascii,
)
async def test_names_and_types_of_strangers_are_made_harmless(
    name: str, media_type: str, expected: tuple[str, str]
) -> None:
    """The file lies in the turn's folder under a plain name."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(file: File, turn: Turn) -> str:
        path = path_of(file)
        assert path.resolve().parent.parent == turn.folder.resolve()
        assert path.name == file.name
        assert file.read() == b"abc"
        return f"{file.name}|{file.media_type}"

    async with TestClient(bot) as client:
        sent = client.platform.upload(name, b"abc", media_type)
        assert await say(client, sent) == ["|".join(expected)]


@pytest.mark.parametrize("claim", ["true", "lie", "none"])
async def test_a_file_that_is_too_large_is_refused(claim: str) -> None:
    """Told with the limit, whatever its size was said to be; nothing is kept, no handler runs."""
    bot, ran = Interface(id="bot"), list[int]()

    @bot.on_message
    def work(file: File) -> None:
        ran.append(1)

    platform = Watched(capabilities=replace(FULL, file_bytes=100_000))
    async with TestClient(bot, platform=platform) as client:
        sent = platform.upload("big.txt", b"x" * 1_000_000, TEXT)
        sizes = {"true": sent.size, "lie": 5, "none": None}
        sent = replace(sent, size=sizes[claim])
        assert await say(client, sent) == [
            "big.txt is too large for me: I take files of at most 100.0 kB."
        ]
        assert ran == []
        assert platform.opened == platform.closed == (claim != "true")
        await until(lambda: not turn_folders(client))
        assert query(client, "SELECT * FROM dead_letters") == []


async def test_a_refused_download_can_be_survived() -> None:
    """An author may catch it; nothing of the file is left in the folder."""
    bot, left = Interface(id="bot"), list[str]()

    @bot.on_message
    async def work(message: Message, turn: Turn) -> str:
        try:
            await turn.download(message.attachments[0])
        except Exception as error:  # noqa: BLE001 - whatever it is
            left.extend(str(path) for path in turn.folder.rglob("*") if path.is_file())
            return str(error)
        return "taken"

    platform = FakePlatform(capabilities=replace(FULL, file_bytes=100_000))
    async with TestClient(bot, platform=platform) as client:
        sent = replace(platform.upload("big", b"x" * 1_000_000, TEXT), size=None)
        (text,) = await say(client, sent)
        assert "too large" in text
        (text,) = await say(client, Attachment("missing"))
        assert text == "there is no file missing"
        assert left == []


@pytest.mark.parametrize("error", [Rejected("gone"), OSError("reset"), RuntimeError("bug")])
@pytest.mark.parametrize("after", [0, 1], ids=["at once", "half way"])
async def test_a_download_that_fails_fails_its_turn_politely(error: Exception, after: int) -> None:
    """One sentence, a dead letter that can be retried, nothing left."""
    faults = [error]

    class Faulty(FakePlatform):
        async def open(self, _attachment: Attachment) -> AsyncIterator[bytes]:
            for _ in range(after):
                yield b"half"
            if faults:
                raise faults.pop()
            yield b"whole"

    bot = Interface(id="bot")

    @bot.on_message
    def work(file: File, seen: PerMember[list[str]]) -> str:
        seen.append(file.read().decode())
        return " ".join(seen)

    platform = Faulty()
    async with TestClient(bot, platform=platform, raise_errors=False) as client:
        assert await say(client, platform.upload("a", b"", TEXT)) == [FAILED]
        await until(lambda: not turn_folders(client))
        (letter,) = query(client, "SELECT error FROM dead_letters")
        assert str(error) in letter[0]
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        while len(platform.delivered) < 2:
            await client.advance(1)
        assert platform.delivered[-1].text == "half" * after + "whole"


@pytest.mark.parametrize("error", [Unreachable("down"), RetryAfter(20.0), Ambiguous("no answer")])
@pytest.mark.parametrize("after", [0, 1], ids=["at once", "half way"])
async def test_a_file_that_cannot_be_had_now_is_asked_for_again(
    error: Exception, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    """From its beginning, with growing pauses; the handler runs once it is whole."""
    faults = [error] * 3

    class Faulty(FakePlatform):
        async def open(self, _attachment: Attachment) -> AsyncIterator[bytes]:
            for _ in range(after):
                yield b"half"
            if faults:
                raise faults.pop()
            yield b"whole"

    bot = Interface(id="bot")

    @bot.on_message
    def work(file: File, seen: PerMember[list[str]]) -> str:
        seen.append(file.read().decode())
        return " ".join(seen)

    platform = Faulty()
    async with TestClient(bot, platform=platform) as client:
        said = asyncio.create_task(say(client, platform.upload("a", b"", TEXT)))
        while not said.done():
            await client.advance(1)
        assert await said == ["half" * after + "whole"]
        assert query(client, "SELECT * FROM dead_letters") == []
    assert caplog.text.count(f"file 'a' cannot be had now ({type(error).__name__}: ") == 3


async def test_a_file_that_cannot_be_had_in_time_is_a_dead_letter() -> None:
    """The turn has its time; the person is told, and nothing is left."""

    class Faulty(FakePlatform):
        async def open(self, _attachment: Attachment) -> AsyncIterator[bytes]:
            yield b"half"
            raise Unreachable("down")

    bot = Interface(id="bot")

    @bot.on_message(timeout=60)
    def work(file: File) -> str:
        return "never"

    platform = Faulty()
    async with TestClient(bot, platform=platform, raise_errors=False) as client:
        said = asyncio.create_task(say(client, platform.upload("a", b"", TEXT)))
        await client.advance(59)
        assert not said.done()
        while not said.done():
            await client.advance(1)
        assert await said == [FAILED]
        await until(lambda: not turn_folders(client))
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert "took more than 60" in error


async def test_an_adapter_that_gives_no_bytes_fails_its_turn_politely() -> None:
    """A faulty adapter stops nobody."""

    class Faulty(FakePlatform):
        async def open(self, _attachment: Attachment) -> AsyncIterator[bytes]:
            yield "text"  # type: ignore[misc]  # that is the point

    bot = Interface(id="bot")

    @bot.on_message
    def work(file: File | None) -> str:
        return "fine"

    platform = Faulty()
    async with TestClient(bot, platform=platform, raise_errors=False) as client:
        assert await say(client, platform.upload("a", b"", TEXT)) == [FAILED]
        assert await say(client) == ["fine"]


async def test_an_adapter_without_files_says_so() -> None:
    """What `Adapter.open` raises names the platform and the file."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: Message, turn: Turn) -> str:
        try:
            await turn.download(message.attachments[0])
        except Rejected as error:
            return str(error)
        return "taken"

    class Plain(FakePlatform):
        def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
            return super(FakePlatform, self).open(attachment)

    async with TestClient(bot, platform=Plain("plain")) as client:
        assert await say(client, Attachment("x", "a.txt")) == [
            "plain knows no files, so there is no a.txt"
        ]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_received_file_can_be_sent_back(mode: str) -> None:
    """As it came; it is copied before the turn's folder goes."""
    bot = Interface(id="bot")

    def sync(file: File) -> File:
        return file

    async def in_async(file: File) -> File:
        return file

    bot.on_message(sync if mode == "sync" else in_async)
    async with TestClient(bot) as client:
        sent = client.platform.upload("a.png", b"abc" * 100_000, "image/png")
        (reply,) = await client.user("alice").say("hi", files=[sent])
        (file,) = reply.files
        assert (file.name, file.media_type, file.data) == ("a.png", "image/png", b"abc" * 100_000)
        await until(lambda: not turn_folders(client))


@pytest.mark.parametrize("end", ["raise", "timeout", "interrupt", "stop"])
async def test_the_folder_goes_however_the_turn_ends(end: str) -> None:
    """With all that the handler has put there."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message(timeout=60, overlap="interrupt")
    async def work(message: str, turn: Turn, file: File | None) -> str:
        (turn.folder / "deep").mkdir()
        (turn.folder / "deep" / "own.txt").touch()
        if message == "raise":
            raise RuntimeError
        if message != "next":
            entered.set()
            await gate.wait()
        return message

    async with TestClient(bot, grace=0.01) as client:
        alice = client.user("alice")
        sent = client.platform.upload("a", b"x", TEXT)
        event = alice.event(end)
        event = replace(event, message=replace(event.message, attachments=(sent,)))
        (receipt,) = await client.deliver_all([event])
        if end != "raise":
            await entered.wait()
            assert len(turn_folders(client)) == 1
        match end:
            case "timeout":
                await client.advance(62)
                await receipt.settled()
            case "interrupt":
                await alice.say("next")
            case "stop":
                await client._stop()
        await until(lambda: not turn_folders(client))
        if end == "stop":
            gate.set()
            await client._start()


async def test_what_a_crash_left_is_removed_at_the_next_start() -> None:
    """The rerun gets a folder of its own."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message
    async def work(file: File, turn: Turn) -> str:
        found = len(list(turn.folder.rglob("*")))
        (turn.folder / "own.txt").touch()
        if not gate.is_set():
            entered.set()
            await asyncio.get_running_loop().create_future()
        return f"{found} {file.read()!r}"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        event = alice.event("hi")
        sent = client.platform.upload("a", b"x", TEXT)
        event = replace(event, message=replace(event.message, attachments=(sent,)))
        await client.deliver_all([event])
        await entered.wait()
        left = folder_of(client) / "turns" / "999-9"  # a killed process removes nothing
        await client.crash()
        left.mkdir(mode=0o700, parents=True)
        (left / "old.txt").touch()
        gate.set()
        await client.start()
        await until(lambda: client.platform.delivered)
        assert client.platform.delivered[0].text == "2 b'x'"
        await until(lambda: not turn_folders(client))


async def test_merged_messages_bring_all_their_files() -> None:
    """In their order."""
    bot, gate, entered = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message(overlap="merge")
    async def work(message: str, files: list[File]) -> str:
        if message == "first":
            entered.set()
            await gate.wait()
        return f"{message}: {' '.join(file.name for file in files)}"

    async with TestClient(bot) as client:
        alice, upload = client.user("alice"), client.platform.upload
        first = asyncio.create_task(alice.say("first"))
        await entered.wait()
        events = [alice.event(text) for text in "ab"]
        await client.deliver_all(
            [
                replace(
                    event, message=replace(event.message, attachments=(upload(name, b"", TEXT),))
                )
                for event, name in zip(events, ["x.txt", "y.txt"], strict=True)
            ]
        )
        gate.set()
        await first
        await until(lambda: len(client.platform.delivered) == 2)
        assert client.platform.delivered[-1].text == "a\nb: x.txt y.txt"


async def test_a_sync_handler_is_told_that_it_cannot_download() -> None:
    """It takes `list[File]` instead."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: Message, turn: Turn) -> str:
        return str(turn.download(message.attachments[0]))

    async with TestClient(bot, raise_errors=False) as client:
        assert await say(client, client.platform.upload("a", b"", TEXT)) == [FAILED]
        ((letter,),) = query(client, "SELECT error FROM dead_letters")
        assert letter.startswith("RuntimeError: turn.download() is awaited")


async def test_attachments_are_remembered_over_a_crash() -> None:
    """The event is in the inbox with them."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message
    async def work(message: Message) -> str:
        if not gate.is_set():
            entered.set()
            await asyncio.get_running_loop().create_future()
        (file,) = message.attachments
        return f"{file.ref} {file.name} {file.media_type} {file.size}"

    async with TestClient(bot) as client:
        event = client.user("alice").event("hi")
        sent = client.platform.upload("a", b"xyz", TEXT)
        event = replace(event, message=replace(event.message, attachments=(sent,)))
        await client.deliver_all([event])
        await entered.wait()
        await client.crash()
        gate.set()
        await client.start()
        await until(lambda: client.platform.delivered)
        assert client.platform.delivered[0].text == "file-1 a text/plain 3"
