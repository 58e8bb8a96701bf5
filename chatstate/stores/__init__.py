"""Where what was received, remembered and is owed is kept.

1. The engine knows a store by its contract alone: `base` has the verbs, `records` the data.
2. A backend is a folder of its own (`sqlite`, `postgres`); `open_store` imports the one that a URL
   names.
"""

from __future__ import annotations

import re
from typing import Any

from chatstate.adapter.installing import pip_line
from chatstate.errors import LoadError
from chatstate.stores.base import Store

_UNFIT = re.compile(r"[^\w.-]+")
_FORMS = (
    "sqlite:///relative.db, sqlite:////absolute/path.db, postgresql://USER@HOST/NAME or :memory:"
)
_POSTGRES = ("postgresql", "postgres")


def default_url(bot: str) -> str:
    """Return where the bot of this id has its store if nobody says: `<id>.db`, in the folder."""
    name = _UNFIT.sub("_", bot).lstrip(".") or "bot"
    return f"sqlite:///{name}.db"


def open_store(url: str, **options: Any) -> Store:
    """Return the store that `url` names; `Store.open` then takes hold of it.

    `options` are those of the store's class, such as `waiting_limit`.

    Raises `LoadError` if the URL names none.
    """
    from chatstate.stores.sqlite import MEMORY, SQLiteStore

    if url in (MEMORY, f"sqlite:///{MEMORY}"):
        return SQLiteStore(MEMORY, **options)
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise LoadError(f"{url!r} is no store URL; use {_FORMS}")
    if scheme in _POSTGRES:
        return _postgres(url, options)
    if scheme != "sqlite":
        raise LoadError(f"no store is known for {scheme!r}; use {_FORMS}")
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path:
        raise LoadError(f"{url!r} names no file; use {_FORMS}")
    return SQLiteStore(path, **options)


def _postgres(url: str, options: dict[str, Any]) -> Store:
    try:
        from chatstate.stores.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise LoadError(
            f"a store on PostgreSQL needs asyncpg: {pip_line('chatstate', 'postgres')}"
        ) from None
    return PostgresStore(url, **options)


__all__ = ["default_url", "open_store"]
