"""The options of adapters on the command line: `chatstate run` has those of the adapters it runs.

1. What they are, what they take and what they are otherwise is the adapters' to say: `--help`
   lists those of every installed adapter, made from their Structs.
2. Else only the adapters that `--on` names are loaded: a console needs no platform's library.
3. One option of several adapters is given to each of them.
4. Where the command line has an option of that name itself, an adapter's is `--set NAME=VALUE`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from itertools import pairwise
from typing import Annotated, Any

import typer
from rich.markup import escape

from chatstate.adapter import OptionField
from chatstate.adapter.installing import ADAPTERS
from chatstate.cli.accounts import options_of, wanted_account
from chatstate.cli.installed import names
from chatstate.cli.settings import adapters_set
from chatstate.errors import LoadError

DEFAULT_ADAPTER = "console"
Offered = Mapping[str, Sequence[tuple[str, OptionField]]]
"""For each option's name, the adapters that have it, and what they say of it."""


def wanted(arguments: Sequence[str]) -> list[str]:
    """Return the adapters that a command line names, else the settings, each once."""
    follows = [value for on, value in pairwise(arguments) if on == "--on"]
    joined = [word.removeprefix("--on=") for word in arguments if word.startswith("--on=")]
    named = [*follows, *joined] or adapters_set()
    every = [wanted_account(text).adapter for text in named]
    return list(dict.fromkeys(every)) or [DEFAULT_ADAPTER]


def with_options(command: Callable[..., None], adapters: Sequence[str]) -> Callable[..., None]:
    """Return a command that takes `**options`, with those of the adapters in its signature."""
    own = inspect.signature(command, eval_str=True)
    kept = [given for given in own.parameters.values() if given.kind is not given.VAR_KEYWORD]
    offered = _offered(adapters)
    taken = {parameter.name for parameter in kept}
    more = [_parameter(name, has) for name, has in offered.items() if name not in taken]

    @wraps(command)
    def run(**given: Any) -> None:
        command(**given)

    every = [*kept, *more]
    run.__signature__ = own.replace(parameters=every)  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess] - read by `inspect`
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
    return run


def elsewhere(command: Callable[..., None], arguments: Sequence[str]) -> str | None:
    """Return which other adapters have an option that was given; None if none has.

    They are loaded only if something was given that neither `command` nor its adapters have.
    """
    adapters = wanted(arguments)
    given = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    own = {_flag(name.strip("_")) for name in inspect.signature(command).parameters}
    known = own | {flag for _, option in _each(adapters) for flag in _flags(option)}
    others = [name for name in names(ADAPTERS) if name not in adapters]
    for flag in sorted(given - known):
        if has := [name for name, option in _each(others) if flag in _flags(option)]:
            return f"{flag} is no option of {', '.join(adapters)}; it is one of --on {has[0]}"
    return None


def unavailable() -> list[str]:
    """Return why the options of some installed adapters cannot be told."""
    told: list[str] = []
    for name in names(ADAPTERS):
        try:
            options_of(name)
        except LoadError as error:
            told.append(str(error))
    return told


def _each(adapters: Iterable[str]) -> Iterable[tuple[str, OptionField]]:
    """Yield each option with its adapter. What cannot be loaded has none; who runs it is told."""
    for name in adapters:
        try:
            options = options_of(name)
        except LoadError:
            continue
        yield from ((name, option) for option in options)


def _offered(adapters: Sequence[str]) -> Offered:
    offered: dict[str, list[tuple[str, OptionField]]] = {}
    for name, option in _each(adapters):
        offered.setdefault(option.name, []).append((name, option))
    return offered


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _flags(option: OptionField) -> list[str]:
    return [option.flag, _flag(f"no_{option.name}")] if option.is_flag else [option.flag]


def _parameter(name: str, has: Sequence[tuple[str, OptionField]]) -> inspect.Parameter:
    options = [option for _, option in has]
    is_flag = all(option.is_flag for option in options)
    told = typer.Option(
        "/".join(_flags(options[0])) if is_flag else options[0].flag,
        help=escape(_help(has)),
        rich_help_panel=f"Options of {', '.join(adapter for adapter, _ in has)}",
    )
    kind: Any = Annotated[bool | None if is_flag else str | None, told]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _help(has: Sequence[tuple[str, OptionField]]) -> str:
    descriptions = {option.description: adapter for adapter, option in has}
    if len(descriptions) > 1:
        told = " ".join(f"{adapter}: {text}" for text, adapter in descriptions.items())
    else:
        told = next(iter(descriptions))
    notes = [
        *("" if option.is_flag else option.takes for _, option in has),
        *(option.default and f"default {option.default}" for _, option in has),
        ", ".join(option.variable for _, option in has if option.variable),
    ]
    shown = [note for note in dict.fromkeys(notes) if note and not note.startswith("a text")]
    behind = f"({'; '.join(shown)})" if shown else ""
    return f"{told} {behind}".strip().replace("[", "\\[")  # which would be markup
