"""The schema, as sqlite-utils migrations. What a released migration did is permanent.

1. What a migration makes stands in `tables`, or is one statement, or code of its own.
2. A new file is written from the current schema at once.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlite_utils import Database, Migrations

from chatstate.errors import StorageError
from chatstate.stores.sqlite import tables
from chatstate.stores.sqlite.integer_keys import rewrite

migrations = Migrations("chatstate")


@migrations()
def m001_initial(db: Database) -> None:
    """Create the tables."""
    for statement in tables.INITIAL:
        db.conn.execute(statement)


@migrations()
def m002_integer_keys(db: Database) -> None:
    """Key values by integers: `state_values` and `state_names`; `states` becomes a view."""
    rewrite(db.conn)


@migrations()
def m003_rows(db: Database) -> None:
    """Give replies owed their rows, cursors their parts, requests their values."""
    for statement in tables.ROWS:
        db.conn.execute(statement)


@migrations()
def m004_tenants(db: Database) -> None:
    """Give accounts the tenants whose they are."""
    for statement in tables.TENANTS:
        db.conn.execute(statement)


@migrations()
def m005_sent(db: Database) -> None:
    """Add references to what is sent, changes of it, and requests to send something."""
    for statement in tables.SENT:
        db.conn.execute(statement)


@migrations()
def m006_timers(db: Database) -> None:
    """Add timers."""
    for statement in tables.TIMERS:
        db.conn.execute(statement)


@migrations()
def m007_broadcasts(db: Database) -> None:
    """Add broadcasts and their recipients, and the mark of chats that take nothing any more."""
    for statement in tables.BROADCASTS:
        db.conn.execute(statement)


@migrations()
def m008_transcripts(db: Database) -> None:
    """Add what pages of ours show."""
    for statement in tables.TRANSCRIPTS:
        db.conn.execute(statement)


@migrations()
def m009_forgotten(db: Database) -> None:
    """Add who is forgotten, whose a private chat is, and which backups were made."""
    for statement in tables.FORGOTTEN:
        db.conn.execute(statement)


@migrations()
def m010_engines(db: Database) -> None:
    """Add which version of chatstate a run has."""
    db.conn.execute("ALTER TABLE runs ADD COLUMN engine TEXT NOT NULL DEFAULT ''")


@migrations()
def m011_sent_after(db: Database) -> None:
    """Add the newest event that was stored before it was noted that a message is sent."""
    db.conn.execute("ALTER TABLE sent ADD COLUMN sent_after INTEGER NOT NULL DEFAULT 0")


@migrations()
def m012_answered(db: Database) -> None:
    """Add whom what is owed, buttons and references answer: events are known for 48 hours only."""
    for statement in tables.ANSWERED:
        db.conn.execute(statement)


@functools.cache
def blank() -> bytes:
    """Return a database file with the current schema, and nothing else in it."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        migrate(Database(made), "a new store")
        return made.serialize()


def migrate(db: Database, path: Path | str) -> None:
    """Bring the schema up to date, all at once or not at all.

    Raises `StorageError` if a newer chatstate has written it, or if the disk has no room for what
    is to be done; nothing is touched then.
    """
    refuse_newer(db, path)
    with db.atomic():
        migrations.apply(db)


def missing(db: Database) -> Sequence[str]:
    """Return the migrations that a database has not had."""
    return [migration.name for migration in migrations.pending(db)]


def refuse_newer(db: Database, path: Path | str) -> None:
    """Raise `StorageError` if a newer chatstate has written a database."""
    with contextlib.closing(Database(memory=True)) as empty:
        known = {migration.name for migration in migrations.pending(empty)}
    newer = sorted({migration.name for migration in migrations.applied(db)} - known)
    if newer:
        raise StorageError(
            f"{path} was written by a newer chatstate (it has {newer[-1]}): "
            "update chatstate, or use another store"
        )
