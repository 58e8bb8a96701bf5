"""From a platform's ids to the store's own, remembered in memory for those who speak often.

1. What is unknown gets a row. What is known is called as the platform calls it now, if anything
   came from there: what the bot itself says there tells nothing of it.
2. A chat from which anything comes takes something: its mark is taken off. Whoever marks one lets
   what is remembered be forgotten, so that this is seen.
"""

from __future__ import annotations

import sqlite3

from chatstate.messages import Chat, Message, User
from chatstate.scope import Place

_REMEMBERED = 50_000
_CALL = """UPDATE chats SET kind = ?1, title = ?2, blocked_at = NULL,
        person = CASE WHEN ?3 > 0 THEN ?3 ELSE person END
    WHERE id = ?4 AND (kind <> ?1 OR title <> ?2 OR blocked_at IS NOT NULL
        OR (?3 > 0 AND person <> ?3))"""


class Directory:
    """Resolves ids inside the writer's transaction; `forget` when that is rolled back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._places: dict[tuple[int, str, str | None, str], tuple[Place, str]] = {}

    def forget(self) -> None:
        """Forget what was remembered."""
        self._places.clear()

    def place(self, account: int, message: Message) -> Place:
        """Return where `message` was said and by whom; unknown ids get new rows."""
        sender = message.sender
        name = (account, message.chat.id, message.thread, sender.id)
        found = self._places.get(name)
        if found is None or found[1] != sender.name:
            chat = self._chat(account, message.chat)
            conversation = self._conversation(chat, message.thread or "")
            person = self.person(account, sender) if sender.id else 0  # nobody
            if message.kind != "send":  # else nothing came from there
                self._call(chat, message.chat, person)
            place = Place(account, chat, conversation, person)
            self._remember(name, place, sender.name)
            return place
        return found[0]

    def conversation(self, account: int, chat: Chat, thread: str | None) -> Place:
        """Return where a conversation is, with nobody who speaks there."""
        number = self._chat(account, chat)
        return Place(account, number, self._conversation(number, thread or ""), 0)

    def _remember(self, name: tuple[int, str, str | None, str], place: Place, called: str) -> None:
        if len(self._places) >= _REMEMBERED:
            del self._places[next(iter(self._places))]
        self._places[name] = (place, called)

    def _chat(self, account: int, chat: Chat) -> int:
        row = self._connection.execute(
            "SELECT chat FROM chat_ids WHERE account = ? AND platform_id = ?", (account, chat.id)
        ).fetchone()
        if row:
            return int(row[0])
        new = self._insert(
            "INSERT INTO chats (account, platform_id, kind, title) VALUES (?, ?, ?, ?)",
            (account, chat.id, chat.kind, chat.title),
        )
        self._insert("INSERT INTO chat_ids VALUES (?, ?, ?)", (account, chat.id, new))
        return new

    def _call(self, number: int, chat: Chat, person: int) -> None:
        """Note what a chat is, and is called, as the platform tells it now; it takes things.

        And whose it is, if it is private.
        """
        whose = person if chat.kind == "private" else 0
        self._connection.execute(_CALL, (chat.kind, chat.title, whose, number))

    def _conversation(self, chat: int, thread: str) -> int:
        row = self._connection.execute(
            "SELECT id FROM conversations WHERE chat = ? AND thread = ?", (chat, thread)
        ).fetchone()
        if row:
            return int(row[0])
        return self._insert(
            "INSERT INTO conversations (chat, thread) VALUES (?, ?)", (chat, thread)
        )

    def person(self, account: int, user: User) -> int:
        """Return the id of a person, noting what they are called now, if that is told."""
        row = self._connection.execute(
            "SELECT person FROM person_ids WHERE account = ? AND platform_id = ?",
            (account, user.id),
        ).fetchone()
        if row:
            if user.name:
                self._connection.execute(
                    "UPDATE people SET name = ? WHERE id = ? AND name <> ?",
                    (user.name, row[0], user.name),
                )
            return int(row[0])
        new = self._insert(
            "INSERT INTO people (account, platform_id, name) VALUES (?, ?, ?)",
            (account, user.id, user.name),
        )
        self._insert("INSERT INTO person_ids VALUES (?, ?, ?)", (account, user.id, new))
        return new

    def _insert(self, statement: str, values: tuple[object, ...]) -> int:
        return self._connection.execute(statement, values).lastrowid or 0
