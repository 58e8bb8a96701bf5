"""Which store a command is about: the one that is named, or the only one in the folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from chatstate.cli.settings import variable
from chatstate.errors import LoadError
from chatstate.stores import open_store
from chatstate.stores.base import Store
from chatstate.stores.sqlite.shelves import is_store

Url = Annotated[
    str | None, typer.Option("--store", help="A store URL; default: the one store in the folder.")
]
WHEN = "at once if the bot runs, else when it next does"
"""When that is done which a bot is asked to do."""


def chosen_store(url: str | None) -> Store:
    """Return the store of a URL, else of `CHATSTATE_STORE`, else the one store in the folder.

    It is not open.

    Raises `LoadError` if there is none, or if there are several.
    """
    return open_store(url_of(url))


def url_of(url: str | None) -> str:
    """Return the URL that is given, else `CHATSTATE_STORE`, else that of the one store here."""
    if url := url or os.environ.get(variable("store")):
        return url
    names = [path.name for path in sorted(Path.cwd().glob("*.db")) if is_store(path)]
    if len(names) == 1:
        return f"sqlite:///{names[0]}"
    found = f"there are several stores ({', '.join(names)})" if names else "there is no store"
    raise LoadError(f"{found} in this folder; name one, as in --store sqlite:///mybot.db")
