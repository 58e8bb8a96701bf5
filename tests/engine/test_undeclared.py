"""At start the operator is warned of stored values that nobody reads any more."""

import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from chatstate import ChatInterface, Interface, PerChat, PerUser, Ref, State
from chatstate.testing import FakePlatform, TestClient


def count(visits: PerUser[Ref[int]]) -> str:
    visits.value += 1
    return str(visits.value)


def renamed(visitors: PerUser[Ref[int]]) -> str:
    visitors.value += 1
    return str(visitors.value)


def named(visitors: Annotated[Ref[int], State(scope="user", name="visits")]) -> str:
    visitors.value += 1
    return str(visitors.value)


def wider(visits: PerChat[Ref[int]]) -> str:
    visits.value += 1
    return str(visits.value)


def volatile(visits: Annotated[Ref[int], State(scope="user", durable=False)]) -> str:
    visits.value += 1
    return str(visits.value)


def forgetful(message: str) -> str:
    return message


def bot_of(fn: Callable[..., Any], id: str = "bot") -> Interface:
    bot = Interface(id=id)
    bot.on_message(fn)
    return bot


_numbers = itertools.count()


async def start(
    bot: Interface, folder: Path, caplog: pytest.LogCaptureFixture
) -> tuple[list[str], list[str]]:
    """Return what a bot warns of at start, and what it answers."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, "chatstate.engine"):
        store, platform = f"sqlite:///{folder}/a.db", FakePlatform(account="local")
        async with TestClient(bot, store=store, platform=platform) as client:
            told = [record.getMessage() for record in caplog.records]
            replies = await client.user("alice").say("hi", event_id=f"{next(_numbers)}")
            return told, [reply.text for reply in replies]


async def test_a_state_that_was_renamed_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With its old name, what it may be now, and what to write; which is right."""
    assert await start(bot_of(count), tmp_path, caplog) == ([], ["1"])
    (told,), answer = await start(bot_of(renamed), tmp_path, caplog)
    assert answer == ["1"]
    assert told == (
        "user state 'visits' is stored, and nobody declares it any more; if its parameter was "
        "renamed (it might be 'visitors' now), keep the name: State(scope='user', name='visits')"
    )
    (told_again,), _ = await start(bot_of(renamed), tmp_path, caplog)
    assert "it might be" not in told_again
    (other,), answer = await start(bot_of(named), tmp_path, caplog)
    assert "user state 'visitors' is stored" in other
    assert answer == ["2"]


async def test_a_state_of_another_scope_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is stored for each person is not what is declared for each chat."""
    await start(bot_of(count), tmp_path, caplog)
    (told,), answer = await start(bot_of(wider), tmp_path, caplog)
    assert told == (
        "state 'visits' is stored with scope='user' and declared with scope='chat'; what is stored "
        "is kept, and not read: to have it back, declare State(scope='user', name='visits')"
    )
    assert answer == ["1"]


async def test_a_state_that_is_no_longer_durable_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was stored while it was durable is not read."""
    await start(bot_of(count), tmp_path, caplog)
    (told,), answer = await start(bot_of(volatile), tmp_path, caplog)
    assert told.startswith("user state 'visits' is stored, and is kept in memory alone now")
    assert answer == ["1"]


async def test_a_bot_that_was_renamed_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until it has values of its own, or if it has no states."""
    await start(bot_of(count, "old"), tmp_path, caplog)
    assert (await start(bot_of(forgetful, "new"), tmp_path, caplog))[0] == []
    (told,), _ = await start(bot_of(count, "new"), tmp_path, caplog)
    assert told == (
        "nothing is stored for bot 'new', but there is for 'old'; if it was renamed, give it its "
        "id back: Interface(id='old')"
    )
    assert (await start(bot_of(count, "new"), tmp_path, caplog))[0] == []


async def test_what_is_declared_and_what_is_ours_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The framework's own states come and go with what a bot is made of."""

    def chat(message: str, history: list[Any]) -> str:
        return message

    await start(ChatInterface(chat, id="bot"), tmp_path, caplog)
    assert (await start(ChatInterface(chat, id="bot"), tmp_path, caplog))[0] == []
    (told,), _ = await start(bot_of(forgetful), tmp_path, caplog)
    assert told.startswith("member state 'history' is stored, and nobody declares it any more")
