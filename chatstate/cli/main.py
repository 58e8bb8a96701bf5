"""The command line: `chatstate run`, `bots`, `send`, `broadcast` and those that look.

1. What cannot be done is one line on stderr and status 2: a name, an option, a store in use. What
   fails on the way, or is not confirmed, has status 1; so has what is looked for and not found
   (`state diff` that differs, `forget` that is not done yet).
2. stdout is the console's. Logs and refusals go to stderr.
3. The options of adapters are theirs: `run` takes those that they declare.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from chatstate.adapter.installing import ADAPTERS
from chatstate.cli import (
    backups,
    broadcasts,
    completing,
    copying,
    dead_letters,
    doctor,
    forgetting,
    inspecting,
    new,
    recording,
    renaming,
    replaying,
    sends,
    simulating,
    state,
    values,
    workers,
)
from chatstate.cli.adapter_options import (
    DEFAULT_ADAPTER,
    elsewhere,
    unavailable,
    wanted,
    with_options,
)
from chatstate.cli.examples import add_examples, examples
from chatstate.cli.installed import names
from chatstate.cli.loading import BOTS, load_bot
from chatstate.cli.logs import LEVELS, LogFormat
from chatstate.cli.reloading import FLAG, run_again_and_again
from chatstate.cli.running import end, pair, refuse, run_bot
from chatstate.cli.settings import adapters_set, check_tables, fill_in, several, variable
from chatstate.engine.outbox.sender import OnAmbiguous
from chatstate.errors import (
    ChatstateError,
    LoadError,
    StorageError,
    StoreLockedError,
)
from chatstate.text import one_line, visible

app = typer.Typer(
    help="Run chat bots that lose nothing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(dead_letters.app, name="dead")
for module in (values, renaming):
    module.add_to(state.app)
app.add_typer(state.app, name="state")
app.add_typer(broadcasts.app, name="broadcast")
app.add_typer(copying.app, name="store")
app.command()(inspecting.inspect)
app.command()(new.new)
app.command()(replaying.replay)
app.command()(sends.send)
app.command()(simulating.simulate)
app.command()(workers.workers)
app.command()(backups.backup)
app.command()(forgetting.forget)
app.command()(forgetting.export)


@app.callback(invoke_without_command=True)
def _options(
    show_version: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--version", help="Show the version and exit.")
    ] = False,
) -> None:
    if show_version:
        typer.echo(f"chatstate {version('chatstate')}")
        raise typer.Exit


@app.command()
def bots() -> None:
    """List the shipped and installed bots."""
    for name in names(BOTS):
        try:
            description = load_bot(name).description or ""
        except LoadError as error:
            description = f"({error})"
        typer.echo(one_line(f"{name:20} {description}".rstrip()))


def run(
    bot: Annotated[
        str,
        typer.Argument(
            help="A name, bot.py, bot.py:name or package.module:name",
            envvar=variable("bot"),
            autocompletion=completing.bots,
        ),
    ],
    *,
    on: Annotated[
        list[str] | None,
        typer.Option(
            help="An adapter, or ADAPTER:LABEL for one of several accounts; repeatable. "
            f"({variable('on')}: several, with commas between them)",
            autocompletion=completing.adapters,
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="A store URL; default: the file ID.db, by the bot's id.", envvar=variable("store")
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="[LABEL.]NAME=VALUE: an adapter's option by name; repeatable.",
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="Who may use an app that asks for a password: PLATFORM:ID, or everybody; "
            f"repeatable. ({variable('allow')}: several, with commas between them)"
        ),
    ] = None,
    on_ambiguous: Annotated[
        OnAmbiguous,
        typer.Option(
            help="What to do with a reply that may have been sent.", envvar=variable("on_ambiguous")
        ),
    ] = "repeat",
    log_level: Annotated[
        str, typer.Option(help=f"One of {', '.join(LEVELS)}.", envvar=variable("log_level"))
    ] = "warning",
    log_format: Annotated[
        LogFormat,
        typer.Option(
            help="Lines to read, or JSON for a program; auto: lines at a terminal.",
            envvar=variable("log_format"),
        ),
    ] = "auto",
    log_texts: Annotated[
        bool | None,
        typer.Option(
            "--log-texts/--no-log-texts",
            help="Whether the log holds what people say; by default at a terminal.",
            envvar=variable("log_texts"),
            show_default=False,
        ),
    ] = None,
    health: Annotated[
        str | None,
        typer.Option(
            help="HOST:PORT to answer at: /live, and /ready with what is wrong.",
            envvar=variable("health"),
        ),
    ] = None,
    metrics: Annotated[
        bool,
        typer.Option(
            "--metrics", help="Count, for Prometheus: /metrics there.", envvar=variable("metrics")
        ),
    ] = False,
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Make OpenTelemetry's spans.", envvar=variable("trace")),
    ] = False,
    reload: Annotated[
        bool, typer.Option(FLAG, help="Run again whenever code has changed.")
    ] = False,
    **options: object,
) -> None:
    """Run a bot until its adapters end, Ctrl-C or SIGTERM."""
    accounts = on or adapters_set() or [DEFAULT_ADAPTER]
    if reload:
        raise typer.Exit(run_again_and_again(sys.argv[1:], accounts))
    named = {name: value for name, value in options.items() if value is not None}
    run_bot(
        load_bot(bot, allow or several("allow")),
        accounts,
        store=store,
        on_ambiguous=on_ambiguous,
        log_level=log_level,
        log_format=log_format,
        log_texts=log_texts,
        health=health,
        metrics=metrics,
        trace=trace,
        options={**named, **dict(pair(setting) for setting in set_ or ())},
    )


@app.command()
def record(
    transcript: Annotated[Path, typer.Argument(help="The *.chat file to write.")],
    bot: Annotated[
        str,
        typer.Argument(
            help="A name, bot.py, bot.py:name or package.module:name", envvar=variable("bot")
        ),
    ],
    *,
    on: Annotated[str, typer.Option(help="The adapter by which to talk.")] = DEFAULT_ADAPTER,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: an option of the adapter's; repeatable."),
    ] = None,
) -> None:
    """Talk with a bot, in a store of its own, and write down the conversation as a transcript."""
    recording.refuse_to_overwrite(transcript)
    recorder = recording.recorder(on, dict(pair(setting) for setting in set_ or ()))
    run_bot(load_bot(bot), [recorder.adapter], store=":memory:")
    typer.echo(recording.written(recorder, transcript, bot), err=True)


_WITH_OPTIONS: Mapping[str, Callable[..., None]] = {"run": run, "doctor": doctor.doctor}
"""The commands that take what adapters declare."""


def main() -> None:
    """Run the command line."""
    try:
        _refuse_controls(sys.argv[1:])
        fill_in()
        typed = completing.typed()
        for name, command in _WITH_OPTIONS.items():
            if (typed or sys.argv[1:])[:1] == [name]:
                _add(command, sys.argv[2:], typed[1:])
            else:
                app.command()(with_options(command, ()))  # to be listed, without any adapter
        add_examples(app)
        app(prog_name=completing.PROGRAM)
    except (LoadError, StoreLockedError) as error:
        refuse(error)
    except StorageError as error:
        end(error, 1)
    except ChatstateError as error:
        refuse(error)


def whole() -> Any:  # a command of click's, or of what typer has of that itself
    """Return the whole command line, with the options of every adapter that is installed."""
    for command in _WITH_OPTIONS.values():
        app.command()(with_options(command, names(ADAPTERS)))
    return typer.main.get_command(app)


def _refuse_controls(arguments: Sequence[str]) -> None:
    """Refuse what nobody types, and what would control the terminal when it is told of."""
    for argument in arguments:
        readable = os.fsencode(argument).decode(errors="replace")
        if visible(readable) != readable:
            raise LoadError(f"{one_line(readable)} holds control characters; leave them out")


def _add(command: Callable[..., None], arguments: Sequence[str], typed: Sequence[str] = ()) -> None:
    """Let a command take the options of the adapters that it is about.

    `typed` is a command line that a shell asks about.
    """
    if typed:
        app.command()(with_options(command, wanted(typed)))
        return
    asks = "--help" in arguments
    if not asks and (told := elsewhere(command, arguments)):
        raise LoadError(told)
    epilog = "  \n".join(map(escape, unavailable())) if asks else None  # "[icq]" is no markup
    adapters = names(ADAPTERS) if asks else wanted(arguments)
    if not asks:
        check_tables(adapters)
    shown = examples(command.__name__, before=epilog)
    app.command(epilog=shown)(with_options(command, adapters))
