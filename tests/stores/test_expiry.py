"""Values that expire, in SQLite: how they are found, shown, and moved with their chat."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatstate.scope import Key, Place, key
from chatstate.stores.base import Change, Due, TurnCommit, Value
from chatstate.stores.sqlite import SQLiteStore
from chatstate.stores.sqlite.states import DUE
from chatstate.testing.contracts.store.session import NOW, Session, StoreSuite, event


class Sessions(StoreSuite):
    def make_store(self, folder: Path, **options: Any) -> SQLiteStore:
        return SQLiteStore(folder / "test.db", **options)


sessions = Sessions()


def rows(folder: Path, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "test.db")) as connection:
        return connection.execute(statement, values).fetchall()


def expiring(session: Session, seq: int, place: Place, *keys: Key) -> TurnCommit:
    changes = [
        Change(what, 0, Value("1", next(session.versions), expires_at=NOW - 1)) for what in keys
    ]
    return TurnCommit(seq, place, next(session.versions), changes)


async def due(session: Session, name: str, scope: str) -> Sequence[Due]:
    bound = (scope, name, 1)
    return await session.store.due(bound, session.account.id, 0, 10)  # type: ignore[arg-type]  # any scope


async def test_what_is_due_is_found_by_an_index(tmp_path: Path) -> None:
    """So that looking costs nothing, however many values there are that are not due."""
    async with sessions.session(tmp_path):
        plan = rows(tmp_path, f"EXPLAIN QUERY PLAN {DUE}", ("bot", "member", "a", 1, 1, NOW, 9, 0))
        assert "USING INDEX state_values_expiring" in str(plan[0][3])
        assert "account=? AND expires_at<?" in str(plan[0][3])


async def test_the_sessions_view_tells_when_a_value_expires(tmp_path: Path) -> None:
    """As a date and time, beside that of its last change."""
    async with sessions.session(tmp_path) as session:
        (arrival,) = await session.arrive(event("1"))
        await session.commit(
            expiring(session, arrival.seq, arrival.place, key("bot", "user", "a", arrival.place))
        )
        assert rows(tmp_path, "SELECT changed, expires FROM sessions") == [
            ("2027-01-15T08:00:00Z", "2027-01-15T07:59:59Z")
        ]


async def test_values_expire_in_the_chat_they_were_moved_to(tmp_path: Path) -> None:
    """Two chats that turn out to be session: also those that only were used there last."""
    async with sessions.session(tmp_path) as session:
        (old, new) = await session.arrive(event("1"), event("2", chat="super"))
        keys = [key("bot", scope, "a", new.place) for scope in ("member", "chat", "global")]
        await session.commit(expiring(session, new.seq, new.place, *keys))
        await session.store.alias(session.account.id, "room", "super")
        for scope in ("member", "chat", "global"):
            (found,) = await due(session, "a", scope)
            assert found.conversation == old.place.conversation
            assert found.key == key("bot", scope, "a", old.place)


async def test_what_was_kept_aside_does_not_expire(tmp_path: Path) -> None:
    """Of two values of one chat the older expires; the other is there for whoever looks for it."""
    async with sessions.session(tmp_path) as session:
        (old, new) = await session.arrive(event("1"), event("2", chat="super"))
        for arrival in (old, new):
            what = key("bot", "chat", "a", arrival.place)
            await session.commit(expiring(session, arrival.seq, arrival.place, what))
        await session.store.alias(session.account.id, "room", "super")
        (found,) = await due(session, "a", "chat")
        assert found.key.place == old.place.chat
        assert len(rows(tmp_path, "SELECT * FROM states")) == 2
