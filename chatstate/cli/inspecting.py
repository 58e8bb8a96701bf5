"""`chatstate inspect`: what a bot answers to, what it remembers, and what happens by itself.

1. The bot is loaded, and nothing is run: no store is opened, no platform asked.
2. What a person may see is told as the bot's menus tell it; beside it is which function that is,
   which states it has, and where it stands.
3. What the framework itself answers is left out, where an author has nothing to do with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
import typer
from rich.cells import cell_len, set_cell_size

from chatstate.bot.egress import EgressGuard, guards_of
from chatstate.bot.interface import Interface
from chatstate.bot.route import Route
from chatstate.bot.schedules import Schedule
from chatstate.cli.loading import load_bot
from chatstate.cli.settings import variable
from chatstate.signature import first_line, where
from chatstate.state.bound import BoundState
from chatstate.text import escaped, one_line

_GAP = 2
_OURS = "chatstate."
_MODULE = re.compile(r"\b[a-z_]\w*\.(?=\w)")


class Handled(msgspec.Struct, frozen=True):
    """A handler: what it answers to, which function it is, its states by name, what it does."""

    event: str
    function: str
    states: Sequence[str]
    description: str


class Remembered(msgspec.Struct, frozen=True):
    """A state: its scope and type, and what else is said of it."""

    name: str
    scope: str
    type: str
    options: str


class Inspected(msgspec.Struct, frozen=True):
    """What there is to know of a bot before it runs."""

    bot: str
    description: str
    commands: Sequence[Handled]
    handlers: Sequence[Handled]
    states: Sequence[Remembered]
    timers: Sequence[Handled]
    schedules: Sequence[Handled]
    egress: Sequence[Handled]


def inspect(
    bot: Annotated[
        str,
        typer.Argument(
            help="A name, bot.py, bot.py:name or package.module:name", envvar=variable("bot")
        ),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for a program.")] = False,
) -> None:
    """Show a bot's commands, handlers, states, timers, schedules and guards, without running it."""
    found = inspected(load_bot(bot))
    if as_json:
        typer.echo(escaped(msgspec.json.encode(found).decode()))
        return
    typer.echo(one_line(f"{found.bot}: {found.description}" if found.description else found.bot))
    _print("commands", [_row(handled) for handled in found.commands])
    _print("handlers", [_row(handled) for handled in found.handlers])
    _print("states", [list(msgspec.structs.astuple(state)) for state in found.states])
    _print("timers", [_row(handled) for handled in found.timers])
    _print("schedules", [_row(handled) for handled in found.schedules])
    _print("egress", [_row(handled) for handled in found.egress])


def inspected(bot: Interface) -> Inspected:
    """Return what is registered with a bot."""
    routes = [route for route in bot.routes if not route.is_own]
    commands = [route for route in routes if route.handler.command is not None]
    timers = [route for route in bot.routes.timers.values() if route.schedule is None]
    schedules = [route for route in bot.routes.timers.values() if route.schedule]
    named = {*commands, *timers, *schedules}
    return Inspected(
        bot.id,
        bot.description or "",
        [_handled(route, route.handler.usage) for route in commands],
        [_handled(route, route.name) for route in routes if route not in named],
        [_remembered(state) for state in bot.states if not state.name.startswith(_OURS)],
        [_handled(route, _call(route)) for route in timers],
        [_handled(route, _every(route.schedule)) for route in schedules if route.schedule],
        [_guarding(guard) for guard in guards_of(bot.parts)],
    )


def _guarding(guard: EgressGuard) -> Handled:
    fn = guard.function.fn
    sees = "what leaves, and previews" if guard.previews else "what leaves"
    return Handled(sees, where(fn), (), first_line(fn))


def _handled(route: Route, event: str) -> Handled:
    handler = route.handler
    states = [slot.state.name for slot in handler.slots if not slot.state.name.startswith(_OURS)]
    return Handled(event, where(handler.author_fn), states, handler.description)


def _call(route: Route) -> str:
    return f"{route.handler.fn.__name__}({', '.join(datum.name for datum in route.handler.data)})"


def _every(schedule: Schedule) -> str:
    if isinstance(schedule.every, str):
        return f"{schedule.every} {schedule.zone}"
    return f"each {schedule.every:g} s"


def _remembered(state: BoundState) -> Remembered:
    named = state.type.__name__ if isinstance(state.type, type) else str(state.type)
    kind = _MODULE.sub("", named)  # "dict[str, shop.Order]"
    return Remembered(state.name, state.scope, kind, str(state.lifecycle).lstrip(", "))


def _row(handled: Handled) -> list[str]:
    states = f"[{', '.join(handled.states)}]" if handled.states else ""
    return [handled.event, handled.function, states, handled.description]


def _print(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows below a title, in columns; nothing if there are none."""
    if not rows:
        return
    typer.echo(f"\n{title}")
    told = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*told, strict=True)]
    for row in told:
        typer.echo(("  " + _joined(row, widths)).rstrip())


def _joined(row: Iterable[str], widths: Iterable[int]) -> str:
    cells = (set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True) if width)
    return (" " * _GAP).join(cells)
