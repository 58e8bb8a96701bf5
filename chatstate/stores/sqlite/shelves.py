"""What everybody who looks sees, shelf by shelf.

1. A shelf is one statement, whose columns are named as the fields of `Entry`. Filters are
   conditions on these columns, the same for all shelves.
2. It is read on a connection of its own, whether a bot runs or not. Nothing is changed but the
   tables of requests and broadcasts, and what goes with them.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from chatstate.errors import LoadError
from chatstate.scope import Key
from chatstate.stores.base import (
    Backup,
    Entry,
    Figures,
    Filter,
    KnownAccount,
    KnownWorker,
    Request,
    Shelf,
)
from chatstate.stores.copying import refuse_moved
from chatstate.stores.erasing import EVERY, OPEN
from chatstate.stores.forgetting import Forgotten
from chatstate.stores.rows import FIGURES, IDS, JOINS
from chatstate.stores.sqlite import requests
from chatstate.stores.sqlite.connection import moved_from
from chatstate.stores.sqlite.errors import storage_error
from chatstate.stores.sqlite.locking import is_held

T = TypeVar("T")


class _Rows(NamedTuple):
    """The rows on a shelf: their columns, where they come from, and whose they are."""

    columns: str
    table: str
    conversation: str
    person: str
    chat: str = "k.chat"
    tenant: str = "a.tenant"
    condition: str = "1"

    def statement(self, conditions: str) -> str:
        """Return what selects those that agree with `conditions` on the columns."""
        where = JOINS.format_map(self._asdict())
        return (
            f"SELECT * FROM (SELECT {self.columns}, {IDS} FROM {self.table} {where} "  # noqa: S608 - ours
            f"WHERE {self.condition}) WHERE number > :after{conditions} "
            "ORDER BY number LIMIT :limit"
        )


_SHELVES: dict[Shelf, _Rows] = {
    "states": _Rows(
        """s.rowid AS number, n.bot, s.changed_at AS at, s.value AS body, n.scope, n.name,
        s.place AS in_place, s.person AS of_person, s.version, s.schema, s.expires_at,
        coalesce((SELECT verb FROM requests WHERE letter = 0 AND json_extract(body, '$.key')
            = json_array(n.bot, n.scope, n.name, s.place, s.person) ORDER BY id DESC), '')
        AS asked""",
        "state_values AS s JOIN state_names AS n ON n.id = s.state",
        "CASE WHEN n.scope IN ('member', 'thread') THEN s.place END",
        "s.person",
        "CASE WHEN n.scope = 'chat' THEN s.place ELSE k.chat END",
        "CASE WHEN n.scope = 'global' THEN s.place ELSE a.tenant END",
    ),
    "inbox": _Rows(
        "i.seq AS number, a.bot, i.arrived_at AS at, i.body, i.crashes",
        "inbox AS i",
        "i.conversation",
        "i.person",
        condition="i.done_at IS NULL",
    ),
    "running": _Rows(
        "i.seq AS number, a.bot, i.arrived_at AS at, i.body, i.crashes",
        "inbox AS i",
        "i.conversation",
        "i.person",
        condition="""i.done_at IS NULL AND NOT EXISTS (SELECT 1 FROM inbox AS j
            WHERE j.conversation = i.conversation AND j.done_at IS NULL
            AND (j.ahead, -j.seq) > (i.ahead, -i.seq))""",
    ),
    "outbox": _Rows(
        "o.row AS number, a.bot, o.owed_at AS at, o.body, o.begun_at, o.crashes",
        "outbox AS o",
        "o.conversation",
        "o.person",
    ),
    "dead": _Rows(
        """d.id AS number, d.bot, d.died_at AS at, d.body, d.kind, d.error, d.detail,
        coalesce((SELECT verb FROM requests WHERE letter = d.id ORDER BY id DESC), '') AS asked""",
        "dead_letters AS d",
        "d.conversation",
        "d.person",
    ),
    "timers": _Rows(
        "m.generation AS number, a.bot, m.due_at AS at, m.text AS body, m.handler AS kind",
        "timers AS m",
        "m.conversation",
        "m.person",
    ),
    "people": _Rows(
        "w.id AS number, a.bot, 0.0 AS at, json_quote(w.name) AS body",
        "people AS w",
        "NULL",
        "w.id",
    ),
    "chats": _Rows(
        "h.id AS number, a.bot, 0.0 AS at, json_quote(h.title) AS body, h.kind",
        "chats AS h",
        "NULL",
        "h.person",
        "h.id",
        condition="h.platform_id <> ''",
    ),
    "conversations": _Rows(
        "l.id AS number, a.bot, 0.0 AS at, json_quote(c.title) AS body, c.kind",
        "conversations AS l",
        "l.id",
        "NULL",
        condition="c.platform_id <> ''",
    ),
}
_IS_STORE = "SELECT 1 FROM sqlite_master WHERE name = 'dead_letters'"
_ACCOUNTS = "SELECT id, bot, platform, platform_id FROM accounts ORDER BY id"
_WORKER = """SELECT r.id, r.bot, r.host, r.pid, r.started_at, (SELECT count(*) FROM conversations),
        (SELECT count(*) FROM inbox WHERE done_at IS NULL),
        (SELECT min(arrived_at) FROM inbox WHERE done_at IS NULL), r.engine
    FROM runs AS r WHERE r.ended_at IS NULL ORDER BY r.id DESC LIMIT 1"""
# A crash is found by the run that comes next: until then nobody knows that the process is gone.
_FIGURES = FIGURES.format(
    crashed_at="""SELECT max(next.started_at) FROM runs AS r JOIN runs AS next ON next.id = r.id + 1
        WHERE r.ended_at IS NULL"""
)
_BACKUPS = "SELECT path, made_at FROM backups ORDER BY made_at"
_CONDITIONS = ("bot", "platform", "scope", "name", "chat", "person", "account", "tenant")
_OF_KEY = ("scope", "name", "in_place", "of_person")


def is_store(path: Path) -> bool:
    """Tell whether a store is in a file."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(uri, uri=True)) as db,
    ):
        return bool(db.execute(_IS_STORE).fetchone())
    return False


