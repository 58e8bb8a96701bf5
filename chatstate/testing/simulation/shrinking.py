"""The shortest list that still fails, as far as leaving things out leads (delta debugging).

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def shrunk(
    whole: Sequence[T], fails: Callable[[Sequence[T]], Awaitable[bool]], tries: int = 500
) -> Sequence[T]:
    """Return a part of `whole`, which fails, of which nothing can be left out.

    Longer pieces are left out first. After so many tries it is what has been found by then.
    """
    size = max(len(whole) // 2, 1)
    while tries > 0:
        start, length = 0, len(whole)
        while start < len(whole) and tries > 0:
            left = [*whole[:start], *whole[start + size :]]
            tries -= 1
            if left and await fails(left):
                whole = left
            else:
                start += size
        if len(whole) == length and size == 1:
            break
        size = max(1, min(size if len(whole) < length else size // 2, len(whole) // 2))
    return whole
