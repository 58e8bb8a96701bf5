"""`chatstate doctor`: whether all is well, and what to do about what is not."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from servers.telegram_server import TelegramServer
from support import call

from chatstate import Interface, PerUser, Ref
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
