"""`Control`: the verbs of runs, and of everybody who looks and asks.

1. Who looks or asks changes nothing but what is asked for: a run does it.
2. What is asked for is durable, and waits for a run that can do it.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Protocol

from chatstate.inspection import Inspection
from chatstate.messages import Event
from chatstate.stores.asking import Answer, Asked
from chatstate.stores.records import Backup, DeadLetter, Ingested, Role, Run

NO_VERSIONS: Mapping[str, int] = {}


@functools.cache
def engine_version() -> str:
    """Return the version of chatstate that runs here, which each run notes for others."""
    return version("chatstate")


class Control(Inspection, Protocol):
    """Runs, and everybody who looks: the command line, an inspector, tests.

    The verbs of `Inspection`, `secrets`, `owed_file` and those of backups need no run: they work on
    a store that was not opened, while another process runs the bot.
    """

    @property
    def location(self) -> str:
        """Where it keeps things, as its operator knows that: a path, say."""
        ...

    @property
    def trouble(self) -> str:
        """What keeps it from writing just now, though it tries again; "" if nothing does."""
        ...

    def secure(self) -> None:
        """Make durable what was told early (see `Inbox.ingest`), if that waits for the loop.

        Called from another thread, while an author's code keeps the loop from coming round.
        """
        ...

    async def open(self, bot: str, versions: Mapping[str, int] = NO_VERSIONS) -> Run:
        """Make the schema current and begin a run of this bot.

        `versions` are those of its shared states, by their names: `workers` tells them to others.
        Raises `StoreLockedError` if another process holds a store that one alone can hold.
        """
        ...

    async def beat(self) -> None:
        """Make the run's lease longer."""
        ...

    async def end(self, *, clean: bool) -> None:
        """Write what waits, end the run, and let go of all it held.

        `clean` says that nothing was running, so that nobody need suspect any event, and
        those that were suspected are cleared. Nothing happens if the run was taken for dead.
        """
        ...

    async def lead(self, roles: Sequence[Role], most: int | None = None) -> Sequence[Role]:
        """Take those of these roles that no run has; return those that this one has now.

        Each is one run's at a time, until that ends or cedes it. No more are taken than make it
        `most`; what it has already it keeps.
        """
        ...

    async def cede(self, roles: Sequence[Role]) -> None:
        """Let go of those of these roles that this run has, for others to take."""
        ...

    async def leave(self, account: int) -> None:
        """Let go of an account: of its roles, and of its conversations, for others to claim.

        Nothing of it is claimed any more.
        """
        ...

    async def peers(self) -> Mapping[int, int]:
        """Return how many runs have an account, for those of this run's that others have, too."""
        ...

    async def secrets(self) -> Mapping[str, bytes]:
        """Return each bot's own secret (`Run.secret`), by its id."""
        ...

    async def owed_file(self, key: str) -> bytes | None:
        """Return what is in a file that a reply owes; None if it is gone."""
        ...

    async def backups(self) -> Sequence[Backup]:
        """Return the backups that were made of it, oldest first, wherever they are now."""
        ...

    async def backed_up(self, path: str) -> None:
        """Note that a backup was made."""
        ...

    async def asked(
        self, accounts: Collection[int], before: float, after: int, limit: int
    ) -> Sequence[Asked]:
        """Return the first requests to send something, numbered above `after`.

        Those from these accounts, and from all of the bot's if they were made `before`.
        """
        ...

    async def take_up(self, number: int, event: Event) -> Ingested | None:
        """Make a request to send something an event of its account, as `ingest` does.

        Its `ref` leads to the event's turn from now on. None if it is no request any more. It
        stays one if the event is refused.
        """
        ...

    async def give_up(self, number: int, event: Event, dead: DeadLetter) -> None:
        """Make a request to send something a dead letter, as if the event's turn had failed."""
        ...

    async def answer(self, versions: Iterator[int]) -> Sequence[Answer]:
        """Do what was asked since the last call, and return what that has changed."""
        ...

    async def check(self) -> None:
        """Raise `StorageError` if what is stored from now on would not be kept.

        Somebody has taken the file away, say, or it has proved broken. Nothing is stored then.
        """
        ...

    async def prune(self) -> None:
        """Forget events that were handled more than 48 hours ago, and what has expired since.

        That are buttons, references, and broadcasts that are over and 30 days old.
        """
        ...
