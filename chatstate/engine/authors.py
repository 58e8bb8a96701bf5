"""The border between the engine's code and its authors'.

What an author's code raises, whatever it is, fails the turn that called it. The one error that
means something else to the engine is `StorageError`: the store is broken, and the bot stops. So
one that an author's code raises, of a store of its own, is told apart where that code is called.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from chatstate.errors import StorageError


@contextlib.contextmanager
def of_author(what: str) -> Generator[None]:
    """Let what is called within raise anything, and a `StorageError` as a `RuntimeError`."""
    try:
        yield
    except StorageError as error:
        raise authors_own(what, error) from error


def authors_own(what: str, error: StorageError) -> RuntimeError:
    """Return the error of an author's store as one that fails a turn alone."""
    return RuntimeError(f"{what} raised StorageError: {error}")
