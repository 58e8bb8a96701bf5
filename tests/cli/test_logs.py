"""The log of a process that runs a bot: in which form, of which turn, and what it never holds."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from chatstate import Interface
from chatstate.cli.logs import Log, log_to_stderr
from chatstate.testing import TestClient

WORDS = "a word of alice's"
bot = Interface(id="bot")


@bot.on_message
def fail(text: str) -> str:
    logging.getLogger("mine").warning("at work")
    structlog.get_logger("mine").warning("also", price=3)
    raise ValueError(text)


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Return the root logger as a new process has it."""
    logger = logging.getLogger()
    level = logger.level
    yield logger
    logger.handlers = []
    logger.setLevel(level)
    structlog.reset_defaults()


def begin(log_format: Any, **options: Any) -> Log:
    """Let the log go to stderr, and to nothing of pytest's."""
    logging.getLogger().handlers = []
    return log_to_stderr("warning", log_format, **options)


async def fails(**options: Any) -> None:
    """Let a turn fail, in a bot whose log goes to stderr."""
    async with TestClient(bot, raise_errors=False) as client:
        log = begin(**options)
        log.adapter = client._require_open().name_of
        await client.user("alice", chat="-100777").say(WORDS)


@pytest.mark.usefixtures("root")
async def test_each_record_tells_of_its_turn(capsys: pytest.CaptureFixture[str]) -> None:
    """Conversation and adapter too; what authors log themselves, in either way, likewise."""
    await fails(log_format="auto")
    records = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [record["logger"] for record in records] == ["mine", "mine", "chatstate.turns"]
    for record in records:
        assert (record["turn"], record["conversation"], record["adapter"]) == (1, 1, "test:bot")
        assert record["level"] in ("warning", "error")
        assert record["time"].endswith("Z")
    assert (records[1]["message"], records[1]["price"]) == ("also", 3)


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.usefixtures("root")
async def test_what_was_said_is_in_no_log_unless_asked(
    log_format: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor who said it, nor what was raised with it; its type and its places are."""
    await fails(log_format=log_format)
    told = capsys.readouterr().err
    assert "fail() in " in told
    assert "raised ValueError, answering a message" in told
    assert "raise ValueError(text)" in told
    for word in (WORDS, "alice", "-100777"):
        assert word not in told


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.usefixtures("root")
async def test_what_was_said_is_told_if_asked(
    log_format: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """By whom, too, and with what was raised."""
    await fails(log_format=log_format, texts=True)
    told = capsys.readouterr().err.replace('\\"', '"')
    assert f'raised ValueError, answering "{WORDS}" of alice' in told
    assert f"ValueError: {WORDS}" in told


@pytest.mark.usefixtures("root")
def test_at_a_terminal_a_log_is_for_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It holds what is said: whoever sits there is asked by nobody else."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    begin("auto")
    logging.getLogger("mine").warning("at %s", "work", extra={"turn": 7, "account": 2})
    assert capsys.readouterr().err == "WARNING mine: at work  [turn=7 adapter=2]\n"


@pytest.mark.usefixtures("root")
def test_causes_are_told_by_their_types(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its places; a group with its parts."""
    begin("text")
    try:
        try:
            raise KeyError(WORDS)
        except KeyError as error:
            raise ExceptionGroup(WORDS, [OSError(WORDS)]) from error
    except ExceptionGroup:
        logging.getLogger("mine").exception("failed")
    told = capsys.readouterr().err
    assert WORDS not in told
    lines = [line.strip() for line in told.splitlines()]
    assert [line for line in lines if line.endswith(("Error", "Group"))] == [
        "KeyError",
        "ExceptionGroup",
        "OSError",
    ]
