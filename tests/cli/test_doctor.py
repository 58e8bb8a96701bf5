"""`chatstate doctor`: whether all is well, and what to do about what is not."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from servers.telegram_server import TelegramServer
from support import call

from chatstate import Interface, PerUser, Ref, Turn
from chatstate.cli import doctor_store
from chatstate.testing import TestClient

BOT = """\
from chatstate import Interface, PerUser, Ref

bot = Interface(id="well")

@bot.on_message
def said(text: str, count: PerUser[Ref[int]]) -> None: ...
"""


class Told(NamedTuple):
    """How the command ended, and what it has printed."""

    status: int
    text: str


Doctor = Callable[..., Told]


@pytest.fixture
def doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Doctor:
    """Return what looks at the bot `well_bot.py`, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("CHATSTATE_TELEGRAM_TOKEN", raising=False)
    (tmp_path / "well_bot.py").write_text(BOT)

    def look(*args: str) -> Told:
        status = call(monkeypatch, "doctor", *args)
        return Told(status, capsys.readouterr().out)

    return look


@pytest.fixture
async def telegram(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        monkeypatch.setenv("CHATSTATE_TELEGRAM_API", server.base_url)
        yield server


async def kept(path: Path, bot: Interface) -> None:
    """Let a bot keep something in the store at a path."""
    async with TestClient(bot, store=f"sqlite:///{path}", raise_errors=False) as client:
        await client.user("alice").say("hi")


async def test_a_bot_that_is_well(
    doctor: Doctor,
    telegram: TelegramServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each part is told of, and the status is 0; nothing is made."""
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN", telegram.token)
    told = await asyncio.to_thread(doctor, "well_bot.py", "--on", "telegram", "--on", "console")
    assert told.status == 0
    assert "failed" not in told.text
    for part in ("versions", "bot well", "database", "disk", "telegram: token", "console: "):
        assert f"ok      {part}" in told.text
    assert [path for path in os.listdir(tmp_path) if path.endswith(".db")] == []  # noqa: PTH208 - quick


async def test_a_token_that_is_wrong_fails(
    doctor: Doctor, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do about it, and the status 1; the token itself is not shown."""
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN", "1:secret")
    told = await asyncio.to_thread(doctor, "well_bot.py", "--on", "telegram")
    assert told.status == 1
    assert "failed  telegram: token is refused by Telegram" in told.text
    assert "→ put the one that @BotFather gives into CHATSTATE_TELEGRAM_TOKEN" in told.text
    assert "1:secret" not in told.text


def test_a_token_that_is_missing_fails(doctor: Doctor) -> None:
    """What else there is, is looked at all the same."""
    told = doctor("well_bot.py", "--on", "telegram", "--on", "console")
    assert told.status == 1
    assert "failed  telegram: settings do not suffice: Telegram needs a token" in told.text
    assert "ok      console: " in told.text


def test_a_bot_that_cannot_be_loaded_fails(doctor: Doctor) -> None:
    """That is told as `run` would, with the status 1."""
    Path("broken.py").write_text("def f(:")
    told = doctor("broken.py")
    assert told.status == 1
    assert "failed  bot broken.py cannot be loaded: invalid syntax" in told.text


def test_no_bot_is_a_warning(doctor: Doctor) -> None:
    """What needs none is looked at."""
    told = doctor()
    assert told.status == 0
    assert "warning bot none is named" in told.text


async def test_state_that_nobody_reads_and_dead_letters_are_warnings(
    doctor: Doctor, tmp_path: Path
) -> None:
    """The bot runs all the same, so the status is 0."""
    before = Interface(id="well")

    @before.on_message
    def said(text: str, visits: PerUser[Ref[int]]) -> None:
        visits.value += 1

    await kept(tmp_path / "well.db", before)
    after = Interface(id="well")

    @after.on_message
    def fails(text: str) -> None:
        raise ValueError(text)

    await kept(tmp_path / "well.db", after)
    told = await asyncio.to_thread(doctor, "well_bot.py")
    assert told.status == 0
    assert "warning state user state 'visits' is stored, and nobody declares it" in told.text
    assert "warning dead letters are 1" in told.text
    assert "ok      processes that run it now: none" in told.text
    assert "ok      database" in told.text
    assert "ok      schema" in told.text


@pytest.mark.parametrize(("free", "level"), [(10 << 20, "failed "), (500 << 20, "warning")])
def test_a_disk_that_is_full(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    """It is a warning before it is too late."""
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    assert f"{level} disk has 0." in doctor("well_bot.py").text


def test_settings_that_others_can_read_are_a_warning(doctor: Doctor) -> None:
    """Tokens stand there."""
    Path(".env").write_text("X=1\n")
    Path(".env").chmod(0o644)
    assert "warning .env can be read by others" in doctor("well_bot.py").text
    Path(".env").chmod(0o600)
    assert "ok      .env is read" in doctor("well_bot.py").text


def test_a_store_that_cannot_be_reached_fails_alone(doctor: Doctor) -> None:
    """It is told once, and what comes after it is looked at; one in memory is a warning."""
    told = doctor("well_bot.py", "--store", "postgresql://me:secret@127.0.0.1:1/none")
    assert (told.status, told.text.count("\nfailed ")) == (1, 1)
    assert "secret" not in told.text
    assert "ok      console: libraries prompt-toolkit" in told.text
    told = doctor("well_bot.py", "--store", ":memory:")
    assert (told.status, told.text.count("warning database is kept in memory alone")) == (0, 1)


# A bot that runs


class Answer(BaseHTTPRequestHandler):
    """Answers as `/ready` does of a bot whose lane stands still."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status":"degraded","reasons":["an event waits for 73 s; look at it"]}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_bot_that_runs_is_asked(doctor: Doctor) -> None:
    """What it says of itself is told, with what to do."""
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        told = doctor("well_bot.py", "--health", f"127.0.0.1:{server.server_address[1]}")
        thread.join()
    assert told.status == 0
    assert "warning health degraded: an event waits for 73 s\n        → look at it" in told.text


def test_a_bot_that_does_not_answer_fails(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its event loop is blocked, or it is frozen: it may listen all the same."""
    monkeypatch.setattr("chatstate.cli.doctor._ANSWERS_WITHIN", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        told = doctor("well_bot.py", "--health", f"127.0.0.1:{listening.getsockname()[1]}")
    assert told.status == 1
    assert "failed  health is not told at 127.0.0.1:" in told.text
    assert "code blocks its event loop, which its log names: end the process" in told.text


def test_where_nothing_runs_it_is_said_in_plain_words(doctor: Doctor) -> None:
    """Nothing listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
    told = doctor("well_bot.py", "--health", address)
    assert f"health is not told at {address}: [Errno 111] Connection refused\n" in told.text


class Runs(NamedTuple):
    """A bot that runs on the store `path`, in this process: what `doctor` tells of it."""

    look: Callable[[], Awaitable[Told]]
    path: Path
    client: TestClient

    def set(self, statement: str, *values: object) -> None:
        """Change something in its store."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement, values)


@pytest.fixture
async def runs(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runs]:
    monkeypatch.setattr("chatstate.stores.sqlite.examining._PATIENCE", 0.05)
    bot = Interface(id="well")

    @bot.on_message
    async def said(text: str, turn: Turn, count: PerUser[Ref[int]]) -> None:
        turn.later(timedelta(days=1), remind)
        if text == "hang":
            await asyncio.Event().wait()

    @bot.on_timer
    def remind() -> None: ...

    path = tmp_path / "well.db"
    async with TestClient(bot, store=f"sqlite:///{path}", grace=0.1) as client:
        yield Runs(lambda: asyncio.to_thread(doctor, "well_bot.py"), path, client)
        client._require_open().request_stop()


async def test_a_bot_that_runs_and_is_well(runs: Runs) -> None:
    """Nothing is told but who runs it."""
    told = await runs.look()
    assert "failed" not in told.text
    assert "warning" not in told.text
    assert f"ok      processes that run it now: {os.getpid()}@" in told.text
    assert "ok      schema is that of chatstate " in told.text


async def test_an_event_that_waits_for_long(runs: Runs) -> None:
    """Where to look is told, and how often the process has crashed at it."""
    await runs.client.deliver_all([runs.client.user("ann").event("hang")])
    runs.set("UPDATE inbox SET arrived_at = unixepoch() - 100, crashes = 2")
    told = await runs.look()
    assert "warning inbox an event waits for 10" in told.text
    assert "→ chatstate state list --shelf running" in told.text
    assert "warning event 1 was at its turn when the process crashed, 2 times" in told.text


async def test_a_database_that_another_program_has_locked(runs: Runs) -> None:
    """How to find out which."""
    with contextlib.closing(sqlite3.connect(runs.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = await runs.look()
    assert told.status == 1
    assert "well.db is locked by another program" in told.text
    assert "→ see who has it open (fuser -v " in told.text


async def test_a_process_that_was_stopped(runs: Runs) -> None:
    """SIGSTOP, or the terminal that it runs in: it holds the store, and does nothing."""
    with subprocess.Popen(["sleep", "60"]) as stopped:  # noqa: ASYNC220 - it does nothing
        stopped.send_signal(signal.SIGSTOP)
        runs.set("UPDATE runs SET pid = ?", stopped.pid)
        while not doctor_store._is_stopped(stopped.pid):
            await asyncio.sleep(0)
        told = await runs.look()
        stopped.kill()
    assert told.status == 1
    assert "is stopped, and does nothing" in told.text
    assert f"→ kill -CONT {stopped.pid}, or end it" in told.text


async def test_a_process_that_runs_older_code(runs: Runs, tmp_path: Path) -> None:
    """Another chatstate, or a file that was changed since it began."""
    later = time.time() + 3600
    os.utime(tmp_path / "well_bot.py", (later, later))
    runs.set("UPDATE runs SET engine = '0.0.1'")
    told = await runs.look()
    assert f"{os.getpid()}@{socket.gethostname()} is of another deploy: it has chatstate 0.0.1" in (
        told.text
    )
    assert " began before " in told.text
    assert "→ it runs older code: restart it" in told.text


async def test_timers_that_nobody_hears(runs: Runs) -> None:
    """How many, and for which handler."""
    for name in ("ann", "bob"):
        await runs.client.user(name).say("hi")
    told = await runs.look()
    assert "warning timers 2 are set for remind(), and the bot has no such handler" in told.text


async def test_what_waits_where_no_bot_runs(runs: Runs) -> None:
    """It is a warning: nobody handles it."""
    await runs.client.deliver_all([runs.client.user("ann").event("hang")])
    await runs.client.crash()
    told = await runs.look()
    assert "warning processes none runs it: 1 events wait, and 0 replies are owed" in told.text
    await runs.client.start()
