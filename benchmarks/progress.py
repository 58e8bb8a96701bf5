"""A bar that tells how far a run is: on standard error, and only at a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Told = Callable[[str], None]


@contextlib.contextmanager
def progress(what: str, steps: int) -> Generator[Told]:
    """Yield what is told of each of so many steps when it begins."""
    console = Console(stderr=True)
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=steps, completed=-1)

        def told(name: str) -> None:
            bar.update(task, description=name, advance=1)

        yield told
