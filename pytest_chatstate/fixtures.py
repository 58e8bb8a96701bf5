"""The fixtures: a client of the bot under test, for async tests and for others.

1. An async test's client is opened in the test's own loop, whichever plugin runs that.
2. Another test's client has the same verbs, which return once they are done.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from chatstate import Interface


@pytest.fixture(scope="module")
def chat_bot(request: pytest.FixtureRequest) -> Interface:
    """Return the bot under test: that of the setting `chatstate_bot`, else the nearest `bot.py`.

    Write a fixture of this name for another one. It may return a function that makes the bot: then
    a restart has it made anew.
    """
    from chatstate.cli.loading import load_bot

    return load_bot(bot_near(request.path.parent, request.config))


@pytest.fixture
def chat_client(request: pytest.FixtureRequest, chat_bot: Any) -> Generator[Any]:
    """Give a `chatstate.testing.TestClient` of the bot under test, open while the test runs.

    In a test that is not async its verbs are called without `await`.
    """
    from chatstate.testing import TestClient

    client = TestClient(chat_bot)
    test = request.node
    if inspect.iscoroutinefunction(test.obj):
        test.obj = _within(client, test.obj)
        yield client
    else:
        with asyncio.Runner() as runner:
            runner.run(client.__aenter__())
            yield Synchronous(client, runner)
            runner.run(client.__aexit__(None, None, None))


def bot_near(folder: Path, config: pytest.Config) -> str:
    """Return which bot is under test for tests in a folder. Raises `UsageError` if none is."""
    if told := config.getini("chatstate_bot"):
        file, colon, name = str(told).partition(":")
        path = config.rootpath / file
        return f"{path}{colon}{name}" if path.is_file() else str(told)
    above = [folder, *folder.parents]
    for candidate in above[: above.index(config.rootpath) + 1 if config.rootpath in above else 1]:
        if (candidate / "bot.py").is_file():
            return str(candidate / "bot.py")
    raise pytest.UsageError(
        f"there is no bot.py in {folder} or above: set chatstate_bot in the settings of pytest, "
        "or write a fixture chat_bot"
    )


def _within(client: Any, test: Callable[..., Any]) -> Callable[..., Any]:
    """Return a test that runs while a client is open."""

    @functools.wraps(test)
    async def run(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        async with client:
            await test(*args, **kwargs)

    return run


class Synchronous:
    """Has the verbs of something asynchronous: each returns once it is done."""

    def __init__(self, held: Any, runner: asyncio.Runner) -> None:
        self._held = held
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        """Return an attribute; of a function, one that waits for what it is to do."""
        value = getattr(self._held, name)
        if not inspect.ismethod(value):
            return value

        @functools.wraps(value)
        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            done = value(*args, **kwargs)
            if inspect.iscoroutine(done):
                return self._runner.run(done)
            return Synchronous(done, self._runner) if hasattr(done, "say") else done

        return call
