"""What is erased of a person, as statements of both SQL stores, in their order.

1. In braces stand numbers of the store's own, which need no quoting. `$1` is the person's id on the
   platform, where a statement has one.
2. `forgetting` is a table of the transaction's own: the numbers of the events that are erased.
3. A table that comes to hold something of people gets its statement here, and in `MemoryStore`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from msgspec.structs import replace

from chatstate.inspection import Request
from chatstate.messages import Chat, User
from chatstate.stores.broadcasts import Audience, Recipient


class _To(msgspec.Struct, frozen=True):
    """To whom a letter is, of all that it is; see `engine.outbox.letters`."""

    user: User | None = None
    chat: Chat | None = None


_to = msgspec.json.Decoder(_To).decode
_request = msgspec.json.Decoder(Request).decode
_audience = msgspec.json.Decoder(Audience).decode

_CHATS = "(SELECT id FROM chats WHERE person = {person})"
LANES = f"(SELECT id FROM conversations WHERE chat IN {_CHATS})"  # noqa: S608 - ours
_TURNS = "(SELECT turn FROM forgetting)"
_THERE = f"(person = {{person}} OR conversation IN {LANES} OR turn IN {_TURNS})"
_THEIRS = f"(person = {{person}} OR conversation IN {LANES})"

ADOPT = """UPDATE chats SET person = {person} WHERE account = {account} AND kind = 'private'
    AND person = 0 AND (platform_id = $1 OR id IN (SELECT chat FROM conversations WHERE id IN (
        SELECT conversation FROM inbox WHERE person = {person}
        UNION SELECT place FROM states WHERE person = {person} AND scope = 'member'
        UNION SELECT conversation FROM timers WHERE person = {person}
        UNION SELECT conversation FROM dead_letters WHERE person = {person})))"""
"""Lets private chats be theirs of which the store does not know whose they are."""
FIND = f"INSERT INTO forgetting SELECT seq FROM inbox WHERE {_THEIRS}"  # noqa: S608 - ours
FOUND = "SELECT turn FROM forgetting ORDER BY turn"
OF_CHATS = "SELECT id FROM chats WHERE person = {person} ORDER BY id"
OF_LANES = f"SELECT id FROM conversations WHERE id IN {LANES} ORDER BY id"  # noqa: S608 - ours
ERASE = tuple(
    statement.replace("THERE", _THERE).replace("THEIRS", _THEIRS).replace("CHATS", _CHATS)
    for statement in (
        f"""DELETE FROM notes WHERE turn IN {_TURNS}
            OR turn IN (SELECT turn FROM dead_letters WHERE THEIRS)""",  # noqa: S608 - ours
        "DELETE FROM buttons WHERE THERE",
        "DELETE FROM sent WHERE THERE",
        "DELETE FROM outbox WHERE THERE",
        "DELETE FROM dead_letters WHERE THERE",
        "DELETE FROM timers WHERE THEIRS",
        """UPDATE inbox SET body = NULL, done_at = coalesce(done_at, {now})
            WHERE seq IN (SELECT turn FROM forgetting)""",
        "DELETE FROM chat_ids WHERE chat IN CHATS",
        "UPDATE chats SET platform_id = '', title = '' WHERE person = {person}",
        "DELETE FROM person_ids WHERE person = {person}",
        "DELETE FROM people WHERE id = {person}",
        "UPDATE forgotten SET erased_at = {now} WHERE id = {number}",
    )
)
VALUES = (
    "person = {person}",
    f"scope IN ('member', 'thread') AND place IN {LANES}",
    f"scope = 'chat' AND place IN {_CHATS}",
)
"""Which values are theirs: each of these conditions holds for some."""
IDS_OF_CHATS = f"SELECT platform_id FROM chat_ids WHERE chat IN {_CHATS}"  # noqa: S608 - ours
FORGOT = "UPDATE forgotten SET user_id = '', person = 0, turn = 0 WHERE id = {number}"
DONE = """UPDATE forgotten SET done_at = coalesce(done_at, {now})
    WHERE id = {number} AND user_id = ''"""
_ROWS = """SELECT id, bot, account, person, user_id, mark, asked_at, turn, erased_at, done_at
    FROM forgotten {open} ORDER BY id"""
EVERY, OPEN = _ROWS.format(open=""), _ROWS.format(open="WHERE done_at IS NULL")
BURY = """INSERT INTO forgotten
    (bot, account, person, user_id, mark, asked_at, erased_at, done_at)
    VALUES ($1, 0, 0, '', $2, $3, $3, $3)"""
ASKED = "SELECT 1 FROM forgotten WHERE person = {person} AND done_at IS NULL"
WHO = """SELECT a.bot, a.id, a.platform, a.platform_id, p.platform_id, s.secret
    FROM people AS p JOIN accounts AS a ON a.id = p.account JOIN secrets AS s ON s.bot = a.bot
    WHERE p.id = {person}"""
NOTE = """INSERT INTO forgotten (bot, account, person, user_id, mark, asked_at, turn)
    VALUES ($1, $2, $3, $4, $5, $6, $7)"""
MARKS = "SELECT mark, max(erased_at) FROM forgotten WHERE erased_at IS NOT NULL GROUP BY mark"


def is_theirs(
    body: str,
    account: int | None,
    somebody: Mapping[str, float],
    user: str,
    chats: Collection[str],
    lanes: Collection[int],
) -> bool:
    """Tell whether a request is about a value of somebody's, or says something to them.

    They are `user` on the platform, with these private chats and conversations.
    """
    try:
        request = _request(body)
        to = _to(request.text) if request.verb == "send" else _To()
    except (msgspec.DecodeError, UnicodeError):
        return False
    if request.key:
        _, scope, _, place, person = request.key
        in_lane = scope in ("member", "thread") and place in lanes
        return person == somebody["person"] or in_lane
    is_to_them = (to.user and to.user.id == user) or (to.chat and to.chat.id in chats)
    return account == somebody["account"] and bool(is_to_them)


def without(audience: str, account: int, user: str, chats: Collection[str]) -> str:
    """Return an audience that lists somebody no more: another one stands in their place.

    How far a job is gathered is counted in places, and nobody is reached twice.
    """
    return msgspec.json.encode(left_of(_audience(audience), account, user, chats)).decode()


def left_of(audience: Audience, account: int, user: str, chats: Collection[str]) -> Audience:
    """Return the same for an audience that is no text."""
    others = [r for r in audience.listed if not _is(r, account, user, chats)]
    listed = [others[0] if _is(r, account, user, chats) else r for r in audience.listed if others]
    return replace(audience, listed=listed)


def encoded(request: Request) -> str:
    """Return a request as stores keep it."""
    return msgspec.json.encode(request).decode()


def _is(recipient: Recipient, account: int, user: str, chats: Collection[str]) -> bool:
    to_user = recipient.user is not None and recipient.user.id == user
    to_chat = recipient.chat is not None and recipient.chat.id in chats
    return recipient.account == account and (to_user or to_chat)
