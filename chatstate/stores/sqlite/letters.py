"""Dead letters, and what the command line asks about them.

1. The command line has a connection of its own, and changes nothing but the table `requests`.
2. A request is fulfilled by the process that runs the letter's account; if none runs, by the next.
3. Of several requests for one letter the newest counts; the letter is gone afterwards.
4. What is stored of a letter may be unreadable, which is told when it is to be retried; it stays.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from chatstate.errors import LoadError
from chatstate.messages import Event
from chatstate.scope import Place
from chatstate.stores.base import Letter, Revived
from chatstate.stores.sqlite.errors import storage_error
from chatstate.stores.sqlite.inbox import Inbox

log = logging.getLogger("chatstate.store")

_decode = msgspec.json.Decoder(Event).decode
Verb = Literal["retry", "drop"]

_LETTERS = """SELECT d.id, d.kind, c.platform_id, coalesce(p.platform_id, ''), d.died_at,
        d.error, d.detail, d.body
    FROM dead_letters AS d
    JOIN conversations AS k ON k.id = d.conversation JOIN chats AS c ON c.id = k.chat
    LEFT JOIN people AS p ON p.id = d.person"""


class LetterBox:
    """The dead letters of the store at `path`, for tools; a bot may run on it meanwhile."""

    def __init__(self, path: str) -> None:
        self._path = path

    def list(self) -> list[tuple[Letter, str]]:
        """Return all dead letters, oldest first, each with what was asked for it already."""
        with self._connect() as connection:
            asked = dict(connection.execute("SELECT letter, verb FROM requests"))
            rows = connection.execute(f"{_LETTERS} ORDER BY d.id").fetchall()
        return [(Letter(*row), asked.get(row[0], "")) for row in rows]

    def show(self, number: int) -> Letter:
        """Return one. Raises `LoadError` if there is none of this number."""
        with self._connect() as connection:
            row = connection.execute(f"{_LETTERS} WHERE d.id = ?", (number,)).fetchone()
        if row is None:
            raise LoadError(f"there is no dead letter {number}; see `chatstate dead list`")
        return Letter(*row)

    def request(self, verb: Verb, number: int, now: float) -> None:
        """Ask the bot to retry or to drop a dead letter. Raises `LoadError` as `show` does."""
        self.show(number)
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO requests (verb, letter, asked_at) VALUES (?, ?, ?)",
                (verb, number, now),
            )

    @contextlib.contextmanager
    def _connect(self) -> Generator[sqlite3.Connection]:
        uri = f"{Path(self._path).as_uri()}?mode=rw"
        try:
            with contextlib.closing(
                sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)
            ) as connection:
                yield connection
        except sqlite3.Error as error:
            raise storage_error(error, self._path) from error


# One row for each letter: that of the newest request.
_REQUESTED = """SELECT max(r.id), r.verb, d.id, d.kind, d.conversation, d.person, d.turn, d.part,
        d.body
    FROM requests AS r JOIN dead_letters AS d ON d.id = r.letter
    JOIN conversations AS k ON k.id = d.conversation JOIN chats AS c ON c.id = k.chat
    WHERE c.account IN (SELECT value FROM json_each(?)) GROUP BY d.id ORDER BY 1"""
ANY_REQUESTED = f"SELECT 1 FROM ({_REQUESTED}) LIMIT 1"  # noqa: S608 - our own statement


class Reviver:
    """Does what was requested, inside the open transaction of the process that runs the bot.

    Only for letters of `accounts`, those that this process runs; others wait.
    """

    def __init__(self, writer: sqlite3.Connection, inbox: Inbox) -> None:
        self._writer = writer
        self._inbox = inbox
        self.accounts: set[int] = set()

    @property
    def wanted(self) -> tuple[str]:
        """The accounts, as the statements take them."""
        return (msgspec.json.encode(sorted(self.accounts)).decode(),)

    def revive(self, calls: Sequence[None]) -> list[list[Revived]]:
        """Return what is alive again, for the first of the calls."""
        rows = self._writer.execute(_REQUESTED, self.wanted).fetchall()
        revived: list[Revived] = []
        for _, verb, letter, kind, *what in rows:
            self._writer.execute("DELETE FROM requests WHERE letter = ?", (letter,))
            try:
                if verb == "retry":
                    is_event = kind == "event"
                    revived.append(self._event(letter, *what) if is_event else self._reply(*what))
            except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
                log.error("dead letter %d cannot be read, nor retried: %s", letter, error)  # noqa: TRY400 - where it was read tells nothing
            else:
                self._writer.execute("DELETE FROM dead_letters WHERE id = ?", (letter,))
        return [revived, *([] for _ in calls[1:])]

    def _event(
        self, letter: int, conversation: int, person: int, turn: int, _part: None, body: str
    ) -> Revived:
        chat, account = self._writer.execute(
            "SELECT c.id, c.account FROM conversations AS k JOIN chats AS c ON c.id = k.chat "
            "WHERE k.id = ?",
            (conversation,),
        ).fetchone()
        event = _decode(body)
        again = Event(f"{event.id} (retry {letter})", event.message, event.origin)
        place = Place(account, chat, conversation, person)
        arrival = self._inbox.add(place, again)
        self._writer.execute("UPDATE notes SET turn = ? WHERE turn = ?", (arrival.seq, turn))
        return Revived(arrival=arrival)

    def _reply(self, conversation: int, _person: int, turn: int, part: int, body: str) -> Revived:
        self._writer.execute(
            "INSERT INTO outbox (conversation, turn, part, body, owed_at) "
            "VALUES (?, ?, ?, ?, strftime('%s')) ON CONFLICT DO NOTHING",
            (conversation, turn, part, body),
        )
        return Revived(conversation=conversation)
