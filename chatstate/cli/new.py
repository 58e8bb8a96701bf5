"""`chatstate new`: a project of one's own, which runs, and whose tests pass, at once.

1. A template is a bot of the package itself, with its test: what is shipped is what is linted,
   typed and tested here. A copy has its own name and id, and imports the bot from its file.
2. Nothing that is there is changed: the folder must be new, or empty.
3. Docker has nothing of this machine. What chatstate was installed from a folder, or a repository,
   is in no index: then the copy says how its wheel is made.
"""

from __future__ import annotations

import re
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import typer

from chatstate.adapter.installing import source_of
from chatstate.errors import LoadError

Template = Literal["echo", "game", "assistant", "form", "reminder"]

_TEMPLATES = files("chatstate.cli.templates")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_PROJECT = {
    "Dockerfile": "Dockerfile",
    "README.md": "README.md",
    "compose.yaml": "compose.yaml",
    "dockerignore": ".dockerignore",
    "env.example": ".env.example",
    "gitignore": ".gitignore",
    "pyproject.toml": "pyproject.toml",
}
"""What stands around a bot: the names it has here, where it is no such file, and in a project."""
_WHEEL = """
## Where chatstate comes from

This one came from {source}, and is in no index. So a new virtual environment, and
Docker, take it from the folder `wheels`:

```sh
pip wheel --no-deps --wheel-dir wheels {source}
pip install --find-links wheels -e '.[test]'
```
"""


def new(
    name: Annotated[str, typer.Argument(help="Its name, and that of the folder that is made.")],
    *,
    template: Annotated[Template, typer.Option(help="What it begins as.")] = "echo",
) -> None:
    """Make a project: a bot, its test, and what is needed to let it run for good."""
    if not _NAME.fullmatch(name):
        raise LoadError(f"{name!r} is no name for a bot: take letters, digits, - and _, as in tea")
    folder = Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LoadError(f"{folder} is there already, and is not empty; take another name")
    for path, text in project(name, template).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    typer.echo(f"{name} is made. Talk to it:\n\n    cd {name}\n    chatstate run\n")
    typer.echo("README.md there says how to go on: tests, Telegram, Docker.")


def project(name: str, template: Template) -> dict[str, str]:
    """Return the files of a project: what stands in each, by its name."""
    made = {target: _read(f"project/{file}") for file, target in _PROJECT.items()}
    made = {target: text.replace("BOT", name) for target, text in made.items()}
    own = _TEMPLATES / f"{template}.env.example"
    if own.is_file():
        made[".env.example"] += own.read_text(encoding="utf-8")
    if source := source_of("chatstate"):
        made["README.md"] += _WHEEL.format(source=shlex.quote(source))
    made["bot.py"] = _read(f"{template}.py").replace(f'id="{template}"', f'id="{name}"')
    test = _read(f"test_{template}.py")
    made["test_bot.py"] = test.replace(f"from {__package__}.templates.{template} ", "from bot ")
    return made


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
