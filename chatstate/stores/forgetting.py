"""`Forgetting`: the verbs by which a person is forgotten, and what stays of that.

1. Who is to be forgotten is noted under a keyed mark of the id. That outlives what it was about: an
   event that was sent before counts as known, should it be delivered again, and a store that is
   restored from an older backup forgets them again.
2. To `forget` erases all that is theirs, and may be repeated. What runs meanwhile in other turns
   may still bring something of them: so it is done once more when all that ran then is over.
3. Then it is `forgot`, and what was erased may still lie in the file: `scrub` writes that anew.
4. Theirs is: what they said and what is owed for that, their values, timers and dead letters, who
   they are; and all of each private chat with them, whoever spoke there.
"""

from __future__ import annotations

import contextlib
import hmac
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from chatstate.messages import Message
from chatstate.stores.records import owed_folder


class Forgotten(msgspec.Struct, frozen=True, gc=False):
    """Somebody who is to be forgotten, or was: `person` of an `account`, `user` on its platform.

    - `user` is "" once all is erased. `mark` is a keyed hash of it, which stays.
    - `turn` asked for it, 0 for none: that is settled before anything is erased.
    - `erased_at`: when it was erased first, and `done_at`: when nothing was left to do.
    """

    number: int
    bot: str
    account: int
    person: int
    user: str
    mark: str
    asked_at: float
    turn: int = 0
    erased_at: float | None = None
    done_at: float | None = None


class Erased(msgspec.Struct, frozen=True, gc=False):
    """What was erased: the events by their numbers, the private chats and their conversations."""

    turns: Sequence[int] = ()
    conversations: Sequence[int] = ()
    chats: Sequence[int] = ()


class Forgetting(Protocol):
    """Forgets people. To ask for it is a `Request`; `forgotten` needs no run."""

    async def forgotten(self, *, is_open: bool = False) -> Sequence[Forgotten]:
        """Return those who are to be forgotten, or were, in the order in which it was asked for.

        With `is_open` only those with whom it is not done.
        """
        ...

    async def bury(self, mark: str, at: float) -> None:
        """Note that somebody was forgotten, of whom nothing but the mark is known, and when."""
        ...

    async def forget(self, number: int) -> Erased:
        """Erase all that is of somebody. Turns that go on with it are fenced when they commit."""
        ...

    async def passed(self, number: int) -> bool:
        """Note that nothing which ran in this run when it was erased still runs.

        Tell whether that is so in all runs of the bot that live.
        """
        ...

    async def forgot(self, number: int) -> None:
        """Note that all is erased: but for the mark, nothing tells any more who it was."""
        ...

    async def scrub(self, number: int) -> None:
        """Leave nothing of what was erased in the file, if there is one; what is `forgot` is done.

        Raises `StorageError` if that cannot be done now: somebody reads an older state of it, say.
        """
        ...


def mark_of(secret: bytes, platform: str, account: str, user: str) -> str:
    """Return the mark of a person of an account, by the platform's ids."""
    told = f"forgotten\0{platform}\0{account}\0{user}".encode(errors="replace")
    return hmac.digest(secret, told, "sha256").hex()


def erase_files(folder: Path, turns: Collection[int]) -> None:
    """Remove what turns owe, or have received, from a store's folder."""
    numbers = {str(turn) for turn in turns}
    for place in (owed_folder(folder), folder / "turns"):
        with contextlib.suppress(FileNotFoundError):
            for path in place.iterdir():
                if path.name.partition("-")[0] in numbers:
                    _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class Tombstones:
    """Tells which events were said by somebody who has been forgotten since.

    `newest`: nothing that was said then, or later, is one of them; 0 if nobody was forgotten.
    """

    def __init__(self) -> None:
        self.newest = 0.0
        self._marks: dict[str, float] = {}
        self._secret = b""

    def set(self, secret: bytes, known: Sequence[tuple[str, float]]) -> None:
        """Know these marks, and when what they stand for was erased."""
        self._secret = secret
        self._marks = dict(known)
        self.newest = max(self._marks.values(), default=0.0)

    def may_cover(self, message: Message) -> bool:
        """Tell whether that has to be looked at: it was said before somebody was forgotten."""
        said_at = message.time.timestamp() if message.time else 0.0
        return message.sender.id != "" and said_at < self.newest

    def cover(
        self, message: Message, account: Callable[[], tuple[str, str]], is_known: Callable[[], bool]
    ) -> bool:
        """Tell whether what a message says was erased, or would have been.

        `account` tells the platform, and the id of the account there. Of a message without a time
        that is so if its event `is_known`.
        """
        if not self.may_cover(message):
            return False
        said_at = message.time.timestamp() if message.time else 0.0
        erased_at = self._marks.get(mark_of(self._secret, *account(), message.sender.id), 0.0)
        return said_at < erased_at and (message.time is not None or is_known())
