"""What is noted, and erased, of a person who is to be forgotten. Inside the open transaction."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

from chatstate.inspection import Request
from chatstate.stores import erasing
from chatstate.stores.forgetting import Erased, Tombstones, mark_of

_TURNS = "CREATE TEMP TABLE IF NOT EXISTS forgetting (turn INTEGER PRIMARY KEY)"
_VALUES = "DELETE FROM state_values WHERE rowid IN (SELECT v.rowid FROM state_values AS v "
_NAMED = "JOIN state_names AS n ON n.id = v.state WHERE "
_RECIPIENTS = f"""DELETE FROM recipients WHERE account = {{account}}
    AND (json_extract(body, '$.user.id') = ?1 OR conversation IN {erasing.LANES}
    OR json_extract(body, '$.chat.id') IN ({erasing.IDS_OF_CHATS}))"""  # noqa: S608 - ours
_LISTED = "SELECT id, audience FROM broadcasts WHERE instr(audience, '\"listed\"')"
_PLACE = re.compile(r"\$(\d)")
_THEIR_SECRET = "SELECT secret FROM secrets WHERE bot = ?"  # noqa: S105 - a statement


def note(connection: sqlite3.Connection, request: Request, now: float) -> bool:
    """Note that somebody is to be forgotten. False if they are already, or are not known."""
    person = int(request.number)
    known = connection.execute(erasing.WHO.format(person=person)).fetchone()
    if known is None or connection.execute(erasing.ASKED.format(person=person)).fetchone():
        return False
    bot, account, platform, platform_id, user, secret = known
    mark = mark_of(bytes(secret), platform, platform_id, user)
    of = (bot, account, person, user, mark, now, request.turn)
    connection.execute(numbered(erasing.NOTE), of)
    return True


class Erasing:
    """Erases one person, whose id is `user`, in the open transaction of a connection."""

    def __init__(
        self, connection: sqlite3.Connection, user: str, numbers: dict[str, int | float]
    ) -> None:
        self._connection = connection
        self._user = user
        self._own = numbers

    def all(self) -> Erased:
        """Erase all of it, and return what it was."""
        self._do(_TURNS)
        self._do("DELETE FROM forgetting")
        self._do(erasing.ADOPT)
        self._do(erasing.FIND)
        turns = [turn for (turn,) in self._do(erasing.FOUND)]
        lanes = [lane for (lane,) in self._do(erasing.OF_LANES)]
        chats = [chat for (chat,) in self._do(erasing.OF_CHATS)]
        self._unsay(lanes)
        self._do(_RECIPIENTS)
        for condition in erasing.VALUES:
            self._do(f"{_VALUES}{_NAMED}{condition})")
        for statement in erasing.ERASE:
            self._do(statement)
        return Erased(turns, lanes, chats)

    def _do(self, statement: str) -> sqlite3.Cursor:
        statement = numbered(statement.format_map(self._own))
        return self._connection.execute(statement, (self._user,) if "?1" in statement else ())

    def _unsay(self, lanes: Sequence[int]) -> None:
        """Drop what is to be said to them, or to be set of theirs, and lists that name them."""
        chats = [chat for (chat,) in self._do(erasing.IDS_OF_CHATS)]
        rows = self._do("SELECT id, account, body FROM requests WHERE body IS NOT NULL").fetchall()
        for number, account, body in rows:
            if erasing.is_theirs(body, account, self._own, self._user, chats, lanes):
                self._connection.execute("DELETE FROM requests WHERE id = ?", (number,))
        for number, audience in self._do(_LISTED).fetchall():
            left = erasing.without(audience, int(self._own["account"]), self._user, chats)
            self._connection.execute(
                "UPDATE broadcasts SET audience = ? WHERE id = ?", (left, number)
            )


def bury(connection: sqlite3.Connection, bot: str, tombstones: Tombstones) -> None:
    """Let tombstones be those of all who were forgotten."""
    (secret,) = connection.execute(_THEIR_SECRET, (bot,)).fetchone()
    tombstones.set(bytes(secret), connection.execute(erasing.MARKS).fetchall())


def numbered(statement: str) -> str:
    """Return a statement with its places as SQLite has them."""
    return _PLACE.sub(r"?\1", statement)  # "$1" is a name to SQLite, and "?1" a number
