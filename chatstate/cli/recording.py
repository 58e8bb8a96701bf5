"""`chatstate record`: talk with a bot, and have that written down as a transcript.

1. The bot runs on a store of its own, in memory, which nobody sees again.
2. What it answers in the transcript is what it answers when that is played: the two must agree, or
   the transcript could not be a test.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chatstate.cli.accounts import load_adapters
from chatstate.cli.loading import load_bot
from chatstate.errors import LoadError
from chatstate.text import one_line

if TYPE_CHECKING:
    from chatstate.testing.transcripts.recording import Recorder


def refuse_to_overwrite(transcript: Path) -> None:
    """Raise `LoadError` if there is such a file: it may be somebody's test."""
    if transcript.exists():
        raise LoadError(f"{transcript} is there already; remove it, or give another name")
    if transcript.suffix != ".chat":
        raise LoadError(f"{transcript}: pytest plays files that end with .chat")


def recorder(on: str, options: Mapping[str, object]) -> Recorder:
    """Return what listens to an adapter, by its name. Raises as `load_adapters` does."""
    from chatstate.testing.transcripts.recording import Recorder

    (adapter,) = load_adapters([on], options)
    return Recorder(adapter)


def written(recorder: Recorder, transcript: Path, bot: str) -> str:
    """Write what was said, and what the bot answers to it; return what to tell of that."""
    from chatstate.testing.transcripts import check

    file, colon, name = bot.partition(":")
    beside = f"{os.path.relpath(file, transcript.parent)}{colon}{name}"
    lines = recorder.lines(beside if Path(file).is_file() else bot)
    transcript.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    outcome = check(transcript, load_bot(bot), lambda: load_bot(bot))
    transcript.write_text(outcome.text, encoding="utf-8")
    told = [f"written to {transcript}", *outcome.problems]
    return "\n".join(one_line(line) for line in told)