class Shelves:
    """Looks into the store at `path`; it may be another process that runs the bot.

    One in memory can only be looked at by its `own` connection.
    """

    def __init__(
        self, path: str, clock: Callable[[], float], own: sqlite3.Connection | None = None
    ) -> None:
        self._path = path
        self._clock = clock
        self._own = own

    def list(self, shelf: Shelf, chosen: Filter) -> Sequence[Entry]:
        """Return the entries of a shelf that are wanted, in the order of their numbers."""
        wanted = {name: getattr(chosen, name) for name in _CONDITIONS}
        given = {name: value for name, value in wanted.items() if value is not None}
        if shelf != "states":
            given = {name: value for name, value in given.items() if name not in ("scope", "name")}
        if shelf == "running" and not self._is_run():
            return []
        conditions = "".join(f" AND {name} = :{name}" for name in given)
        return self._read(
            shelf, conditions, {**given, "after": chosen.after, "limit": chosen.limit}
        )

    def show(self, shelf: Shelf, number: int) -> Entry | None:
        """Return one entry, None if there is none of this number."""
        found = self._read(
            shelf, " AND number = :number", {"number": number, "after": 0, "limit": 1}
        )
        return found[0] if found else None

    def accounts(self) -> Sequence[KnownAccount]:
        """Return the accounts that bots have had."""
        with self._connect() as connection:
            return [KnownAccount(*row) for row in connection.execute(_ACCOUNTS)]

    def workers(self) -> Sequence[KnownWorker]:
        """Return the run of the process that holds the file, if one does."""
        with self._connect() as connection:
            if not self._is_run():
                return []
            number, bot, host, pid, since, *held, engine = connection.execute(_WORKER).fetchone()
            known = KnownWorker(number, bot, host, pid, since, 0.0, ("clock", "poller"), *held)
            return [replace(known, engine=engine)]

    def secrets(self) -> Mapping[str, bytes]:
        """Return the bots' secrets."""
        with self._connect() as connection:
            return dict(connection.execute("SELECT bot, secret FROM secrets"))

    def forgotten(self, *, is_open: bool) -> Sequence[Forgotten]:
        """Return those who are to be forgotten, or were."""
        with self._connect() as connection:
            return [Forgotten(*row) for row in connection.execute(OPEN if is_open else EVERY)]

    def backups(self) -> Sequence[Backup]:
        """Return the backups that were made."""
        with self._connect() as connection:
            return [Backup(*row) for row in connection.execute(_BACKUPS)]

    def figures(self) -> Figures:
        """Return how much waits in all, is owed, and is dead."""
        with self._connect() as connection:
            return Figures(*connection.execute(_FIGURES).fetchone())

    def ask(self, request: Request) -> bool:
        """Note a request, for the process that runs the bot; tell whether it is a new one."""
        return self.within(lambda connection: self._ask(connection, request))

    def _ask(self, connection: sqlite3.Connection, request: Request) -> bool:
        refuse_moved(self._path, moved_from(connection))
        return requests.ask(connection, request, self._clock())

    def within(self, do: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in a transaction of its own; return what it returns."""
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            done = do(connection)
            connection.execute("COMMIT")
            return done

    def _is_run(self) -> bool:
        return self._own is not None or is_held(self._path)

    def _read(self, shelf: Shelf, conditions: str, values: dict[str, Any]) -> Sequence[Entry]:
        statement = _SHELVES[shelf].statement(conditions)
        with self._connect() as connection:
            cursor = connection.cursor()
            cursor.row_factory = sqlite3.Row
            return [_entry(dict(row)) for row in cursor.execute(statement, values)]

    @contextlib.contextmanager
    def _connect(self) -> Generator[sqlite3.Connection]:
        if self._own:
            yield self._own
            return
        if not Path(self._path).is_file():
            raise LoadError(f"there is no store {self._path}; name it with --store")
        uri = f"{Path(self._path).as_uri()}?mode=rw"
        try:
            with contextlib.closing(
                sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)
            ) as connection:
                yield connection
        except sqlite3.Error as error:
            raise storage_error(error, self._path) from error


def _entry(row: dict[str, Any]) -> Entry:
    if "scope" in row:
        row["key"] = Key(row["bot"], *(row.pop(name) for name in _OF_KEY))
    return Entry(**row)
