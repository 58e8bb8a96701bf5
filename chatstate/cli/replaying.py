"""`chatstate replay`: whether a bot still does what it did in conversations that were written down.

1. Each transcript is played to the bot of today, in memory: no store and no platform is touched.
2. What differs is shown: in answers and, where a transcript tells it, in what is stored. Status 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from chatstate.cli.loading import load_bot
from chatstate.errors import LoadError
from chatstate.text import visible


def replay(
    transcripts: Annotated[list[Path], typer.Argument(help="*.chat files, or folders of them.")],
    bot: Annotated[str, typer.Argument(help="A name, bot.py, bot.py:name or package.module:name")],
) -> None:
    """Play transcripts to a bot, and show what it does otherwise, before it is deployed."""
    from chatstate.testing.transcripts import check

    made, paths = load_bot(bot), list(_files(transcripts))
    outcomes = [check(path, made, lambda: load_bot(bot)) for path in paths]
    different = [outcome for outcome in outcomes if not outcome.is_as_expected]
    for outcome in different:
        typer.echo(f"{visible(outcome.difference())}\n")
    typer.echo(f"{len(paths) - len(different)} of {len(paths)} are as they were")
    if different:
        raise typer.Exit(1)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the transcripts that are meant. Raises `LoadError` if there are none."""
    for path in paths:
        found = sorted(path.rglob("*.chat")) if path.is_dir() else [path]
        if not found:
            raise LoadError(f"{path} has no *.chat files")
        yield from found
