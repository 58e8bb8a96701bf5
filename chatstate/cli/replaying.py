"""`chatstate replay`: whether a bot still does what it did in conversations that were written down.

1. Each transcript is played to the bot of today, in memory: no store and no platform is touched.
2. What differs is shown: in answers and, where a transcript tells it, in what is stored. Status 1.
3. What stands last is the bot, unless it is a transcript or a folder: then it is the project's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from chatstate.cli.loading import load_bot
from chatstate.cli.settings import variable
from chatstate.errors import LoadError
from chatstate.text import visible


def replay(
    transcripts: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRANSCRIPTS... [BOT]",
            help="*.chat files, or folders of them; then a name, bot.py, bot.py:name or "
            f"package.module:name. Without that it is the bot of {variable('bot')}.",
        ),
    ],
) -> None:
    """Play transcripts to a bot, and show what it does otherwise, before it is deployed."""
    from chatstate.testing.transcripts import check

    played, bot = _told_apart(transcripts)
    made, paths = load_bot(bot), list(_files(played))
    outcomes = [check(path, made, lambda: load_bot(bot)) for path in paths]
    different = [outcome for outcome in outcomes if not outcome.is_as_expected]
    for outcome in different:
        typer.echo(f"{visible(outcome.difference())}\n")
    typer.echo(f"{len(paths) - len(different)} of {len(paths)} are as they were")
    if different:
        raise typer.Exit(1)


def _told_apart(words: Sequence[Path]) -> tuple[Sequence[Path], str]:
    """Return which are transcripts, and the bot. Raises `LoadError` if one of them is not told."""
    *before, last = words
    is_bot = last.suffix != ".chat" and not last.is_dir()
    transcripts, bot = (before, str(last)) if is_bot else (words, os.environ.get(variable("bot")))
    if not transcripts:
        raise LoadError(f"{last} is no transcript; name *.chat files, or folders of them")
    if not bot:
        raise LoadError("which bot? Name it behind the transcripts, as in bot.py")
    return transcripts, bot


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the transcripts that are meant. Raises `LoadError` if there are none."""
    for path in paths:
        found = sorted(path.rglob("*.chat")) if path.is_dir() else [path]
        if not found:
            raise LoadError(f"{path} has no *.chat files")
        yield from found
