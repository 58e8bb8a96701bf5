"""From a platform's ids to the store's own, many at once; frequent ones are remembered.

1. An id that is unknown gets a number: of several workers that see it first, one makes it.
2. Those that are made together are numbered as they came, and inserted in the order of their ids
   on the platform, so that no two workers wait for each other.
3. What is remembered may have become untrue: another worker has learnt that two chats are one. That
   shows once the conversation is locked; then `forget`.
4. Who is told of without a name keeps theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from chatstate.messages import Chat, Message, User
from chatstate.scope import Place
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.transactions import Transaction

_REMEMBERED = 50_000

_FIND = """SELECT ci.chat, k.id, pi.person, h.kind, h.title, p.name, h.person
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
        WITH ORDINALITY AS g(account, chat, thread, person, n)
    LEFT JOIN chat_ids AS ci ON ci.account = g.account AND ci.platform_id = g.chat
    LEFT JOIN chats AS h ON h.id = ci.chat
    LEFT JOIN conversations AS k ON k.chat = ci.chat AND k.thread = g.thread
    LEFT JOIN person_ids AS pi ON pi.account = g.account AND pi.platform_id = g.person
    LEFT JOIN people AS p ON p.id = pi.person ORDER BY g.n"""
_MAKE_CHATS = """WITH given AS (SELECT DISTINCT ON (account, chat) * FROM
        unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
        AS g(account, chat, kind, title, n) ORDER BY account, chat, n),
    numbered AS MATERIALIZED (SELECT nextval(pg_get_serial_sequence('chats', 'id')) AS id, g.*
        FROM (SELECT * FROM given ORDER BY n) AS g),
    made AS (INSERT INTO chat_ids (account, platform_id, chat)
        SELECT account, chat, id FROM numbered ORDER BY account, chat
        ON CONFLICT DO NOTHING RETURNING chat)
    INSERT INTO chats (id, account, platform_id, kind, title)
    SELECT id, account, chat, kind, title FROM numbered WHERE id IN (SELECT chat FROM made)"""
_MAKE_CONVERSATIONS = """WITH given AS (SELECT DISTINCT ON (ci.chat, g.thread)
            g.account, ci.chat, g.thread, g.n
        FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY
            AS g(account, chat, thread, n)
        JOIN chat_ids AS ci ON ci.account = g.account AND ci.platform_id = g.chat
        WHERE NOT EXISTS (SELECT 1 FROM conversations AS k
            WHERE k.chat = ci.chat AND k.thread = g.thread)
        ORDER BY ci.chat, g.thread, g.n),
    numbered AS MATERIALIZED (SELECT nextval(pg_get_serial_sequence('conversations', 'id')) AS id,
        g.* FROM (SELECT * FROM given ORDER BY n) AS g)
    INSERT INTO conversations (id, account, chat, thread)
    SELECT id, account, chat, thread FROM numbered ORDER BY chat, thread ON CONFLICT DO NOTHING"""
_MAKE_PEOPLE = """WITH given AS (SELECT DISTINCT ON (account, person) * FROM
        unnest($1::bigint[], $2::text[], $3::text[]) AS g(account, person, name)
        ORDER BY account, person),
    made AS (INSERT INTO person_ids (account, platform_id, person)
        SELECT account, person, nextval(pg_get_serial_sequence('people', 'id')) FROM given
        ON CONFLICT DO NOTHING RETURNING account, platform_id, person)
    INSERT INTO people (id, account, platform_id, name)
    SELECT m.person, m.account, m.platform_id, g.name FROM made AS m
    JOIN given AS g ON g.account = m.account AND g.person = m.platform_id"""
_CALL_CHATS = """UPDATE chats SET kind = g.kind, title = g.title,
        person = CASE WHEN g.person > 0 THEN g.person ELSE chats.person END
    FROM (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
        AS g(id, kind, title, person) ORDER BY id) AS g WHERE chats.id = g.id"""
_CALL_PEOPLE = """UPDATE people SET name = g.name
    FROM (SELECT * FROM unnest($1::bigint[], $2::text[]) AS g(id, name) ORDER BY id) AS g
    WHERE people.id = g.id"""
_PERSON = "SELECT person FROM person_ids WHERE account = $1 AND platform_id = $2"
PLACE = """SELECT c.account, c.id, c.platform_id, c.kind, c.title, k.thread
    FROM conversations AS k JOIN chats AS c ON c.id = k.chat WHERE k.id = $1"""


WhoName = tuple[int, str, str, str]
"""An account, and the platform's ids of a chat, of a thread and of a person there."""


