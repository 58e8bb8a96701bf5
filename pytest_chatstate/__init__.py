"""chatstate for pytest: the fixtures `chat_bot` and `chat_client`, and `*.chat` files as tests.

It is no part of `chatstate`, since pytest imports it in each run of each project that has chatstate
installed: `fixtures` and `files` import chatstate only once a test needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from pytest_chatstate.files import ChatFile
from pytest_chatstate.fixtures import chat_bot, chat_client

__all__ = ["chat_bot", "chat_client", "pytest_addoption", "pytest_collect_file"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--chat-update`, and the setting `chatstate_bot`."""
    group = parser.getgroup("chatstate")
    group.addoption(
        "--chat-update",
        action="store_true",
        help="write into *.chat files what the bot answers now",
    )
    parser.addini("chatstate_bot", "the bot of tests: a name, bot.py, bot.py:name or module:name")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ChatFile | None:
    """Collect a transcript."""
    if file_path.suffix != ".chat":
        return None
    file: ChatFile = cast("Any", ChatFile).from_parent(parent, path=file_path)
    return file
