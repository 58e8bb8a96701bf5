"""`Progress`: how far a slow handler is, in one line that is edited in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
_CELLS = 20


class Progress:
    """Tells the person how far a turn is. A handler gets one by annotation or by default.

    `def work(message: str, progress: Progress)` or `progress=Progress()`. The line is a preview:
    it is replaced by what the handler answers. Calls are cheap; a platform shows what its pace
    allows, and one without edits nothing.
    """

    def __init__(self, show: Callable[[str], None] | None = None) -> None:
        self._show = show

    def __call__(
        self,
        progress: float | tuple[int, int | None] | None,
        desc: str | None = None,
        total: float | None = None,
        unit: str = "steps",
    ) -> None:
        """Show a share from 0 to 1, or (done, of all), or None if it is not known.

        `total` is what a `progress` that is no share counts up to.
        """
        if self._show:
            self._show(line(progress, desc, total, unit))

    def tqdm(
        self,
        iterable: Iterable[T],
        desc: str | None = None,
        total: int | None = None,
        unit: str = "steps",
    ) -> Iterator[T]:
        """Yield what `iterable` yields, and show how much of it is done."""
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        self((0, total), desc, unit=unit)
        for done, item in enumerate(iterable, 1):
            yield item
            self((done, total), desc, unit=unit)


def line(
    progress: float | tuple[int, int | None] | None,
    desc: str | None,
    total: float | None,
    unit: str,
) -> str:
    """Return what is shown."""
    words = [desc or "…"]
    if isinstance(progress, tuple):
        done, of = progress
        words += [_bar(done / of)] if of else []
        words.append(f"{done}/{of} {unit}" if of else f"{done} {unit}")
    elif progress is not None:
        share = progress / total if total else progress
        words.append(f"{_bar(share)} {min(max(share, 0.0), 1.0):.0%}")
    return " ".join(words)


def _bar(share: float) -> str:
    full = round(min(max(share, 0.0), 1.0) * _CELLS)
    return "█" * full + "░" * (_CELLS - full)