class Who(NamedTuple):
    """Somebody in a conversation, as a platform names them; an id of "" is nobody's.

    `is_told`: the platform has told so now, what the chat is called, too.
    """

    account: int
    chat: Chat
    thread: str
    sender: User
    is_told: bool = True

    @property
    def name(self) -> WhoName:
        """What identifies it."""
        return self.account, self.chat.id, self.thread, self.sender.id


def who(account: int, message: Message) -> Who:
    """Return who has said something where."""
    is_told = message.kind != "send"  # else nothing came from there
    return Who(account, message.chat, message.thread or "", message.sender, is_told)


class Directory:
    """Resolves ids in a transaction. It remembers those that are stored, and those alone."""

    def __init__(self) -> None:
        self._places: dict[WhoName, tuple[Place, str]] = {}

    def forget(self) -> None:
        """Forget what was remembered."""
        self._places.clear()

    async def places(self, transaction: Transaction, wanted: Sequence[Who]) -> dict[WhoName, Place]:
        """Return where these are, by their names; unknown ids get numbers."""
        found: dict[WhoName, Place] = {}
        unknown: dict[WhoName, Who] = {}
        for person in wanted:
            known = self._places.get(person.name)
            if known and known[1] == person.sender.name:
                found[person.name] = known[0]
            elif person.sender.name or person.name not in unknown:
                unknown[person.name] = person
        if unknown:
            found.update(await _resolve(transaction, list(unknown.values())))
        return found

    def remember(self, wanted: Iterable[Who], places: dict[WhoName, Place]) -> None:
        """Remember places that are durable."""
        for person in wanted:
            if len(self._places) >= _REMEMBERED:
                del self._places[next(iter(self._places))]
            self._places[person.name] = (places[person.name], person.sender.name)


async def conversation(
    transaction: Transaction, account: int, chat: Chat, thread: str | None
) -> Place:
    """Return where a conversation is, with nobody who speaks there; made if need be."""
    wanted = Who(account, chat, thread or "", User(""), is_told=False)
    return (await _resolve(transaction, [wanted]))[wanted.name]


async def person(transaction: Transaction, account: int, user: User) -> int:
    """Return the id of a person, made if need be."""
    await transaction.execute(_MAKE_PEOPLE, [account], [user.id], [user.name])
    number: int = await transaction.fetchval(_PERSON, account, user.id)
    if user.name:
        await transaction.execute(_CALL_PEOPLE, [number], [user.name])
    return number


async def place_in(transaction: Transaction, conversation: int, person: int) -> Place:
    """Return the place of a person in a conversation, 0 for nobody."""
    row = await transaction.fetchrow(PLACE, conversation)
    return Place(row[0], row[1], conversation, person)


async def _resolve(transaction: Transaction, wanted: Sequence[Who]) -> dict[WhoName, Place]:
    rows = await _find(transaction, wanted)
    if any(
        row[1] is None or (person.sender.id and row[2] is None)
        for person, row in zip(wanted, rows, strict=True)
    ):
        await _make(transaction, wanted)
        rows = await _find(transaction, wanted)
    await _call(transaction, wanted, rows)
    return {
        person.name: Place(person.account, row[0], row[1], row[2] or 0)
        for person, row in zip(wanted, rows, strict=True)
    }


async def _find(transaction: Transaction, wanted: Sequence[Who]) -> list[Any]:
    return await transaction.fetch(_FIND, *columns([person.name for person in wanted], 4))


async def _make(transaction: Transaction, wanted: Sequence[Who]) -> None:
    chats = [(w.account, w.chat.id, w.chat.kind, w.chat.title) for w in wanted]
    people = [(w.account, w.sender.id, w.sender.name) for w in wanted if w.sender.id]
    await transaction.execute(_MAKE_CHATS, *columns(chats, 4))
    await transaction.execute(_MAKE_CONVERSATIONS, *columns([w.name[:3] for w in wanted], 3))
    await transaction.execute(_MAKE_PEOPLE, *columns(people, 3))


async def _call(transaction: Transaction, wanted: Sequence[Who], rows: Sequence[Any]) -> None:
    """Note what chats and people are called now, and whose a chat is, if that is told."""
    chats: dict[int, tuple[str, str, int]] = {}
    people: dict[int, str] = {}
    for (_, chat, _, sender, is_told), (number, _, person, kind, title, name, whose) in zip(
        wanted, rows, strict=True
    ):
        its = person or 0 if chat.kind == "private" else 0
        if is_told and (kind, title, whose) != (chat.kind, chat.title, its or whose):
            chats[number] = (chat.kind, chat.title, its)
        if person and sender.name and sender.name != name:
            people[person] = sender.name
    if chats:
        told = [(number, *called) for number, called in chats.items()]
        await transaction.execute(_CALL_CHATS, *columns(told, 4))
    if people:
        await transaction.execute(_CALL_PEOPLE, *columns(list(people.items()), 2))
