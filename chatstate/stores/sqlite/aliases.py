"""One chat under two of the platform's ids. Runs inside the open transaction.

1. Usually the new id is unknown: it becomes another name of the chat, and all else stays.
2. If both ids were in use, the chat that was there first stays. Conversations, events, replies,
   timers and values of the other are moved to it, but for values it has itself: these are kept
   aside where they are, out of use, and logged. Of two timers under one key the older chat's stays.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

import msgspec

log = logging.getLogger("chatstate.store")

_CHAT = "SELECT chat FROM chat_ids WHERE account = ? AND platform_id = ?"
_SAME_THREAD = """SELECT other.id, mine.id FROM conversations AS other
    JOIN conversations AS mine ON mine.thread = other.thread AND mine.chat = ?
    WHERE other.chat = ?"""
_OF = "WHERE place = ? AND state IN (SELECT id FROM state_names WHERE scope = ?)"
_MOVE = f"UPDATE OR IGNORE state_values SET place = ? {_OF}"  # noqa: S608 - ours
# What is kept aside does not expire.
_KEEP_ASIDE = f"UPDATE state_values SET expires_at = NULL {_OF}"  # noqa: S608 - ours
_MOVE_TIMERS = "UPDATE OR IGNORE timers SET conversation = ? WHERE conversation = ?"
_DROP_TIMERS = "DELETE FROM timers WHERE conversation = ?"
_SCOPES = {"chat": ("chat",), "conversation": ("member", "thread")}


class Alias(msgspec.Struct, frozen=True):
    """The chat `old` of an account is called `new` from now on."""

    account: int
    old: str
    new: str


class Aliases:
    """Notes aliases."""

    def __init__(self, writer: sqlite3.Connection) -> None:
        self._writer = writer

    def note(self, aliases: Sequence[Alias]) -> list[None]:
        """Make the two ids of each one chat."""
        for alias in aliases:
            self._note(alias)
        return [None] * len(aliases)

    def _note(self, alias: Alias) -> None:
        known = self._chat(alias.account, alias.old)
        other = self._chat(alias.account, alias.new)
        chats = sorted({chat for chat in (known, other) if chat is not None})
        if not chats:
            return
        chat = chats[0]
        for younger in chats[1:]:
            self._merge(chat, younger)
            self._writer.execute("UPDATE chat_ids SET chat = ? WHERE chat = ?", (chat, younger))
        for name in (alias.old, alias.new):
            self._writer.execute(
                "INSERT INTO chat_ids VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (alias.account, name, chat),
            )
        self._writer.execute("UPDATE chats SET platform_id = ? WHERE id = ?", (alias.new, chat))

    def _chat(self, account: int, name: str) -> int | None:
        row = self._writer.execute(_CHAT, (account, name)).fetchone()
        return row[0] if row else None

    def _merge(self, first: int, second: int) -> None:
        self._move_states("chat", second, first)
        for other, mine in self._writer.execute(_SAME_THREAD, (first, second)).fetchall():
            self._move_states("conversation", other, mine)
            for table in ("inbox", "outbox", "dead_letters", "sent"):
                self._writer.execute(
                    f"UPDATE {table} SET conversation = ? WHERE conversation = ?",  # noqa: S608 - our names
                    (mine, other),
                )
            self._writer.execute(
                "UPDATE state_values SET conversation = ? WHERE conversation = ?", (mine, other)
            )
            self._writer.execute(_MOVE_TIMERS, (mine, other))
            self._writer.execute(_DROP_TIMERS, (other,))
        self._writer.execute(
            "UPDATE conversations SET chat = ? WHERE chat = ? AND thread NOT IN "
            "(SELECT thread FROM conversations WHERE chat = ?)",
            (first, second, first),
        )

    def _move_states(self, kind: str, other: int, mine: int) -> None:
        for scope in _SCOPES[kind]:
            self._writer.execute(_MOVE, (mine, other, scope))
            self._writer.execute(_KEEP_ASIDE, (other, scope))
            left = self._writer.execute(
                "SELECT bot, name, person FROM states WHERE place = ? AND scope = ?",
                (other, scope),
            )
            for bot, name, person in left:
                log.warning(
                    "two chats became one: %s state %r of bot %r (place %s, person %s) is kept "
                    "aside, because the older chat has its own",
                    scope,
                    name,
                    bot,
                    other,
                    person,
                )
