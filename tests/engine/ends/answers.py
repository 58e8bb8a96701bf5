"""Points in what is answered: files, and values that are looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from engine.ends.charges import Mine, Total
from engine.ends.points import Points

from chatstate import File, Reply

points = Points()


def sending(source: Callable[[], Any]) -> Callable[..., Any]:
    async def count(total: Total) -> Reply:
        total.value += 1
        return Reply(str(total.value), files=[File(source(), "a.bin")])

    return count


@points.handler
def a_stream(mine: Mine) -> Any:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        mine.touch()
        yield b"b"

    return sending(pieces)


@points.handler
def an_async_stream(mine: Mine) -> Any:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        mine.touch()
        yield b"b"

    return sending(pieces)


class Opened:
    """A file as an author may make one; a mine lies where it is read, or closed."""

    def __init__(self, mine: Mine, where: str) -> None:
        self._mine = mine
        self._where = where
        self._left = [b"b", b"a"]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._left[::-1])

    def read(self, _size: int = -1) -> bytes:
        if self._where == "read":
            self._mine.touch()
        return self._left.pop() if self._left else b""

    def close(self) -> None:
        if self._where == "close":
            self._mine.touch()


@points.handler
def a_file_that_is_read(mine: Mine) -> Any:
    return sending(lambda: Opened(mine, "read"))


@points.handler
def a_file_that_is_closed(mine: Mine) -> Any:
    return sending(lambda: Opened(mine, "close"))


@points.handler
def an_answer_that_is_looked_at(mine: Mine) -> Any:
    class Answer(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            mine.touch()
            return super().get(key, default)

    async def count(total: Total) -> Any:
        total.value += 1
        return Answer(text=str(total.value))

    return count
