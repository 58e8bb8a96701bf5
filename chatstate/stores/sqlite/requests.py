"""What others ask of the process that runs the bot, fulfilled inside its open transaction.

1. A request about a dead letter is fulfilled by the process that runs the letter's account, one
   about a value by that of its bot; if none runs, by the next.
2. Of several requests for one letter the newest counts; the letter is gone afterwards. Requests
   about values are fulfilled in their order.
3. What is stored of a letter may be unreadable, which is told when it is to be retried; it stays.
4. What is asked to be sent is not fulfilled here: it is listed, and taken up, in `sends`.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from chatstate.messages import Event
from chatstate.scope import Key, Place
from chatstate.stores.base import Answer, Request
from chatstate.stores.events import retried
from chatstate.stores.sqlite import erasing, references
from chatstate.stores.sqlite.inbox import Inbox
from chatstate.stores.sqlite.names import StateNames

log = logging.getLogger("chatstate.store")

_decode_event = msgspec.json.Decoder(Event).decode
_decode = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.Encoder().encode

# What has an account needs the newest schema; all else is asked of a file of an older one, too.
_ASK = "INSERT INTO requests (verb, letter, asked_at, body) VALUES (?, ?, ?, ?)"
_OF_ACCOUNT = "UPDATE requests SET account = ? WHERE id = ?"
_OWE_AGAIN = """INSERT INTO outbox (conversation, person, turn, part, body, owed_at)
    VALUES (?, ?, ?, ?, ?, ?)"""
# One row for each letter: that of the newest request.
_OF_LETTERS = """SELECT max(r.id), r.verb, d.id, d.kind, d.conversation, d.person, d.turn, d.part,
        d.body
    FROM requests AS r JOIN dead_letters AS d ON d.id = r.letter
    JOIN conversations AS k ON k.id = d.conversation JOIN chats AS c ON c.id = k.chat
    WHERE c.account IN (SELECT value FROM json_each(?)) GROUP BY d.id ORDER BY 1"""
_OF_VALUES = """SELECT id, body FROM requests
    WHERE letter = 0 AND json_extract(body, '$.key[0]') = ? ORDER BY id"""
ANY = f"""SELECT 1 WHERE EXISTS (SELECT 1 FROM requests)
    AND (EXISTS ({_OF_LETTERS}) OR EXISTS ({_OF_VALUES}))"""  # noqa: S608 - our own statements
_SET = """INSERT INTO state_values (state, place, person, value, version, schema, changed_at)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value,
        version = excluded.version, schema = excluded.schema, changed_at = excluded.changed_at"""
_DELETE = "DELETE FROM state_values WHERE state = ? AND place = ? AND person = ?"


def ask(connection: sqlite3.Connection, request: Request, now: float) -> bool:
    """Note a request, inside the open transaction; see `Inspection.ask`."""
    if request.verb == "forget":
        return erasing.note(connection, request, now)
    if request.ref and not references.expect(connection, request.ref, request.expires_at, now):
        return False
    body = _encode(request).decode() if request.key or request.account else None
    asked = connection.execute(_ASK, (request.verb, request.number, now, body))
    if request.account:
        connection.execute(_OF_ACCOUNT, (request.account, asked.lastrowid))
    return True


class Requests:
    """Fulfils what was asked. `wanted` tells what `ANY` takes: accounts as JSON, and the bot."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        inbox: Inbox,
        clock: Callable[[], float],
        wanted: Callable[[], tuple[str, str]],
    ) -> None:
        self._writer = writer
        self._inbox = inbox
        self._clock = clock
        self._names = StateNames(writer)
        self._wanted = wanted

    def answer(self, calls: Sequence[Iterator[int]]) -> list[list[Answer]]:
        """Return what has changed, for the first of the calls."""
        accounts, bot = self._wanted()
        letters = self._writer.execute(_OF_LETTERS, (accounts,)).fetchall()
        values = self._writer.execute(_OF_VALUES, (bot,)).fetchall()
        self._names.clear()
        changed = [answer for row in letters for answer in self._letter(*row)]
        changed += [self._value(number, _decode(body), next(calls[0])) for number, body in values]
        return [changed, *([] for _ in calls[1:])]

    def _letter(self, _: int, verb: str, letter: int, kind: str, *what: Any) -> Iterator[Answer]:
        self._writer.execute("DELETE FROM requests WHERE letter = ?", (letter,))
        try:
            if verb == "retry":
                yield self._event(letter, *what) if kind == "event" else self._reply(*what)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            log.error("dead letter %d cannot be read, nor retried: %s", letter, error)  # noqa: TRY400 - where it was read tells nothing
        else:
            self._writer.execute("DELETE FROM dead_letters WHERE id = ?", (letter,))

    def _event(
        self, letter: int, conversation: int, person: int, turn: int, _part: None, body: str
    ) -> Answer:
        chat, account = self._writer.execute(
            "SELECT c.id, c.account FROM conversations AS k JOIN chats AS c ON c.id = k.chat "
            "WHERE k.id = ?",
            (conversation,),
        ).fetchone()
        place = Place(account, chat, conversation, person)
        arrival = self._inbox.add(place, retried(_decode_event(body), letter))
        self._writer.execute("UPDATE notes SET turn = ? WHERE turn = ?", (arrival.seq, turn))
        return Answer(arrival=arrival)

    def _reply(self, conversation: int, person: int, turn: int, part: int, body: str) -> Answer:
        of = (conversation, person, turn, part, body, self._clock())
        self._writer.execute(_OWE_AGAIN, of)
        return Answer(conversation=conversation)

    def _value(self, number: int, request: Request, version: int) -> Answer:
        key = Key(*request.key) if request.key else Key("", "global", "", 0, 0)
        of = (self._names[key[:3]], key.place, key.person)
        if request.verb == "set":
            new = (request.text, version, request.schema, self._clock())
            self._writer.execute(_SET, (*of, *new))
        else:
            self._writer.execute(_DELETE, of)
        self._writer.execute("DELETE FROM requests WHERE id = ?", (number,))
        return Answer(key=key)
