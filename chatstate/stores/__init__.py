"""Where what was received, remembered and is owed is kept.

1. The engine knows a store by its contract alone: `base` has the verbs, `records` the data.
2. A backend is a folder of its own (`sqlite`); `open_store` imports the one that a URL names.
"""

from __future__ import annotations

from typing import Any

from chatstate.errors import LoadError
from chatstate.stores.base import Store

DEFAULT_URL = "sqlite:///chatstate.db"
_FORMS = "sqlite:///relative.db, sqlite:////absolute/path.db or :memory:"


def open_store(url: str = DEFAULT_URL, **options: Any) -> Store:
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
    if scheme != "sqlite":
        raise LoadError(f"no store is known for {scheme!r}; use {_FORMS}")
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path:
        raise LoadError(f"{url!r} names no file; use {_FORMS}")
    return SQLiteStore(path, **options)


__all__ = ["DEFAULT_URL", "open_store"]
