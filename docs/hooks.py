"""What the documentation site shows and no file holds: the command line, as it tells of itself.

`mkdocs.yml` has this as a hook. `commands` is the page, for tests too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.core import TyperArgument

from chatstate.cli.examples import EXAMPLES

PAGE = "reference/commands.md"
_HEAD = """# The command line

What is shown here is what `chatstate COMMAND --help` says, with the options of every adapter that
is shipped. An option of `run` can also be set otherwise: see [settings](settings.md).
"""


def on_files(files: Any, config: Any) -> Any:
    """Add the page to those of the site."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PAGE, content=commands()))
    return files


def commands() -> str:
    """Return the page: each command, its arguments and its options."""
    return "\n".join([_HEAD, *(part for path, found in every() for part in _command(path, found))])


def every() -> list[tuple[str, Any]]:
    """Return each command that can be run, by what is typed for it."""
    from chatstate.cli.main import whole

    return sorted(_within("chatstate", whole()), key=lambda named: named[0])


def _within(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from _within(f"{path} {name}", inner)


def _command(path: str, command: Any) -> Iterator[str]:
    yield f"\n## `{path}`\n"
    yield _plain(command.help or "")
    if examples := EXAMPLES.get(path.removeprefix("chatstate ")):
        yield "\n".join(["\n```sh", *examples, "```"])
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        yield "\n| takes | which is |\n|---|---|"
        yield from (f"| {name} | {told} |" for name, told in rows)


def _row(parameter: Any) -> tuple[str, str]:
    told = _plain(parameter.help or "")
    variable = f" (`{parameter.envvar}`)" if parameter.envvar else ""
    if isinstance(parameter, TyperArgument):
        return f"`{(parameter.name or '').upper()}`", f"{told}{variable}"
    names = "`, `".join([*parameter.opts, *parameter.secondary_opts])
    return f"`{names}`", f"{told}{variable}"


def _plain(text: str) -> str:
    """Return what is marked up for a terminal as Markdown in a cell of a table."""
    return " ".join(text.replace("\\[", "[").split()).replace("|", "\\|").replace("<", "&lt;")
