"""`chatstate simulate`: let people talk to a bot that is in trouble, and see what is wrong with it.

1. It needs no platform and no store: all happens in memory, and follows from the seeds.
2. What is found is written as a transcript, which `pytest` and `chatstate replay` play. Status 1.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from chatstate.cli.loading import load_bot, load_module
from chatstate.cli.settings import variable
from chatstate.errors import LoadError
from chatstate.text import visible


def simulate(
    bot: Annotated[
        str,
        typer.Argument(
            help="A name, bot.py, bot.py:name or package.module:name", envvar=variable("bot")
        ),
    ],
    *,
    seed: Annotated[int, typer.Option(help="What all follows from; the first of them.")] = 0,
    runs: Annotated[int, typer.Option(min=1, help="With so many seeds, one after the other.")] = 10,
    people: Annotated[int, typer.Option(min=1, help="How many people talk.")] = 3,
    steps: Annotated[int, typer.Option(min=1, help="How many things they do.")] = 100,
    invariant: Annotated[
        list[str] | None,
        typer.Option(help="checks.py:NAME, a function of `states` or `client`; repeatable."),
    ] = None,
    reset: Annotated[
        str | None, typer.Option(help="checks.py:NAME, which empties what is outside of the bot.")
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="What is outside tells people of each other.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where to write what is found; default: BOT-SEED.chat.")
    ] = None,
) -> None:
    """Let people talk to a bot that is killed, repeated, refused, and lost; tell what is wrong.

    Without trouble the bot must do the same. What is found is told by the shortest transcript.
    """
    from chatstate.testing.simulation import SimulationError
    from chatstate.testing.simulation import simulate as run

    made = load_bot(bot)
    options: dict[str, Any] = {
        "people": people,
        "steps": steps,
        "invariants": [_function(spec) for spec in invariant or ()],
        "reset": _function(reset) if reset else _nothing,
        "shared": shared,
        "load": lambda: load_bot(bot),
    }
    for number in range(seed, seed + runs):
        try:
            run(made, seed=number, tell=partial(_tell, number), **options)
        except SimulationError as error:
            path = out or Path(f"{made.id}-{number}.chat")
            path.write_text(error.transcript, encoding="utf-8")
            typer.echo(visible(f"{error}\nwritten to {path}"))
            raise typer.Exit(1) from None
        typer.echo(f"seed {number}: nothing is wrong")


def _tell(seed: int, told: str) -> None:
    """Say what is wrong, before what shows it is shortened: that may take minutes."""
    typer.echo(
        visible(f"seed {seed}: {told}\nseed {seed}: looking for the shortest that shows it ..."),
        err=True,
    )


def _nothing() -> None:
    """Empty nothing."""


def _function(spec: str) -> Any:
    """Return a function by its file or module, and its name. Raises `LoadError`."""
    target, colon, name = spec.rpartition(":")
    found = getattr(load_module(target, spec), name, None) if colon else None
    if not callable(found):
        raise LoadError(f"{spec!r} is no function; name one as in checks.py:nobody_pays_twice")
    return found
