"""What `MemoryStore`s share: the tables of a store, as dicts of rows.

1. A row is changed only within a verb, in one step of the event loop: nobody sees half of it.
2. Nothing that a verb returns refers to a row.
3. Numbers of one kind are never used again.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
import weakref
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from chatstate.adapter.transcript import PageMessage
from chatstate.messages import ChatKind
from chatstate.scope import Key, Scope
from chatstate.stores.base import (
    Asked,
    Backup,
    FoundButton,
    Owed,
    Request,
    Role,
    StoredTimer,
    Value,
)
from chatstate.stores.broadcasts import Broadcast, Recipient
from chatstate.stores.forgetting import Forgotten, Tombstones

TimerKey = tuple[int, int, str]
"""The conversation, the person and the key of a timer."""
OF_A_CONVERSATION: tuple[Scope, ...] = ("member", "thread")


@dataclass(eq=False, slots=True)
class Worker:
    """A run until its end: for whom, since and until when, and which conversations have news.

    `versions` are those of the states it shares with others.
    `woken` is set when there is something for it to do. `is_over`: it has ended or is buried.
    """

    id: int
    bot: str
    since: float
    until: float
    versions: dict[str, int]
    accounts: set[int] = field(default_factory=set[int])
    news: dict[int, None] = field(default_factory=dict[int, None])
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False


@dataclass(eq=False, slots=True)
class ChatRow:
    """A chat; `platform_id` is the newest of its ids. `is_blocked`: it takes nothing any more.

    `person`: with whom it is, if it is private, 0 if that is not known.
    """

    account: int
    platform_id: str
    kind: ChatKind
    title: str
    is_blocked: bool = False
    person: int = 0


@dataclass(eq=False, slots=True)
class PersonRow:
    """A person."""

    account: int
    platform_id: str
    name: str


@dataclass(eq=False, slots=True)
class ConversationRow:
    """A chat, or a thread in it ("" for none), and the run that holds it."""

    chat: int
    thread: str
    holder: Worker | None = None
    crashes: int = 0


@dataclass(eq=False, slots=True)
class EventRow:
    """An event; `body` is its JSON. `done_at` and `attempt` once it is done; `stored_by` a run."""

    seq: int
    account: int
    conversation: int
    person: int
    event_id: str
    body: str
    arrived_at: float
    stored_by: int
    ahead: bool = False
    crashes: int = 0
    done_at: float | None = None
    attempt: int | None = None


@dataclass(eq=False, slots=True)
class ReplyRow:
    """A reply owed, in its conversation, and whom it answers."""

    owed: Owed
    owed_at: float
    person: int = 0


@dataclass(eq=False, slots=True)
class ValueRow:
    """A value, and the account and the conversation that used it last, if it expires."""

    number: int
    value: Value
    changed_at: float
    account: int = 0
    conversation: int = 0


@dataclass(eq=False, slots=True)
class ButtonRow:
    """A kept button, and on which part of which turn's replies it hangs."""

    found: FoundButton
    turn: int
    part: int
    expires_at: float
    person: int


@dataclass(eq=False, slots=True)
class SentRow:
    """What a reference leads to, until `expires_at`; see `Reference`."""

    expires_at: float
    conversation: int = 0
    turn: int = 0
    part: int = 0
    message: str | None = None
    content: str | None = None
    is_deleted: bool = False
    sent_after: int = 0
    person: int = 0


@dataclass(eq=False, slots=True)
class RecipientRow:
    """A recipient of a job, and what has become of it; "" before it is reached."""

    recipient: Recipient
    fate: str = ""
    conversation: int = 0
    turn: int = 0


@dataclass(eq=False, slots=True)
class LetterRow:
    """A dead letter: an event, or the reply `part` of a turn."""

    number: int
    kind: str
    bot: str
    conversation: int
    person: int
    turn: int
    part: int | None
    body: str
    error: str
    detail: str
    died_at: float


class MemoryData:
    """The tables. Each `MemoryStore` on them that is open is one run, as a process would be.

    `waiting` are the events that are not done, `lines` the replies owed, by conversation and then
    by number, in the order of these.
    """

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict(int)
        self.folder = Path(tempfile.gettempdir()) / f"chatstate-memory-{uuid.uuid4().hex}"
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.workers: dict[int, Worker] = {}
        self.leaders: dict[Role, Worker] = {}
        self.secrets: dict[str, bytes] = {}
        self.accounts: dict[tuple[str, str, str], int] = {}
        self.tenants: dict[tuple[str, str], int] = {}
        self.tenancy: dict[int, int] = {}
        self.cursors: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self.remembered: dict[tuple[int, str], str] = {}
        self.chats: dict[int, ChatRow] = {}
        self.chat_ids: dict[tuple[int, str], int] = {}
        self.people: dict[int, PersonRow] = {}
        self.person_ids: dict[tuple[int, str], int] = {}
        self.conversations: dict[int, ConversationRow] = {}
        self.threads: dict[tuple[int, str], int] = {}
        self.events: dict[int, EventRow] = {}
        self.event_ids: dict[tuple[int, str], int] = {}
        self.waiting: defaultdict[int, dict[int, EventRow]] = defaultdict(dict)
        self.lines: defaultdict[int, dict[int, ReplyRow]] = defaultdict(dict)
        self.notes: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self.values: dict[Key, ValueRow] = {}
        self.timers: dict[TimerKey, StoredTimer] = {}
        self.files: dict[str, bytes] = {}
        self.buttons: dict[str, ButtonRow] = {}
        self.sent: dict[str, SentRow] = {}
        self.letters: dict[int, LetterRow] = {}
        self.requests: dict[int, Request] = {}
        self.asked: dict[int, Asked] = {}
        self.broadcasts: dict[int, Broadcast] = {}
        self.backups: dict[str, Backup] = {}
        self.forgotten: dict[int, Forgotten] = {}
        self.passed: defaultdict[int, set[int]] = defaultdict(set)
        self.tombstones: defaultdict[str, Tombstones] = defaultdict(Tombstones)
        self.recipients: defaultdict[int, dict[int, RecipientRow]] = defaultdict(dict)
        self.transcripts: defaultdict[tuple[int, str], dict[int, PageMessage]] = defaultdict(dict)
        self.revisions: dict[tuple[int, str], int] = {}
        self.crashed_at: float | None = None

    def number(self, kind: str) -> int:
        """Return the next number of a kind."""
        self._numbers[kind] += 1
        return self._numbers[kind]

    def account_of(self, conversation: int) -> int:
        """Return the account whose conversation it is."""
        return self.chats[self.conversations[conversation].chat].account

    def bot_of(self, account: int) -> str:
        """Return the bot whose account it is."""
        return next(name[0] for name, number in self.accounts.items() if number == account)

    def tenant_of(self, account: int) -> str:
        """Return the name of the tenant whose account it is, "" for the bot's own."""
        return self.tenant_name(self.tenancy[account])

    def tenant_name(self, tenant: int) -> str:
        """Return the name of a tenant by its id, "" for none."""
        return next((name for (_, name), number in self.tenants.items() if number == tenant), "")

    def has_work(self, conversation: int) -> bool:
        """Tell whether events wait in a conversation, or replies are owed to it."""
        return bool(self.waiting.get(conversation) or self.lines.get(conversation))

    def owes(self, turn: int) -> bool:
        """Tell whether a turn has replies that are owed."""
        return any(row.owed.turn == turn for line in self.lines.values() for row in line.values())
