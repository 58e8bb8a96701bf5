"""`*.chat` files as tests: each is one, and fails with the difference to what the bot did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest


class ChatFile(pytest.File):
    """A transcript, as a file that holds one test."""

    def collect(self) -> Iterator[Chat]:
        """Yield its test."""
        yield cast("Any", Chat).from_parent(self, name=self.path.stem)


class Chat(pytest.Item):
    """A transcript, as a test."""

    def runtest(self) -> None:
        """Play it to the bot. With `--chat-update` it is written anew if the bot did otherwise."""
        from chatstate.cli.loading import load_bot
        from chatstate.testing.transcripts import bot_of, check
        from pytest_chatstate.fixtures import bot_near

        spec = bot_of(self.path) or bot_near(self.path.parent, self.config)
        outcome = check(self.path, load_bot(spec), lambda: load_bot(spec))
        if outcome.is_as_expected:
            return
        if self.config.getoption("--chat-update") and not outcome.problems:
            self.path.write_text(outcome.text, encoding="utf-8")
            self.add_report_section("call", "transcript", f"{self.path} was written anew")
            return
        raise OtherwiseError(outcome.difference())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Tell the difference, and no traceback of what has found it."""
        from chatstate import LoadError

        if isinstance(excinfo.value, (OtherwiseError, LoadError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Tell where it is."""
        return self.path, 0, self.path.name


class OtherwiseError(AssertionError):
    """The bot did not do what the transcript says."""
